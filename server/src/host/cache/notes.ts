/** What the cache has to say to the user: each thing once, in one line, and never an error that stops anything. */
import { errorReason } from "../walk.js";

export class CacheNotes {
  private readonly said = new Set<string>();
  readonly lines: string[] = [];

  /** `topic` is said once whatever the wording. */
  say(topic: string, line: string): void {
    if (this.said.has(topic)) return;
    this.said.add(topic);
    this.lines.push(`cache: ${line}`);
  }

  cannotWrite(folder: string, error: unknown): void {
    this.say(
      "write",
      `${folder} cannot be written (${errorReason(error)}): nothing is kept for the next run`,
    );
  }
}
