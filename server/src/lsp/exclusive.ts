/** One task at a time, in order of asking: the engine is asked one question at a time. */
export class Exclusive {
  private tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task, task);
    this.tail = result.catch(() => {});
    return result;
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
