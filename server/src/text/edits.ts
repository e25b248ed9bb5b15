/** Length-preserving edits of a text: what normalisation does to C before it is parsed. */
import type { Rewrite } from "../facts/outline.js";

export type RewriteKind = Rewrite["kind"];

/** The text with everything but line ends turned to blanks. */
export function blanked(s: string): string {
  return !/[\r\n]/.test(s) ? " ".repeat(s.length) : s.replace(/[^\r\n]/g, " ");
}

/** Collects edits; `apply` puts them in. Of edits that overlap the one that starts first (or is longer) wins. */
export class Edits {
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readonly texts: string[] = [];
  private readonly kinds: RewriteKind[] = [];
  private sorted = true;

  constructor(readonly source: string) {}

  get length(): number {
    return this.starts.length;
  }

  blank(start: number, end: number, kind: RewriteKind): void {
    if (end > start) this.add(start, end, "", kind);
  }

  /**
   * Puts `text` at the start of the range and blanks its rest; false (and no edit) when it does not fit on what is there
   * before the first line end.
   */
  put(start: number, end: number, text: string, kind: RewriteKind): boolean {
    if (text.length > end - start || /[\r\n]/.test(this.source.slice(start, start + text.length)))
      return false;
    this.add(start, end, text, kind);
    return true;
  }

  private add(start: number, end: number, text: string, kind: RewriteKind): void {
    const n = this.starts.length;
    if (n > 0 && start < this.ends[n - 1]) this.sorted = false;
    this.starts.push(start);
    this.ends.push(end);
    this.texts.push(text);
    this.kinds.push(kind);
  }

  /** The edited text; what was rewritten is appended to `rewrites`. */
  apply(rewrites: Rewrite[]): string {
    const n = this.starts.length;
    if (n === 0) return this.source;
    let order: number[] | null = null;
    if (!this.sorted) {
      order = Array.from({ length: n }, (_, i) => i);
      order.sort((a, b) => this.starts[a] - this.starts[b] || this.ends[b] - this.ends[a] || a - b);
    }
    const parts: string[] = [];
    let at = 0;
    for (let k = 0; k < n; k++) {
      const i = order === null ? k : order[k];
      const s = this.starts[i];
      if (s < at) continue;
      const text = this.texts[i];
      parts.push(this.source.slice(at, s), text);
      at = this.ends[i];
      // Blanks are made here and not when the edit was noted, so that edits inside edits cost nothing.
      if (s + text.length < at) parts.push(blanked(this.source.slice(s + text.length, at)));
      rewrites.push({ offset: s, length: at - s, original: this.source.slice(s, at), kind: this.kinds[i] });
    }
    parts.push(this.source.slice(at));
    return parts.join("");
  }
}
