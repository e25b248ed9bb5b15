/** The engine over program and solver: loads outlines, keeps them current, answers questions with plain data. */
import type { CodeView } from "../code.js";
import type {
  CheckOptions,
  CheckResult,
  DumpKind,
  Engine,
  EngineImage,
  EngineOptions,
  FunctionLocks,
  InspectingEngine,
  PointInfo,
  SleepVerdict,
  SleepWay,
  WaysOptions,
} from "../engine.js";
import type { FileOutline, MacroClasses } from "../facts/outline.js";
import type { Dump, Explanation, FunctionRef, LockGraph, Subject } from "../findings/explain.js";
import type { LockIdentity, LockMatches, LockUsers } from "../findings/lockUsers.js";
import type { AnalysisStats, Site } from "../findings/types.js";
import { harvestMacroClasses, harvestNumbered, macrosText } from "../outline/macroClasses.js";
import { ProgramCodeView } from "../program/codeView.js";
import { BadImage, ImageReader, ImageWriter, type SectionSink } from "../program/image.js";
import { Names } from "../program/names.js";
import { Program } from "../program/program.js";
import { CursorCheck, type CursorImage } from "./cursor/check.js";
import { Edits } from "./edits.js";
import { functionRef } from "./explain.js";
import { findFunctions, functionNumberAt, Inspector, similarNames } from "./inspector.js";
import { Reporter } from "./report.js";
import { Reports, type SavedReports } from "./reports.js";
import { Solver } from "./solver.js";
import { applySuppressions } from "./suppressions.js";
import { lockAt } from "./users/lockAt.js";
import { lockFiles } from "./users/lockFiles.js";
import { findLocks } from "./users/lockNames.js";
import { lockUsers } from "./users/lockUsers.js";
import { definitionSites, sleepVerdicts } from "./verdicts.js";

export function createEngine(options: EngineOptions): InspectingEngine {
  return new KernelEngine(options);
}

interface Phase {
  name: string;
  wallMs: number;
  cpuMs: number;
  rssMb: number;
}

class KernelEngine implements InspectingEngine {
  private program = new Program();
  /** What checks know, kept from one to the next. */
  private solver: Solver | null = null;
  private cursors: CursorCheck | null = null;
  /** What was found in the whole tree. */
  private reports: Reports | null = null;
  /** Answers questions from what the last check knows; before the first check it works out what it needs by itself. */
  private inspector: Inspector | null = null;
  private macroClasses: MacroClasses = harvestMacroClasses([]).classes;
  /** Of a tree that was read: names that could be in a class. */
  private candidates: ReadonlySet<string> = new Set();
  private isCandidate: (name: string) => boolean = () => false;
  private skipped: { path: string; reason: string }[] = [];
  private readonly phases: Phase[] = [];
  private wall = performance.now();
  private cpu = process.cpuUsage();

  constructor(private readonly options: EngineOptions) {}

  private mark(name: string): void {
    // Asking what was used costs more than most phases after an edit; nobody reads them then.
    if (this.quiet) return;
    const wall = performance.now();
    const cpu = process.cpuUsage(this.cpu);
    this.phases.push({
      name,
      wallMs: Math.round(wall - this.wall),
      cpuMs: Math.round((cpu.user + cpu.system) / 1000),
      rssMb: Math.round(process.memoryUsage.rss() / 1048576),
    });
    this.wall = wall;
    this.cpu = process.cpuUsage();
  }

