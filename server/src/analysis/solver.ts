/**
 * Decides which functions to analyse and in which order: first what functions do to locks (wrappers), then everything that
 * is called under a context that some function or the kernel entered, callees before callers.
 *
 * Only functions that can matter are parsed: those that enter a context, and those from which a sleeping call can be
 * reached that are called there. Facts are asked for in rounds, so that workers are busy while nothing is waited for.
 *
 * What was found is kept. An edit makes the changed functions stale; a stale function is analysed again when it is next
 * needed, and makes its callers stale only when what it says to them has changed.
 */
import { E } from "../facts/expr.js";
import { type Flow, I } from "../facts/flow.js";
import { Fn } from "../facts/outline.js";
import type { FactsPort } from "../facts/ports.js";
import { classifyPath } from "../findings/scope.js";
import type { Confidence } from "../findings/types.js";
import type { KernelTables, ObjectProperty } from "../kernel/types.js";
import { CallGraph } from "../program/callgraph.js";
import type { ImageReader, ImageWriter } from "../program/image.js";
import { ListMap } from "../program/packedLists.js";
import { type PointerEdit, Pointers } from "../program/pointers.js";
import { grown, type Program, type SourceFile } from "../program/program.js";
import { SleepReach } from "../program/reach.js";
import { Aliases } from "./aliases.js";
import { calleesOf, hasBody } from "./callees.js";
import { components, type Graph } from "./components.js";
import { Cycles, type CyclesWorld } from "./cycles/cycles.js";
import { directCalls } from "./cycles/order.js";
import { Entering } from "./entering.js";
import { FlowStore } from "./flowStore.js";
import { FnSet } from "./fnSet.js";
import { canReach } from "./focusWalk.js";
import type { FnResult } from "./interpret/frame.js";
import { Interpreter } from "./interpret/interpreter.js";
import { LockWrappers } from "./lockWrappers.js";
import { Pauses } from "./pauses.js";
import { MOST_HOPS, R, rankOf } from "./reasons.js";
import { RegionFilter } from "./regionFilter.js";
import { Results, SavedResults } from "./results.js";
import { Groups, SolveOrder, SolveOrders } from "./solveOrder.js";
import { EMPTY, type SleepEntry, type Summary, sameSummary } from "./summary.js";
import { TableNames } from "./tableNames.js";
import { SharedTerms } from "./terms.js";
import type { PointerTargets, World } from "./world.js";

/** Most targets of a pointer call that are followed one by one. */
const MOST_TARGETS = 64;
/** Targets beyond which a call through a pointer says little about any of them. */
const FEW_TARGETS = 12;
/** How far down a function that is handed on is followed where only some functions are looked into. */
const HANDED_LEVELS = 3;

export interface ProgramChange {
  fns: readonly number[];
  names: readonly number[];
  /** Functions whose text is as it was: what it means is not. */
  again: readonly number[];
  /** Fields and file-level variables whose type is another now. */
  mentioned: readonly number[];
  tables: boolean;
  macros: boolean;
  pointers: Omit<PointerEdit, "names">;
}

export interface SolveStats {
  analysed: number;
  unparsed: number;
  resolved: number;
  unresolved: number;
  undecided: number;
  capped: number;
}

const NOTHING_COUNTED: SolveStats = {
  analysed: 0,
  unparsed: 0,
  resolved: 0,
  unresolved: 0,
  undecided: 0,
  capped: 0,
};

export interface SolveRequest {
  /** Files to report on; null: the whole tree. */
  focus: ReadonlySet<string> | null;
  /** Only what is found in functions of these files themselves, not what passes through them from elsewhere. */
  inside?: boolean;
  /** With `inside`: these functions alone. */
  within?: ReadonlySet<number>;
  /** With a focus: only paths of this confidence and above bring a finding into it. */
  atLeast?: Confidence;
  progress: (phase: string, done: number, total: number) => void;
  mark: (phase: string) => void;
  signal?: AbortSignal;
}

export interface Solved {
  /** Functions that enter a context, and functions that the kernel enters in one. */
  enter: number[];
  callbacks: Set<number>;
  stats: SolveStats;
}

