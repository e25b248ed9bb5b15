/** The parser for plain C makes the same flow facts as the grammar's, or leaves the text to it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { FN_STRIDE, FnFlag } from "../../src/facts/outline.js";
import { harvestMacroClasses } from "../../src/outline/macroClasses.js";
import { outlineFile } from "../../src/outline/outline.js";
import { Ast, K, parseToAst } from "../../src/syntax/ast.js";
import { headOf } from "../../src/syntax/flow.js";
import { Lowerer } from "../../src/syntax/lower.js";
import { CParser } from "../../src/syntax/parser.js";
import { quickParse } from "../../src/syntax/quickParse.js";
import { normaliseFunction, normaliseMacro } from "../../src/text/normalise.js";

const parser = new CParser();

function factsOf(ast: Ast, isMacro = false): unknown {
  const lowerer = new Lowerer();
  lowerer.add({ ast, original: ast.text, base: 0, params: [], isMacro }, false);
  const { names, code } = lowerer.finish();
  return { names, code: [...code] };
}

/** Facts by both parsers; the first is null where the quick one gives up. */
function both(text: string, isMacro = false): { quick: unknown; full: unknown } {
  const a = new Ast();
  const quick = quickParse(text, a) ? factsOf(a, isMacro) : null;
  const b = new Ast();
  parseToAst(parser, text, b);
  return { quick, full: factsOf(b, isMacro) };
}

const inFunction = (body: string): string => `static int f(struct s *p, int n)\n{\n${body}\n}`;

describe("the quick parser", () => {
  it.each([
    "if (p->a && !p->b) return -EINVAL; else n++;",
    "for (int i = 0, j = 1; i < n; i++, j--) g(i, j);",
    "for (;;) { if (n) break; continue; }",
    "do { n--; } while (n > 0); while (g(n)) ;",
    "switch (n) { case 1: case A | B: g(); break; default: h(); }",
    "out: p->lock = 1; goto out;",
    "const struct t *q = &p->t[n].u, **r = NULL; unsigned long int x = 3UL, y[4]; bool z;",
    "int (*fn)(int, void *) = p->fn; fn(1, p);",
    "struct t q = { .a = 1, [B] = g(2), { 3 }, C };",
    "x = (struct t *)p; y = (u8)n; z = (unsigned int)-1; w = (struct t){ .a = 1 };",
    "x = (n)(p); y = (n) * 2; z = (n) & MASK; v = (size_t)(n);",
    "x = n -1; y = -1; z = - 1; w = n - -1;",
    "x = a ? b : c ? d : e; y = a ?: b; n += 2, n <<= 1;",
    "x = a == b && c != d || e & f ^ g | h << 2 >> i;",
    "x = *p->q++ + ~n * sizeof(struct t) / sizeof *p;",
    "x = ({ spin_lock(&p->lock); g(); n; });",
    'printk(KERN_INFO "a" "b" PRI "c", n);',
    'asm volatile("nop" : : "r"(n));',
    "{ int k = n; { g(k); } } return (n);",
    "/* before */ g(/* in */ n) /* after */ ;",
  ])("reads like the grammar: %s", (body) => {
    const { quick, full } = both(inFunction(body));
    expect(quick).not.toBeNull();
    expect(quick).toEqual(full);
  });

  it.each([
    ["a nested struct", "struct t { int a; } q;"],
    ["typeof", "typeof(n) m = n;"],
    ["a name before a minus that may be a type", "x = (n) - y * z;"],
    ["a cast of a name that looks like a type, called", "x = (u32)(n);"],
    ["what does not parse", "if (n { g(); }"],
    ["a label at the end of a block", "out: }{"],
    ["directives", "\n#pragma once\n g();"],
    ["an argument that is a type", "x = va_arg(ap, struct t *);"],
    ["a member of sizeof", "x = sizeof(p)->a;"],
  ])("leaves %s to the grammar", (_, body) => {
    expect(quickParse(inFunction(body), new Ast())).toBe(false);
  });

  it("reads a post-increment under a negation as C does, not as the grammar does", () => {
    const a = new Ast();
    expect(quickParse(inFunction("if (!p->count++) g();"), a)).toBe(true);
    const unary = a.kind.indexOf(K.unary_expression);
    expect(a.kind[a.first[unary]]).toBe(K.update_expression);
    expect(a.textOf(a.first[unary])).toBe("p->count++");
  });

  it("keeps trees that outgrow the columns whole", () => {
    const { quick, full } = both(inFunction("g(n, p->a[n]);\n".repeat(4000)));
    expect(quick).toEqual(full);
  });

  it("reads nearly all functions of the fixtures, each like the grammar", () => {
    const folder = fileURLToPath(new URL("../../../test-fixtures/", import.meta.url));
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile() && /\.[ch]$/.test(e.name))
      .map((e) => join(e.parentPath, e.name));
    let all = 0;
    let quickly = 0;
    for (const path of files) {
      const text = readFileSync(path, "latin1");
      const outline = outlineFile(text, path, { registrations: new Set() });
      const classes = harvestMacroClasses([{ path, outline }]);
      for (let i = 0; i < outline.fn.length / FN_STRIDE; i++) {
        const h = headOf(outline, i);
        if (h.flags & (FnFlag.Prototype | FnFlag.ObjectMacro)) continue;
        const macro = (h.flags & FnFlag.Macro) !== 0;
        const normal = macro
          ? normaliseMacro(text.slice(h.bodyStart, h.end), h, classes)
          : normaliseFunction(text, h.start, h.end, classes, 0);
        const { quick, full } = both(normal.text, macro);
        all++;
        if (quick === null) continue;
        quickly++;
        expect(quick, `${path}: ${h.name}`).toEqual(full);
      }
    }
    expect(all).toBeGreaterThan(200);
    expect(quickly / all).toBeGreaterThan(0.9);
  });
});