  async load(files: readonly string[], opts: Parameters<Engine["load"]>[1] = {}): Promise<void> {
    this.quiet = false;
    this.wall = performance.now();
    this.cpu = process.cpuUsage();
    const program = new Program();
    this.skipped = [];
    const got = new Map<string, FileOutline>();
    let done = 0;
    // Joined in path order whatever the order of arrival: numbers, and so results, do not depend on the workers.
    const order = [...files].sort(byCodeUnit);
    await this.options.facts.outlines(
      order,
      (file, outline, problem) => {
        done++;
        if (outline) got.set(file, outline);
        else this.skipped.push({ path: file, reason: problem ?? "could not be read" });
        if (done % 200 === 0 || done === order.length)
          opts.progress?.({ phase: "outlining", done, total: order.length });
      },
      opts.signal,
      true,
    );
    this.mark("outline");
    for (const path of order) {
      const outline = got.get(path);
      if (!outline) continue;
      program.add(path, outline);
      got.delete(path);
    }
    const { classes, candidates } = harvestNumbered(
      program.files.filter((f) => f !== null),
      program.names,
    );
    this.macroClasses = classes;
    this.candidates = candidates;
    this.isCandidate = (name) => candidates.has(name);
    this.options.facts.setMacroClasses(this.macroClasses);
    this.program = program;
    this.restored = false;
    this.solver = null;
    this.cursors = null;
    this.reports = null;
    this.inspector = null;
    this.mark("link");
  }

  save(put: SectionSink): boolean {
    const { solver } = this;
    if (!solver?.canBeSaved) return false;
    const to = new ImageWriter(put);
    const whole = (name: string, saved: object | null | undefined): boolean => {
      if (saved) to.plain(name, saved);
      return saved != null;
    };
    if (!whole("cursors", this.cursors?.save()) || !whole("reports", this.reports?.save())) return false;
    to.json("engine.skipped", this.skipped);
    const { digest, ...classes } = this.macroClasses;
    const names = Object.entries(classes).map(([kind, set]) => [kind, [...set]]);
    to.json("engine.classes", [digest, Object.fromEntries(names)]);
    const candidates = Names.empty();
    for (const name of this.candidates) candidates.id(name);
    candidates.save(to, "engine.candidates");
    solver.save(to);
    return true;
  }

  restore(image: EngineImage): void {
    const { facts, tables } = this.options;
    const from = new ImageReader(image);
    this.restored = true;
    this.program = new Program(from, (path) => {
      const outline = facts.imageOutline?.(path);
      if (!outline) throw new BadImage(`the outline of ${path} is gone`);
      return outline;
    });
    this.skipped = from.json("engine.skipped");
    const [digest, names] =
      from.json<[string, Record<Exclude<keyof MacroClasses, "digest">, string[]>]>("engine.classes");
    const set = (kind: keyof typeof names): Set<string> => new Set(names[kind]);
    this.macroClasses = {
      attribute: set("attribute"),
      loop: set("loop"),
      storage: set("storage"),
      bare: set("bare"),
      digest,
    };
    const candidates = Names.restore(from, "engine.candidates");
    this.isCandidate = (name) => candidates.find(name) > 0;
    facts.setMacroClasses(this.macroClasses);
    this.solver = new Solver(this.program, tables, facts, null, null, from);
    this.cursors = CursorCheck.restore(this.solver, facts, from.plain<CursorImage>("cursors"));
    const saved = from.plain<SavedReports>("reports", new Set(["low"]));
    this.reports = new Reports(this.solver, (file) => facts.read(file), saved);
    this.inspector = null;
    this.mark("image");
  }

  /** It went on from an image, and has not looked at most of the tree itself. */
  private restored = false;

  /** Whether these texts may say something else about classes of macros than those of the image. */
  private definesOtherMacros(fresh: ReadonlyMap<string, FileOutline | null>): boolean {
    const text = (o: FileOutline | null | undefined): string => (o ? macrosText(o, this.isCandidate) : "");
    for (const [path, now] of fresh) {
      const was = this.options.facts.imageOutline?.(path);
      if (text(was) !== text(now)) return true;
    }
    return false;
  }

