/**
 * Decides which functions to analyse and in which order: first what functions do to locks (wrappers), then everything that
 * is called under a context that some function or the kernel entered, callees before callers.
 *
 * Only functions that can matter are parsed: those that enter a context, and those from which a sleeping call can be
 * reached that are called there. Facts are asked for in rounds, so that workers are busy while nothing is waited for.
 */
import { E } from "../facts/expr.js";
import { Flow, HEADER, I } from "../facts/flow.js";
import { Fn, FnFlag } from "../facts/outline.js";
import type { FactsPort, FlowRequest } from "../facts/ports.js";
import { classifyPath } from "../findings/scope.js";
import type { KernelTables, ObjectProperty } from "../kernel/types.js";
import { CallGraph } from "../program/callgraph.js";
import { Pointers } from "../program/pointers.js";
import type { Program, SourceFile } from "../program/program.js";
import { Aliases } from "./aliases.js";
import { type FnResult, Interpreter } from "./interpret.js";
import { depths } from "./prefilter.js";
import { R } from "./reasons.js";
import { type Effect, EMPTY, type Summary, sameSummary } from "./summary.js";
import { SharedTerms } from "./terms.js";
import type { PointerTargets, World } from "./world.js";

/** Most targets of a pointer call that are followed one by one. */
const MOST_TARGETS = 64;
/** Targets beyond which a call through a pointer says little about any of them. */
const FEW_TARGETS = 12;
/** Rounds over a cycle of functions that call each other. */
const MOST_ROUNDS = 5;

export interface SolveStats {
  analysed: number;
  unparsed: number;
  resolved: number;
  unresolved: number;
  undecided: number;
  capped: number;
}

export class Solver implements World {
  readonly shared: SharedTerms;
  readonly graph: CallGraph;
  readonly pointers: Pointers;
  private readonly flows = new Map<number, Flow | null>();
  readonly results = new Map<number, FnResult>();
  private readonly effects = new Map<number, readonly Effect[]>();
  /** Names of functions that were found to take or release locks for their callers: +1, -1, or 0 for both. */
  private readonly effectNames = new Map<number, number>();
  private reach: Uint8Array;
  private readonly aliases: Aliases;
  private needs: Set<number> | null = null;
  private needAll = false;
  /** Functions that were given a function to call: followed whether or not they can sleep by themselves. */
  private readonly handed = new Set<number>();

  constructor(
    readonly program: Program,
    readonly tables: KernelTables,
    private readonly facts: FactsPort,
  ) {
    this.shared = new SharedTerms(program);
    this.graph = new CallGraph(program);
    this.pointers = new Pointers(program, tables);
    this.reach = this.graph.reachSleepers(tables, this.pointers);
    this.aliases = new Aliases(program, tables, (file) => facts.read(file));
  }

  // ---- World ----------------------------------------------------------------------------------------------------

  summaryOf(fn: number): Summary {
    const r = this.results.get(fn);
    if (r) return r.summary;
    const e = this.effects.get(fn);
    return e ? { ...EMPTY, effects: e } : EMPTY;
  }

  need(fn: number, atomic: boolean, handsOn: boolean): void {
    if (!this.needs || !(atomic || this.needAll)) return;
    if (handsOn) this.handed.add(fn);
    this.needs.add(fn);
  }

  pointerTargets(struct: number, field: number, from: SourceFile): PointerTargets {
    const t = this.pointers.targets(struct, field, from);
    if (classifyPath(from.path) !== "test")
      t.fns = t.fns.filter((fn) => classifyPath(this.program.fnFile(fn).path) !== "test");
    if (t.total > MOST_TARGETS) return { fns: [], reasons: 0, total: t.total };
    return {
      fns: t.fns,
      reasons: t.total > FEW_TARGETS ? R["many-targets"] | R["function-pointer"] : R["function-pointer"],
      total: t.total,
    };
  }

  gfpAlias(name: string, from: SourceFile): boolean | null {
    return this.aliases.gfp(name, from);
  }

