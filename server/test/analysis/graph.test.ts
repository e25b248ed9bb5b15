/** The lock-context call graph around a function, and its formats. */
import { beforeAll, describe, expect, it } from "vitest";
import type { LockGraph } from "../../src/findings/explain.js";
import { renderDot, renderMermaid } from "../../src/report/graphText.js";
import { graphIn, type Opened, open } from "./inspect.js";

const TEXT = `static DEFINE_SPINLOCK(lock);
struct ops {
	void (*run)(int n);
};
static void sink(int n)
{
	msleep(n);
}
static void plain(int n)
{
}
static void centre(int n)
{
	plain(n);
	sink(n);
}
static const struct ops table = { .run = centre };
#define call_centre(n) centre(n)
void locked(int n)
{
	spin_lock(&lock);
	centre(n);
	spin_unlock(&lock);
}
void by_pointer(const struct ops *o)
{
	o->run(1);
}
void by_macro(void)
{
	call_centre(1);
}
static irqreturn_t handler(int irq, void *data)
{
	centre(1);
	return IRQ_HANDLED;
}
int probe(void)
{
	return request_irq(1, handler, 0, "x", 0);
}
void far_away(int n)
{
	locked(n);
}
`;

let opened: Opened;
let graph: LockGraph;
beforeAll(async () => {
  opened = await open({ "g.c": TEXT });
  graph = await graphIn(opened, "centre", 1);
});
const short = (id: string): string => id.replace("g.c:", "");
const edges = (g: LockGraph): string[] =>
  g.edges.map(
    (e) => `${short(e.from)} ${e.kind} ${short(e.to)}${e.under.length > 0 ? ` under ${e.under}` : ""}`,
  );
const nodeOf = (g: LockGraph, name: string) => g.nodes.find((n) => n.function === name);

describe("the graph around a function", () => {
  it("has its callers and callees, with the kind of call and the context at it", () => {
    expect(edges(graph).sort()).toEqual(
      [
        "locked call centre under spinlock lock",
        "by_pointer pointer centre",
        "call_centre call centre",
        "handler call centre",
        "kernel:request_irq callback handler under hard interrupt context",
        "centre call plain",
        "centre call sink",
        "sink call call:msleep",
      ].sort(),
    );
  });

  it("says of each function what it takes, what it runs in, and whether it may sleep", () => {
    expect(nodeOf(graph, "locked")).toMatchObject({ enters: ["spinlock lock"], runsIn: [], sleeps: "may" });
    expect(nodeOf(graph, "centre")).toMatchObject({
      enters: [],
      runsIn: ["hard interrupt context", "spinlock lock"],
      sleeps: "may",
    });
    expect(nodeOf(graph, "plain")).toMatchObject({
      runsIn: nodeOf(graph, "centre")?.runsIn,
      sleeps: "never",
    });
  });

  it("goes as far as it is told", async () => {
    expect(nodeOf(graph, "far_away")).toBeUndefined();
    const more = await graphIn(opened, "centre", 2);
    expect(nodeOf(more, "far_away")).toBeDefined();
    expect(edges(more)).toContain("by_macro macro call_centre");
    expect(edges(await graphIn(opened, "centre", 0))).toEqual([]);
  });

  it("is the same on every run", async () => {
    expect(await graphIn(await open({ "g.c": TEXT }), "centre", 1)).toEqual(graph);
  });
});

describe("its formats", () => {
  it("is Graphviz, every edge between nodes that are there", () => {
    const dot = renderDot(graph);
    expect(dot).toMatch(/^digraph lockctx \{\n/);
    expect(dot).toContain('"g.c:locked" -> "g.c:centre" [label="under spinlock lock", style=solid');
    const nodes = new Set([...dot.matchAll(/^ {2}("[^"]+") \[/gm)].map((m) => m[1]));
    for (const [, from, to] of dot.matchAll(/^ {2}("[^"]+") -> ("[^"]+")/gm))
      expect(nodes.has(from) && nodes.has(to)).toBe(true);
  });

  it("is Mermaid", () => {
    const text = renderMermaid(graph);
    expect(text).toMatch(/^flowchart LR\n/);
    expect(text).toMatch(/n\d+ -->\|"under spinlock lock"\| n\d+/);
    expect(text).toMatch(/n\d+ -\.->\|"pointer"\| n\d+/);
  });
});