export class Solver implements World {
  readonly shared: SharedTerms;
  readonly tableNames: TableNames;
  readonly graph: CallGraph;
  readonly pointers: Pointers;
  readonly results: Results;
  /** Functions whose result was set or taken away since a report emptied this; null: any may have been. See `Reports`. */
  replaced: Set<number> | null = null;
  readonly wrappers: LockWrappers;
  readonly flows: FlowStore;
  private readonly stale: Set<number>;
  private readonly reach: SleepReach;
  private aliases: Aliases;
  private readonly filter: RegionFilter;
  private readonly cycles: Cycles;
  private needs: Set<number> | null = null;
  private needAll = false;
  /** Functions that were given a function to call: followed whether or not they can sleep by themselves. */
  private readonly handed: Set<number>;
  private readonly handedLevels = new Map<number, number>();
  /** What is known already is gone through all the same, for where it leads. */
  private goesThrough = false;
  /** Callees of the functions whose callees matter, and the other way round. */
  private readonly edges: ListMap;
  private readonly callers: ListMap;
  /** What functions that enter a context call there; absent: not looked at yet. Empty: nothing that can sleep. */
  private readonly regionCalls: ListMap;
  /** Functions that call this one where they are atomic. */
  private readonly rootsOf: ListMap;
  /** Functions whose result was made for callers too: it says how they may sleep. */
  private readonly exported: FnSet;
  /** Of those that were asked for by callers, functions that have no such result any more though they are not stale. */
  private readonly lost = new Set<number>();
  private readonly orders = new SolveOrders();
  /** Functions for callers whose findings are those of a run for themselves. */
  private readonly foundByItself: FnSet;
  private readonly entering: Entering;

  constructor(
    readonly program: Program,
    readonly tables: KernelTables,
    private readonly facts: FactsPort,
    /** What it knows is made use of, what is found here is kept apart from it: see `beside`. */
    private readonly base: Solver | null = null,
    /** Functions that are looked into; what others do is left out. Null: all. */
    private readonly only: ReadonlySet<number> | null = null,
    /** What a solver of the same program has saved. */
    from: ImageReader | null = null,
  ) {
    this.shared = base?.shared ?? new SharedTerms(program, from);
    this.tableNames = base?.tableNames ?? new TableNames(program.names, tables);
    this.graph = base?.graph ?? new CallGraph(program, from);
    this.pointers = base?.pointers ?? new Pointers(program, tables, from);
    this.reach = base?.reach ?? new SleepReach(program, this.graph, tables, this.pointers, from);
    this.aliases = base?.aliases ?? new Aliases(program, tables, (file) => facts.read(file));
    this.flows = base?.flows ?? new FlowStore(program, facts, from);
    this.wrappers = base?.wrappers ?? new LockWrappers(this, program, tables, this.graph, this.flows, from);
    const lists = (name: string): ListMap => new ListMap(from?.lists(name, from.ints("solver.functions")[0]));
    const numbers = (name: string): Set<number> => new Set(from?.ints(name));
    const saved = from && new SavedResults(from, program.maxFn);
    this.results = new Results(saved);
    this.cycles = new Cycles(this.cyclesWorld(), from, saved);
    this.edges = lists("solver.edges");
    this.callers = lists("solver.callers");
    this.regionCalls = lists("solver.regionCalls");
    this.rootsOf = lists("solver.rootsOf");
    this.handed = numbers("solver.handed");
    this.stale = numbers("solver.stale");
    this.exported = new FnSet(from?.ints("solver.exported"));
    this.foundByItself = new FnSet(from?.ints("solver.foundByItself"));
    this.entering = new Entering(program, tables, this.wrappers, this.pointers, from);
    this.filter = new RegionFilter(program, tables, this.tableNames, this.wrappers, (fn) => this.reaches(fn));
  }

  /** A solver for questions about single functions: nothing that it works out shows in a later check. Good until an edit. */
  beside(): Solver {
    return new Solver(this.program, this.tables, this.facts, this);
  }

  /** After a check of the whole tree that was not edited. */
  save(to: ImageWriter): void {
    const { program } = this;
    const count = program.maxFn;
    program.save(to);
    this.shared.save(to);
    this.graph.save(to);
    this.pointers.save(to);
    this.reach.save(to);
    this.flows.save(to);
    this.wrappers.save(to);
    this.results.save(to, count, (fn) => this.cycles.saidBy(fn));
    for (const { name, array } of this.cycles.save()) to.put(name, array);
    to.put("solver.functions", Int32Array.of(count));
    to.lists("solver.edges", this.edges.pack(count));
    to.lists("solver.callers", this.callers.pack(count));
    to.lists("solver.regionCalls", this.regionCalls.pack(count));
    to.lists("solver.rootsOf", this.rootsOf.pack(count));
    to.put("solver.handed", Int32Array.from(this.handed));
    to.put("solver.stale", Int32Array.from(this.stale));
    to.put("solver.exported", this.exported.numbers());
    to.put("solver.foundByItself", this.foundByItself.numbers());
    this.entering.save(to);
  }

  /** Whether it can be saved: it knows everything about a tree that was not edited. */
  get canBeSaved(): boolean {
    return this.entering.isComplete && this.program.edited.size === 0 && this.base === null;
  }

  /** The same for one function, whose callees are looked into no further than they are known. */
  alone(fn: number): Solver {
    return new Solver(this.program, this.tables, this.facts, this, new Set([fn]));
  }

  // ---- World ----------------------------------------------------------------------------------------------------

  summaryOf(fn: number): Summary {
    const soFar = this.cycles.summaryOf(fn);
    if (soFar) return soFar;
    const r = this.results.get(fn);
    if (r && !this.stale.has(fn)) return r.summary;
    return this.base ? this.base.summaryOf(fn) : this.unsolved(fn);
  }

