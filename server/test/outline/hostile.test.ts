/** Input that is no C: never a crash, a hang or quadratic time, and what went wrong is said. */
import { describe, expect, it } from "vitest";
import { baselineMacroClasses } from "../../src/outline/macroClasses.js";
import { normaliseFunction } from "../../src/text/normalise.js";
import { functions, outlineOf } from "./show.js";

const classes = baselineMacroClasses();
/** A generator of numbers that is the same every time. */
function lcg(seed: number): () => number {
  let x = seed;
  return () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) >>> 8;
}

describe("bad input", () => {
  it("that is binary is named so and not read", () => {
    expect(outlineOf("int f(void) { }\0\x01").problems).toEqual(["binary: holds NUL bytes"]);
  });

  it("with unbalanced braces costs one function, not the rest of the file", () => {
    const text =
      "void a(void)\n{\n\tif (x) {\n\t\tg();\n}\n\nvoid b(void)\n{\n\th();\n}\n\nvoid c(void)\n{\n}\n";
    expect(functions(text).map((f) => f.name)).toEqual(["a", "b", "c"]);
    expect(outlineOf(text).problems).toEqual(["unbalanced braces"]);
  });

  it("with stray closing brackets is read on", () => {
    expect(functions("} ) ]\nvoid a(void) { g(]); }\n").map((f) => [f.name, f.calls])).toEqual([
      ["a", ["g"]],
    ]);
  });

  it("with an #if that never ends says so", () => {
    expect(outlineOf("#if A\nint a;\n").problems).toEqual(["an #if without #endif"]);
  });

  it("of random tokens is survived, and normalisation keeps its length", () => {
    const words = [
      "(",
      ")",
      "{",
      "}",
      "[",
      "]",
      ";",
      ",",
      "=",
      "*",
      "&",
      ".",
      "->",
      "#if A\n",
      "#else\n",
      "#endif\n",
      "\n",
      "x",
      "int",
      "struct",
      "if",
      "for",
      "case",
      "return",
      "typeof",
      "asm",
      "'",
      '"',
      "/*",
      "*/",
      "//",
      "\\",
      "...",
      "##",
      "1f",
      "__user",
      "goto",
      "\xe9",
      "offsetof",
      "else",
      "do",
      "FOO",
      ":",
      "?",
    ];
    const next = lcg(7);
    for (let round = 0; round < 400; round++) {
      let body = "";
      for (let i = 0; i < 120; i++) body += `${words[next() % words.length]}${next() % 3 === 0 ? "" : " "}`;
      const text = `int f(int a)\n{\n${body}\n}\n`;
      outlineOf(text);
      for (const v of [0, 1] as const) {
        const n = normaliseFunction(text, 0, text.length, classes, v);
        expect(n.text.length).toBe(text.length);
        expect(n.text.replace(/[^\n]/g, "")).toBe(text.replace(/[^\n]/g, ""));
      }
    }
  });
});

describe("time grows with the size", () => {
  /** Milliseconds of the best of three runs. */
  const time = (run: () => void): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 2; i++) {
      const t = performance.now();
      run();
      best = Math.min(best, performance.now() - t);
    }
    return best;
  };
  const shapes: Record<string, (n: number) => string> = {
    "nested parentheses": (n) => `int f(void) { ${"(".repeat(n)}x${")".repeat(n)}; }`,
    "nested calls": (n) => `int f(void) { ${"g(int h(".repeat(n)}${"))".repeat(n)}; }`,
    "open braces": (n) => "{".repeat(n),
    "function heads": (n) => "int f(void)\n{\n".repeat(n),
    "nested #if": (n) => "#if A\n".repeat(n),
    "#else that open braces": (n) => `#if A\n${"#else {\n".repeat(n)}`,
    "nested structs": (n) => `${"struct a {".repeat(n)}${"}".repeat(n)}`,
    "nested initialisers": (n) => `struct a x = ${"{ .a = ".repeat(n)}1${"}".repeat(n)};`,
    "arguments that are not expressions": (n) => `int f(void) { ${"if F(".repeat(n)}x${")".repeat(n)}; }`,
    "statements on one line": (n) => `int f(void) { ${"{g(a b(".repeat(n)}${"))}".repeat(n)}; }`,
    "old-style heads": (n) => `${"f(a) int a; ".repeat(n)}{}`,
  };
  it.each(Object.keys(shapes))("%s", (name) => {
    const run = (n: number): number => {
      const text = shapes[name](n);
      return time(() => {
        const o = outlineOf(text);
        if (o.fn.length > 0) normaliseFunction(text, o.fn[2], o.fn[5], classes, 0);
      });
    };
    run(10_000);
    // Ten times the input in well under a hundred times the time; small times say nothing.
    expect(run(100_000)).toBeLessThan(40 * Math.max(run(10_000), 20));
  });
});
