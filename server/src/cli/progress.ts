/** A single moving line on a terminal's standard error; nothing where there is no terminal. */
import type { Progress } from "../engine.js";

const INTERVAL_MS = 100;

export class ProgressLine {
  private shownAt = 0;
  private shown = false;
  private phase = "";

  constructor(private readonly stream: NodeJS.WriteStream) {}

  readonly update = ({ phase, done, total }: Progress): void => {
    if (!this.stream.isTTY) return;
    const now = Date.now();
    if (phase === this.phase && now - this.shownAt < INTERVAL_MS) return;
    this.phase = phase;
    this.shownAt = now;
    const number = (n: number) => n.toLocaleString("en-US");
    const counts = total > 0 ? `${number(done)} of ${number(total)}` : number(done);
    const line = `${phase} ${counts}`.slice(0, Math.max(10, (this.stream.columns ?? 80) - 1));
    this.stream.write(`\r\x1b[K${line}`);
    this.shown = true;
  };

  /** Takes the line away, so that what comes next starts on an empty one. */
  clear(): void {
    if (this.shown) this.stream.write("\r\x1b[K");
    this.shown = false;
  }
}
