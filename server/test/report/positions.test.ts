/** Lines and UTF-16 columns of byte offsets. */
import { describe, expect, it } from "vitest";
import { TextPositions, TreePositions } from "../../src/report/positions.js";

const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1");

describe("a position", () => {
  it("counts lines and columns from 1", () => {
    const p = new TextPositions("ab\n\tcd\n");
    expect(p.at(0)).toEqual({ line: 1, column: 1 });
    expect(p.at(4)).toEqual({ line: 2, column: 2 });
  });

  it("counts UTF-16 units, not bytes", () => {
    const text = latin1("/* é€😀 */ f();");
    expect(new TextPositions(text).at(text.indexOf("f("))).toEqual({ line: 1, column: 12 });
  });

  it("counts bytes that are no UTF-8 one each", () => {
    expect(new TextPositions("\xe9\xff x").at(3).column).toBe(4);
  });

  it("is not moved by CRLF line ends", () => {
    const p = new TextPositions("ab\r\ncd\r\n");
    expect(p.at(4)).toEqual({ line: 2, column: 1 });
    expect(p.lineText(1)).toBe("ab");
  });

  it("stays inside the text", () => {
    expect(new TextPositions("ab").at(99)).toEqual({ line: 1, column: 3 });
    expect(new TextPositions("").at(5)).toEqual({ line: 1, column: 1 });
    expect(new TreePositions(() => null).of("gone.c").line(5)).toBe(1);
  });
});
