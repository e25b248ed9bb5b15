/** The #if structure of a file. */
import { describe, expect, it } from "vitest";
import { conds, functions, outlineOf } from "./show.js";

describe("#if branches", () => {
  it("each have their condition, extent and parent", () => {
    expect(
      conds("#ifdef A\nint a;\n#if B && defined C\nint b;\n#endif\n#elif D\nint d;\n#else\nint e;\n#endif\n"),
    ).toEqual([
      "defined(A): int a;\n#if B && defined C\nint b;\n#endif",
      "B && defined(C) in defined(A): int b;",
      "!(defined(A)) && (D): int d;",
      "!((defined(A)) || (D)): int e;",
    ]);
  });

  it("of an include guard are none", () => {
    expect(conds("/* x */\n#ifndef FOO_H\n#define FOO_H\nint a;\n#endif\n")).toEqual([]);
    expect(conds("#ifndef FOO\nint a;\n#define FOO\n#endif\n")).toEqual([
      "!defined(FOO): int a;\n#define FOO",
    ]);
  });
});

describe("a function under #if", () => {
  const flagsOf = (text: string) => functions(text).map((f) => [f.name, f.flags, f.cond]);

  it("knows the innermost condition; in the #else it is probably a stub", () => {
    expect(
      flagsOf("#ifdef CONFIG_X\nvoid f(void) { }\n#else\nvoid f(void) { }\n#endif\nvoid g(void) { }"),
    ).toEqual([
      ["f", [], "defined(CONFIG_X)"],
      ["f", ["ElseBranch"], "!(defined(CONFIG_X))"],
      ["g", [], ""],
    ]);
  });

  it("is a stub under #ifndef CONFIG_x, and its #else is not", () => {
    expect(flagsOf("#ifndef CONFIG_X\nvoid f(void) { }\n#else\nvoid f(void) { }\n#endif")).toEqual([
      ["f", ["ElseBranch"], "!defined(CONFIG_X)"],
      ["f", [], "!(!defined(CONFIG_X))"],
    ]);
  });

  it("is dead under #if 0", () => {
    expect(flagsOf("#if 0\nvoid f(void) { }\n#else\nvoid g(void) { }\n#endif")).toEqual([
      ["f", ["ElseBranch", "Dead"], "0"],
      ["g", [], "!(0)"],
    ]);
  });
});

describe("braces that #if branches open or close", () => {
  it("nest as in the first branch; the function is ragged", () => {
    const all = functions(
      "void f(void)\n{\n#ifdef A\n\tif (x) {\n#else\n\tif (y) {\n#endif\n\t\tg();\n\t}\n}\nvoid h(void)\n{\n}\n",
    );
    expect(all.map((f) => [f.name, f.flags, f.calls])).toEqual([
      ["f", ["CondBody", "Ragged"], ["g"]],
      ["h", [], []],
    ]);
  });

  it("may be a function's own: two heads, one body", () => {
    const all = functions(
      "#ifdef A\nint f(int a)\n#else\nint f(int a, int b)\n#endif\n{\n\tg();\n}\nint h(void) { }",
    );
    expect(all.map((f) => [f.name, f.calls])).toEqual([
      ["f", ["g"]],
      ["h", []],
    ]);
  });

  it("in a dead branch do not count", () => {
    const text = "void f(void)\n{\n#if 0\n\tif (x) {\n#endif\n\tg();\n}\nvoid h(void) { }";
    expect(functions(text).map((f) => f.name)).toEqual(["f", "h"]);
    expect(outlineOf(text).problems).toEqual([]);
  });
});

describe("includes", () => {
  it("keep the quote of the quoted ones", () => {
    const o = outlineOf('#include <linux/slab.h>\n# include "foo.h"\n#include MACRO\n');
    expect(Array.from(o.includes, (n) => o.names[n])).toEqual(["linux/slab.h", '"foo.h']);
  });
});
