/** From byte offsets, which the core speaks, to lines and UTF-16 columns, which readers and editors speak (I4). */
import { LineIndex, utf16Length } from "../text/lineIndex.js";

/** Counted from 1. */
export interface Position {
  line: number;
  column: number;
}

/** The lines of one text, which is held as latin1 (a character a byte). */
export class TextPositions {
  private readonly index: LineIndex;

  constructor(private readonly text: string) {
    this.index = new LineIndex(text);
  }

  /** Offsets past the end stand at the end. */
  at(offset: number): Position {
    const { line } = this.index.at(offset);
    const to = Math.min(Math.max(offset, 0), this.text.length);
    return { line, column: utf16Length(this.text, this.index.lineStart(line), to) + 1 };
  }

  line(offset: number): number {
    return this.index.at(offset).line;
  }

  /** A line (counted from 1) with its end as offsets, or null when there is none. */
  lineRange(line: number): { start: number; end: number } | null {
    if (line < 1 || line > this.index.at(this.text.length).line) return null;
    const start = this.index.lineStart(line);
    const end = Math.min(this.text.length, this.index.lineEnd(line) + 1);
    return { start, end: Math.max(end, start + 1) };
  }

  /** Text of a line (counted from 1) without its end, decoded. */
  lineText(line: number): string {
    const raw = this.text.slice(this.index.lineStart(line), this.index.lineEnd(line));
    return Buffer.from(raw, "latin1").toString("utf8");
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
