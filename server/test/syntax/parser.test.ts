/** The parser behind its interface: both back ends give the same trees. */
import { describe, expect, it } from "vitest";
import { type CParser, createParser } from "../../src/syntax/parser.js";
import { WasmCursor } from "../../src/syntax/wasm.js";

/** Every node as `type[start,end) field`, in order. */
function nodes(parser: CParser, text: string, how: "walk" | "sweep" = "walk"): string[] {
  const tree = parser.parse(text);
  const c = tree[how]();
  const out: string[] = [];
  const visit = (): void => {
    out.push(
      `${c.nodeType}[${c.startIndex},${c.endIndex}) ${c.currentFieldName ?? ""}${c.nodeIsNamed ? "" : " anon"}${c.nodeIsMissing ? " missing" : ""}`,
    );
    if (!c.gotoFirstChild()) return;
    do visit();
    while (c.gotoNextSibling());
    c.gotoParent();
  };
  visit();
  c.delete?.();
  tree.delete();
  return out;
}

const TEXTS = [
  "",
  "int f(void) { return g(1); }",
  "int x = ;",
  'char *s = "\xe9\xff"; int y;',
  `int a[] = { ${"1, ".repeat(40000)} };`,
];

describe("createParser", () => {
  it("loads the native parser and the WebAssembly one, with equal trees", async () => {
    const native = await createParser("native");
    const wasm = await createParser("wasm");
    expect([native.kind, wasm.kind]).toEqual(["native", "wasm"]);
    for (const text of TEXTS) expect(nodes(wasm, text)).toEqual(nodes(native, text));
  });

  it.each(["native", "wasm"] as const)("sweeps over a tree as it walks over it (%s)", async (kind) => {
    const p = await createParser(kind);
    for (const text of TEXTS) expect(nodes(p, text, "sweep")).toEqual(nodes(p, text));
  });

  it("sweeps without the library's cursor", async () => {
    // As long as the library is as syntax/wasm.ts knows it; otherwise checks take twice the time.
    const tree = (await createParser("wasm")).parse("int x;");
    const cursor = tree.sweep();
    expect(cursor).toBeInstanceOf(WasmCursor);
    cursor.delete?.();
    tree.delete();
  });

  it.each(["native", "wasm"] as const)("says whether a tree holds errors (%s)", async (kind) => {
    const p = await createParser(kind);
    expect(["int x;", "int x = ;", "int ("].map((t) => p.parse(t).hasError)).toEqual([false, true, true]);
  });

  it("parses texts longer than the binding's buffer to their end", async () => {
    const p = await createParser("native");
    const text = `${" ".repeat(200_000)}int last;`;
    expect(nodes(p, text).some((n) => n.startsWith(`identifier[${text.length - 5},`))).toBe(true);
  });

  it.each(["native", "wasm"] as const)("reparses an edited text (%s)", async (kind) => {
    const p = await createParser(kind);
    const old = p.parse("int a;");
    const at = (column: number) => ({ row: 0, column });
    p.edit(old, {
      startIndex: 4,
      oldEndIndex: 5,
      newEndIndex: 7,
      startPosition: at(4),
      oldEndPosition: at(5),
      newEndPosition: at(7),
    });
    const tree = p.parse("int abc;", old);
    const c = tree.walk();
    expect([tree.hasError, c.endIndex]).toEqual([false, 8]);
    tree.delete();
    old.delete();
  });
});