  /** What is known of a function that was not analysed. */
  private unsolved(fn: number): Summary {
    const e = this.wrappers.effectsOf(fn);
    return e ? { ...EMPTY, effects: e } : EMPTY;
  }

  need(fn: number, atomic: boolean, handsOn: boolean): void {
    if (!this.needs || !(atomic || this.needAll)) return;
    if (handsOn) this.handed.add(fn);
    this.needs.add(fn);
  }

  pointerTargets(struct: number, field: number, from: SourceFile): PointerTargets {
    return this.believed(this.pointers.targets(struct, field, from), from);
  }

  variableTargets(name: number, from: SourceFile): PointerTargets {
    return this.believed(this.pointers.variableTargets(name, from), from);
  }

  /** Targets as far as there are not too many, without those of test code for code that is none. */
  private believed(all: readonly number[], from: SourceFile): PointerTargets {
    const total = all.length;
    if (total > MOST_TARGETS) return { fns: [], reasons: 0, total };
    const inTest = classifyPath(from.path) === "test";
    return {
      fns: inTest ? [...all] : all.filter((fn) => classifyPath(this.program.fnFile(fn).path) !== "test"),
      reasons: total > FEW_TARGETS ? R["many-targets"] | R["function-pointer"] : R["function-pointer"],
      total,
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

  /** Where only some functions are looked into: those, and what they hand functions to, for it calls them. */
  private isLookedInto(fn: number, caller: number): boolean {
    if (this.only!.has(fn)) return true;
    const left = this.isHanded(fn) ? HANDED_LEVELS : (this.handedLevels.get(caller) ?? 0) - 1;
    if (left <= (this.handedLevels.get(fn) ?? 0)) return this.handedLevels.has(fn);
    this.handedLevels.set(fn, left);
    return true;
  }

  private isHanded(fn: number): boolean {
    return this.handed.has(fn) || (this.base?.handed.has(fn) ?? false);
  }

  private reaches(fn: number): boolean {
    return this.reach.has(fn);
  }

  // ---- edits ----------------------------------------------------------------------------------------------------

  /**
   * Functions with these numbers changed, are new or are gone; these names mean something else now than before. `tables`:
   * types, initialisers or registrations changed too; `macros`: object-like macros.
   */
  async edited(change: ProgramChange): Promise<void> {
    const { program } = this;
    this.aliases = new Aliases(program, this.tables, (file) => this.facts.read(file));
    const names = new Set(change.names);
    const moved = this.pointers.update({ ...change.pointers, names });
    // Calls through the fields that hold other functions now.
    const mentioned = new Set(change.mentioned);
    for (const [fn, fields] of moved ?? [])
      for (const field of [...fields, ...this.pointers.fieldsOf(fn)]) mentioned.add(field);
    // Types, classes and what macros stand for may be others for everyone.
    if (change.tables || change.macros) {
      for (const lists of [this.regionCalls, this.rootsOf, this.edges, this.callers]) lists.clear();
      this.orders.clear();
      this.entering.reset();
      for (const fn of this.results.keys()) this.stale.add(fn);
      this.wrappers.reset();
    }
    const touched = new Set<number>([...change.fns, ...change.again]);
    for (const fn of change.fns) this.flows.drop(fn);
    this.reach.update(change.fns, moved ?? new Map(), (fn, itsNames) => {
      touched.add(fn);
      for (const name of itsNames) names.add(name);
    });
    for (const name of names) mentioned.add(name);
    for (const name of mentioned) this.graph.callersOf(name, (fn) => touched.add(fn));
    // Not every use of a name is a call: a function is handed on, a macro stands for another.
    for (const fn of this.flows.mentioning(mentioned)) touched.add(fn);
    for (const fn of touched) this.forget(fn);
    await this.wrappers.reexamine(change, touched);
    this.forgetCallersOfWrappers();
  }

  /** Functions that were found to call this one; those that enter a context know what they call there. */
  private usersOf(fn: number): number[] {
    return [...(this.callers.get(fn) ?? []), ...(this.rootsOf.get(fn) ?? [])];
  }

  private forget(fn: number): void {
    this.orders.forget(fn, () => this.calledBy(fn));
    this.stale.add(fn);
    this.entering.forget(fn);
    if (!this.program.alive(fn)) {
      // Nobody may come to it any more by its number; a number is never given again.
      const users = this.usersOf(fn);
      this.results.delete(fn);
      this.replaced?.add(fn);
      this.unexport(fn);
      this.callers.delete(fn);
      this.stale.delete(fn);
      for (const user of users) if (this.edges.has(user) || this.regionCalls.has(user)) this.forget(user);
    }
    this.setRegionCalls(fn, null);
    for (const callee of this.edges.get(fn) ?? []) this.callers.drop(callee, fn);
    this.edges.delete(fn);
  }

  /** False when there were no new wrappers. */
  private forgetCallersOfWrappers(): boolean {
    const names = this.wrappers.takeChanged();
    for (const name of names) {
      this.graph.callersOf(name, (fn) => this.forget(fn));
      // Through pointers too.
      for (const wrapper of this.program.definitionsOf(name))
        for (const field of this.pointers.fieldsOf(wrapper))
          this.graph.callersOf(field, (fn) => this.forget(fn));
    }
    return names.size > 0;
  }

  private setEdges(fn: number, callees: number[]): void {
    this.edges.set(fn, callees);
    for (const c of callees) this.callers.push(c, fn);
  }

  /** After itself, what a function calls where it is atomic; null: not known. */
  private setRegionCalls(fn: number, calls: number[] | null): void {
    const old = this.regionCalls.get(fn) ?? [];
    this.orders.forget(fn, () => this.calledBy(fn));
    for (let i = 1; i < old.length; i++) this.rootsOf.drop(old[i], fn);
    if (!calls) {
      this.regionCalls.delete(fn);
      return;
    }
    this.regionCalls.set(fn, calls);
    for (let i = 1; i < calls.length; i++) this.rootsOf.push(calls[i], fn);
  }

  /** What is known to be called where a function is atomic. */
  private eachRegionCall(fn: number, take: (callee: number) => void): void {
    let isItself = true;
    this.regionCalls.each(fn, (f) => {
      if (!isItself) take(f);
      isItself = false;
    });
  }

  private unexport(fn: number): void {
    if (this.exported.delete(fn)) this.lost.add(fn);
  }

  private setResult(fn: number, result: FnResult): void {
    this.results.set(fn, result);
    this.replaced?.add(fn);
    this.foundByItself.delete(fn);
  }

  // ---- who enters a context -------------------------------------------------------------------------------------

  /**
   * The roots of these files, and those elsewhere from which a path may lead through them: they can reach these files, and
   * call something that can where they are atomic.
   */
  private async focusRoots(
    focus: ReadonlySet<string>,
    request: SolveRequest,
  ): Promise<{ enter: number[]; callbacks: Set<number> }> {
    const { program } = this;
    const { signal, atLeast = "low" } = request;
    const { enter, callbacks } = this.entering.of([...focus].sort().map((path) => program.file(path)));
    const sure = atLeast !== "low";
    const near = canReach(
      focus,
      { targets: sure ? FEW_TARGETS : MOST_TARGETS, hops: sure ? MOST_HOPS - 1 : null },
      { program, graph: this.graph, pointers: this.pointers, read: (file) => this.facts.read(file) },
    );
    const outside = [...near].filter((fn) => hasBody(program, fn) && !focus.has(program.fnFile(fn).path));
    outside.sort((a, b) => a - b);
    await this.wrappers.solveBelow(outside, signal);
    this.forgetCallersOfWrappers();
    const maybe = this.entering.among(outside);
    const entered = new Set<number>();
    for (const r of this.pointers.roots)
      if (near.has(r.fn) && program.alive(r.fn) && !callbacks.has(r.fn)) entered.add(r.fn);
    await this.flows.fetch([...maybe, ...entered], signal);
    const leading: number[] = [];
    const pauses = new Pauses(signal);
    for (const fn of maybe) {
      if (this.regionCallsOf(fn).some((f, i) => i > 0 && near.has(f))) leading.push(fn);
      if (pauses.due) await pauses.take();
    }
    request.mark("callers");
    if (leading.length === 0 && entered.size === 0) return { enter, callbacks };
    // Which functions of the files they get to; what those do, with all that they call; and whether it comes back to them.
    const between = (): Solver => {
      const solver = new Solver(program, this.tables, this.facts, this, near);
      for (const fn of leading) solver.setRegionCalls(fn, this.regionCalls.get(fn)!);
      return solver;
    };
    const quiet: SolveRequest = { ...request, mark: () => {} };
    const scout = between();
    scout.goesThrough = true;
    const reached = await scout.closureOf(leading, entered, quiet, true);
    const inFiles = [...reached.numbers()].filter((fn) => focus.has(program.fnFile(fn).path));
    if (inFiles.length === 0) return { enter, callbacks };
    await this.summarise(inFiles, signal, true);
    request.mark("functions of the files");
    const probe = between();
    await probe.work(leading, entered, quiet, true);
    const leadsThere = (ways: readonly SleepEntry[]): boolean =>
      ways.some((e) => {
        // A path that is not sure enough counts where it says what an assertion on its way says again.
        let counts = !sure || rankOf(e.reasons) > 0;
        for (let x: SleepEntry | null = e; x; x = x.next) {
          if (x !== e && !counts) counts = this.asserts(x.fn);
          if (counts && focus.has(program.fnFile(x.fn).path)) return true;
        }
        return false;
      });
    for (const fn of leading)
      if (probe.results.get(fn)?.findings.some((f) => leadsThere(f.entries))) enter.push(fn);
    for (const fn of entered) if (leadsThere(probe.results.get(fn)?.summary.sleeps ?? [])) callbacks.add(fn);
    request.mark("paths through the files");
    enter.sort((a, b) => a - b);
    return { enter, callbacks };
  }

  private asserts(fn: number): boolean {
    const { program } = this;
    if (program.fnColumn(fn, Fn.annotCount) > 0) return true;
    return program
      .calls(fn)
      .some((c) => (c & 1) === 0 && this.tables.assertions.has(program.names.text(c >> 1)));
  }

  /** What a function that enters a context calls there, after itself; nothing if none of it can sleep. */
  private regionCallsOf(fn: number): readonly number[] {
    let calls = this.regionCalls.get(fn);
    if (!calls || this.stale.has(fn)) {
      const flow = this.flows.get(fn);
      calls = flow && this.filter.mayReport(fn, flow) ? [fn, ...this.discover(fn, flow, false)] : [];
      this.setRegionCalls(fn, calls);
    }
    return calls;
  }

  // ---- callees before callers -----------------------------------------------------------------------------------

  /** Runs a function for what it calls: everything, or only where it is atomic. */
  private discover(fn: number, flow: Flow, all: boolean): Set<number> {
    this.needs = new Set();
    this.needAll = all;
    try {
      new Interpreter(this, fn, flow, all, true).run();
      return this.needs;
    } finally {
      this.needs = null;
      this.needAll = false;
    }
  }

  /** Targets of calls through pointers need types, which the interpreter works out: it tells what it met. */
  private pointerCallees(fn: number, flow: Flow): Iterable<number> {
    let pointers = false;
    const pool = flow.pool();
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (flow.code[q] !== I.Call) continue;
      const callee = flow.code[q + 2];
      if (pool.kind(callee) !== E.Var || this.isHook(flow.names[pool.a(callee)], fn)) {
        pointers = true;
        break;
      }
    }
    if (!pointers) return [];
    return [...this.discover(fn, flow, true)].filter((f) => this.reaches(f) || this.isHanded(f));
  }

  /** Whether a name that is called means a variable that is given a function somewhere. */
  private isHook(name: number, fn: number): boolean {
    const file = this.program.fnFile(fn);
    return (
      !this.tableNames.has(name) &&
      this.program.resolve(name, file).length === 0 &&
      this.pointers.variableTargets(name, file).length > 0
    );
  }

  /** Analyses whatever is needed to know the findings asked for. */
  async solve(request: SolveRequest): Promise<Solved> {
    const { focus, progress, mark, signal } = request;
    const inside = focus !== null && request.inside === true;
    progress("lock wrappers", 0, 1);
    if (focus !== null) {
      const own: number[] = [];
      for (const path of focus)
        for (const fn of this.program.file(path)?.fns ?? [])
          if (hasBody(this.program, fn) && (!inside || !request.within || request.within.has(fn)))
            own.push(fn);
      await this.wrappers.solveBelow(own, signal);
    } else await this.wrappers.solveAll(signal);
    this.forgetCallersOfWrappers();
    mark("lock wrappers");
    const { enter, callbacks } =
      focus === null
        ? this.entering.all()
        : inside
          ? this.entering.of(
              [...focus].sort().map((path) => this.program.file(path)),
              request.within,
            )
          : await this.focusRoots(focus, request);
    progress("reading functions", 0, enter.length);
    await this.flows.fetch(
      [...enter, ...callbacks].filter(
        (fn) => this.stale.has(fn) || !(this.regionCalls.has(fn) || this.edges.has(fn)),
      ),
      signal,
    );
    mark("facts of roots");
    await this.work(enter, callbacks, request, focus !== null);
    if (focus !== null) {
      // The callees may have shown more functions of the files to enter a context: they call a wrapper found down there.
      const known = new Set(enter);
      const files = [...focus].sort().map((path) => this.program.file(path));
      const more = this.entering.of(files, inside ? request.within : undefined).enter;
      const late = more.filter((fn) => !known.has(fn));
      if (late.length > 0) {
        enter.push(...late);
        enter.sort((a, b) => a - b);
        await this.flows.fetch(late, signal);
        await this.work(enter, callbacks, request, true);
      }
    }
    mark("report");
    // Nobody counts after each keystroke: that is a walk over everything that is known.
    return { enter, callbacks, stats: inside ? NOTHING_COUNTED : this.statistics() };
  }

  /** Works out these functions and what they call where it matters. `near`: with the lock wrappers below them. */
  private async work(
    enter: readonly number[],
    callbacks: ReadonlySet<number>,
    request: SolveRequest,
    near: boolean,
  ): Promise<void> {
    const closure = await this.orderFor(enter, callbacks, request, near);
    request.mark("solve");
    const run: number[] = [];
    for (const fn of enter) {
      const regions = (this.regionCalls.get(fn)?.length ?? 0) > 0;
      if (closure.has(fn)) {
        if (this.results.has(fn) && !this.foundByItself.has(fn)) run.push(fn);
      } else if (!regions) {
        // Nothing there can sleep: what was found before an edit is gone.
        if (this.stale.delete(fn)) {
          this.results.delete(fn);
          this.replaced?.add(fn);
          this.unexport(fn);
        }
      } else if (!this.results.has(fn) || this.stale.has(fn)) run.push(fn);
    }
    await this.flows.fetch(run, request.signal);
    const pauses = new Pauses(request.signal);
    for (const fn of run) {
      if (pauses.due) await pauses.take();
      if (closure.has(fn)) this.findByItself(fn);
      else this.runForItself(fn);
    }
  }

  /** A function that nobody calls where it matters. */
  private runForItself(fn: number): void {
    const flow = this.flows.get(fn);
    if (!flow) return;
    this.setResult(fn, new Interpreter(this, fn, flow, false).run());
    // It says nothing to callers now, whatever it was asked for before.
    this.unexport(fn);
    this.stale.delete(fn);
  }

  /**
   * A function that is also called where it matters has been run for its callers, which keeps more apart: what is found in
   * it is what a run for itself finds, so that findings do not depend on who else was looked at.
   */
  private findByItself(fn: number): void {
    const result = this.results.get(fn);
    if (!result) return;
    const flow = this.flows.get(fn);
    const regions = (this.regionCalls.get(fn)?.length ?? 0) > 0;
    result.findings = flow && regions ? new Interpreter(this, fn, flow, false).run().findings : [];
    this.foundByItself.add(fn);
    this.replaced?.add(fn);
  }

  /** Everything that is called where it matters. */
  private async closureOf(
    enter: readonly number[],
    callbacks: ReadonlySet<number>,
    request: SolveRequest,
    near: boolean,
  ): Promise<FnSet> {
    const closure = new FnSet([], this.program.maxFn);
    // A wrapper that is found on the way down changes what the functions above it do, and so what matters. Little is done
    // again: what calls no such wrapper is known.
    while (await this.extendClosure(closure, enter, callbacks, request, near)) closure.clear();
    request.mark("facts of callees");
    return closure;
  }

  /** True when wrappers were found: what was added for their callers is not to be relied on. */
  private async extendClosure(
    closure: FnSet,
    enter: readonly number[],
    callbacks: ReadonlySet<number>,
    request: SolveRequest,
    near: boolean,
  ): Promise<boolean> {
    const { progress, mark, signal } = request;
    const { program } = this;
    let found = false;
    let frontier: number[] = [];
    const want = (f: number, always: boolean, caller: number): void => {
      if (!this.goesThrough && this.base?.isSummarised(f) && !callbacks.has(f)) return;
      if (this.only && !this.isLookedInto(f, caller)) return;
      if (!closure.has(f) && hasBody(program, f) && (always || this.reaches(f) || this.isHanded(f))) {
        closure.add(f);
        frontier.push(f);
      }
    };
    const pauses = new Pauses(signal);
    let n = 0;
    for (const fn of enter) {
      if (pauses.due) await pauses.take();
      if (callbacks.has(fn)) {
        this.regionCalls.set(fn, [fn]);
        continue;
      }
      if (this.regionCalls.has(fn) && !this.stale.has(fn)) {
        this.eachRegionCall(fn, (f) => want(f, false, fn));
      } else {
        const calls = this.regionCallsOf(fn);
        for (let i = 1; i < calls.length; i++) want(calls[i], false, fn);
      }
      if (++n % 2000 === 0) progress("finding regions", n, enter.length);
    }
    for (const fn of callbacks) want(fn, true, fn);
    mark("discover");
    while (frontier.length > 0) {
      const batch = [...Int32Array.from(frontier).sort()];
      frontier = [];
      if (near) {
        await this.wrappers.solveBelow(
          batch.filter((fn) => !this.edges.has(fn)),
          signal,
        );
        if (this.forgetCallersOfWrappers()) found = true;
      }
      progress("reading callees", closure.size, closure.size + 1);
      await this.findEdges(
        batch.filter((fn) => !this.edges.has(fn)),
        signal,
      );
      // What is called with a function in hand is among the edges though it may not sleep by itself.
      for (const fn of batch) this.edges.each(fn, (f) => want(f, true, fn));
    }
    return found;
  }

  /** Finds out what these functions call. */
  private async findEdges(fns: readonly number[], signal?: AbortSignal): Promise<void> {
    if (fns.length === 0) return;
    const { program } = this;
    await this.flows.fetch(fns, signal);
    const pauses = new Pauses(signal);
    for (const fn of fns) {
      if (pauses.due) await pauses.take();
      const flow = this.flows.get(fn);
      if (!flow) {
        this.setEdges(fn, []);
        continue;
      }
      const callees = new Set(
        calleesOf(
          fn,
          flow,
          program,
          this,
          (f) => this.reaches(f),
          this.only ? (f) => this.handed.add(f) : undefined,
        ),
      );
      for (const f of this.pointerCallees(fn, flow)) callees.add(f);
      this.setEdges(
        fn,
        [...callees].filter((f) => hasBody(program, f)),
      );
    }
  }

  /**
   * Works out what these functions do by themselves, atomic or not; `results` has it afterwards. `near`: with the lock
   * wrappers some levels below them, not those of the whole tree.
   */
  async summarise(fns: readonly number[], signal?: AbortSignal, near = false): Promise<void> {
    const request: SolveRequest = { focus: null, progress: () => {}, mark: () => {}, signal };
    if (near) await this.wrappers.solveBelow(fns, signal);
    else await this.wrappers.solveAll(signal);
    await this.solveAllOf(this.groupsOf(await this.closureOf([], new Set(fns), request, near)), request);
  }

  /** Whether the result of a function says how it may sleep for its callers, and is still true. */
  isSummarised(fn: number): boolean {
    return this.exported.has(fn) && !this.stale.has(fn);
  }

  /** Has everything solved that these functions need, and says what that is. */
  private async orderFor(
    enter: readonly number[],
    callbacks: ReadonlySet<number>,
    request: SolveRequest,
    near: boolean,
  ): Promise<{ has(fn: number): boolean }> {
    // Whoever looks at everything does so once.
    if (!near || this.base !== null) {
      const closure = await this.closureOf(enter, callbacks, request, near);
      await this.solveAllOf(this.groupsOf(closure), request);
      return closure;
    }
    const known = this.orders.find(enter, callbacks);
    if (known) {
      const isGood = await this.isGood(known, enter, callbacks, request.signal);
      if (isGood && (await this.solveChanged(known, request.signal))) return known;
      this.orders.drop(known);
    }
    const groups = this.groupsOf(await this.closureOf(enter, callbacks, request, near));
    await this.solveAllOf(groups, request);
    const order = new SolveOrder([...enter], callbacks, groups);
    this.orders.keep(order);
    return order;
  }

  /** Whether an order made before an edit is good for what is called now. */
  private async isGood(
    order: SolveOrder,
    enter: readonly number[],
    callbacks: ReadonlySet<number>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const leads = (f: number): boolean => hasBody(this.program, f) && (this.reaches(f) || this.isHanded(f));
    for (const fn of enter) {
      if (callbacks.has(fn)) continue;
      const calls = this.regionCallsOf(fn);
      for (let i = 1; i < calls.length; i++) if (!order.has(calls[i]) && leads(calls[i])) return false;
    }
    const fresh: number[] = [];
    for (const fn of order.uncertain) {
      if (!this.program.alive(fn)) return false;
      if (!this.edges.has(fn)) fresh.push(fn);
    }
    await this.wrappers.solveBelow(fresh, signal);
    if (this.forgetCallersOfWrappers()) return false;
    await this.findEdges(fresh, signal);
    return order.holds(
      (fn) => this.calledBy(fn),
      (callee, fn) => (this.edges.get(fn)?.includes(callee) ?? false) || leads(callee),
    );
  }

  /** Solves what an edit has made stale among these, and what that makes stale; false when the order is not one any more. */
  private async solveChanged(order: SolveOrder, signal?: AbortSignal): Promise<boolean> {
    const { groups } = order;
    const due = new Uint8Array(groups.ends.length);
    let first = due.length;
    const add = (fn: number): void => {
      const place = order.place(fn);
      if (place === undefined || !this.isUnsolved(fn)) return;
      due[place] = 1;
      first = Math.min(first, place);
    };
    for (const fn of this.stale) add(fn);
    for (const fn of this.lost) add(fn);
    const pauses = new Pauses(signal);
    for (let i = first; i < due.length; i++) {
      if (due[i] === 0) continue;
      if (pauses.due) await pauses.take();
      first = due.length;
      // Those who call it come later.
      for (const user of await this.solveGroup(groups.at(i), this.isCycle(groups, i), pauses)) add(user);
      if (first <= i) return false;
    }
    return true;
  }

  /** Who of the closure is solved with whom, callees first. */
  private groupsOf(closure: FnSet): Groups {
    const fns = closure.numbers();
    const { members, ends } = components(this.callsAmong(fns));
    return new Groups(
      members.map((i) => fns[i]),
      ends,
    );
  }

  /** Who of these calls whom, by place among them. What is called where one is atomic comes before it too, or it would be old as soon as it is known. */
  private callsAmong(fns: Int32Array): Graph {
    const place = new Int32Array(this.program.maxFn).fill(-1);
    fns.forEach((fn, i) => {
      place[fn] = i;
    });
    const starts = new Int32Array(fns.length + 1);
    let targets: Int32Array = new Int32Array(fns.length * 8);
    let n = 0;
    const call = (fn: number): void => {
      if (place[fn] < 0) return;
      if (n === targets.length) targets = grown(targets);
      targets[n++] = place[fn];
    };
    fns.forEach((fn, i) => {
      this.edges.each(fn, call);
      this.eachRegionCall(fn, call);
      starts[i + 1] = n;
    });
    return { starts, targets };
  }

  private async solveAllOf(groups: Groups, request: SolveRequest): Promise<void> {
    const pauses = new Pauses(request.signal);
    const { members, ends } = groups;
    let n = 0;
    for (let i = 0; i < ends.length; i++) {
      if (pauses.due) await pauses.take();
      const before = n;
      let isKnown = true;
      for (; n < ends[i]; n++) if (this.isUnsolved(members[n])) isKnown = false;
      const isCycle = this.isCycle(groups, i);
      if (isKnown && !isCycle && !this.cycles.has(members[before])) continue;
      const group = groups.at(i);
      if (!isKnown || !this.cycles.knows(group, isCycle)) await this.solveGroup(group, isCycle, pauses);
      if (n % 2000 < n - before) request.progress("solving", n, members.length);
    }
  }

  /** All functions that are not solved, where they are fewer than so many and known. */
  private fewUnsolved(most: number): readonly number[] | null {
    if (this.stale.size + this.lost.size >= most) return null;
    return [...this.stale, ...this.lost].filter((fn) => this.isUnsolved(fn));
  }

  private isCycle(groups: Groups, i: number): boolean {
    const first = groups.first(i);
    if (groups.ends[i] - first > 1) return true;
    const fn = groups.members[first];
    let isItself = false;
    this.edges.each(fn, (f) => {
      if (f === fn) isItself = true;
    });
    return isItself;
  }

  private isUnsolved(fn: number): boolean {
    return !this.results.has(fn) || this.stale.has(fn) || !this.exported.has(fn);
  }

  /** Runs the functions of a group until they say nothing new. Those who call them and hear something new are stale then: returned. */
  private async solveGroup(group: readonly number[], isCycle: boolean, pauses: Pauses): Promise<number[]> {
    let made: ReadonlyMap<number, FnResult | null>;
    if (isCycle) {
      made = await this.cycles.solve(
        group,
        (fn) => this.isUnsolved(fn),
        this.fewUnsolved(group.length),
        pauses,
      );
    } else {
      // After an edit of an engine that was restored, facts are read when they are needed.
      const [fn] = group;
      if (!this.flows.has(fn)) await this.flows.fetch(group, pauses.signal);
      this.cycles.drop(fn);
      made = new Map([[fn, this.runForCallers(fn)]]);
    }
    const inside = isCycle ? this.cycles.membersOf(group[0]) : new Set(group);
    for (const fn of this.stale.size < group.length ? this.stale : group)
      if (inside.has(fn)) this.stale.delete(fn);
    const told: number[] = [];
    for (const [fn, result] of made) {
      const was = this.exported.has(fn) ? this.results.get(fn)?.summary : undefined;
      if (result) {
        this.setResult(fn, result);
        this.exported.add(fn);
        this.lost.delete(fn);
      } else {
        this.results.delete(fn);
        this.unexport(fn);
        this.replaced?.add(fn);
      }
      if (was && result && sameSummary(was, result.summary)) continue;
      for (const user of this.usersOf(fn)) {
        // Within a cycle that never rests, who was run before this one still has to find what it says now.
        if (inside.has(user)) this.foundByItself.delete(user);
        else {
          this.stale.add(user);
          told.push(user);
        }
      }
    }
    return told;
  }

  /** Null: it has no facts. */
  private runForCallers(fn: number): FnResult | null {
    const flow = this.flows.get(fn);
    return flow ? new Interpreter(this, fn, flow, true).run() : null;
  }

  /** Functions called, where the function is atomic and elsewhere. */
  private calledBy(fn: number): readonly number[] {
    const edges = this.edges.get(fn) ?? [];
    const calls = this.regionCalls.get(fn);
    return calls && calls.length > 1 ? [...edges, ...calls.slice(1)] : edges;
  }

  private cyclesWorld(): CyclesWorld {
    const { program } = this;
    return {
      edgesOf: (fn) => this.calledBy(fn),
      usersOf: (fn) => this.usersOf(fn),
      initial: (fn) => (this.base ? this.base.summaryOf(fn) : this.unsolved(fn)),
      run: (fn) => this.runForCallers(fn),
      hasFacts: (fn) => this.flows.has(fn),
      fetchFacts: (fns, signal) => this.flows.fetch(fns, signal),
      comparePlaces: (a, b) => program.comparePlaces(a, b),
      directCalls: (members, of) => directCalls(members, of, (fn) => this.calledBy(fn), program, this.graph),
    };
  }

  private statistics(): SolveStats {
    const { results, counts } = this.results.totals();
    const [resolved, unresolved, undecided, capped] = counts;
    const unparsed = this.flows.damagedAmong((fn) => this.results.has(fn));
    return { analysed: results, unparsed, resolved, unresolved, undecided, capped };
  }
}
