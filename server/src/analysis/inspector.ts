/** Questions about single functions: finds what is meant, has it analysed, and answers with plain data. */
import type { DumpKind, FunctionLocks, PointInfo, SleepWay } from "../engine.js";
import { Fn, FnFlag } from "../facts/outline.js";
import type { Dump, Explanation, FunctionRef, LockGraph, Subject } from "../findings/explain.js";
import { Demand } from "./demand.js";
import { dump } from "./dump.js";
import { enteredIn } from "./entered.js";
import { explain, functionRef } from "./explain.js";
import { lockGraph } from "./graph.js";
import { functionLocks } from "./lockView.js";
import { pointInfo } from "./pointInfo.js";
import { Reporter } from "./report.js";
import { sleepWays } from "./sleepWays.js";
import type { Solver } from "./solver.js";

const MOST_SIMILAR = 5;
/** Longest chain of callers that is followed up to who is atomic. */
const MOST_DEPTH = 10;

export class Inspector {
  private readonly demand: Demand;
  private readonly reporter: Reporter;

  constructor(
    private readonly solver: Solver,
    demand?: Demand,
  ) {
    this.demand = demand ?? new Demand(solver);
    this.reporter = new Reporter(solver);
  }

  /** The same, stopping when the signal fires. */
  until(signal: AbortSignal): Inspector {
    return new Inspector(this.solver, this.demand.until(signal));
  }

  explain(subject: Subject): Promise<Explanation> {
    return explain(this.demand, this.reporter, this.numberOf(subject), subject);
  }

  graph(subject: Subject, depth: number): Promise<LockGraph> {
    return lockGraph(this.demand, this.reporter, this.numberOf(subject), depth);
  }

  async dump(kind: DumpKind, of: { file: string } | Subject): Promise<Dump> {
    const { program } = this.solver;
    const path = "file" in of ? of.file : of.function.file;
    const file = program.file(path);
    if (!file) throw new Error(`${path} is not part of the program`);
    const fns = "file" in of ? [...file.fns] : [this.numberOf(of)];
    const title = "file" in of ? path : `${path}: ${of.function.name}()`;
    return dump(this.demand, this.reporter, kind, file, fns, title);
  }

  async pointInfo(file: string, offset: number): Promise<PointInfo | null> {
    const fn = functionNumberAt(this.solver, file, offset);
    return fn < 0 ? null : pointInfo(this.demand, this.reporter, fn, offset);
  }

  async locksOf(file: string, offset: number): Promise<FunctionLocks | null> {
    const fn = functionNumberAt(this.solver, file, offset);
    return fn < 0 ? null : functionLocks(this.demand, fn);
  }

  async waysToSleep(file: string, offset: number, through?: readonly string[]): Promise<SleepWay[] | null> {
    const fn = functionNumberAt(this.solver, file, offset);
    if (fn < 0) return null;
    let { solver } = this;
    if (through) solver = await this.demand.summariseAlone(fn, this.namesFrom(fn, through));
    else await this.demand.summarise([fn]);
    return solver.flows.get(fn) ? sleepWays(solver, fn) : null;
  }

  /** What these names mean where a function calls them. */
  private namesFrom(fn: number, names: readonly string[]): number[] {
    const { program } = this.solver;
    const file = program.fnFile(fn);
    return names.flatMap((name) => program.resolve(program.names.find(name), file));
  }

  async enteredAtomic(file: string, offset: number, mostCallers: number): Promise<"yes" | "no" | "unknown"> {
    const fn = functionNumberAt(this.solver, file, offset);
    if (fn < 0) return "unknown";
    const limits = { callers: mostCallers, depth: MOST_DEPTH, contexts: 1 };
    const { contexts, left } = await enteredIn(this.demand, this.reporter, fn, limits);
    return contexts.length > 0 ? "yes" : left > 0 ? "unknown" : "no";
  }

  private numberOf({ function: ref }: Subject): number {
    const fn = functionNumberAt(this.solver, ref.file, ref.start);
    if (fn < 0) throw new Error(`${ref.file}: ${ref.name}() is not part of the program`);
    return fn;
  }
}

type Programmed = Pick<Solver, "program">;

/** Functions and macros with a body of this name. */
export function findFunctions({ program }: Programmed, name: string, file?: string): FunctionRef[] {
  const id = program.names.find(name);
  if (id < 0) return [];
  return program
    .definitionsOf(id)
    .filter((fn) => (program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro)) === 0)
    .map((fn) => functionRef(program, fn))
    .filter((ref) => file === undefined || ref.file === file)
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start));
}

/** Names of functions that differ from this one in a few letters. */
export function similarNames({ program }: Programmed, name: string): string[] {
  const best: { text: string; distance: number }[] = [];
  const most = Math.max(1, Math.floor(name.length / 4));
  for (const [id] of program.allDefinitions()) {
    const text = program.names.text(id);
    if (Math.abs(text.length - name.length) > most) continue;
    const distance = editDistance(name, text, most);
    if (distance <= most) best.push({ text, distance });
  }
  return best
    .sort((a, b) => a.distance - b.distance || (a.text < b.text ? -1 : 1))
    .slice(0, MOST_SIMILAR)
    .map((b) => b.text);
}

/** Levenshtein distance; anything above `most` comes out as more than it. */
export function editDistance(a: string, b: string, most: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++)
      next.push(Math.min(next[k - 1] + 1, row[k] + 1, row[k - 1] + (a[i - 1] === b[k - 1] ? 0 : 1)));
    if (Math.min(...next) > most) return most + 1;
    row = next;
  }
  return row[b.length];
}

/** Number of the function or macro whose definition an offset is in, -1 for none. */
export function functionNumberAt({ program }: Programmed, path: string, offset: number): number {
  const file = program.file(path);
  if (!file) return -1;
  for (const fn of file.fns) {
    if (program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro)) continue;
    if (program.fnColumn(fn, Fn.start) <= offset && offset < program.fnColumn(fn, Fn.end)) return fn;
  }
  return -1;
}
