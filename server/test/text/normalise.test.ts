/** Normalisation: kernel C becomes C that parses, byte for byte as long. */
import { describe, expect, it } from "vitest";
import type { MacroClasses } from "../../src/facts/outline.js";
import { baselineMacroClasses, harvestMacroClasses } from "../../src/outline/macroClasses.js";
import { outlineFile } from "../../src/outline/outline.js";
import { createParser } from "../../src/syntax/parser.js";
import { normaliseFunction, normaliseMacroBody } from "../../src/text/normalise.js";

const base = baselineMacroClasses();
const parser = await createParser();

/** The function normalised: as long as it was, its lines where they were, and without a syntax error. */
function normalised(text: string, variant: 0 | 1 = 0, classes: MacroClasses = base): string {
  const n = normaliseFunction(text, 0, text.length, classes, variant);
  expect(n.text.length).toBe(text.length);
  expect([...n.text.matchAll(/\n/g)].map((m) => m.index)).toEqual(
    [...text.matchAll(/\n/g)].map((m) => m.index),
  );
  expect(parser.parse(n.text).hasError, n.text).toBe(false);
  return n.text;
}
/** Runs of blanks as one. */
const squeezed = (s: string): string => s.replace(/[ \t]+/g, " ").trim();
/** A function's body normalised. */
const body = (s: string, variant: 0 | 1 = 0, classes: MacroClasses = base): string =>
  squeezed(
    normalised(`void f(void)\n{\n\t${s}\n}`, variant, classes).slice("void f(void)\n{\n\t".length, -2),
  );

describe("a head", () => {
  it.each([
    ["static int __init foo(void)\n{\n}", "static int foo(void)\n{\n}"],
    [
      "static notrace u32 foo(u8 __user *p, int x __maybe_unused)\n{\n}",
      "static u32 foo(u8 *p, int x )\n{\n}",
    ],
    ["static void foo(struct x *x)\n\t__releases(&x->lock)\n{\n}", "static void foo(struct x *x)\n \n{\n}"],
    ["__printf(1, 2)\nvoid foo(const char *f, ...)\n{\n}", "void foo(const char *f, ...)\n{\n}"],
    ["UNKNOWN_STORAGE struct a *foo(struct b __unknown *c)\n{\n}", null],
    ["int foo(a, b)\n\tint a;\n\tchar *b;\n{\n}", "int foo(a, b)\n int a;\n char *b;\n{\n}"],
    ["void (*foo(int a))(int)\n{\n}", "void (*foo(int a))(int)\n{\n}"],
    ["static inline foo(void)\n{\n}", "static int foo(void)\n{\n}"],
    ["int FNAME(walk)(int a)\n{\n}", "int FNAME (int a)\n{\n}"],
  ])("%j", (text, expected) => {
    const { classes: known } = harvestMacroClasses([
      { path: "include/x.h", outline: outlineFile("#define __unknown\n", "", { registrations: new Set() }) },
    ]);
    const out = squeezed(normalised(text, 0, known));
    if (expected !== null) expect(out).toBe(expected);
    else expect(out).toBe("struct a *foo(struct b *c)\n{\n}");
  });

  it.each([
    [
      "SYSCALL_DEFINE2(foo, const char __user *, name, int, n)\n{\n}",
      "int foo( const char * name, int n)\n{\n}",
    ],
    ["SYSCALL_DEFINE0(foo)\n{\n}", "int foo()\n{\n}"],
    ["DEFINE_IDTENTRY(exc_foo)\n{\n}", "int exc_foo()\n{\n}"],
    ["static BPF_CALL_1(foo, struct sk_buff *, skb)\n{\n}", "int foo( struct sk_buff * skb)\n{\n}"],
    ["DEFINE_THING(foo, some, other)\n{\n}", "int foo( )\n{\n}"],
  ])("made by a macro: %j", (text, expected) => {
    expect(squeezed(normalised(text))).toBe(expected);
  });
});

describe("a loop macro", () => {
  it("becomes a while where its name stood", () => {
    const text = "void f(void)\n{\n\tlist_for_each_entry(p, &head, list)\n\t\tg(p);\n}";
    const n = normaliseFunction(text, 0, text.length, base, 0);
    const at = text.indexOf("list_for");
    expect(n.text.slice(at, at + 19)).toBe("while              ");
    expect(n.text.slice(at + 19)).toBe(text.slice(at + 19));
    expect(n.rewrites).toEqual([{ offset: at, length: 19, original: "list_for_each_entry", kind: "loop" }]);
  });

  it.each([
    ["for_each_thing(i) {\n\t\tg(i);\n\t}", "while (i) {\n g(i);\n }"],
    ["scoped_guard(mutex, &m) g();", "while (mutex, &m) g();"],
    ["scoped_cond_guard(mutex_intr, return -EINTR, &m) { }", "while (mutex_intr, -EINTR, &m) { }"],
    ["scoped_cond_guard(mutex_try, continue, &m) { }", "while (mutex_try, 0 , &m) { }"],
    ["if (x)\n\t\tmy_iterate(i)\n\t\t\tg(i);", "if (x)\n while (i)\n g(i);"],
    ["for_ever() {\n\t\tg();\n\t}", "while (1) {\n g();\n }"],
    ["each(i) { }", "if (i) { }"],
    ["forever {\n\t\tg();\n\t}", "{\n g();\n }"],
    ["do {\n\t\tg();\n\t} while_each_thread(a, b);", "do {\n g();\n } while (a, b);"],
  ])("%j", (text, expected) => {
    expect(body(text)).toBe(expected);
  });
});