  async update(files: readonly string[]): Promise<void> {
    const { program } = this;
    this.reports?.edited(files);
    const fresh = new Map<string, FileOutline | null>();
    await this.options.facts.outlines(files, (file, outline) => fresh.set(file, outline));
    // An image says nothing about a tree in which macros or types mean something else throughout.
    if (this.restored && this.definesOtherMacros(fresh)) throw new BadImage("other classes of macros");
    const edits = new Edits(program, this.options.tables, (file) => this.options.facts.read(file));
    // What was asked before the first check has a solver of its own, which nobody tells of edits.
    if (this.cursors?.solver !== this.solver) this.cursors = null;
    for (const path of [...files].sort(byCodeUnit)) {
      this.cursors?.leaving(program.file(path));
      edits.replace(path, fresh.get(path) ?? null);
    }
    const change = edits.change();
    if (this.restored && (change.tables || change.macros || change.pointers.types))
      throw new BadImage("types or macros are others throughout");
    // Of places they are told too.
    this.cursors?.edited(change, edits.replaced);
    if (edits.isEmpty) return;
    this.inspector = null;
    await this.solver?.edited(change);
  }

  /** Phases are not measured. */
  private quiet = false;

  async check(options: CheckOptions): Promise<CheckResult> {
    this.quiet = options.inside === true;
    this.wall = performance.now();
    if (!this.quiet) this.cpu = process.cpuUsage();
    const solver = this.solver ?? new Solver(this.program, this.options.tables, this.options.facts);
    this.solver = solver;
    this.inspector = null;
    this.mark("graph");
    const within = options.within && this.functionsAt(options.within);
    const { enter, callbacks, stats } = await solver.solve({
      focus: options.focus,
      inside: options.inside,
      within,
      atLeast: options.atLeast,
      progress: (phase, done, total) => options.progress?.({ phase, done, total }),
      mark: (name) => this.mark(name),
      signal: options.signal,
    });
    if (this.cursors?.solver !== solver) this.cursors = new CursorCheck(solver, this.options.facts);
    const cursors = await this.cursors.findings(
      options.focus,
      options.inside === true,
      options.signal,
      within,
    );
    this.mark("list walks");
    const read = (file: string): string | null => this.options.facts.read(file);
    if (options.focus === null) {
      if (this.reports?.solver !== solver) this.reports = new Reports(solver, read);
      this.reports.update(enter, callbacks, cursors);
      const { lowAside } = options;
      const told = lowAside ? this.reports.lowAside() : { findings: this.reports.all() };
      this.mark("findings");
      const { found, suppressed } = this.reports.counts();
      return { ...told, stats: this.statistics(stats, found, suppressed) };
    }
    const findings = new Reporter(solver).findings(enter, callbacks, options.focus, options.atLeast, cursors);
    applySuppressions(findings, read);
    this.mark("findings");
    return {
      findings,
      stats: this.statistics(stats, findings.length, findings.filter((f) => f.suppressed).length),
    };
  }

  private functionsAt(places: readonly { file: string; offset: number }[]): Set<number> {
    const fns = places.map((p) => functionNumberAt({ program: this.program }, p.file, p.offset));
    return new Set(fns.filter((fn) => fn >= 0));
  }

  private statistics(
    s: import("./solver.js").SolveStats,
    findings: number,
    suppressed: number,
  ): AnalysisStats {
    const p = this.program;
    let files = 0;
    for (const f of p.files) if (f) files++;
    const phases = this.phases.splice(0);
    return {
      files,
      skippedFiles: [...this.skipped].sort((a, b) => byCodeUnit(a.path, b.path)),
      bytes: p.bytes,
      functions: p.functionCount,
      macros: p.macroCount,
      calls: p.callCount,
      resolvedCalls: s.resolved,
      unresolvedCalls: s.unresolved,
      analysedFunctions: s.analysed,
      unparsedFunctions: s.unparsed,
      undecidedConditions: s.undecided,
      cappedStates: s.capped,
      findings,
      hiddenFindings: 0,
      suppressedFindings: suppressed,
      phases,
    };
  }

  private inspect(signal?: AbortSignal): Inspector {
    this.inspector ??= new Inspector(
      this.solver?.beside() ?? new Solver(this.program, this.options.tables, this.options.facts),
    );
    return signal ? this.inspector.until(signal) : this.inspector;
  }

