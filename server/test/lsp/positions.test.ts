/** Byte offsets and protocol positions, with text that is not ASCII. */
import { describe, expect, it } from "vitest";
import { applyChanges } from "../../src/lsp/documents.js";
import { fromBytes, TextPositions, toBytes } from "../../src/lsp/positions.js";

// é: 2 bytes, 1 unit; €: 3 bytes, 1 unit; 😀: 4 bytes, 2 units.
const LINE = "/* é€😀 */ lock();";
const at = (encoding: "utf-8" | "utf-16") => new TextPositions(toBytes(`a\n${LINE}\nb`), encoding);

describe("a column", () => {
  it("counts UTF-16 units for a UTF-16 client", () => {
    const positions = at("utf-16");
    const offset = positions.bytes.indexOf("lock");
    expect(positions.positionAt(offset)).toEqual({ line: 1, character: LINE.indexOf("lock") });
    expect(positions.offsetAt({ line: 1, character: LINE.indexOf("lock") })).toBe(offset);
  });

  it("counts bytes for a UTF-8 client", () => {
    const positions = at("utf-8");
    const offset = positions.bytes.indexOf("lock");
    const character = Buffer.byteLength(LINE.slice(0, LINE.indexOf("lock")));
    expect(positions.positionAt(offset)).toEqual({ line: 1, character });
    expect(positions.offsetAt({ line: 1, character })).toBe(offset);
  });

  it("past the end of the line means its end, before the line terminator", () => {
    for (const eol of ["\n", "\r\n", "\r"]) {
      const positions = new TextPositions(`ab${eol}c`, "utf-16");
      expect(positions.offsetAt({ line: 0, character: 99 })).toBe(2);
      expect(positions.offsetAt({ line: 1, character: 0 })).toBe(2 + eol.length);
    }
  });

  it("inside a character is moved back to its start", () => {
    const smile = 3 + 2 + 3;
    const utf16 = at("utf-16");
    expect(utf16.offsetAt({ line: 1, character: LINE.indexOf("😀") + 1 })).toBe(2 + smile);
    const utf8 = at("utf-8");
    for (const inside of [1, 2, 3])
      expect(utf8.offsetAt({ line: 1, character: smile + inside })).toBe(2 + smile);
  });

  it("in a line of bytes that are no UTF-8 counts what the editor shows, one sign for each", () => {
    const positions = new TextPositions("/* \xa9 \xe9\xe9 */ lock();", "utf-16");
    expect(positions.positionAt(positions.bytes.indexOf("lock")).character).toBe(
      "/* \ufffd \ufffd\ufffd */ ".length,
    );
  });

  it("goes to and from every place of a text", () => {
    for (const encoding of ["utf-8", "utf-16"] as const) {
      const text = `x\r\n${LINE}\r\n\ty😀\n\n`;
      const positions = new TextPositions(toBytes(text), encoding);
      for (let i = 0; i <= text.length; i++) {
        if (/[\udc00-\udfff]/.test(text[i] ?? "") || (text[i] === "\n" && text[i - 1] === "\r")) continue;
        const offset = Buffer.byteLength(text.slice(0, i));
        expect(positions.offsetAt(positions.positionAt(offset))).toBe(offset);
      }
    }
  });
});

describe("a line", () => {
  it("ends with LF, CRLF or CR", () => {
    const positions = new TextPositions("a\nb\r\nc\rd", "utf-16");
    expect(positions.lineCount).toBe(4);
    expect([0, 2, 5, 7].map((offset) => positions.lineAt(offset))).toEqual([0, 1, 2, 3]);
  });
});

describe("incremental edits", () => {
  it("are applied to bytes as the editor applied them to text, whatever the encoding", () => {
    for (const encoding of ["utf-8", "utf-16"] as const) {
      let text = `é${LINE}\n${LINE}\n`;
      let positions = new TextPositions(toBytes(text), encoding);
      for (const [from, to, insert] of [
        [0, 1, "ü😀"],
        [3, 3, "line\n€"],
        [10, 14, ""],
        [0, 0, "\r\n"],
      ] as const) {
        const [start, end] = [from, to].map((i) => positions.positionAt(Buffer.byteLength(text.slice(0, i))));
        positions = applyChanges(
          positions,
          [{ range: { start: start!, end: end! }, text: insert }],
          encoding,
        );
        text = text.slice(0, from) + insert + text.slice(to);
        expect(fromBytes(positions.bytes)).toBe(text);
      }
    }
  });

  it("with a reversed or far-out range do no harm", () => {
    const positions = new TextPositions("abc\n", "utf-16");
    const range = { start: { line: 0, character: 2 }, end: { line: 0, character: 1 } };
    expect(applyChanges(positions, [{ range, text: "X" }], "utf-16").bytes).toBe("aXc\n");
    const far = { start: { line: 9, character: 9 }, end: { line: 99, character: 0 } };
    expect(applyChanges(positions, [{ range: far, text: "X" }], "utf-16").bytes).toBe("abc\nX");
  });
});
