/**
 * Byte offsets to and from protocol positions. Inside, a text is a latin1 string whose index is the byte offset; the
 * client counts lines and, within a line, UTF-16 units or UTF-8 bytes, whichever was negotiated.
 */
import type { Position, Range } from "vscode-languageserver";

export type PositionEncoding = "utf-8" | "utf-16";

const ASCII = /^[\x00-\x7f]*$/;

/** Bytes (as a latin1 string) of a text that arrived over the protocol. */
export function toBytes(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/**
 * The text of bytes, as the client will decode them: invalid UTF-8 becomes U+FFFD. Signs beyond latin1, which only our
 * own words around the bytes can have, stay.
 */
export function fromBytes(bytes: string): string {
  if (ASCII.test(bytes)) return bytes;
  return bytes.replace(/[\x80-\xff]+/g, (run) => Buffer.from(run, "latin1").toString("utf8"));
}

/** Offsets of the first byte of every line; `\n`, `\r\n` and a lone `\r` end a line, as the protocol says. */
function lineStarts(bytes: string): number[] {
  const starts = [0];
  if (bytes.includes("\r")) {
    for (let i = 0; i < bytes.length; i++) {
      const c = bytes.charCodeAt(i);
      if (c === 10 || (c === 13 && bytes.charCodeAt(i + 1) !== 10)) starts.push(i + 1);
    }
    return starts;
  }
  for (let i = bytes.indexOf("\n"); i !== -1; i = bytes.indexOf("\n", i + 1)) starts.push(i + 1);
  return starts;
}

/** One text with its lines: immutable, made anew for each version. */
export class TextPositions {
  private starts: number[] | undefined;

  constructor(
    readonly bytes: string,
    private readonly encoding: PositionEncoding,
  ) {}

  private lines(): number[] {
    return (this.starts ??= lineStarts(this.bytes));
  }

  get lineCount(): number {
    return this.lines().length;
  }

  /** Index of the line that holds the offset. */
  lineAt(offset: number): number {
    const starts = this.lines();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (starts[mid]! <= offset) low = mid;
      else high = mid - 1;
    }
    return low;
  }

  lineStart(line: number): number {
    const starts = this.lines();
    return line < starts.length ? starts[line]! : this.bytes.length;
  }

  /** End of the line's text: before its terminator. */
  lineEnd(line: number): number {
    const starts = this.lines();
    if (line + 1 >= starts.length) return this.bytes.length;
    let end = starts[line + 1]! - 1;
    if (this.bytes[end] === "\n" && end > starts[line]! && this.bytes[end - 1] === "\r") end--;
    return end;
  }

  positionAt(offset: number): Position {
    const clamped = Math.max(0, Math.min(offset, this.bytes.length));
    const line = this.lineAt(clamped);
    const start = this.lineStart(line);
    const before = this.bytes.slice(start, Math.min(clamped, this.lineEnd(line)));
    return { line, character: this.encoding === "utf-8" ? before.length : fromBytes(before).length };
  }

  /** The offset of a position; one past the end of its line or inside a character is moved back to the nearest place. */
  offsetAt(position: Position): number {
    const line = Math.max(0, Math.trunc(position.line));
    if (line >= this.lineCount) return this.bytes.length;
    const start = this.lineStart(line);
    const end = this.lineEnd(line);
    const character = Math.max(0, Math.trunc(position.character));
    if (this.encoding === "utf-8") {
      let at = Math.min(start + character, end);
      while (at > start && at < end && (this.bytes.charCodeAt(at) & 0xc0) === 0x80) at--;
      return at;
    }
    const bytes = this.bytes.slice(start, end);
    if (ASCII.test(bytes)) return Math.min(start + character, end);
    const text = fromBytes(bytes);
    let units = Math.min(character, text.length);
    if (
      units > 0 &&
      units < text.length &&
      isLow(text.charCodeAt(units)) &&
      isHigh(text.charCodeAt(units - 1))
    )
      units--;
    return start + Math.min(Buffer.byteLength(text.slice(0, units), "utf8"), bytes.length);
  }

  rangeOf(start: number, end: number): Range {
    return { start: this.positionAt(start), end: this.positionAt(Math.max(start, end)) };
  }
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
