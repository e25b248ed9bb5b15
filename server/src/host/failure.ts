/** How a failure is told. */

/** Words for an exception that a fact function threw; the first line is enough for a list. */
export function failureReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `could not be analysed: ${message.split("\n")[0]}`;
}