  constant(name: string, from: SourceFile): number | null {
    return this.aliases.constant(name, from);
  }

  propertyHolds(property: ObjectProperty, from: SourceFile): boolean | null {
    return this.aliases.property(property, from);
  }

  // ---- facts ----------------------------------------------------------------------------------------------------

  private async fetch(fns: Iterable<number>, signal?: AbortSignal): Promise<void> {
    const byFile = new Map<number, number[]>();
    for (const fn of fns) {
      if (this.flows.has(fn)) continue;
      const f = this.program.fnFile(fn);
      const list = byFile.get(f.index);
      if (list) list.push(fn);
      else byFile.set(f.index, [fn]);
    }
    const requests: FlowRequest[] = [];
    for (const index of [...byFile.keys()].sort((a, b) => a - b)) {
      const list = byFile.get(index)!.sort((a, b) => a - b);
      requests.push({
        file: this.program.files[index]!.path,
        fns: list.map((fn) => this.program.fnIndex(fn)),
      });
    }
    if (requests.length === 0) return;
    await this.facts.flows(
      requests,
      (path, indices, facts) => {
        const file = this.program.file(path);
        if (!file) return;
        indices.forEach((i, k) => {
          const f = facts[k];
          this.flows.set(file.fns[i], f ? new Flow(f) : null);
        });
      },
      signal,
    );
    for (const fn of fns) if (!this.flows.has(fn)) this.flows.set(fn, null);
  }

