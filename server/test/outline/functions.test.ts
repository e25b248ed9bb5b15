/** Which functions a file defines and what their declarators say. */
import { describe, expect, it } from "vitest";
import { fn, functions } from "./show.js";

describe("a function definition", () => {
  it("has a name, typed parameters, a return type and its extents", () => {
    const text =
      "/* before */\nstatic struct foo *foo_get(struct bar *b, unsigned long flags, u32 n)\n{\n\treturn b->foo;\n}\nint after;";
    expect(fn(text)).toMatchObject({
      name: "foo_get",
      flags: ["Static"],
      params: ["bar b [Struct Pointer]", "long flags", "u32 n"],
      returns: "foo",
      whole: text.slice(text.indexOf("static"), text.indexOf("int after") - 1),
      body: "{\n\treturn b->foo;\n}",
    });
  });

  it("returns nothing when it is void, and the pointee when it is a void pointer", () => {
    expect(fn("void f(void) { }")).toMatchObject({ returns: "", params: [] });
    expect(fn("void *f(void) { }").returns).toBe("void");
  });

  it.each([
    ["static int __init foo(void) { }", ["Static", "Init"]],
    ["static __always_inline bool foo(int a) { }", ["Static", "Inline"]],
    ["int __weak foo(void) { }", ["Weak"]],
    ["int __attribute__((weak)) foo(void) { }", ["Weak"]],
    ["void __noreturn foo(void) { }", ["NoReturn"]],
    ["asmlinkage __visible void __sched notrace foo(void) { }", []],
    ["__printf(1, 2)\nvoid foo(const char *fmt, ...) { }", ["Variadic"]],
    ["noinline_for_stack static int foo(void) { }", ["Static"]],
  ])("is named foo in %s", (text, flags) => {
    expect(fn(text)).toMatchObject({ name: "foo", flags });
  });

  it("keeps its name when that begins with underscores and the type is a tag", () => {
    expect(fn("static enum mtu __from_mtu(u32 mtu) { }")).toMatchObject({
      name: "__from_mtu",
      returns: "mtu",
    });
  });

  it("may return a function pointer", () => {
    expect(fn("void (*signal(int sig, void (*handler)(int)))(int)\n{\n}")).toMatchObject({
      name: "signal",
      params: ["int sig", "void handler [Pointer FunctionPointer]"],
    });
  });

  it("may declare its parameters in the old style", () => {
    expect(
      fn("int deflate(strm, flush)\n\tstruct z *strm;\n\tint flush;\n{\n\treturn flush_it(strm);\n}"),
    ).toMatchObject({
      name: "deflate",
      params: ["z strm [Struct Pointer]", "int flush"],
      calls: ["flush_it"],
    });
  });

  it("may be made by a system call macro", () => {
    expect(
      fn(
        "SYSCALL_DEFINE3(open, const char __user *, filename, int, flags, umode_t, mode)\n{\n\treturn do_open(flags);\n}",
      ),
    ).toMatchObject({
      name: "sys_open",
      flags: ["Syscall"],
      params: ["char filename [Pointer Const]", "int flags", "umode_t mode"],
      calls: ["do_open"],
    });
    expect(fn("SYSCALL_DEFINE0(getpid)\n{\n}").name).toBe("sys_getpid");
    expect(fn("COMPAT_SYSCALL_DEFINE1(x, int, a)\n{\n}").name).toBe("compat_sys_x");
  });

  it("may be made by another macro that takes the name", () => {
    expect(fn("BPF_CALL_2(bpf_get, struct sk_buff *, skb, u32, n)\n{\n}")).toMatchObject({
      name: "bpf_get",
      params: ["sk_buff skb [Struct Pointer]", "u32 n"],
    });
    expect(fn("DEFINE_IDTENTRY(exc_overflow)\n{\n}").name).toBe("exc_overflow");
  });

  it("is not swallowed by a macro without a semicolon before it", () => {
    expect(
      functions('MODULE_LICENSE("GPL")\nEXPORT_SYMBOL(foo)\nint foo(void)\n{\n}\n').map((f) => f.name),
    ).toEqual(["foo"]);
  });

  it("is not made of a structure's initialiser behind a macro", () => {
    expect(
      functions("define_machine(board) {\n\t.probe = board_probe,\n};\nint f(void) { }").map((f) => f.name),
    ).toEqual(["f"]);
  });

  it("is found inside extern C", () => {
    expect(fn('extern "C" {\nint f(void) { }\n}').name).toBe("f");
  });

  it("is found whatever the line ends and the bytes in comments and strings", () => {
    expect(fn('/* \xe9 { */\r\nint f(void)\r\n{\r\n\tg("}\xff\\"", \'"\');\r\n}\r\n').calls).toEqual(["g"]);
    expect(fn("int f(void)\n{\n\t// } not here \\\n\t} nor here\n\tg();\n}").calls).toEqual(["g"]);
  });
});

