/** From byte offsets, which the core speaks, to lines and UTF-16 columns, which readers and editors speak (I4). */

/** Counted from 1. */
export interface Position {
  line: number;
  column: number;
}

const NON_ASCII = /[\x80-\xff]/;

/** UTF-16 length of bytes held as latin1; bytes that are no UTF-8 count one each, as an editor shows them. */
function utf16Length(latin1: string): number {
  if (!NON_ASCII.test(latin1)) return latin1.length;
  return Buffer.from(latin1, "latin1").toString("utf8").length;
}

/** The lines of one text, which is held as latin1 (a character a byte). */
export class TextPositions {
  private readonly starts: number[] = [0];

  constructor(private readonly text: string) {
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) this.starts.push(i + 1);
  }

  /** Offsets past the end stand at the end. */
  at(offset: number): Position {
    const clamped = Math.min(Math.max(offset, 0), this.text.length);
    const index = this.lineIndex(clamped);
    return { line: index + 1, column: utf16Length(this.text.slice(this.starts[index], clamped)) + 1 };
  }

  line(offset: number): number {
    return this.lineIndex(Math.min(Math.max(offset, 0), this.text.length)) + 1;
  }

  /** Text of a line (counted from 1) without its end, decoded. */
  lineText(line: number): string {
    const from = this.starts[line - 1];
    if (from === undefined) return "";
    const next = this.starts[line];
    const raw = this.text.slice(from, next === undefined ? this.text.length : next - 1);
    return Buffer.from(raw, "latin1").toString("utf8").replace(/\r$/, "");
  }

  private lineIndex(offset: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Texts kept at a time: a report of a whole tree passes through thousands of files. */
const CACHED_CHARACTERS = 64 * 1024 * 1024;

/** Positions in the files of a tree. Files that cannot be read count as empty: everything stands at 1:1. */
export class TreePositions {
  private readonly cache = new Map<string, { positions: TextPositions; size: number }>();
  private size = 0;

  constructor(private readonly read: (file: string) => string | null) {}

  of(file: string): TextPositions {
    const known = this.cache.get(file);
    if (known) {
      // Last used, last out.
      this.cache.delete(file);
      this.cache.set(file, known);
      return known.positions;
    }
    const text = this.read(file) ?? "";
    const entry = { positions: new TextPositions(text), size: text.length };
    this.cache.set(file, entry);
    this.size += entry.size;
    for (const [oldest, { size }] of this.cache) {
      if (this.size <= CACHED_CHARACTERS || oldest === file) break;
      this.cache.delete(oldest);
      this.size -= size;
    }
    return entry.positions;
  }
}