describe("an argument that is no expression", () => {
  it.each([
    ["p = container_of(x, struct foo, list);", "p = container_of(x, foo, list);"],
    ["p = va_arg(ap, unsigned long);", "p = va_arg(ap, _nsigned_long);"],
    ["g(int, const char *, u8 *, struct x **);", "g(_nt, _har , u8 , x );"],
    ["DEFINE_X(struct foo *p, int i = 0);", "DEFINE_X( foo *p, i = 0);"],
    ["g(void (*)(int), b);", "g(0 , b);"],
    ["g(a, ==, b);", "g(a, 0 , b);"],
    ["g(a, == b);", "g(a, b);"],
    ["g(a, , b);", "g(a,0, b);"],
    ["g(a, return);", "g(a, 0 );"],
    ["g(.field = 1);", "g( field = 1);"],
    ["g(400G, 0_8, 0x10UL, 1.5e3f);", "g(_00G, __8, 0x10UL, 1.5e3f);"],
    ['g("x" FORMAT(y) "z");', 'g("x" "z");'],
    ["n = offsetof(struct foo, a.b[3]);", "n = offsetof(struct foo, a );"],
    ["n = offsetof(struct foo, a);", "n = offsetof(struct foo, a);"],
    ["n = __alignof__(*p);", "n = sizeof (*p);"],
    [
      "wait_msec(dev, 20, x = rd(dev);\n\t\tif (x)\n\t\t\tbreak;\n\t);",
      "wait_msec(dev, 20,{x = rd(dev);\n if (x)\n break;\n});",
    ],
    ["DEBUG(if (x) g(x); else h());", null],
  ])("%j", (text, expected) => {
    const out = body(text);
    if (expected !== null) expect(out).toContain(expected);
    else expect(out).toBe("{if (x) g(x); else h();}");
  });
});

describe("a statement that is a macro", () => {
  it.each([
    ["FOO(a)\n\tg();", "FOO(a)\n;g();"],
    ["FOO(a) \n\tg();", "FOO(a);\n g();"],
    ["MACRO\n\tg();", "MACRO\n;g();"],
    ["g(1);\n\tFOO(a)", null],
    ["static DEFINE_SPINLOCK(l);", "DEFINE_SPINLOCK(l);"],
    ["DECLARE_BITMAP(map, 8) = { 0 };", "DECLARE_BITMAP(map, 8) ;"],
    ["struct foo *p __free(kfree) = NULL;", "struct foo *p = NULL;"],
    ["int a __maybe_unused, b __maybe_unused;", "int a , b ;"],
    ["u32 __maybe_unused c = 1;", "u32 c = 1;"],
    ["u8 buf[4] __aligned(8);", "u8 buf[4] ;"],
    ["x = (u32 __force)y + (__force u16)z;", "x = (u32 )y + ( u16)z;"],
    ["if FAILED(x)\n\t\tg();", "if (x)\n g();"],
  ])("%j", (text, expected) => {
    const out = body(text);
    if (expected !== null) expect(out).toBe(expected);
    else expect(out).toContain(";");
  });
});

describe("what GNU C adds", () => {
  it.each([
    ["typeof(*p) a = b; __auto_type c = d;", "typeof a = b; __auto_type c = d;"],
    ["x = ({ int y = g(); y; });", "x = ({ int y = g(); y; });"],
    ["switch (x) { case 1 ... 3: g(); }", "switch (x) { case 1 || 3: g(); }"],
    ['asm volatile("nop" : "=r"(a) : "m" (*(p)));', "0 ;"],
    ['asm goto("1:" :::: err);', "0 ;"],
    ['register unsigned long sp asm("sp") = 1;', "register unsigned long sp = 1;"],
    ["int a __attribute__((unused)); __attribute__((fallthrough));", "int a ; ;"],
    ["goto *table[i];", "goto table ;"],
    ["guard(mutex)(&m); CLASS(fd, f)(3);", "guard(mutex)(&m); CLASS(fd, f)(3);"],
    ["x = a ?: b;", "x = a ?: b;"],
  ])("%j", (text, expected) => {
    expect(body(text)).toBe(expected);
  });
});