describe("annotations", () => {
  it("of a definition come with the text of their argument", () => {
    expect(
      fn("static void unlock(struct p *p)\n\t__releases(&p->lock)\n\t__acquires(RCU)\n{\n}").annotations,
    ).toEqual(["Releases(&p->lock)", "Acquires(RCU)"]);
  });

  it("may stand on a line of their own before the function", () => {
    expect(fn("__must_hold(&x->lock)\nstatic void f(struct x *x)\n{\n}").annotations).toEqual([
      "MustHold(&x->lock)",
    ]);
  });

  it("keep a prototype that has some; other prototypes are dropped", () => {
    const all = functions(
      "int plain(void);\nvoid held(struct x *x) __must_hold(&x->lock);\nvoid __noreturn die(const char *why);",
    );
    expect(all.map((f) => [f.name, f.flags, f.annotations])).toEqual([
      ["held", ["Prototype"], ["MustHold(&x->lock)"]],
      ["die", ["Prototype", "NoReturn"], []],
    ]);
  });

  it("of a conditional acquire name the lock, not the result", () => {
    expect(fn("int f(spinlock_t *l) __cond_acquires(true, l);").annotations).toEqual(["CondAcquires(l)"]);
  });
});

describe("calls", () => {
  const calls = (body: string): string[] => fn(`void f(void)\n{\n${body}\n}`).calls;

  it("are listed in source order, as often as they stand there", () => {
    expect(calls("a(b(1), c());\na();")).toEqual(["a", "b", "c", "a"]);
  });

  it("leave out control words, operators and casts", () => {
    expect(calls("if (x) while (y) switch (sizeof(z)) { case 1: return (int)(z); }\nfor (;;) ;")).toEqual([]);
  });

  it("say when they go through a member", () => {
    expect(calls("x->ops->open(x); v.close(); (*x->cb)(1); (x->cb)(2); x->table[3](y); (*fp)();")).toEqual([
      ".open",
      ".close",
      ".cb",
      ".cb",
      ".table",
      "fp",
    ]);
  });

  it("leave out declarations but not a call behind a macro on the line above", () => {
    expect(calls("u8 proto(int);\nint (*fp)(int) = g(1);\nMACRO\nbaz();\nreturn last();")).toEqual([
      "g",
      "baz",
      "last",
    ]);
  });

  it("in every #if branch count", () => {
    expect(calls("#ifdef A\na();\n#else\nb();\n#endif")).toEqual(["a", "b"]);
  });

  it("in a macro's replacement belong to the macro", () => {
    const all = functions("void f(void)\n{\n#define LOCK(x) spin_lock(&(x)->l)\n\tLOCK(a);\n}\n");
    expect(all.map((f) => [f.name, f.calls])).toEqual([
      ["f", ["LOCK"]],
      ["LOCK", ["spin_lock"]],
    ]);
  });
});

describe("kernel-doc", () => {
  it.each([
    ["/**\n * f - x\n * Context: Process context. May sleep.\n */", ["DocMaySleep"]],
    ["/**\n * f - x\n *\n * Context: Any context.\n */", ["DocAnyContext"]],
    ["/**\n * f - x\n * Context: Any context that permits to sleep.\n */", ["DocMaySleep"]],
    ["/**\n * f - x\n * Context: Process context. Does not sleep.\n */", []],
    ["/**\n * f - x\n * This function might sleep.\n */", ["DocMaySleep"]],
    // What a parameter selects, or what is only asked, says nothing about every call.
    ["/**\n * f - x\n * @sleep_ok: if true we may sleep while waiting\n */", []],
    ["/**\n * f - tells whether an access may sleep\n */", []],
    ["/**\n * f - x\n * Context: Any context. May sleep if the flags permit.\n */", []],
    ["/**\n * f - x\n * Context: Must not be called in interrupt context.\n */", []],
    ["/**\n * f - x\n * Context: Holds a mutex, not suitable from atomic context.\n */", []],
    ["/**\n * f - x\n * Context: Interrupt context.\n */", ["DocAnyContext"]],
    ["/**\n * f - x\n *\n * LOCKING:\n * Kernel thread context (may sleep).\n */", ["DocMaySleep"]],
    ["/**\n * f - x\n * Context: Process context. May sleep if @gfp flags permit.\n */", []],
    ["/* may sleep */", []],
  ])("%j", (doc, flags) => {
    expect(fn(`${doc}\nvoid f(void)\n{\n}`).flags).toEqual(flags);
  });

  it("belongs to the function right after it", () => {
    const all = functions("/**\n * a - x\n * Context: May sleep.\n */\nvoid a(void) { }\nvoid b(void) { }");
    expect(all.map((f) => f.flags)).toEqual([["DocMaySleep"], []]);
  });
});