  async pointInfo(file: string, offset: number, signal?: AbortSignal): Promise<PointInfo | null> {
    return this.inspect(signal).pointInfo(file, offset);
  }

  async locksOf(file: string, offset: number, signal?: AbortSignal): Promise<FunctionLocks | null> {
    return this.inspect(signal).locksOf(file, offset);
  }

  enteredAtomic(
    file: string,
    offset: number,
    mostCallers: number,
    signal?: AbortSignal,
  ): Promise<"yes" | "no" | "unknown"> {
    return this.inspect(signal).enteredAtomic(file, offset, mostCallers);
  }

  lockFiles(lock: LockIdentity, most: number): number {
    const { effects } = this.lockCheck();
    const read = (file: string): string | null => this.options.facts.read(file);
    return lockFiles({ program: this.program, effects, read }, lock, most);
  }

  waysToSleep(file: string, offset: number, options: WaysOptions = {}): Promise<SleepWay[] | null> {
    return this.inspect(options.signal).waysToSleep(file, offset, options.through);
  }

  functionRefAt(file: string, offset: number): FunctionRef | null {
    const fn = functionNumberAt({ program: this.program }, file, offset);
    return fn < 0 ? null : functionRef(this.program, fn);
  }

  find(name: string, file?: string): FunctionRef[] {
    return findFunctions({ program: this.program }, name, file);
  }

  similar(name: string): string[] {
    return similarNames({ program: this.program }, name);
  }

  async explain(subject: Subject, signal?: AbortSignal): Promise<Explanation> {
    const explanation = await this.inspect(signal).explain(subject);
    applySuppressions(explanation.findings, (file) => this.options.facts.read(file));
    return explanation;
  }

  graph(subject: Subject, depth: number, signal?: AbortSignal): Promise<LockGraph> {
    return this.inspect(signal).graph(subject, depth);
  }

  dump(kind: DumpKind, of: { file: string } | Subject, signal?: AbortSignal): Promise<Dump> {
    return this.inspect(signal).dump(kind, of);
  }

  findLocks(typed: string): LockMatches {
    return findLocks(this.program, this.options.tables, typed);
  }

  async lockAt(file: string, offset: number): Promise<LockMatches> {
    const { program } = this;
    const { effects } = this.lockCheck();
    const read = (path: string): string | null => this.options.facts.read(path);
    const fn = functionNumberAt({ program }, file, offset);
    return lockAt({ program, tables: this.options.tables, effects, read }, fn, file, offset);
  }

  lockUsers(lock: LockIdentity, signal?: AbortSignal): Promise<LockUsers> {
    const { program } = this;
    const check = this.lockCheck();
    const read = (file: string): string | null => this.options.facts.read(file);
    const { effects } = check;
    return check.remembered(lock.cls, () =>
      lockUsers({ program, effects, entry: check.entryLocks(), read }, lock, signal),
    );
  }

  /** What is known about locks of every kind, kept from one question to the next until an edit. */
  private lockCheck(): CursorCheck {
    this.cursors ??= new CursorCheck(
      this.solver ?? new Solver(this.program, this.options.tables, this.options.facts),
      this.options.facts,
    );
    return this.cursors;
  }

  sleepVerdicts(flags: number, signal?: AbortSignal): Promise<SleepVerdict[]> {
    const solver = new Solver(this.program, this.options.tables, this.options.facts);
    return sleepVerdicts(solver, flags, signal);
  }

  get code(): CodeView {
    return new ProgramCodeView(
      this.program,
      this.options.version,
      this.options.tables,
      () => this.macroClasses,
      () => this.solver?.graph,
    );
  }

  definitions(name: string): Site[] {
    return definitionSites(this.program, name);
  }

  functionAt(file: string, offset: number): { name: string; start: number; end: number } | null {
    const ref = this.functionRefAt(file, offset);
    return ref && { name: ref.name, start: ref.start, end: ref.end };
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
