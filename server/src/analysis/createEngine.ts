/** The engine over program and solver: loads outlines, keeps them current, answers questions with plain data. */
import type { CodeView } from "../code.js";
import type {
  CheckOptions,
  CheckResult,
  DumpKind,
  Engine,
  EngineOptions,
  FunctionLocks,
  InspectingEngine,
  PointInfo,
  SleepVerdict,
  SleepWay,
  WaysOptions,
} from "../engine.js";
import {
  type FileOutline,
  FN_STRIDE,
  Fn,
  FnFlag,
  INIT_STRIDE,
  Init,
  type MacroClasses,
  REG_STRIDE,
  Reg,
  STRUCT_STRIDE,
  Struct,
  TYPED_STRIDE,
} from "../facts/outline.js";
import type { Dump, Explanation, FunctionRef, LockGraph, Subject } from "../findings/explain.js";
import type { LockIdentity, LockMatches, LockUsers } from "../findings/lockUsers.js";
import type { AnalysisStats, Site } from "../findings/types.js";
import { harvestMacroClasses } from "../outline/macroClasses.js";
import { ProgramCodeView } from "../program/codeView.js";
import { ownIncludes } from "../program/includes.js";
import { Program, type SourceFile } from "../program/program.js";
import { CursorCheck } from "./cursor/check.js";
import { functionRef } from "./explain.js";
import { findFunctions, functionNumberAt, Inspector, similarNames } from "./inspector.js";
import { Reporter } from "./report.js";
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
  /** Answers questions from what the last check knows; before the first check it works out what it needs by itself. */
  private inspector: Inspector | null = null;
  /** Texts of files as they were when last told of a change: what an edit left alone is not analysed again. */
  private readonly texts = new Map<string, string>();

  private macroClasses: MacroClasses = harvestMacroClasses([]);
  private skipped: { path: string; reason: string }[] = [];
  private readonly phases: Phase[] = [];
  private wall = performance.now();
  private cpu = process.cpuUsage();

  constructor(private readonly options: EngineOptions) {}

  private mark(name: string): void {
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
    );
    this.mark("outline");
    this.macroClasses = harvestMacroClasses(
      order.filter((f) => got.has(f)).map((path) => ({ path, outline: got.get(path)! })),
    );
    this.options.facts.setMacroClasses(this.macroClasses);
    for (const path of order) {
      const outline = got.get(path);
      if (!outline) continue;
      program.add(path, outline);
      got.delete(path);
    }
    this.program = program;
    this.solver = null;
    this.cursors = null;
    this.inspector = null;
    this.mark("link");
  }

  remember(path: string): void {
    const known = this.program.file(path);
    if (!known || this.texts.has(path)) return;
    const text = this.options.facts.read(path);
    // Not the text that was loaded: the file changed on disk, and nobody has said so yet.
    if (text !== null && text.length === known.outline.size) this.texts.set(path, text);
  }

  async update(files: readonly string[]): Promise<void> {
    const { program } = this;
    const fresh = new Map<string, FileOutline | null>();
    await this.options.facts.outlines(files, (file, outline) => fresh.set(file, outline));
    const changed = new Set<number>();
    const names = new Set<number>();
    let tables = false;
    let macros = false;
    // Functions whose text is as it was, and which may mean something else all the same; and names of fields and variables.
    const again = new Set<number>();
    const mentioned = new Set<number>();
    const pointers = {
      files: new Set<string>(),
      variables: new Set<number>(),
      fields: new Set<number>(),
      types: false,
    };
    const note = (f: FunctionText): void => {
      changed.add(f.fn);
      macros ||= (f.flags & FnFlag.ObjectMacro) !== 0;
    };
    for (const path of [...files].sort(byCodeUnit)) {
      const outline = fresh.get(path) ?? null;
      const old = program.file(path);
      const oldText = this.texts.get(path) ?? null;
      const text = outline ? this.options.facts.read(path) : null;
      if (text !== null) this.texts.set(path, text);
      else this.texts.delete(path);
      if (old && text !== null && text === oldText) continue;
      const before = old
        ? new Map(functionTexts(old, oldText, (n) => program.names.text(n)))
        : new Map<string, FunctionText>();
      const oldTables = tablesOf(old?.outline);
      const namesBefore = names.size;
      program.replace(path, outline);
      const now = program.file(path);
      if (!now && !old) continue;
      for (const [key, f] of now ? functionTexts(now, text, (n) => program.names.text(n)) : []) {
        const was = before.get(key);
        before.delete(key);
        // The head too: an #if before it can make the same text mean nothing.
        if (was && was.text !== null && was.text === f.text && was.head === f.head) continue;
        note(f);
        // A new function, or another signature: its name means something else to those who use it.
        if (!was || was.head !== f.head) names.add(f.name);
      }
      for (const f of before.values()) {
        note(f);
        names.add(f.name);
      }
      const newTables = tablesOf(now?.outline);
      const types = oldTables.types !== newTables.types;
      const variables = symmetricDifference(oldTables.variables, newTables.variables);
      const installs = oldTables.installs !== newTables.installs;
      const fields = types ? changedFields(old?.outline, now?.outline, program) : [];
      const header = (old ?? now)?.header === true;
      for (const name of variables) mentioned.add(name);
      for (const name of fields ?? []) pointers.fields.add(name);
      // What a .c file includes and defines as types concerns itself.
      if (!header) for (const fn of this.whoMention(fields, now, text)) again.add(fn);
      else for (const name of fields ?? []) mentioned.add(name);
      if (this.setsProperty(old?.outline) !== this.setsProperty(now?.outline)) tables = true;
      // Types of a .c file mean something in that file only; those of parameters tell what an assignment installs.
      if (types || installs || names.size > namesBefore) pointers.files.add(path);
      if (fields === null && header) {
        tables = true;
        pointers.types = true;
      }
      for (const v of variables) pointers.variables.add(v);
    }
    const installs = pointers.files.size > 0 || pointers.variables.size > 0;
    if (changed.size + names.size + again.size + mentioned.size === 0 && !tables && !installs) return;
    this.inspector = null;
    // What was asked before the first check has a solver of its own, which nobody tells of edits.
    if (this.cursors?.solver === this.solver) this.cursors?.edited([...changed, ...again]);
    else this.cursors = null;
    await this.solver?.edited({
      fns: [...changed],
      names: [...names],
      again: [...again],
      mentioned: [...mentioned],
      tables,
      macros,
      pointers: { ...pointers, files: [...pointers.files] },
    });
  }

  /** Functions of a file whose text has one of these names; all for null. */
  private whoMention(names: readonly number[] | null, f: SourceFile | null, text: string | null): number[] {
    if (!f || names?.length === 0) return [];
    if (names === null || text === null) return [...f.fns];
    const word = new RegExp(`\\b(?:${names.map((n) => this.program.names.text(n)).join("|")})\\b`);
    const { fn } = f.outline;
    return [...f.fns].filter((_, i) =>
      word.test(text.slice(fn[i * FN_STRIDE + Fn.start], fn[i * FN_STRIDE + Fn.end])),
    );
  }

  /** What a file says by initialisers about properties of objects that decide whether calls on these sleep. */
  private setsProperty(o: FileOutline | undefined): string {
    if (!o) return "";
    this.propertyFields ??= new Set(
      [...this.options.tables.sleepers.values()].flatMap(({ condition: c }) =>
        c.kind === "object" && c.property ? [c.property.field] : [],
      ),
    );
    const ids = new Set([...this.propertyFields].map((field) => this.program.names.find(field)));
    const out: string[] = [];
    for (let i = 0; i < o.inits.length; i += INIT_STRIDE)
      if (ids.has(o.inits[i + Init.field])) out.push(o.inits.subarray(i, i + INIT_STRIDE).join());
    return out.join(" ");
  }
  private propertyFields: ReadonlySet<string> | null = null;

  async check(options: CheckOptions): Promise<CheckResult> {
    this.wall = performance.now();
    this.cpu = process.cpuUsage();
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
    const findings = new Reporter(solver).findings(enter, callbacks, options.focus, options.atLeast, cursors);
    applySuppressions(findings, (file) => this.options.facts.read(file));
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

interface FunctionText {
  fn: number;
  name: number;
  flags: number;
  text: string | null;
  /** Everything before the body: a change of it can change what the name means to callers. */
  head: string | null;
}

/** The functions of a file by name and ordinal, with their texts. */
function functionTexts(
  f: SourceFile,
  text: string | null,
  nameOf: (n: number) => string,
): [string, FunctionText][] {
  const seen = new Map<number, number>();
  const out: [string, FunctionText][] = [];
  for (let i = 0; i < f.fns.length; i++) {
    const at = i * FN_STRIDE;
    const name = f.outline.fn[at + Fn.name];
    const ordinal = seen.get(name) ?? 0;
    seen.set(name, ordinal + 1);
    const start = f.outline.fn[at + Fn.start];
    const body = f.outline.fn[at + Fn.bodyStart];
    const flags = f.outline.fn[at + Fn.flags];
    out.push([
      `${nameOf(name)}#${ordinal}`,
      {
        fn: f.fns[i],
        name,
        flags,
        text: text === null ? null : text.slice(start, f.outline.fn[at + Fn.end]),
        head: text === null ? null : `${flags}${text.slice(start, Math.max(start, body))}`,
      },
    ]);
  }
  return out;
}

interface FileTables {
  /** Types, and the headers that show others. */
  types: string;
  /** File-level variables with their types: `name,type,flags`. */
  variables: Set<string>;
  installs: string;
}

/** What a file says about types, variables, initialisers, registrations and includes, without offsets: equal means nothing of it changed. */
function tablesOf(o: FileOutline | undefined): FileTables {
  if (!o) return { types: "", variables: new Set(), installs: "" };
  const columns = (a: Int32Array, stride: number, skip: readonly number[]): string => {
    const kept: number[] = [];
    for (let i = 0; i < a.length; i++) if (!skip.includes(i % stride)) kept.push(a[i]);
    return kept.join(",");
  };
  const variables = new Set<string>();
  for (let i = 0; i < o.globals.length; i += TYPED_STRIDE)
    variables.add(o.globals.subarray(i, i + TYPED_STRIDE).join());
  return {
    types: [
      columns(o.structs, STRUCT_STRIDE, []),
      columns(o.fields, TYPED_STRIDE, []),
      columns(o.includes, 1, []),
    ].join("|"),
    variables,
    installs: [
      columns(o.inits, INIT_STRIDE, [Init.offset, Init.fn]),
      columns(o.regs, REG_STRIDE, [Reg.offset, Reg.fn, Reg.argFirst]),
      columns(o.regArgs, 1, []),
    ].join("|"),
  };
}

/** Names of the fields that were added, removed or given another type; null where more than fields of structs has changed. */
function changedFields(
  a: FileOutline | undefined,
  b: FileOutline | undefined,
  program: Program,
): number[] | null {
  if (!a || !b || a.structs.length !== b.structs.length) return null;
  if (ownIncludes(a, program.names) !== ownIncludes(b, program.names)) return null;
  const names = new Set<number>();
  for (let i = 0; i < a.structs.length; i += STRUCT_STRIDE) {
    for (const column of [Struct.name, Struct.kind, Struct.alias])
      if (a.structs[i + column] !== b.structs[i + column]) return null;
    // A forward declaration that gets a body, or loses it, is another struct to those who look for one.
    if ((a.structs[i + Struct.fieldCount] === 0) !== (b.structs[i + Struct.fieldCount] === 0)) return null;
    const [was, is] = [fieldsOf(a, i), fieldsOf(b, i)];
    for (const name of symmetricDifference(new Set(was), new Set(is))) names.add(name);
  }
  return [...names];
}

function fieldsOf(o: FileOutline, struct: number): string[] {
  const first = o.structs[struct + Struct.fieldFirst];
  const out: string[] = [];
  for (let k = first; k < first + o.structs[struct + Struct.fieldCount]; k++)
    out.push(o.fields.subarray(k * TYPED_STRIDE, (k + 1) * TYPED_STRIDE).join());
  return out;
}

/** Names of the variables that one of two files has and the other has not, or has otherwise. */
function symmetricDifference(a: ReadonlySet<string>, b: ReadonlySet<string>): number[] {
  const name = (entry: string): number => Number(entry.split(",", 1)[0]);
  return [...[...a].filter((x) => !b.has(x)), ...[...b].filter((x) => !a.has(x))].map(name);
}
