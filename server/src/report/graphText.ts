/** The lock-context call graph as Graphviz and Mermaid text. */
import type { GraphEdge, GraphNode, LockGraph } from "../findings/explain.js";

export const GRAPH_FORMATS = ["dot", "mermaid", "json"] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

/** How a node stands to the two questions: may it sleep, does it run atomic. */
type Class = "bug" | "atomic" | "sleeps" | "plain" | "kernel";

function classOf(n: GraphNode): Class {
  if (n.kind === "kernel") return "kernel";
  const atomic = n.runsIn.length > 0;
  const sleeps = n.sleeps === "may";
  return atomic && sleeps ? "bug" : atomic ? "atomic" : sleeps ? "sleeps" : "plain";
}

const COLOURS: Readonly<Record<Class, { fill: string; line: string }>> = {
  bug: { fill: "#f8d0c8", line: "#b03020" },
  atomic: { fill: "#fff0c0", line: "#b08000" },
  sleeps: { fill: "#d8e8f8", line: "#3060a0" },
  plain: { fill: "#ffffff", line: "#808080" },
  kernel: { fill: "#e8e8e8", line: "#606060" },
};

function linesOf(n: GraphNode): string[] {
  const out = [n.kind === "kernel" ? n.function : `${n.function}()`];
  if (n.file !== null) out.push(n.file);
  if (n.enters.length > 0) out.push(`takes: ${n.enters.join(", ")}`);
  if (n.runsIn.length > 0) out.push(`runs in: ${n.runsIn.join(", ")}`);
  if (n.kind !== "kernel") {
    const words = { may: "may sleep", never: "does not sleep", unknown: "sleeps: unknown" };
    out.push(words[n.sleeps]);
  }
  return out;
}

function labelOf(e: GraphEdge): string[] {
  const kind = e.kind === "call" ? [] : [e.kind];
  return [...kind, ...(e.under.length > 0 ? [`under ${e.under.join(", ")}`] : [])];
}

export function renderDot(graph: LockGraph): string {
  const text = (lines: readonly string[]): string =>
    `"${lines.map((l) => l.replace(/[\\"]/g, "\\$&")).join("\\n")}"`;
  const out = [
    "digraph lockctx {",
    "  rankdir=LR;",
    '  node [shape=box, style="filled,rounded", fontname="sans-serif", fontsize=10];',
    '  edge [fontname="sans-serif", fontsize=9];',
  ];
  for (const n of graph.nodes) {
    const { fill, line } = COLOURS[classOf(n)];
    const width = n.id === graph.root ? ", penwidth=3" : "";
    const shape = n.kind === "primitive" ? ", shape=ellipse" : n.kind === "kernel" ? ", shape=plaintext" : "";
    out.push(
      `  ${text([n.id])} [label=${text(linesOf(n))}, fillcolor="${fill}", color="${line}"${width}${shape}];`,
    );
  }
  for (const e of graph.edges) {
    const style = { call: "solid", macro: "dashed", pointer: "dotted", callback: "bold" }[e.kind];
    const colour = e.under.length > 0 ? `, color="${COLOURS.bug.line}"` : "";
    out.push(`  ${text([e.from])} -> ${text([e.to])} [label=${text(labelOf(e))}, style=${style}${colour}];`);
  }
  if (graph.left > 0)
    out.push(`  left [shape=note, label=${text([`${graph.left} functions were left out`])}];`);
  out.push("}");
  return `${out.join("\n")}\n`;
}

export function renderMermaid(graph: LockGraph): string {
  const number = new Map(graph.nodes.map((n, i) => [n.id, `n${i}`]));
  const text = (lines: readonly string[]): string =>
    lines.map((l) => l.replace(/[#"<>&]/g, (ch) => `#${ch.charCodeAt(0)};`)).join("<br/>");
  const out = ["flowchart LR"];
  for (const n of graph.nodes) {
    const [open, close] =
      n.kind === "primitive" ? ["([", "])"] : n.kind === "kernel" ? ["{{", "}}"] : ["[", "]"];
    out.push(`  ${number.get(n.id)}${open}"${text(linesOf(n))}"${close}:::${classOf(n)}`);
  }
  for (const e of graph.edges) {
    const arrow = e.kind === "pointer" || e.kind === "macro" ? "-.->" : e.kind === "callback" ? "==>" : "-->";
    const label = labelOf(e);
    out.push(
      `  ${number.get(e.from)} ${arrow}${label.length > 0 ? `|"${text(label)}"|` : ""} ${number.get(e.to)}`,
    );
  }
  if (graph.left > 0) out.push(`  left["${graph.left} functions were left out"]`);
  for (const [name, { fill, line }] of Object.entries(COLOURS))
    out.push(`  classDef ${name} fill:${fill},stroke:${line},color:#000`);
  out.push(`  style ${number.get(graph.root)} stroke-width:3px`);
  return `${out.join("\n")}\n`;
}