  private hasBody(fn: number): boolean {
    return (this.program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro)) === 0;
  }

  // ---- phase 1: what functions do to locks -----------------------------------------------------------------------

  /** +1 acquire, -1 release, 0 neither, by name; 2: something conditional. */
  private lockOp(name: number, text: string): number {
    const known = this.effectNames.get(name);
    if (known !== undefined) return known;
    const l = this.tables.locks.get(text);
    if (!l || l.adds === 0) return 0;
    switch (l.op) {
      case "acquire":
        return 1;
      case "release":
      case "conditional-release":
        return -1;
      case "try":
      case "conditional":
        return 2;
      default:
        return 0;
    }
  }

  /** What calling a name does to the lock depth, as `depths` wants it. */
  private opOfText(text: string): number {
    const id = this.program.names.find(text);
    const known = id < 0 ? undefined : this.effectNames.get(id);
    if (known !== undefined) return known === 0 ? 2 : known;
    const a = this.tables.assertions.get(text);
    if (a && a.says !== "process") return 3;
    return id < 0 ? 0 : this.lockOp(id, text);
  }

  /** Whether a function that can sleep is passed on as an argument. */
  private handsOn(fn: number, flow: Flow): boolean {
    const c = flow.code;
    const file = this.program.fnFile(fn);
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] !== I.Call) continue;
      for (let i = 0; i < c[q + 6]; i++) {
        let at = HEADER + c[q + 7 + i] * 4;
        if (c[at] === E.Addr) at = HEADER + c[at + 1] * 4;
        if (c[at] !== E.Var) continue;
        const id = this.program.names.find(flow.names[c[at + 1]]);
        if (
          id > 0 &&
          this.program.definitionsOf(id).length > 0 &&
          this.program
            .resolve(id, file)
            .some((f) => this.reach[f] && (this.program.fnFlags(f) & FnFlag.Macro) === 0)
        )
          return true;
      }
    }
    return false;
  }

  /** Whether counting locks is enough to know where one is held: every lock is released as it was taken. */
  private countable(flow: Flow): boolean {
    const c = flow.code;
    const locks = new Map<number, { taken: Set<string>; given: Set<string> }>();
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] === I.GuardEnter) return false;
      if (c[q] !== I.Call) continue;
      const at = HEADER + c[q + 2] * 4;
      if (c[at] !== E.Var) continue;
      const text = flow.names[c[at + 1]];
      const l = this.tables.locks.get(text);
      if (!l || l.adds === 0) {
        const id = this.program.names.find(text);
        if (id >= 0 && this.effectNames.has(id)) return false;
        continue;
      }
      if (l.op !== "acquire" && l.op !== "release") return false;
      const arg = l.lock === null ? 0 : l.lock.from === "arg" ? (c[q + 7 + l.lock.index] ?? 0) : -1;
      if (arg < 0) return false;
      let entry = locks.get(arg);
      if (!entry) {
        entry = { taken: new Set(), given: new Set() };
        locks.set(arg, entry);
      }
      if (l.op === "acquire") entry.taken.add(l.pair ?? text);
      else entry.given.add(text);
    }
    for (const l of locks.values())
      if (l.taken.size !== l.given.size || [...l.taken].some((n) => !l.given.has(n))) return false;
    return true;
  }

  /** Whether anything that a function calls while it may hold a lock can sleep. */
  private mayReport(fn: number, flow: Flow): boolean {
    const { program, tables } = this;
    const file = program.fnFile(fn);
    if (!this.countable(flow) || this.handsOn(fn, flow)) return true;
    for (const name of depths(flow, (n) => this.opOfText(n), program.fnColumn(fn, Fn.annotCount) > 0).under) {
      if (name < 0) return true;
      const text = flow.names[name];
      if (tables.hardStops.has(text) || tables.neverSleeps.has(text)) continue;
      const lock = tables.locks.get(text);
      if (lock?.sleeps || tables.sleepers.has(text)) return true;
      if (lock) continue;
      const id = program.names.find(text);
      if (id < 0 || program.definitionsOf(id).length === 0) {
        // A local variable that holds a function.
        if (id >= 0 && program.definitionsOf(id).length === 0) return true;
        continue;
      }
      for (const f of program.resolve(id, file)) if (this.reach[f] || !this.hasBody(f)) return true;
    }
    return false;
  }

  private opOfName: Int8Array | null = null;
  private ops(): Int8Array {
    if (this.opOfName && this.opOfName.length === this.program.names.count) return this.opOfName;
    const a = new Int8Array(this.program.names.count);
    for (const text of this.tables.locks.keys()) {
      const id = this.program.names.find(text);
      if (id > 0) a[id] = this.lockOp(id, text);
    }
    for (const [id, op] of this.effectNames) a[id] = op === 0 ? 2 : op;
    this.opOfName = a;
    return a;
  }

  private unbalanced(fn: number, ops: Int8Array): boolean {
    let depth = 0;
    let first = 0;
    let seen = false;
    for (const c of this.program.calls(fn)) {
      if (c & 1) continue;
      const op = ops[c >> 1];
      if (op === 0) continue;
      seen = true;
      if (first === 0) first = op;
      if (op === 2) {
        depth++;
        continue;
      }
      depth += op;
    }
    if (this.program.fnColumn(fn, Fn.annotCount) > 0) return true;
    if (!seen) return false;
    // A function with a result may tell by it whether it holds the lock, however even the counts are.
    return depth !== 0 || first !== 1 || this.program.fnColumn(fn, Fn.returnType) !== 0;
  }

  private async solveEffects(signal?: AbortSignal): Promise<void> {
    const { program } = this;
    let candidates = new Set<number>();
    const ops = this.ops();
    for (const f of program.files) {
      if (!f) continue;
      for (const fn of f.fns)
        if (this.hasBody(fn) && !(program.fnFlags(fn) & FnFlag.Dead) && this.unbalanced(fn, ops))
          candidates.add(fn);
    }
    for (let round = 0; round < 10 && candidates.size > 0; round++) {
      await this.fetch([...candidates], signal);
      const changed = new Set<number>();
      for (const fn of [...candidates].sort((a, b) => a - b)) {
        const flow = this.flows.get(fn);
        if (!flow) continue;
        const name = program.fnText(fn);
        if (
          this.tables.locks.has(name) ||
          this.tables.hardStops.has(name) ||
          this.tables.neverSleeps.has(name)
        )
          continue;
        const old = this.effects.get(fn) ?? [];
        // Most functions that take a lock and return a value return without it.
        if (
          old.length === 0 &&
          program.fnColumn(fn, Fn.annotCount) === 0 &&
          !depths(flow, (n) => this.opOfText(n), false).unbalanced
        )
          continue;
        const r = new Interpreter(this, fn, flow, false).run();
        const now = r.summary.effects;
        if (now.length === 0 && old.length === 0) continue;
        const same = JSON.stringify(old) === JSON.stringify(now);
        if (same) continue;
        if (now.length > 0) this.effects.set(fn, now);
        else this.effects.delete(fn);
        const up = now.some((e) => e.acquires.length > 0);
        const down = now.some((e) => e.releases.length > 0);
        this.effectNames.set(program.fnName(fn), up && down ? 0 : up ? (now.length > 1 ? 2 : 1) : -1);
        changed.add(program.fnName(fn));
      }
      this.opOfName = null;
      const next = new Set<number>();
      const newOps = this.ops();
      for (const name of changed) {
        this.graph.callersOf(name, (fn) => {
          if (this.hasBody(fn) && (this.unbalanced(fn, newOps) || candidates.has(fn))) next.add(fn);
        });
      }
      candidates = next;
    }
  }

  // ---- phase 2: who enters a context ----------------------------------------------------------------------------

  private readonly guardNames = ["guard", "scoped_guard", "scoped_cond_guard", "CLASS"];

  private enters(fn: number, trigger: Uint8Array): boolean {
    if (this.program.fnColumn(fn, Fn.annotCount) > 0) return true;
    for (const c of this.program.calls(fn)) if ((c & 1) === 0 && trigger[c >> 1]) return true;
    return false;
  }

  private triggers(): Uint8Array {
    const a = new Uint8Array(this.program.names.count);
    const mark = (text: string): void => {
      const id = this.program.names.find(text);
      if (id > 0) a[id] = 1;
    };
    for (const l of this.tables.locks.values())
      if (l.adds !== 0 && (l.op === "acquire" || l.op === "try" || l.op === "conditional")) mark(l.name);
    for (const [name, x] of this.tables.assertions) if (x.says !== "process") mark(name);
    for (const g of this.guardNames) mark(g);
    for (const [id, op] of this.effectNames) if (op !== -1) a[id] = 1;
    return a;
  }

  /** Functions to report on: those that enter a context, narrowed to what can have a step in the files in focus. */
  private roots(focus: ReadonlySet<string> | null): { enter: number[]; callbacks: Set<number> } {
    const { program } = this;
    const trigger = this.triggers();
    let near: Uint8Array | null = null;
    if (focus) near = this.callersClosure(focus);
    const enter: number[] = [];
    for (const f of program.files) {
      if (!f) continue;
      for (const fn of f.fns) {
        const flags = program.fnFlags(fn);
        if (flags & (FnFlag.Prototype | FnFlag.ObjectMacro | FnFlag.Macro | FnFlag.Dead)) continue;
        if (near && !near[fn]) continue;
        // Oops and panic paths are not reported: the kernel's own check is silent there.
        const text = program.fnText(fn);
        if (this.tables.noReturn.has(text) || this.tables.hardStops.has(text)) continue;
        if (this.enters(fn, trigger)) enter.push(fn);
      }
    }
    const callbacks = new Set<number>();
    for (const r of this.pointers.roots) {
      if (!program.alive(r.fn) || (near && !near[r.fn])) continue;
      callbacks.add(r.fn);
    }
    return { enter, callbacks };
  }

  /** Functions in these files and, by names, everything that can call them. */
  private callersClosure(focus: ReadonlySet<string>): Uint8Array {
    const { program } = this;
    const marked = new Uint8Array(program.maxFn);
    const queue: number[] = [];
    for (const path of focus) {
      const f = program.file(path);
      if (!f) continue;
      for (const fn of f.fns) {
        marked[fn] = 1;
        queue.push(fn);
      }
    }
    const byFn = new Map<number, number[]>();
    for (const [field, fns] of this.pointers.byName()) {
      for (const fn of fns) {
        const list = byFn.get(fn);
        if (list) list.push(field);
        else byFn.set(fn, [field]);
      }
    }
    const seen = new Set<number>();
    while (queue.length > 0) {
      const fn = queue.pop()!;
      for (const name of [program.fnName(fn), ...(byFn.get(fn) ?? [])]) {
        if (seen.has(name) && name !== program.fnName(fn)) continue;
        seen.add(name);
        const isOwn = name === program.fnName(fn);
        const isStatic = isOwn && (program.fnFlags(fn) & FnFlag.Static) !== 0 && !program.fnFile(fn).header;
        this.graph.callersOf(name, (caller) => {
          if (marked[caller]) return;
          if (isStatic && program.fnFile(caller) !== program.fnFile(fn)) return;
          marked[caller] = 1;
          queue.push(caller);
        });
      }
    }
    return marked;
  }

  // ---- phase 3: callees before callers ---------------------------------------------------------------------------

  /** Functions that this one calls or hands on, as far as they matter. */
  private calleesOf(fn: number, flow: Flow): number[] {
    const { program } = this;
    const file = program.fnFile(fn);
    const out: number[] = [];
    const seen = new Set<number>();
    const add = (f: number): void => {
      if (!seen.has(f)) {
        seen.add(f);
        out.push(f);
      }
    };
    const addName = (text: string, always: boolean): void => {
      const id = program.names.find(text);
      if (
        id < 0 ||
        this.tables.hardStops.has(text) ||
        this.tables.neverSleeps.has(text) ||
        this.tables.noReturn.has(text)
      )
        return;
      const l = this.tables.locks.get(text);
      if (l) return;
      const sl = this.tables.sleepers.get(text);
      if (sl?.boundary) return;
      for (const f of program.resolve(id, file)) {
        if (this.hasBody(f)) {
          if (always || this.reach[f]) add(f);
        } else
          for (const c of program.calls(f))
            if ((c & 1) === 0 && c >> 1 !== id) addName(program.names.text(c >> 1), always);
      }
    };
    const c = flow.code;
    const pool = flow.pool();
    const terms = new Map<number, boolean>();
    const functionArg = (e: number): string | null => {
      let x = e;
      if (x > 0 && pool.kind(x) === E.Addr) x = pool.a(x);
      if (x > 0 && pool.kind(x) === E.Cast) x = pool.b(x);
      return x > 0 && pool.kind(x) === E.Var ? flow.names[pool.a(x)] : null;
    };
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] === I.Call) {
        const callee = c[q + 2];
        let handsOn = false;
        for (let i = 0; i < c[q + 6]; i++) {
          const name = functionArg(c[q + 7 + i]);
          if (name === null || terms.has(c[q + 7 + i])) {
            handsOn ||= terms.get(c[q + 7 + i]) === true;
            continue;
          }
          const id = program.names.find(name);
          const isFn =
            id >= 0 &&
            program.resolve(id, file).some((f) => this.hasBody(f) && !(program.fnFlags(f) & FnFlag.Macro));
          terms.set(c[q + 7 + i], isFn);
          if (isFn) {
            handsOn = true;
            addName(name, false);
          }
        }
        if (pool.kind(callee) === E.Var) addName(flow.names[pool.a(callee)], handsOn);
      } else if (c[q] === I.Assign) {
        const name = functionArg(c[q + 2]);
        if (name !== null && pool.kind(c[q + 1]) === E.Var) {
          const id = program.names.find(name);
          if (
            id >= 0 &&
            program.definitionsOf(id).length > 0 &&
            program.resolve(id, file).some((f) => !(program.fnFlags(f) & (FnFlag.Macro | FnFlag.ObjectMacro)))
          )
            addName(name, false);
        }
      }
    }
    return out;
  }

  /** Pointer calls' targets need types, which the interpreter works out: it tells what it met. */
  private runDiscover(fn: number, flow: Flow, all: boolean): Set<number> {
    this.needs = new Set();
    this.needAll = all;
    try {
      new Interpreter(this, fn, flow, all).run();
      return this.needs;
    } finally {
      this.needs = null;
      this.needAll = false;
    }
  }
  /** Functions that enter a context and call something there that can sleep as far as names tell. */
  private readonly reporting = new Set<number>();

  /** Analyses whatever is needed to know the findings of these functions. */
  async solve(
    focus: ReadonlySet<string> | null,
    progress: (phase: string, done: number, total: number) => void,
    mark: (phase: string) => void,
    signal?: AbortSignal,
  ): Promise<{ enter: number[]; callbacks: Set<number>; stats: SolveStats }> {
    const { program } = this;
    progress("lock wrappers", 0, 1);
    await this.solveEffects(signal);
    mark("lock wrappers");
    const { enter, callbacks } = this.roots(focus);
    progress("reading functions", 0, enter.length);
    await this.fetch([...enter, ...callbacks], signal);
    mark("facts of roots");

    // Closure of everything called where it matters.
    const closure = new Set<number>();
    let frontier = new Set<number>();
    const want = (f: number): void => {
      if (!closure.has(f) && this.hasBody(f) && (this.reach[f] || this.handed.has(f))) {
        closure.add(f);
        frontier.add(f);
      }
    };
    let n = 0;
    for (const fn of enter) {
      if (callbacks.has(fn)) continue;
      const flow = this.flows.get(fn);
      if (flow && this.mayReport(fn, flow)) {
        this.reporting.add(fn);
        for (const f of this.runDiscover(fn, flow, false)) want(f);
      }
      if (++n % 2000 === 0) {
        progress("finding regions", n, enter.length);
        await pause(signal);
      }
    }
    for (const fn of callbacks) want(fn);
    mark("discover");
    const edges = new Map<number, number[]>();
    while (frontier.size > 0) {
      const batch = [...frontier].sort((a, b) => a - b);
      frontier = new Set();
      await this.fetch(batch, signal);
      progress("reading callees", closure.size, closure.size + 1);
      for (const fn of batch) {
        const flow = this.flows.get(fn);
        if (!flow) continue;
        const callees = new Set(this.calleesOf(fn, flow));
        for (const f of this.pointerCallees(fn, flow)) callees.add(f);
        const list = [...callees].filter((f) => this.hasBody(f));
        edges.set(fn, list);
        for (const f of list) {
          if (this.reach[f]) want(f);
          else if (!closure.has(f)) {
            // Called with a function in hand: what it does with it matters even if it does not sleep by itself.
            closure.add(f);
            frontier.add(f);
          }
        }
      }
    }
    mark("facts of callees");
    const stats: SolveStats = {
      analysed: 0,
      unparsed: 0,
      resolved: 0,
      unresolved: 0,
      undecided: 0,
      capped: 0,
    };
    const order = components(
      [...closure].sort((a, b) => a - b),
      (fn) => edges.get(fn) ?? [],
    );
    n = 0;
    for (const scc of order) {
      await this.solveComponent(scc, edges);
      n += scc.length;
      if (n % 5000 < scc.length) {
        progress("solving", n, closure.size);
        await pause(signal);
      }
    }
    mark("solve");
    for (const fn of enter) {
      if (closure.has(fn)) continue;
      const flow = this.flows.get(fn);
      if (!flow || !this.reporting.has(fn)) continue;
      this.results.set(fn, new Interpreter(this, fn, flow, false).run());
      if (++n % 5000 === 0) await pause(signal);
    }
    mark("report");
    for (const [fn, r] of this.results) {
      stats.analysed++;
      stats.resolved += r.resolved;
      stats.unresolved += r.unresolved;
      stats.undecided += r.undecided;
      stats.capped += r.capped;
      if ((this.flows.get(fn)?.flags ?? 0) & 1) stats.unparsed++;
    }
    return { enter, callbacks, stats };
  }

  /** Works out what these functions do by themselves, atomic or not; `results` has it afterwards. */
  async summarise(fns: readonly number[], signal?: AbortSignal): Promise<void> {
    await this.solveEffects(signal);
    const closure = new Set<number>(fns);
    const edges = new Map<number, number[]>();
    for (let frontier = [...closure]; frontier.length > 0; ) {
      await this.fetch(frontier, signal);
      const next = new Set<number>();
      for (const fn of frontier) {
        const flow = this.flows.get(fn);
        if (!flow) continue;
        const list = [...new Set([...this.calleesOf(fn, flow), ...this.pointerCallees(fn, flow)])];
        edges.set(
          fn,
          list.filter((f) => this.hasBody(f)),
        );
        for (const f of edges.get(fn)!) if (!closure.has(f)) next.add(f);
      }
      for (const f of next) closure.add(f);
      frontier = [...next].sort((a, b) => a - b);
    }
    const order = [...closure].sort((a, b) => a - b);
    for (const scc of components(order, (fn) => edges.get(fn) ?? [])) await this.solveComponent(scc, edges);
  }

  private pointerCallees(fn: number, flow: Flow): Iterable<number> {
    let pointers = false;
    const pool = flow.pool();
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (flow.code[q] === I.Call && pool.kind(flow.code[q + 2]) !== E.Var) {
        pointers = true;
        break;
      }
    }
    if (!pointers) return [];
    const out = new Set<number>();
    for (const f of this.runDiscover(fn, flow, true)) if (this.reach[f] || this.handed.has(f)) out.add(f);
    return out;
  }

  private async solveComponent(scc: readonly number[], edges: Map<number, number[]>): Promise<void> {
    const cyclic = scc.length > 1 || (edges.get(scc[0]) ?? []).includes(scc[0]);
    for (let round = 0; round < (cyclic ? MOST_ROUNDS : 1); round++) {
      let changed = false;
      for (const fn of scc) {
        const flow = this.flows.get(fn);
        if (!flow) continue;
        const old = this.summaryOf(fn);
        const r = new Interpreter(this, fn, flow, true).run();
        this.results.set(fn, r);
        if (!sameSummary(old, r.summary)) changed = true;
      }
      if (!changed) break;
    }
  }
}

