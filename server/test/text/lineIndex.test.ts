/** Byte offsets as lines and columns, in bytes and in UTF-16. */
import { describe, expect, it } from "vitest";
import { LineIndex } from "../../src/text/lineIndex.js";

/** A text as the tool reads it: UTF-8 bytes, one a character. */
const latin1 = (s: string): string => Buffer.from(s, "utf8").toString("latin1");

describe("line and column", () => {
  const index = new LineIndex("ab\n\ncd\r\nx");
  it.each([
    [0, 1, 1],
    [2, 1, 3],
    [3, 2, 1],
    [4, 3, 1],
    [6, 3, 3],
    [8, 4, 1],
    [9, 4, 2],
    [99, 4, 2],
    [-1, 1, 1],
  ])("of offset %i are %i:%i", (offset, line, column) => {
    expect(index.at(offset)).toEqual({ line, column });
  });

  it("know a line's text without its end", () => {
    expect([1, 2, 3, 4].map((l) => index.lineText(l))).toEqual(["ab", "", "cd", "x"]);
    expect(index.lineCount).toBe(4);
  });

  it("of an empty text are 1:1", () => {
    expect(new LineIndex("").at(0)).toEqual({ line: 1, column: 1 });
  });
});

describe("UTF-16 columns", () => {
  const text = latin1("int é = 1; /* 😀€ */ x;\ny");
  const index = new LineIndex(text);
  const at = (s: string): number => text.indexOf(latin1(s));

  it("count characters as an editor does, not bytes", () => {
    expect(index.utf16At(at("= 1"))).toEqual({ line: 0, character: 6 });
    expect(index.utf16At(at("x;"))).toEqual({ line: 0, character: 21 });
    expect(index.utf16At(at("y"))).toEqual({ line: 1, character: 0 });
  });

  it("lead back to the offset", () => {
    for (const s of ["int", "= 1", "/*", "*/", "x;", "y"]) {
      const p = index.utf16At(at(s));
      expect(index.offsetOfUtf16(p.line, p.character)).toBe(at(s));
    }
  });

  it("past the line's end are its end", () => {
    expect(index.offsetOfUtf16(0, 999)).toBe(text.indexOf("\n"));
    expect(index.offsetOfUtf16(9, 0)).toBe(text.length);
    expect(index.offsetOfUtf16(-1, 5)).toBe(0);
  });

  it("of bytes that are no UTF-8 count as a decoder would show them", () => {
    const pieces = [
      "a",
      "\xc3\xa9",
      "\xe2\x82\xac",
      "\xf0\x9f\x98\x80",
      "\xe9",
      "\xe2\x82",
      "\xf0\x9f",
      "\xff",
      "\x80",
      "\xc0\xaf",
      "\xed\xa0\x80",
      "\xf4\x90\x80\x80",
      "\xe0\x80",
    ];
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let x = 1;
    for (let round = 0; round < 300; round++) {
      let broken = "";
      for (let i = 0; i < 8; i++)
        broken += pieces[(x = (Math.imul(x, 1103515245) + 12345) >>> 0) % pieces.length];
      const shown = decoder.decode(Buffer.from(broken, "latin1"));
      expect(new LineIndex(broken).utf16At(broken.length).character).toBe(shown.length);
    }
  });
});
