/** Line index: byte offset ↔ line and column, in bytes and in UTF-16 units. */

/** A place in a text as people and editors count: line from 1, column from 1 in bytes. */
export interface LineColumn {
  line: number;
  column: number;
}

/**
 * Starts of the lines of a latin1 text (string index = byte offset). A line ends at `\n`; a `\r` before it belongs to the
 * line's terminator for UTF-16 columns but counts as a byte.
 */
export class LineIndex {
  private starts: Int32Array;
  /** How many starts are known: lines are sought as far as somebody asks. */
  private known = 1;
  private complete = false;

  constructor(private readonly text: string) {
    this.starts = new Int32Array(Math.max(16, text.length >> 5));
  }

  get lineCount(): number {
    this.reach(this.text.length, Number.POSITIVE_INFINITY);
    return this.known;
  }

  /** Seeks lines until one begins beyond the offset and so many are known, or there are no more. */
  private reach(offset: number, lines: number): void {
    while (!this.complete && (this.starts[this.known - 1] <= offset || this.known < lines)) {
      const i = this.text.indexOf("\n", this.starts[this.known - 1]);
      if (i < 0) {
        this.complete = true;
        return;
      }
      if (this.known === this.starts.length) {
        const wider = new Int32Array(this.known * 2);
        wider.set(this.starts);
        this.starts = wider;
      }
      this.starts[this.known++] = i + 1;
    }
  }

  /** Zero-based number of the line that holds the offset; offsets outside the text are clamped. */
  private lineNumber(offset: number): number {
    this.reach(offset, 0);
    let lo = 0;
    let hi = this.known - 1;
    while (lo < hi) {
      const mid = (lo + hi + 1) >> 1;
      if (this.starts[mid] <= offset) lo = mid;
      else hi = mid - 1;
    }
    return lo;
  }

  /** Line (from 1) and column (from 1, in bytes) of a byte offset. */
  at(offset: number): LineColumn {
    const o = Math.max(0, Math.min(offset, this.text.length));
    const line = this.lineNumber(o);
    return { line: line + 1, column: o - this.starts[line] + 1 };
  }

  /** Byte offset of the first byte of a line (from 1); clamped to the text. */
  lineStart(line: number): number {
    if (line < 1) return 0;
    this.reach(-1, line);
    return line > this.known ? this.text.length : this.starts[line - 1];
  }

  /** Byte offset one past the last byte of a line (from 1), terminator excluded. */
  lineEnd(line: number): number {
    this.reach(-1, line + 1);
    if (line >= this.known) return this.text.length;
    let e = this.lineStart(line + 1) - 1;
    if (e > this.lineStart(line) && this.text.charCodeAt(e - 1) === 13) e--;
    return Math.max(e, 0);
  }

  /** The text of a line (from 1) as latin1, terminator excluded. */
  lineText(line: number): string {
    return this.text.slice(this.lineStart(line), this.lineEnd(line));
  }

  /** Zero-based line and UTF-16 column of a byte offset, the text being UTF-8: what LSP wants. */
  utf16At(offset: number): { line: number; character: number } {
    const o = Math.max(0, Math.min(offset, this.text.length));
    const line = this.lineNumber(o);
    return { line, character: utf16Length(this.text, this.starts[line], o) };
  }

  /** Byte offset of a zero-based line and UTF-16 column; clamped to the line as LSP demands. */
  offsetOfUtf16(line: number, character: number): number {
    if (line < 0) return 0;
    this.reach(-1, line + 1);
    if (line >= this.known) return this.text.length;
    return utf16Offset(this.text, this.starts[line], this.lineEnd(line + 1), character);
  }
}

/**
 * Bytes of the UTF-8 sequence at i. A sequence that breaks off is as long as it could have gone on (a decoder puts one
 * replacement character in its place), a byte that begins none is 1 long; both are told by a negative number.
 */
function sequence(text: string, i: number, end: number): number {
  const c = text.charCodeAt(i);
  if (c < 0x80) return 1;
  if (c < 0xc2 || c > 0xf4) return -1;
  const want = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  // Overlong forms, surrogates and what lies beyond Unicode are barred by the second byte.
  const low = c === 0xe0 ? 0xa0 : c === 0xf0 ? 0x90 : 0x80;
  const high = c === 0xed ? 0x9f : c === 0xf4 ? 0x8f : 0xbf;
  for (let k = 1; k < want; k++) {
    const d = i + k < end ? text.charCodeAt(i + k) : 0;
    if (d < (k === 1 ? low : 0x80) || d > (k === 1 ? high : 0xbf)) return -k;
  }
  return want;
}

/** UTF-16 units of text[from, to), a latin1 view of UTF-8 bytes. */
export function utf16Length(text: string, from: number, to: number): number {
  let units = 0;
  let i = from;
  while (i < to) {
    // The sequence may reach past `to` when an offset lies inside a character: it counts once.
    const len = sequence(text, i, text.length);
    units += len === 4 ? 2 : 1;
    i += Math.abs(len);
  }
  return units;
}

/** Byte offset of the UTF-16 column `units` in text[from, to), clamped to `to`. */
export function utf16Offset(text: string, from: number, to: number, units: number): number {
  let left = units;
  let i = from;
  while (i < to && left > 0) {
    const len = sequence(text, i, text.length);
    left -= len === 4 ? 2 : 1;
    i += Math.abs(len);
  }
  return Math.min(i, to);
}
