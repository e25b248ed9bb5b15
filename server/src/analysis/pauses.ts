/**
 * Long work lets the event loop turn now and then: only then can somebody stop it, or be answered. When that is depends on
 * time, so nothing that is found may depend on it.
 */

/** Whoever types waits no longer than this, and for what cannot be interrupted. */
const LONGEST_MS = 20;

export class Pauses {
  private last = performance.now();

  constructor(readonly signal?: AbortSignal) {}

  /** Asked often; `take` is then to be awaited. */
  get due(): boolean {
    return performance.now() - this.last > LONGEST_MS;
  }

  /** Rejects with the signal's reason when it has fired. */
  async take(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.last = performance.now();
    this.signal?.throwIfAborted();
  }
}
