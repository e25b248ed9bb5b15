/** The engine over program and solver: loads outlines, keeps them current, answers questions with plain data. */
import type {
  CheckOptions,
  CheckResult,
  DumpKind,
  Engine,
  EngineOptions,
  InspectingEngine,
  PointInfo,
} from "../engine.js";
import type { FileOutline } from "../facts/outline.js";
import type { Dump, Explanation, FunctionRef, LockGraph, Subject } from "../findings/explain.js";
import type { AnalysisStats } from "../findings/types.js";
import { harvestMacroClasses } from "../outline/macroClasses.js";
import { Program } from "../program/program.js";
import { functionRef } from "./explain.js";
import { findFunctions, functionNumberAt, Inspector, similarNames } from "./inspector.js";
import { Reporter } from "./report.js";
import { Solver } from "./solver.js";
import { applySuppressions } from "./suppressions.js";

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
  /** The solver of the last check, or of questions since; what it knows holds until a file changes. */
  private solver: Solver | null = null;
  private inspector: Inspector | null = null;
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
    this.options.facts.setMacroClasses(
      harvestMacroClasses(order.filter((f) => got.has(f)).map((path) => ({ path, outline: got.get(path)! }))),
    );
    for (const path of order) {
      const outline = got.get(path);
      if (!outline) continue;
      program.add(path, outline);
      got.delete(path);
    }
    this.program = program;
    this.forget();
    this.mark("link");
  }

  async update(files: readonly string[]): Promise<void> {
    await this.options.facts.outlines(files, (file, outline) => this.program.replace(file, outline));
    this.forget();
  }

  private forget(): void {
    this.solver = null;
    this.inspector = null;
  }

  async check(options: CheckOptions): Promise<CheckResult> {
    const solver = new Solver(this.program, this.options.tables, this.options.facts);
    // Until it is done, questions are not answered from it.
    this.forget();
    this.mark("graph");
    const { enter, callbacks, stats } = await solver.solve(
      options.focus,
      (phase, done, total) => options.progress?.({ phase, done, total }),
      (name) => this.mark(name),
      options.signal,
    );
    const findings = new Reporter(solver).findings(enter, callbacks, options.focus);
    applySuppressions(findings, (file) => this.options.facts.read(file));
    this.solver = solver;
    this.mark("findings");
    return {
      findings,
      stats: this.statistics(stats, findings.length, findings.filter((f) => f.suppressed).length),
    };
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

  /** Answers questions: from what the last check knows, or by working out what is needed. */
  private inspect(signal?: AbortSignal): Inspector {
    this.solver ??= new Solver(this.program, this.options.tables, this.options.facts);
    if (signal) return new Inspector(this.solver, signal);
    this.inspector ??= new Inspector(this.solver);
    return this.inspector;
  }

  async pointInfo(file: string, offset: number): Promise<PointInfo | null> {
    return this.inspect().pointInfo(file, offset);
  }

  functionAt(file: string, offset: number): { name: string; start: number; end: number } | null {
    const ref = this.functionRefAt(file, offset);
    return ref && { name: ref.name, start: ref.start, end: ref.end };
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
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
