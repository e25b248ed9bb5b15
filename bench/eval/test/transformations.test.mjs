// What each transformation makes of a function, and what it refuses.
import { describe, expect, it } from "vitest";
import { blank, edited, Skip } from "../metamorphic/ctext.mjs";
import { moveFunction } from "../metamorphic/move.mjs";
import { outlineStatement } from "../metamorphic/outline.mjs";
import { addBranch, lockAsGuard, wrapInMacro } from "../metamorphic/simple.mjs";

/** A case of the last function of a text; «…» marks the call. */
function caseOf(marked, { lock = "spin_lock", id = 1, file = "d/a.c" } = {}) {
  const at = marked.indexOf("«");
  const text = marked.replace(/[«»]/g, "");
  const code = blank(text);
  const heads = [
    ...text.matchAll(/^(?:static |void |int |bool |struct )[^;{=]*?(\w+)\([^;{]*\)\n\{/gm),
  ].filter((m) => m.index < at);
  const head = heads[heads.length - 1];
  const fn = { name: head[1], start: head.index, end: text.indexOf("\n}", head.index) + 2 };
  const lockAt = text.slice(fn.start, fn.end).search(new RegExp(`\\b${lock}\\w*\\(`));
  return { id, text, code, fn, at, lockAt: lockAt < 0 ? null : fn.start + lockAt, file };
}

const apply = (c, transformation) => edited(c.text, transformation(c).edits);
const inFunction = (body, head = "void f(struct p *p, int n)") =>
  caseOf(`${head}\n{\n\tint err;\n\n\tspin_lock(&p->lock);\n${body}\n\tspin_unlock(&p->lock);\n}\n`);

describe("outlining", () => {
  const made = (body, head) => {
    const text = apply(inFunction(body, head), outlineStatement);
    const helper = /^static (.*lc_outlined_1\(.*\))\n\{\n\t(.*)\n\}/m.exec(text);
    const call = /^(?!static).*lc_outlined_1\(.*$/m.exec(text)[0].trim();
    return [helper[1], helper[2], call];
  };

  it.each([
    [
      "a call",
      "\t«work»(p, n + 1);",
      ["void lc_outlined_1(struct p *p, int n)", "work(p, n + 1);", "lc_outlined_1(p, n);"],
    ],
    [
      "an assignment",
      "\terr = «work»(p);",
      ["int lc_outlined_1(struct p *p)", "return work(p);", "err = lc_outlined_1(p);"],
    ],
    [
      "an assignment to a member",
      "\tp->x = «work»(n);",
      ["void lc_outlined_1(struct p *p, int n)", "p->x = work(n);", "lc_outlined_1(p, n);"],
    ],
    [
      "a condition",
      "\tif («work»(p) < 0)\n\t\tn++;",
      ["int lc_outlined_1(struct p *p)", "return !!(work(p) < 0);", "if (lc_outlined_1(p))"],
    ],
    [
      "an address",
      "\t«work»(&err, &p->x);",
      ["void lc_outlined_1(int *err, struct p *p)", "work(err, &p->x);", "lc_outlined_1(&err, p);"],
    ],
    [
      "a field's address",
      "\t«work»(&n);\n",
      ["void lc_outlined_1(int *n)", "work(n);", "lc_outlined_1(&n);"],
    ],
    [
      "members that are called like a local",
      "\t«work»(p->err, q.n);",
      ["void lc_outlined_1(struct p *p)", "work(p->err, q.n);", "lc_outlined_1(p);"],
    ],
  ])("moves %s", (_, body, expected) => {
    expect(made(body)).toEqual(expected);
  });

  it.each([
    ["a local that is written", "\t«work»(n++);", "local written in the expression"],
    [
      "a macro that writes its argument",
      "\tif («work»(get_user(err, p)))\n\t\tn = 1;",
      "macro that writes a variable",
    ],
    ["a body with directives", "#ifdef X\n\t«work»(p);\n#endif", "preprocessor lines in the body"],
    ["by value and by address", "\t«work»(n, &n);", "local used by value and by address"],
    ["the head of a loop", "\tfor (n = 0; «work»(p); n++)\n\t\tcpu_relax();", "call in the head of a for"],
    ["a statement expression", "\terr = ({ «work»(p); 1; });", "statement in the expression"],
  ])("refuses %s", (_, body, reason) => {
    expect(() => outlineStatement(inFunction(body))).toThrow(reason);
    expect(() => outlineStatement(inFunction(body))).toThrow(Skip);
  });
});

describe("wrapping in a macro", () => {
  it("gives every argument on", () => {
    const text = apply(inFunction('\terr = «work»(p, max(n, 2), "a,b");'), wrapInMacro);
    expect(text).toContain("#define lc_wrapped_1(a0, a1, a2) work(a0, a1, a2)\nvoid f(");
    expect(text).toContain('\terr = lc_wrapped_1(p, max(n, 2), "a,b");');
  });

  it("takes no arguments as none", () => {
    expect(apply(inFunction("\t«work»();"), wrapInMacro)).toContain("#define lc_wrapped_1() work()");
  });

  it.each([
    ["a call through a member", "\tp->«work»(n);", "call through a member"],
    ["a loop macro", "\t«for_each_work»(p) {\n\t}", "macro with a body"],
  ])("refuses %s", (_, body, reason) => {
    expect(() => wrapInMacro(inFunction(body))).toThrow(reason);
  });
});

describe("a lock as a guard", () => {
  it("is scoped for even cases and a block for odd ones", () => {
    const body = "\t«work»(p);";
    expect(apply({ ...inFunction(body), id: 2 }, lockAsGuard)).toContain(
      "\tscoped_guard(spinlock, &p->lock) {\n\t«work»(p);\n\t}\n".replace(/[«»]/g, ""),
    );
    expect(apply(inFunction(body), lockAsGuard)).toContain(
      "\t{ guard(spinlock)(&p->lock);\n\twork(p);\n\t}\n",
    );
  });

  it("keeps no flags", () => {
    const c = caseOf(
      "void f(struct p *p)\n{\n\tunsigned long flags;\n\n\tspin_lock_irqsave(&p->lock, flags);\n\t«work»(p);\n\tspin_unlock_irqrestore(&p->lock, flags);\n}\n",
      { id: 2 },
    );
    expect(apply(c, lockAsGuard)).toContain("scoped_guard(spinlock_irqsave, &p->lock) {");
  });

  it("allows jumps that stay inside", () => {
    const body =
      "\twhile (n--) {\n\t\tif (n == 3)\n\t\t\tbreak;\n\t}\n\tswitch (n) {\n\tcase 1:\n\t\tbreak;\n\t}\n\t«work»(p);";
    expect(apply(inFunction(body), lockAsGuard)).toContain("guard(spinlock)");
  });

  it.each([
    [
      "a return inside",
      "\tif (n) {\n\t\tspin_unlock(&p->lock);\n\t\treturn;\n\t}\n\t«work»(p);",
      "several times",
    ],
    ["a goto inside", "\tif (n)\n\t\tgoto out;\n\t«work»(p);", "jump out of the region"],
    ["a break that leaves", "\tbreak;\n\t«work»(p);", "jump out of the region"],
    ["a declaration inside", "\tint x = 1;\n\t«work»(x);", "declaration in the region"],
    [
      "a release of another lock only",
      "\t«work»(p);\n\tspin_unlock(&q->lock);\n\tspin_lock(&p->lock);",
      "several times",
    ],
  ])("refuses %s", (_, body, reason) => {
    expect(() => lockAsGuard(inFunction(body))).toThrow(reason);
  });
});

describe("a harmless branch", () => {
  it("stands after the lock", () => {
    expect(apply(inFunction("\t«work»(p);"), addBranch)).toContain(
      "\tspin_lock(&p->lock); if (lc_seen_1) lc_count_1++; \n",
    );
  });

  it("stands before the statement where there is no lock, outside of unbraced bodies", () => {
    const c = caseOf("void f(struct p *p)\n{\n\tif (p)\n\t\t«work»(p);\n}\n");
    expect(apply(c, addBranch)).toContain("{\n\t if (lc_seen_1) lc_count_1++; if (p)\n\t\twork(p);\n}");
  });
});

describe("moving", () => {
  const FILE = `#include <linux/x.h>
#define BIG 3
struct priv { int a; };
static DEFINE_SPINLOCK(lock);
static int count = 3;
static const struct ops table[] = { { .run = other } };
static int helper(struct priv *p);

static int other(struct priv *p)
{
	return helper(p);
}

static int helper(struct priv *p)
{
	return count + BIG;
}

static int f(struct priv *p)
{
	spin_lock(&lock);
	«helper»(p);
	register_it(other, table);
	spin_unlock(&lock);
}

int g(void)
{
	return f(0);
}
`;
  const move = (text = FILE, unique = () => true) => {
    const c = caseOf(text);
    const { edits, newFile } = moveFunction(c, unique);
    return { here: edited(c.text, edits), there: newFile.text, path: newFile.path };
  };

  it("takes the static callees along and leaves prototypes", () => {
    const { here, there, path } = move();
    expect(path).toBe("d/lc_moved_1_a.c");
    expect(there).toContain("int f(struct priv *p)\n{");
    expect(there).toContain("int helper(struct priv *p)\n{");
    expect(there).not.toContain("static");
    expect(there).not.toContain("int g(");
    expect(here).toContain("int f(struct priv *p);");
    expect(here).toContain("\nint helper(struct priv *p);\n\nint f(");
    expect(here).not.toContain("spin_lock");
    expect(here).toContain("return f(0);");
  });

  it("shares types, macros and variables, and functions whose address is taken", () => {
    const { here, there } = move();
    expect(there).toContain("#include <linux/x.h>\n#define BIG 3\nstruct priv { int a; };");
    expect(there).toContain("extern spinlock_t lock;");
    expect(there).toContain("extern int count;");
    expect(there).toContain("extern const struct ops table[];");
    expect(there).toContain("int other(struct priv *p);");
    expect(here).toContain("\nDEFINE_SPINLOCK(lock);");
    expect(here).toContain("\nint count = 3;");
    expect(here).toContain("\nint other(struct priv *p)\n{");
  });

  it.each([
    ["names that are not unique", FILE, () => false, "name is not unique"],
    [
      "functions under #if",
      FILE.replace("static int f(", "#ifdef X\nstatic int f(").replace("int g(", "#endif\nint g("),
      undefined,
      "function under #if",
    ],
    [
      "variables made by unknown macros",
      FILE.replace("DEFINE_SPINLOCK(lock)", "DEFINE_ODD(lock)"),
      undefined,
      "file-level macro",
    ],
    [
      "structs with their variable",
      FILE.replace("static int count = 3", "static struct { int a; } count"),
      undefined,
      "declaration not understood",
    ],
  ])("refuses %s", (_, text, unique, reason) => {
    expect(() => move(text, unique)).toThrow(reason);
  });
});