describe("#if inside a body", () => {
  const both = (s: string): string[] => [body(s, 0), body(s, 1)].map((x) => x.replace(/\s+/g, " ").trim());

  it("keeps the first branch, and the other one as the second variant", () => {
    expect(both("#ifdef A\n\ta();\n#else\n\tb();\n#endif")).toEqual(["a();", "b();"]);
    expect(both("g();\n#ifdef A\n\ta();\n#endif")).toEqual(["g(); a();", "g();"]);
  });

  it("keeps features on: #ifndef CONFIG_x is not the first choice", () => {
    expect(both("#ifndef CONFIG_A\n\toff();\n#else\n\ton();\n#endif")).toEqual(["on();", "off();"]);
    expect(both("#if !IS_ENABLED(CONFIG_A)\n\toff();\n#endif\n\tg();")).toEqual(["g();", "off(); g();"]);
  });

  it("drops #if 0 in either variant", () => {
    const text = "void f(void)\n{\n#if 0\n\ta();\n#endif\n}";
    expect(normaliseFunction(text, 0, text.length, base, 1)).toMatchObject({ variants: 1 });
    expect(both("#if 0\n\ta();\n#else\n\tb();\n#endif")).toEqual(["b();", "b();"]);
  });

  it("decides equal conditions alike, so that split braces stay balanced", () => {
    expect(both("#ifdef A\n\tif (x) {\n#endif\n\tg();\n#if defined(A)\n\t}\n#endif")).toEqual([
      "if (x) { g(); }",
      "g();",
    ]);
    expect(both("#ifdef A\n\tif (x) {\n#else\n\tif (y) {\n#endif\n\tg(); }")).toEqual([
      "if (x) { g(); }",
      "if (y) { g(); }",
    ]);
  });

  it("goes through #elif and nesting", () => {
    expect(
      both("#if A\n#ifdef B\n\tab();\n#else\n\ta();\n#endif\n#elif C\n\tc();\n#else\n\td();\n#endif"),
    ).toEqual(["ab();", "c();"]);
  });

  it("blanks other directives", () => {
    expect(both("#define X(a) \\\n\tg(a)\n\tX(1);\n#undef X\n#pragma once")).toEqual(["X(1);", "X(1);"]);
  });

  it("tells what it dropped", () => {
    const text = "void f(void)\n{\n#ifdef A\n\ta();\n#else\n\tb();\n#endif\n}";
    const n = normaliseFunction(text, 0, text.length, base, 0);
    expect(n.variants).toBe(2);
    expect(n.rewrites.map((r) => [r.kind, r.original, text.slice(r.offset, r.offset + r.length)])).toEqual(
      ["#ifdef A", "#else", "\n\tb();\n", "#endif"].map((s) => ["cond-branch", s, s]),
    );
  });
});

describe("a macro's replacement", () => {
  function macroBody(text: string) {
    const outline = outlineFile(text, "x.h", { registrations: new Set() });
    const m = normaliseMacroBody(text, outline, 0, base);
    expect(m.original.length).toBe(m.text.length);
    return m;
  }

  it("is a function's body, its offsets known", () => {
    const text = "#define lock(x, y) \\\n\tdo { \\\n\t\tspin_lock(&(x)->l); \\\n\t} while (0)\n";
    const m = macroBody(text);
    expect(parser.parse(m.text).hasError).toBe(false);
    expect(squeezed(m.text)).toBe("void lock(x, y) { do { \\\n spin_lock(&(x)->l); \\\n } while (0) ; }");
    expect(m.text.indexOf("spin_lock") + m.bodyDelta).toBe(text.indexOf("spin_lock"));
  });

  it.each([
    ["#define a(x) ((x) + 1)", "void a(x) { ((x) + 1) ; }"],
    ["#define b() g(), h()", "void b(void) { g(), h() ; }"],
    ["#define c(n, x) g_##n(x)", "void c(n, x) { g___n(x) ; }"],
    [
      '#define d(x, ...) print("a" #x, ##__VA_ARGS__)',
      'void d(x, __VA_ARGS__) { print("a" x, __VA_ARGS__) ; }',
    ],
    ["#define e(x) if (x) { g(); } else", "void e(x) { if (x) { g(); } else ; }"],
    ["#define h(x) list_for_each_entry(x, &head, list)", "void h(x) { while (x, &head, list) ; }"],
    ["#define i(x) ({ typeof(x) y = (x); y; })", "void i(x) { ({ typeof y = (x); y; }) ; }"],
    ['#define k(x) asm("a \\\n b" : "=r"(x))', "void k(x) { 0 \n ; }"],
    ["#define j(x) last(x)", "void j(x) { last(x) ; }"],
  ])("%j", (text, expected) => {
    const m = macroBody(text);
    expect(squeezed(m.text)).toBe(expected);
    expect(parser.parse(m.text).hasError).toBe(false);
  });
});
