/** Macro definitions: which become functions, aliases or candidates for a macro class; and the classes made of them. */
import { describe, expect, it } from "vitest";
import { baselineMacroClasses, harvestMacroClasses } from "../../src/outline/macroClasses.js";
import { fn, functions, macroCandidates, outlineOf } from "./show.js";

describe("a function-like macro", () => {
  it("is a function whose body is its replacement", () => {
    const text = "#define lock_it(x, y...)\t\\\ndo {\t\\\n\tspin_lock(&(x)->lock);\t\\\n} while (0)\nint a;";
    expect(fn(text)).toMatchObject({
      name: "lock_it",
      flags: ["Macro", "Variadic"],
      params: [" x", " y"],
      calls: ["spin_lock"],
      body: text.slice(text.indexOf("do"), text.indexOf("\nint")),
    });
  });

  it("takes the rest as __VA_ARGS__", () => {
    expect(fn("#define dbg(f, ...) print(f, __VA_ARGS__)").params).toEqual([" f", " __VA_ARGS__"]);
  });

  it("needs its parenthesis right after the name", () => {
    expect(fn("#define alias (real_fn)").flags).toEqual(["ObjectMacro"]);
  });
});

describe("an object-like macro", () => {
  it("is kept when it stands for another name, a call or allocation flags", () => {
    expect(
      functions("#define foo bar\n#define LOCK spin_lock(&l)\n#define MY_GFP (GFP_KERNEL | __GFP_ZERO)").map(
        (f) => [f.name, f.calls],
      ),
    ).toEqual([
      ["foo", []],
      ["LOCK", ["spin_lock"]],
      ["MY_GFP", []],
    ]);
  });

  it("is dropped when it is a number", () => {
    const o = outlineOf(
      '#define A 1\n#define B (0x10 << 2)\n#define C "text"\n#define D BIT(3)\n#define E -1\n#define F 0x1UL /* x */\n#define G\n',
    );
    expect([o.fn.length, o.names]).toEqual([0, [""]]);
  });
});

describe("candidates for macro classes", () => {
  it("are told by what they stand for", () => {
    expect(
      macroCandidates(
        "#define __empty\n#define __nothing(x)\n#define __sec __attribute__((section(x)))\n#define my_static static inline\n" +
          "#define each(i) for (i = 0; i < 3; i++)\n#define each_if(i) for (;;) if (i) {} else\n#define __via __sec\n" +
          "#define each_via(i) each(i)\n#define BARE(x) int x;\n#define debug(x)\n#define GUARD_H\n",
      ),
    ).toEqual([
      "__empty: Empty",
      "__nothing(): Empty",
      "__sec: Attribute",
      "my_static: Storage",
      "each(): Loop",
      "each_if(): Loop",
      "__via: Via __sec",
      "each_via(): Via each",
      "BARE(): Bare",
    ]);
  });
});

describe("macro classes", () => {
  const harvest = (files: Record<string, string>) =>
    harvestMacroClasses(Object.entries(files).map(([path, text]) => ({ path, outline: outlineOf(text) })))
      .classes;

  it("follow macros through other macros", () => {
    const c = harvest({
      "include/a.h": "#define __deep __mid\n#define for_each_thing(a) for_each_other(a)\n",
      "include/b.h": "#define __mid __attribute__((cold))\n#define for_each_other(a) for (;;)\n",
    });
    expect([c.attribute.has("__deep"), c.loop.has("for_each_thing")]).toEqual([true, true]);
  });

  it("leave out a name that is a function or a value somewhere", () => {
    const c = harvest({
      "a.h": "#define __hook\n#define __flag\n",
      "b.c": "int __hook(void) { }\nint some_value(int n) { }\n#define __flag some_value(3)\n",
    });
    expect([c.attribute.has("__hook"), c.attribute.has("__flag")]).toEqual([false, false]);
  });

  it("do not take an empty word of one driver for an attribute", () => {
    expect(harvest({ "drivers/x/x.c": "#define vector\n" }).attribute.has("vector")).toBe(false);
  });

  it("have a digest that depends on the content alone", () => {
    const a = harvest({ "a.h": "#define __one\n", "b.h": "#define __two\n" });
    const b = harvest({ "b.h": "#define __two\n", "a.h": "#define __one\n" });
    const c = harvest({ "a.h": "#define __one\n" });
    expect(a.digest).toBe(b.digest);
    expect(a.digest).not.toBe(c.digest);
    expect(a.digest).toMatch(/^[0-9a-f]{32}$/);
  });

  it("exist without a tree", () => {
    const c = baselineMacroClasses();
    expect([
      c.attribute.has("__user"),
      c.loop.has("list_for_each_entry"),
      c.loop.has("scoped_guard"),
    ]).toEqual([true, true, true]);
  });
});