async function pause(signal?: AbortSignal): Promise<void> {
  await new Promise<void>((r) => setImmediate(r));
  signal?.throwIfAborted();
}

/** Strongly connected components, callees first (Tarjan, without recursion). */
export function components(nodes: readonly number[], edges: (n: number) => readonly number[]): number[][] {
  const inGraph = new Set(nodes);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const onStack = new Set<number>();
  const stack: number[] = [];
  const out: number[][] = [];
  let counter = 0;
  for (const root of nodes) {
    if (index.has(root)) continue;
    const work: { n: number; i: number; list: readonly number[] }[] = [];
    const open = (n: number): void => {
      index.set(n, counter);
      low.set(n, counter);
      counter++;
      stack.push(n);
      onStack.add(n);
      work.push({ n, i: 0, list: edges(n) });
    };
    open(root);
    while (work.length > 0) {
      const top = work[work.length - 1];
      if (top.i < top.list.length) {
        const m = top.list[top.i++];
        if (!inGraph.has(m)) continue;
        if (!index.has(m)) open(m);
        else if (onStack.has(m)) low.set(top.n, Math.min(low.get(top.n)!, index.get(m)!));
        continue;
      }
      work.pop();
      if (work.length > 0) {
        const up = work[work.length - 1].n;
        low.set(up, Math.min(low.get(up)!, low.get(top.n)!));
      }
      if (low.get(top.n) === index.get(top.n)) {
        const scc: number[] = [];
        for (;;) {
          const m = stack.pop()!;
          onStack.delete(m);
          scc.push(m);
          if (m === top.n) break;
        }
        scc.sort((a, b) => a - b);
        out.push(scc);
      }
    }
  }
  return out;
}
