/** The lock contexts around a function as a graph: who calls it and what it calls, and under which context. */
import type { GraphEdge, GraphNode, LockGraph } from "../findings/explain.js";
import type { Site } from "../findings/types.js";
import { contextWords } from "../findings/words.js";
import { ATOMIC } from "../kernel/types.js";
import type { Demand } from "./demand.js";
import { functionRef } from "./explain.js";
import { instructions } from "./places.js";
import type { Reporter } from "./report.js";
import { heldContext } from "./summary.js";
import { type FunctionTrace, type HeldLocks, holdings, viaOf } from "./trace.js";

/** More functions than a reader can make use of. */
const MOST_NODES = 150;

export async function lockGraph(
  demand: Demand,
  reporter: Reporter,
  root: number,
  depth: number,
): Promise<LockGraph> {
  return new GraphBuilder(demand, reporter).build(root, depth);
}

class GraphBuilder {
  private readonly functions = new Set<number>();
  private readonly nodes = new Map<string, GraphNode>();
  private readonly edges = new Map<string, GraphEdge>();
  private left = 0;

  constructor(
    private readonly demand: Demand,
    private readonly reporter: Reporter,
  ) {}

  async build(root: number, depth: number): Promise<LockGraph> {
    const { demand } = this;
    this.functions.add(root);
    const below = await this.down(root, depth);
    await this.up(root, depth);
    const ordered = [...this.functions].sort((a, b) => a - b);
    await demand.summarise(ordered);
    await demand.prepare(ordered);
    for (const fn of ordered) this.addNode(fn);
    for (const fn of ordered) this.addEdges(fn, below.has(fn));
    for (const r of demand.solver.pointers.roots) {
      if (!this.functions.has(r.fn) || (r.bits & ATOMIC) === 0) continue;
      const site = this.reporter.registered(r);
      const words = contextWords({ kind: r.kind, how: r.how, site });
      const id = `kernel:${r.how}`;
      if (!this.nodes.has(id)) this.nodes.set(id, node(id, "kernel", r.how, null, null, "unknown"));
      this.edge(id, this.idOf(r.fn), "callback", [words], site);
    }
    this.inherit();
    return {
      root: this.idOf(root),
      depth,
      nodes: [...this.nodes.values()],
      edges: [...this.edges.values()],
      left: this.left,
    };
  }

  private idOf(fn: number): string {
    const { program } = this.demand.solver;
    const path = program.fnFile(fn).path;
    const name = program.fnText(fn);
    const same = program.definitionsOf(program.fnName(fn)).filter((f) => program.fnFile(f).path === path);
    // Alternatives by #if in one file are told apart by their order.
    return same.length > 1 ? `${path}:${name}#${same.indexOf(fn) + 1}` : `${path}:${name}`;
  }

  private take(fn: number): boolean {
    if (this.functions.has(fn)) return false;
    if (this.functions.size >= MOST_NODES) {
      this.left++;
      return false;
    }
    this.functions.add(fn);
    return true;
  }

  private async down(root: number, depth: number): Promise<Set<number>> {
    const { demand } = this;
    const all = new Set([root]);
    let level = [root];
    for (let d = 0; d < depth && level.length > 0; d++) {
      await demand.summarise(level);
      await demand.prepare(level);
      const next: number[] = [];
      for (const fn of level) {
        for (const call of demand.trace(fn)?.calls ?? []) {
          for (const t of [...call.targets].sort((a, b) => a - b)) {
            if (!this.take(t)) continue;
            all.add(t);
            next.push(t);
          }
        }
      }
      level = next;
    }
    return all;
  }

  private async up(root: number, depth: number): Promise<void> {
    const { demand } = this;
    let level = [root];
    for (let d = 0; d < depth && level.length > 0; d++) {
      const next: number[] = [];
      for (const fn of level) {
        const room = MOST_NODES - this.functions.size;
        const callers = demand.callersOf(fn).map((c) => c.fn);
        this.left += Math.max(0, callers.length - Math.max(room, 0));
        const looked = callers.slice(0, Math.max(room, 0));
        await demand.prepare(looked);
        for (const caller of looked) {
          if (demand.trace(caller)?.calls.some((c) => c.targets.has(fn)) && this.take(caller))
            next.push(caller);
        }
      }
      level = next;
    }
  }

  private words(fn: number, states: readonly HeldLocks[], asserted: boolean): string[] {
    return unique(
      holdings(states)
        .filter((h) => h.token.entry === asserted)
        .map((h) => contextWords(this.reporter.context(fn, heldContext(h.token)))),
    );
  }

  private addNode(fn: number): void {
    const { program } = this.demand.solver;
    const ref = functionRef(program, fn);
    const trace = this.demand.trace(fn);
    const states = trace ? [...instructions(trace.flow)].flatMap((pc) => [...trace.states(pc)]) : [];
    const id = this.idOf(fn);
    const made = node(id, ref.kind, ref.name, ref.file, ref.site, sleepsOf(trace));
    made.enters = this.words(fn, states, false);
    made.runsIn = this.words(fn, states, true);
    this.nodes.set(id, made);
  }

  private addEdges(fn: number, withSinks: boolean): void {
    const trace = this.demand.trace(fn);
    if (!trace) return;
    const { program } = this.demand.solver;
    const from = this.idOf(fn);
    for (const call of trace.calls) {
      const states = trace.states(call.pc);
      const under = [...this.words(fn, states, false), ...this.words(fn, states, true)];
      const site = this.reporter.site(fn, call.at, call.at + call.name.length);
      for (const t of call.targets)
        if (this.functions.has(t)) this.edge(from, this.idOf(t), viaOf(program, call, t), under, site);
      if (!withSinks) continue;
      for (const e of call.sleeps) {
        if (e.next !== null || e.sink.viaParam >= 0) continue;
        const id = `call:${e.sink.name}`;
        if (!this.nodes.has(id)) this.nodes.set(id, node(id, "primitive", e.sink.name, null, null, "may"));
        this.edge(from, id, "call", under, site);
      }
    }
  }

  /** Several calls from one function to another are one edge for each context. */
  private edge(from: string, to: string, kind: GraphEdge["kind"], under: string[], site: Site): void {
    const key = `${from}|${to}|${kind}|${under.join()}`;
    if (!this.edges.has(key)) this.edges.set(key, { from, to, kind, under, site });
  }

  /** What a caller holds, or runs in, its callees run in. */
  private inherit(): void {
    const edges = [...this.edges.values()];
    for (let changed = true; changed; ) {
      changed = false;
      for (const e of edges) {
        const from = this.nodes.get(e.from)!;
        const to = this.nodes.get(e.to)!;
        if (to.kind === "primitive") continue;
        for (const words of [...e.under, ...from.runsIn]) {
          if (to.runsIn.includes(words)) continue;
          to.runsIn.push(words);
          changed = true;
        }
      }
    }
    for (const n of this.nodes.values()) n.runsIn.sort();
  }
}

function node(
  id: string,
  kind: GraphNode["kind"],
  name: string,
  file: string | null,
  site: Site | null,
  sleeps: GraphNode["sleeps"],
): GraphNode {
  return { id, kind, function: name, file, site, enters: [], runsIn: [], sleeps };
}

function sleepsOf(trace: FunctionTrace | null): GraphNode["sleeps"] {
  if (!trace) return "unknown";
  if (trace.result.summary.sleeps.some((e) => e.sink.viaParam < 0)) return "may";
  return trace.calls.some((c) => c.unresolved) ? "unknown" : "never";
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}
