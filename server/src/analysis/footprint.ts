/**
 * What the findings of one file rest on outside of it, as plain numbers: what an edit elsewhere has to touch before they
 * can be others. Taken from the raw findings, so that it costs no text and no offset.
 */
import type { CallbackRoot } from "../program/pointers.js";
import { isAsserted } from "./report.js";
import type { Solver } from "./solver.js";
import type { RawFinding, Sink, SleepEntry } from "./summary.js";

export interface Footprint {
  /** Numbers of the files that a step, a sleep, a lock or a registration stands in. */
  readonly files: Int32Array;
  /** Functions that a chain comes to through a pointer. */
  readonly targets: Int32Array;
  /** What its entered findings tell of the functions on their chains: function, and function and place of the sleep. */
  readonly marks: Int32Array;
  /** What decides whether its asserted findings are told, in the same form. */
  readonly asks: Int32Array;
}

/** Numbers of a mark or question. */
export const TRIPLE = 3;

/** Wide enough for every function number and every offset in a file: both together fit a double. */
const OFFSETS = 2 ** 25;

export class Footprints {
  /** Sleeping places, numbered as they are met. */
  private readonly sinks = new Map<number, number>();

  constructor(
    private readonly solver: Solver,
    private readonly fileNumber: (path: string) => number,
  ) {}

  /** Of the roots of one file, with what registered those that are callbacks. */
  of(fns: Iterable<number>, registered: ReadonlyMap<number, readonly CallbackRoot[]>): Footprint {
    const { results } = this.solver;
    const found = new Collector(this.solver, this.fileNumber, (sink) => this.sinkNumber(sink));
    for (const fn of fns) {
      const result = results.get(fn);
      if (!result) continue;
      for (const raw of result.findings) found.finding(fn, raw);
      const roots = registered.get(fn);
      if (roots) found.callback(result.summary.sleeps, roots);
    }
    return found.footprint();
  }

  private sinkNumber(sink: Sink): number {
    const key = sink.fn * OFFSETS + sink.at;
    let number = this.sinks.get(key);
    if (number === undefined) {
      number = this.sinks.size;
      this.sinks.set(key, number);
    }
    return number;
  }
}

class Collector {
  private readonly files = new Set<number>();
  private readonly targets = new Set<number>();
  private readonly marks = new Triples();
  private readonly asks = new Triples();
  /** Entries share their tails: what was walked once is known. */
  private readonly walked = new Set<SleepEntry>();

  constructor(
    private readonly solver: Solver,
    private readonly fileNumber: (path: string) => number,
    private readonly sinkNumber: (sink: Sink) => number,
  ) {}

  finding(fn: number, raw: RawFinding): void {
    const asserted = isAsserted(raw);
    for (const step of raw.context.through) this.file(step.fn);
    for (const e of raw.entries) {
      this.walk(e);
      const sink = this.sinkNumber(e.sink);
      if (asserted) this.asks.add(fn, e.sink, sink);
      else for (let x = e.next; x; x = x.next) this.marks.add(x.fn, e.sink, sink);
    }
  }

  callback(sleeps: readonly SleepEntry[], roots: readonly CallbackRoot[]): void {
    if (sleeps.length === 0) return;
    for (const e of sleeps) this.walk(e);
    for (const root of roots) this.files.add(this.fileNumber(root.file));
  }

  private walk(entry: SleepEntry): void {
    this.file(entry.sink.fn);
    for (let x: SleepEntry | null = entry; x && !this.walked.has(x); x = x.next) {
      this.walked.add(x);
      this.file(x.fn);
      if (x.via === "pointer" && x.next) this.targets.add(x.next.fn);
    }
  }

  private file(fn: number): void {
    const { program } = this.solver;
    if (program.alive(fn)) this.files.add(this.fileNumber(program.fnFile(fn).path));
  }

  footprint(): Footprint {
    return {
      files: Int32Array.from(this.files),
      targets: Int32Array.from(this.targets),
      marks: this.marks.numbers(),
      asks: this.asks.numbers(),
    };
  }
}

class Triples {
  private readonly seen = new Set<number>();
  private readonly list: number[] = [];

  add(fn: number, sink: Sink, sinkNumber: number): void {
    const before = this.seen.size;
    if (this.seen.add(fn * OFFSETS + sinkNumber).size > before) this.list.push(fn, sink.fn, sink.at);
  }

  numbers(): Int32Array {
    return Int32Array.from(this.list);
  }
}
