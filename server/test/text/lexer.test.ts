/** Tokens, directives and bracket pairs. */
import { describe, expect, it } from "vitest";
import { matchBrackets } from "../../src/text/brackets.js";
import { bytesOf, lex } from "../../src/text/lexer.js";
import { D, K, Tokens } from "../../src/text/tokens.js";

function tokens(text: string, options = {}): Tokens {
  const t = new Tokens();
  lex(bytesOf(text), 0, text.length, t, options);
  return t;
}
const texts = (text: string, options = {}): string[] => {
  const t = tokens(text, options);
  return Array.from({ length: t.n }, (_, i) => text.slice(t.start[i], t.end[i]));
};
const directives = (text: string, options = {}): string[] => {
  const t = tokens(text, options);
  return Array.from({ length: t.dn }, (_, d) => text.slice(t.dStart[d], t.dEnd[d]));
};

describe("tokens", () => {
  it("are words, numbers, strings and punctuation", () => {
    expect(texts("a->b+=1.5e3f<<=x...'\\'' \"q\\\"\" ## != && || ++--")).toEqual([
      "a",
      "->",
      "b",
      "+=",
      "1.5e3f",
      "<<=",
      "x",
      "...",
      "'\\''",
      '"q\\""',
      "##",
      "!=",
      "&&",
      "||",
      "++",
      "--",
    ]);
  });

  it("of a range without blanks are two numbers and an ellipsis", () => {
    expect(texts("0...5")).toEqual(["0", "...", "5"]);
  });

  it("leave out comments, continued ones too", () => {
    expect(texts("a /* b */ c // d \\\n e\nf")).toEqual(["a", "c", "f"]);
  });

  it("tell keywords from identifiers", () => {
    const t = tokens("if iff __typeof__ struct asm_inline inline");
    expect(Array.from(t.kind.subarray(0, t.n))).toEqual([K.If, K.Ident, K.Typeof, K.Struct, K.Asm, K.Inline]);
  });

  it("end an unterminated string at the line's end", () => {
    expect(texts("don't\nint")).toEqual(["don", "'t", "int"]);
  });

  it("go on over a continued line, CR LF or not", () => {
    expect(texts('"a\\\r\nb" c\\\r\nd')).toEqual(['"a\\\r\nb"', "c", "d"]);
  });
});

describe("directives", () => {
  it("stand apart from tokens and may be continued or hold comments over lines", () => {
    const text = "x\n  # if A \\\n && B\n/* c */ #else /* d\n e */\ny # z";
    expect(directives(text)).toEqual(["# if A \\\n && B", "#else /* d\n e */"]);
    expect(texts(text)).toEqual(["x", "y", "#", "z"]);
  });

  it("that define plain numbers are passed over unless all are asked for", () => {
    const text =
      '#define A 0x10\n#define B (1 << 3) /* b */\n#define C "s"\n#define D other\n#define E\n#define F(x) 1\n';
    expect(directives(text)).toEqual(["#define D other", "#define E", "#define F(x) 1"]);
    expect(directives(text, { everyDirective: true })).toHaveLength(6);
  });

  it("know the token that follows", () => {
    const t = tokens("a\n#ifdef X\nb\n#endif\n");
    expect([t.dKind, t.dTok].map((a) => [...a.subarray(0, t.dn)])).toEqual([
      [D.Ifdef, D.Endif],
      [1, 2],
    ]);
  });

  it("are none inside a macro's replacement", () => {
    expect(texts("# x ## y", { inMacro: true })).toEqual(["#", "x", "##", "y"]);
  });
});

describe("brackets", () => {
  const pairs = (text: string): string[] => {
    const t = tokens(text);
    matchBrackets(text, t);
    const out: string[] = [];
    for (let i = 0; i < t.n; i++) {
      if ("([{".includes(text[t.start[i]]))
        out.push(t.match[i] < 0 ? `${t.start[i]}-` : `${t.start[i]}-${t.start[t.match[i]]}`);
    }
    return out;
  };

  it("are paired", () => {
    expect(pairs("{(a[1])}")).toEqual(["0-7", "1-6", "3-5"]);
  });

  it("that are stray do not close others", () => {
    expect(pairs("{ ) ] ( }")).toEqual(["0-8", "6-"]);
  });

  it("of #else start from where the #if did", () => {
    const text = "{\n#if A\n{\n#else\n{\n#endif\n} }";
    expect(pairs(text)).toEqual([`0-${text.length - 1}`, `8-${text.length - 3}`, "16-"]);
  });
});
