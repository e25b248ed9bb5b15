/** Values that fields are given, and registrations. */
import { describe, expect, it } from "vitest";
import { inits, registrations } from "./show.js";

describe("a designated initialiser at file level", () => {
  it("gives type, variable, field and value", () => {
    expect(
      inits(
        'static const struct file_operations fops = {\n\t.open = my_open,\n\t.release = &my_release,\n\t.name = "x",\n};',
      ),
    ).toEqual(["(file_operations) fops.open = my_open", "(file_operations) fops.release = my_release"]);
  });

  it("may be nested, indexed or both", () => {
    expect(
      inits(
        "struct a v = { .b = { .c = f }, .d.e = g };\nstruct t tab[] = { { .h = one }, [3] = { .h = two } };",
      ),
    ).toEqual(["(a) v.b.c = f", "(a) v.d.e = g", "(t) tab.h = one", "(t) tab.h = two"]);
  });

  it("keeps constant expressions, casts dropped, and what pm_ptr() wraps", () => {
    expect(
      inits(
        "struct a v = { .flags = A | B, .on = true, .f = (void *)fn, .pm = pm_ptr(&ops), .n = make(3), .s = x + y(1) };",
      ),
    ).toEqual(["(a) v.flags = A | B", "(a) v.on = true", "(a) v.f = fn", "(a) v.pm = ops"]);
  });

  it("of a variable of a per-CPU macro has its type", () => {
    expect(inits("static DEFINE_PER_CPU(struct pcp, p) = { .fn = f };")).toEqual(["(pcp) p.fn = f"]);
  });

  it("of a function pointer is a value without a field", () => {
    expect(inits("void (*hook)(void) = deflt;")).toEqual(["hook. = deflt"]);
  });
});

describe("an assignment in a function", () => {
  const body = (s: string): string[] => inits(`void f(void)\n{\n${s}\n}`).map((x) => x.replace(" in f", ""));

  it("to a field is recorded when its value is a name or a constant", () => {
    expect(
      body(
        "x->ops = &my_ops; t.function = cb; gc->can_sleep = true; a->b->c = D | E; v[i].fn = g; (*p)->q = r;",
      ),
    ).toEqual([
      "x.ops = my_ops",
      "t.function = cb",
      "gc.can_sleep = true",
      "a->b.c = D | E",
      "v[i].fn = g",
      "(*p).q = r",
    ]);
  });

  it("of anything else is not", () => {
    expect(body("x->a = f(1); x->b = y->z; x->c = *p; plain = g; x->d += 1; if (x->e == q) ;")).toEqual([]);
  });

  it("may initialise a local structure or a compound literal", () => {
    expect(
      body(
        "struct conf c = { .fast_io = true };\n*p = (struct lit) { .cb = h };\nx->cfg = &(struct lit){ .cb = k };",
      ),
    ).toEqual(["(conf) c.fast_io = true", "(lit) p.cb = h", "(lit) x->cfg.cb = k"]);
  });
});

describe("a registration", () => {
  it("gives the texts of its arguments, white space and comments squeezed", () => {
    expect(
      registrations(
        'int probe(void)\n{\n\treturn request_irq(d->irq, handler,\n\t\t\t   IRQF_SHARED | /* late */ IRQF_ONESHOT, "x", get(d, 1));\n}',
        ["request_irq"],
      ),
    ).toEqual(['request_irq(d->irq | handler | IRQF_SHARED | IRQF_ONESHOT | "x" | get(d, 1)) in probe']);
  });

  it("may stand at file level", () => {
    expect(registrations("static DEFINE_TIMER(tick, tick_fn);", ["DEFINE_TIMER"])).toEqual([
      "DEFINE_TIMER(tick | tick_fn)",
    ]);
  });

  it("may stand inside another one", () => {
    expect(registrations("void f(void) { a(b(x), y); }", ["a", "b"])).toEqual([
      "a(b(x) | y) in f",
      "b(x) in f",
    ]);
  });

  it("with an enormous argument leaves that one out", () => {
    expect(registrations(`void f(void) { a(x, "${"y".repeat(200)}", z); }`, ["a"])).toEqual([
      "a(x | ? | z) in f",
    ]);
  });
});
