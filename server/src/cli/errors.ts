/** Exit codes of the command line and the errors that lead to them. They are a promise: scripts rely on them. */

export const ExitCode = {
  /** Nothing found. */
  Clean: 0,
  Findings: 1,
  /** Wrong use, or an input that the user named and that cannot be read. */
  Usage: 2,
  Internal: 3,
  /** Stopped by Ctrl+C, as shells expect it (128 + SIGINT). */
  Cancelled: 130,
} as const;

/** Something that the user can put right; its message is all that is shown. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The user stopped the run. */
export class CancelledError extends Error {
  override name = "CancelledError";
  constructor() {
    super("cancelled");
  }
}
