/**
 * Analysis of single functions on demand, for explanations: what a check works out for a whole tree is worked out for the
 * functions asked about, what they call, and the lock wrappers near them. On a solver that has run a check, most of it is
 * known already.
 */
import type { Flow } from "../facts/flow.js";
import { FnFlag } from "../facts/outline.js";
import { hasBody } from "./callees.js";
import { Interpreter } from "./interpret/interpreter.js";
import type { Solver } from "./solver.js";
import { type FunctionTrace, TraceBuilder } from "./trace.js";

export class Demand {
  constructor(
    readonly solver: Solver,
    private readonly signal?: AbortSignal,
    private readonly traces = new Map<number, { trace: FunctionTrace | null; withSleeps: boolean }>(),
  ) {}

  /** The same, stopping when the signal fires; what one of them learns the other knows. */
  until(signal: AbortSignal): Demand {
    return new Demand(this.solver, signal, this.traces);
  }

  /** Learns what functions below these do to locks, and gets the facts of these. */
  async prepare(fns: readonly number[]): Promise<void> {
    const { solver, signal } = this;
    const read = fns.filter((fn) => hasBody(solver.program, fn));
    await solver.wrappers.solveBelow(read, signal);
    await solver.flows.fetch(read, signal);
  }

  /** Makes the summaries of these functions and of all that they call, as a check makes those that it needs. */
  async summarise(fns: readonly number[]): Promise<void> {
    await this.prepare(fns);
    await this.solver.summarise(fns, this.signal, true);
  }

  /**
   * The summary of one function from its own text, from those of these callees, and from those of others as far as they
   * are known; what the others may do is left out. The solver that is answered has it.
   */
  async summariseAlone(fn: number, callees: readonly number[]): Promise<Solver> {
    await this.summarise(callees);
    await this.prepare([fn]);
    const alone = this.solver.alone(fn);
    await alone.summarise([fn], this.signal, true);
    return alone;
  }

  /** What one function does, place by place; null where its text could not be had. Call `prepare` (and for sleeps `summarise`) first. */
  trace(fn: number): FunctionTrace | null {
    const withSleeps = this.solver.isSummarised(fn);
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
      .filter(([caller]) => hasBody(program, caller) && !(program.fnFlags(caller) & FnFlag.Dead))
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
