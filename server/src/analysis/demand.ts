/**
 * Analysis of single functions on demand, for explanations: what a check works out for a whole tree is worked out for the
 * functions asked about, what they call, and the lock wrappers near them. On a solver that has run a check, most of it is
 * known already.
 */
import type { Flow } from "../facts/flow.js";
import { FnFlag } from "../facts/outline.js";
import { Interpreter } from "./interpret.js";
import { components, type Solver } from "./solver.js";
import { type FunctionTrace, TraceBuilder } from "./trace.js";

/** Calls down from a function within which lock wrappers are looked for. */
const WRAPPER_DEPTH = 6;
/** Functions looked at for that. */
const MOST_NEAR = 20_000;

export class Demand {
  /** Functions whose surroundings have been searched for lock wrappers. */
  private readonly near = new Set<number>();
  private readonly traces = new Map<number, { trace: FunctionTrace | null; withSleeps: boolean }>();

  constructor(
    readonly solver: Solver,
    private readonly signal?: AbortSignal,
  ) {}

  /** Learns what functions below these do to locks, and gets the facts of these. */
  async prepare(fns: readonly number[]): Promise<void> {
    const { solver } = this;
    if (!solver.wrappersKnown) {
      const below = this.below(fns);
      if (below.size > 0) await solver.solveEffects(this.signal, below);
    }
    await solver.fetch(
      fns.filter((fn) => solver.hasBody(fn)),
      this.signal,
    );
  }

  /** Functions with a body that these call, as names tell, not looked at before. */
  private below(fns: readonly number[]): Set<number> {
    const { solver } = this;
    const { program, tables } = solver;
    const found = new Set<number>();
    let level = fns.filter((fn) => !this.near.has(fn));
    for (const fn of level) this.near.add(fn);
    for (let depth = 0; depth < WRAPPER_DEPTH && level.length > 0; depth++) {
      const next: number[] = [];
      for (const fn of level) {
        const file = program.fnFile(fn);
        for (const c of program.calls(fn)) {
          if (c & 1) continue;
          const text = program.names.text(c >> 1);
          if (tables.locks.has(text) || tables.hardStops.has(text) || tables.neverSleeps.has(text)) continue;
          for (const f of program.resolve(c >> 1, file)) {
            if (this.near.has(f) || found.size >= MOST_NEAR) continue;
            this.near.add(f);
            next.push(f);
            if (solver.hasBody(f)) found.add(f);
          }
        }
      }
      level = next;
    }
    for (const fn of fns) if (solver.hasBody(fn)) found.add(fn);
    return found;
  }

  /** Makes the summaries of these functions and of all that they call, as a check makes those that it needs. */
  async summarise(fns: readonly number[]): Promise<void> {
    const { solver } = this;
    const closure = new Set<number>();
    const edges = new Map<number, number[]>();
    let frontier: number[] = [];
    const want = (fn: number): void => {
      if (closure.has(fn) || solver.summarised.has(fn) || !solver.hasBody(fn)) return;
      closure.add(fn);
      frontier.push(fn);
    };
    for (const fn of fns) want(fn);
    while (frontier.length > 0) {
      const batch = frontier.sort((a, b) => a - b);
      frontier = [];
      await this.prepare(batch);
      for (const fn of batch) {
        const flow = solver.flows.get(fn);
        if (!flow) continue;
        const callees = new Set([...solver.calleesOf(fn, flow), ...solver.pointerCallees(fn, flow)]);
        edges.set(fn, [...callees]);
        for (const f of callees) want(f);
      }
    }
    const order = components(
      [...closure].sort((a, b) => a - b),
      (fn) => edges.get(fn) ?? [],
    );
    for (const scc of order) await solver.solveComponent(scc, edges);
  }

  /** What one function does, place by place; null where its text could not be had. Call `prepare` (and for sleeps `summarise`) first. */
  trace(fn: number): FunctionTrace | null {
    const withSleeps = this.solver.summarised.has(fn);
    const known = this.traces.get(fn);
    if (known && (known.withSleeps || !withSleeps)) return known.trace;
    const flow = this.solver.flows.get(fn);
    const trace = flow ? this.run(fn, flow, withSleeps) : null;
    this.traces.set(fn, { trace, withSleeps });
    return trace;
  }

  private run(fn: number, flow: Flow, exportsSleeps: boolean): FunctionTrace {
    const interpreter = new Interpreter(this.solver, fn, flow, exportsSleeps);
    const builder = new TraceBuilder(fn, flow, interpreter.t);
    interpreter.observer = builder;
    return builder.finish(interpreter.run());
  }

  /** Functions that call this one by its name, by an alias of it or through a field that holds it, nearest first. */
  callersOf(fn: number): { fn: number; direct: boolean }[] {
    const { program, graph, pointers } = this.solver;
    const own = program.fnFile(fn);
    const out = new Map<number, boolean>();
    const names = [program.fnName(fn)];
    for (let i = 0; i < names.length && names.length < 8; i++) {
      const name = names[i];
      graph.callersOf(name, (caller) => {
        if (caller === fn) return;
        const file = program.fnFile(caller);
        if (program.fnFlags(caller) & FnFlag.ObjectMacro) {
          if (!names.includes(program.fnName(caller))) names.push(program.fnName(caller));
          return;
        }
        if (i > 0 || program.resolve(name, file).includes(fn)) out.set(caller, true);
      });
    }
    for (const [field, fns] of pointers.byName()) {
      if (!fns.includes(fn)) continue;
      graph.callersOf(field, (caller) => {
        if (caller !== fn && !out.has(caller)) out.set(caller, false);
      });
    }
    const distance = (caller: number): number => {
      const file = program.fnFile(caller);
      return file === own ? 0 : folder(file.path) === folder(own.path) ? 1 : 2;
    };
    return [...out]
      .filter(([caller]) => this.solver.hasBody(caller) && !(program.fnFlags(caller) & FnFlag.Dead))
      .map(([caller, direct]) => ({ fn: caller, direct }))
      .sort((a, b) => Number(b.direct) - Number(a.direct) || distance(a.fn) - distance(b.fn) || a.fn - b.fn);
  }

  /** Whether a function's facts could not be had or hold parse errors. */
  unread(fn: number): "missing" | "damaged" | null {
    const flow = this.solver.flows.get(fn);
    if (!flow) return "missing";
    return flow.flags & 1 ? "damaged" : null;
  }
}

function folder(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}
