/**
 * Results of functions: those worked out here, and those of an image, which are decoded when somebody asks. What they add
 * up to is kept, so that nobody has to go through them.
 */

import type { ImageReader, ImageWriter } from "../program/image.js";
import { Names } from "../program/names.js";
import { ByteReader, ByteWriter, endsOf, PackedLists, sums } from "../program/packedLists.js";
import type { Said } from "./cycles/run.js";
import type { FnResult } from "./interpret/frame.js";
import {
  type AcquireRef,
  type Atom,
  type Effect,
  type HeldContext,
  type LockRef,
  type RawFinding,
  type Sink,
  type SleepEntry,
  type Step,
  type Summary,
  sinkKey,
} from "./summary.js";

/** How many results there are, and of all their calls those resolved and not, conditions undecided, and states capped. */
export interface Totals {
  results: number;
  counts: number[];
}

const countsOf = (r: FnResult): number[] => [r.resolved, r.unresolved, r.undecided, r.capped];

export class Results {
  private readonly own = new Map<number, FnResult>();
  /** Of the image, those that are not true any more. */
  private readonly gone = new Set<number>();

  /** What those of the image that are still true add up to. */
  private readonly savedTotals: Totals;

  constructor(private readonly base: SavedResults | null = null) {
    this.savedTotals = base ? base.totals() : { results: 0, counts: [0, 0, 0, 0] };
  }

  get(fn: number): FnResult | undefined {
    const own = this.own.get(fn);
    if (own || !this.base || this.gone.has(fn)) return own;
    const saved = this.base.get(fn);
    if (saved) this.own.set(fn, saved);
    return saved;
  }

  has(fn: number): boolean {
    return this.own.has(fn) || (this.base !== null && !this.gone.has(fn) && this.base.has(fn));
  }

  set(fn: number, result: FnResult): void {
    this.own.set(fn, result);
    this.replaceSaved(fn);
  }

  delete(fn: number): void {
    this.own.delete(fn);
    this.replaceSaved(fn);
  }

  private replaceSaved(fn: number): void {
    if (!this.base || this.gone.has(fn)) return;
    this.gone.add(fn);
    const counts = this.base.counts(fn);
    if (!counts) return;
    this.savedTotals.results--;
    counts.forEach((n, i) => {
      this.savedTotals.counts[i] -= n;
    });
  }

  *keys(): IterableIterator<number> {
    const { base, gone, own } = this;
    if (base) for (const fn of base.keys()) if (!gone.has(fn)) yield fn;
    for (const fn of own.keys()) if (!base?.has(fn) || gone.has(fn)) yield fn;
  }

  totals(): Totals {
    const { base, gone, own, savedTotals } = this;
    const out = { results: savedTotals.results, counts: [...savedTotals.counts] };
    for (const [fn, r] of own) {
      if (base?.has(fn) && !gone.has(fn)) continue;
      out.results++;
      countsOf(r).forEach((n, i) => {
        out.counts[i] += n;
      });
    }
    return out;
  }

  /** `saidBy`: what members of cycles said before they came to their results. */
  save(to: ImageWriter, maxFn: number, saidBy: (fn: number) => readonly Said[] | undefined): void {
    new ResultWriter(to).write(this, maxFn, saidBy);
  }
}

/** Writes results; what entries share is written once. */
class ResultWriter {
  private readonly strings = Names.empty();
  /** Entries that have a number. */
  private readonly entries: SleepEntry[] = [];
  private readonly entryBytes = new ByteWriter();
  private readonly entryLengths = new ByteWriter();
  private readonly sinks = new Map<Sink, number>();
  private readonly sinkBytes = new ByteWriter();
  private readonly sinkLengths = new ByteWriter();
  private readonly out = new ByteWriter();
  private readonly said = new ByteWriter();

  constructor(private readonly to: ImageWriter) {}

  write(results: Results, maxFn: number, saidBy: (fn: number) => readonly Said[] | undefined): void {
    const { to } = this;
    const lengths = new ByteWriter();
    const saidLengths = new ByteWriter();
    const counts = new Map<number, number[]>();
    const { out, said: saidOut } = this;
    for (let fn = 0; fn < maxFn; fn++) {
      const at = out.at;
      const r = results.get(fn);
      if (r) {
        this.result(r);
        counts.set(fn, countsOf(r));
      }
      lengths.uint(out.at - at);
      const saidAt = saidOut.at;
      const said = saidBy(fn);
      if (said)
        list(saidOut, said, ({ round, summary }) => {
          const isResult = summary === r?.summary;
          saidOut.uint(round * 2 + (isResult ? 1 : 0));
          if (!isResult) this.summary(saidOut, summary);
        });
      saidLengths.uint(saidOut.at - saidAt);
    }
    to.put("results.lengths", lengths.take());
    to.put("results.bytes", out.take());
    to.put("results.saidLengths", saidLengths.take());
    to.put("results.said", saidOut.take());
    to.lists("results.counts", PackedLists.ofMap(maxFn, counts));
    to.json("results.totals", results.totals());
    to.put("results.numbers", Int32Array.of(this.entries.length, this.sinks.size));
    to.put("results.entryLengths", this.entryLengths.take());
    to.put("results.entries", this.entryBytes.take());
    to.put("results.sinkLengths", this.sinkLengths.take());
    to.put("results.sinks", this.sinkBytes.take());
    this.strings.save(to, "results.strings");
    for (const e of this.entries) e.saved = -1;
  }

  private result(r: FnResult): void {
    const { out } = this;
    this.summary(out, r.summary);
    list(out, r.callees, (c) => out.uint(c));
    list(out, r.findings, (f) => this.finding(f));
  }

  private summary(out: ByteWriter, summary: Summary): void {
    out.uint(summary.more);
    out.uint(summary.noReturn ? 1 : 0);
    list(out, summary.effects, (e) => writeEffect(out, e, this.strings));
    list(out, summary.sleeps, (e) => out.uint(this.entry(e)));
  }

  private finding(f: RawFinding): void {
    const { out, strings } = this;
    out.int(f.at);
    out.int(f.end);
    out.uint(strings.id(f.callee));
    out.uint(strings.id(f.written));
    const c = f.context;
    for (const text of [c.kind, c.lock, c.cls, c.how]) out.uint(strings.id(text));
    for (const n of [c.adds, c.at, c.end, c.reasons]) out.int(n);
    writeSteps(out, c.through);
    out.uint(f.more);
    out.uint(f.maybeHeld ? 1 : 0);
    list(out, f.entries, (e) => out.uint(this.entry(e)));
  }

  /** Number of an entry, written now if it is new; those that it goes on with come first. */
  private entry(e: SleepEntry): number {
    if (e.saved >= 0) return e.saved;
    const chain: SleepEntry[] = [];
    for (let x: SleepEntry | null = e; x && x.saved < 0; x = x.next) chain.push(x);
    const { entryBytes: out, strings } = this;
    for (const x of chain.reverse()) {
      const sink = this.sink(x.sink);
      x.saved = this.entries.push(x) - 1;
      const { at } = out;
      out.uint(sink);
      out.uint(x.next ? x.next.saved + 1 : 0);
      out.uint(x.fn);
      out.int(x.at);
      out.int(x.end);
      out.uint(strings.id(x.written));
      out.uint(VIAS.indexOf(x.via));
      list(out, x.gfp, (g) => out.int(g));
      list(out, x.atoms, (a) => out.int(a.term * 2 + (a.truth ? 1 : 0)));
      out.int(x.ctxNone);
      list(out, x.dropped, (l) => writeLock(out, l, strings));
      out.int(x.reasons);
      out.uint(strings.id(x.note));
      out.uint(x.length);
      this.entryLengths.uint(out.at - at);
    }
    return e.saved;
  }

  private sink(s: Sink): number {
    const known = this.sinks.get(s);
    if (known !== undefined) return known;
    const id = this.sinks.size;
    const { sinkBytes: out, strings } = this;
    const { at } = out;
    this.sinks.set(s, id);
    out.uint(s.fn);
    out.int(s.at);
    out.int(s.end);
    out.uint(strings.id(s.name));
    out.uint(strings.id(s.why));
    out.uint(s.allocation ? 1 : 0);
    out.int(s.viaParam);
    // Behind a callback it competes under the key of the call that the callback was found for.
    const own = s.key === sinkKey(s.fn, s.at, s.name, s.viaParam);
    out.uint(own ? 0 : strings.id(s.key));
    this.sinkLengths.uint(out.at - at);
    return id;
  }
}

function list<T>(out: ByteWriter, list: readonly T[], each: (x: T) => void): void {
  out.uint(list.length);
  for (const x of list) each(x);
}

const VIAS = ["call", "macro", "pointer", "callback"] as const;
const RETURNS = ["any", "zero", "nonzero"] as const;

function writeSteps(out: ByteWriter, steps: readonly Step[]): void {
  out.uint(steps.length);
  for (const s of steps) {
    out.uint(s.fn);
    out.int(s.at);
    out.int(s.end);
  }
}

function writeLock(out: ByteWriter, l: LockRef, strings: Names): void {
  out.int(l.term);
  out.int(l.adds);
  for (const text of [l.kind, l.cls, l.last]) out.uint(strings.id(text));
}

export function writeEffect(out: ByteWriter, e: Effect, strings: Names): void {
  out.uint(RETURNS.indexOf(e.ret));
  out.uint(e.acquires.length);
  for (const a of e.acquires) {
    writeLock(out, a, strings);
    out.uint(strings.id(a.how));
    out.uint(strings.id(a.text));
    writeSteps(out, a.chain);
  }
  out.uint(e.releases.length);
  for (const r of e.releases) writeLock(out, r, strings);
}

/** Reads what the functions above wrote. */
class SavedReader extends ByteReader {
  constructor(
    bytes: Uint8Array,
    at: number,
    private readonly strings: Names,
  ) {
    super(bytes, at);
  }

  list<T>(each: () => T): T[] {
    const out: T[] = new Array(this.uint());
    for (let i = 0; i < out.length; i++) out[i] = each();
    return out;
  }

  text(): string {
    return this.strings.text(this.uint());
  }

  steps(): Step[] {
    return this.list(() => ({ fn: this.uint(), at: this.int(), end: this.int() }));
  }

  lock(): LockRef {
    return {
      term: this.int(),
      adds: this.int(),
      kind: this.text() as LockRef["kind"],
      cls: this.text(),
      last: this.text(),
    };
  }

  effect(): Effect {
    return {
      ret: RETURNS[this.uint()],
      acquires: this.list((): AcquireRef => {
        const lock = this.lock();
        return { ...lock, how: this.text(), text: this.text(), chain: this.steps() };
      }),
      releases: this.list(() => this.lock()),
    };
  }
}

export function readEffects(bytes: Uint8Array, at: number, strings: Names): Effect[] {
  const r = new SavedReader(bytes, at, strings);
  return r.list(() => r.effect());
}

/** The results of an image. */
export class SavedResults {
  private readonly offsets: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly countLists: PackedLists;
  private readonly saidBegins: (fn: number) => number;
  private readonly saidBytes: Uint8Array;
  private readonly entryBegins: (id: number) => number;
  private readonly sinkBegins: (id: number) => number;
  private readonly sinkBytes: Uint8Array;
  private readonly strings: Names;
  /** A fifth of the image, read when an entry is asked for. */
  private entryBytes: Uint8Array | null = null;
  private readonly entries = new Map<number, SleepEntry>();
  private readonly sinks = new Map<number, Sink>();

  constructor(
    private readonly from: ImageReader,
    maxFn: number,
  ) {
    this.offsets = new Int32Array(maxFn + 1);
    this.offsets.set(endsOf(from.bytes("results.lengths")), 1);
    this.bytes = from.bytes("results.bytes");
    this.countLists = from.lists("results.counts", maxFn);
    this.saidBegins = sums(from.bytes("results.saidLengths"), maxFn);
    this.saidBytes = from.bytes("results.said");
    const [entries, sinks] = from.ints("results.numbers");
    this.entryBegins = sums(from.bytes("results.entryLengths"), entries);
    this.sinkBegins = sums(from.bytes("results.sinkLengths"), sinks);
    this.sinkBytes = from.bytes("results.sinks");
    this.strings = Names.restore(from, "results.strings");
  }

  totals(): Totals {
    return this.from.json("results.totals");
  }

  has(fn: number): boolean {
    return fn + 1 < this.offsets.length && this.offsets[fn + 1] > this.offsets[fn];
  }

  *keys(): IterableIterator<number> {
    for (let fn = 0; fn + 1 < this.offsets.length; fn++) if (this.has(fn)) yield fn;
  }

  counts(fn: number): number[] | undefined {
    return this.countLists.get(fn);
  }

  get(fn: number): FnResult | undefined {
    if (!this.has(fn)) return undefined;
    const r = new SavedReader(this.bytes, this.offsets[fn], this.strings);
    const summary = this.summary(r);
    const callees = r.list(() => r.uint());
    const findings = r.list(() => this.finding(r));
    const [resolved, unresolved, undecided, capped] = this.counts(fn)!;
    return {
      summary,
      findings,
      callees,
      resolved,
      unresolved,
      undecided,
      capped,
    };
  }

  /** What a member of a cycle said, round by round. */
  saidBy(fn: number): Said[] | undefined {
    if (fn + 1 >= this.offsets.length) return undefined;
    const begin = this.saidBegins(fn);
    if (this.saidBegins(fn + 1) === begin) return undefined;
    const r = new SavedReader(this.saidBytes, begin, this.strings);
    return r.list(() => {
      const x = r.uint();
      return { round: x >> 1, summary: (x & 1) === 1 ? this.resultSummary(fn) : this.summary(r) };
    });
  }

  private resultSummary(fn: number): Summary {
    return this.summary(new SavedReader(this.bytes, this.offsets[fn], this.strings));
  }

  private summary(r: SavedReader): Summary {
    const more = r.uint();
    const noReturn = r.uint() === 1;
    const effects = r.list(() => r.effect());
    const sleeps = r.list(() => this.entry(r.uint()));
    return { sleeps, more, effects, noReturn };
  }

  private finding(r: SavedReader): RawFinding {
    const at = r.int();
    const end = r.int();
    const callee = r.text();
    const written = r.text();
    const kind = r.text() as HeldContext["kind"];
    const lock = r.text();
    const cls = r.text();
    const how = r.text();
    const adds = r.int();
    const contextAt = r.int();
    const contextEnd = r.int();
    const reasons = r.int();
    const through = r.steps();
    const more = r.uint();
    const maybeHeld = r.uint() === 1;
    const entries = r.list(() => this.entry(r.uint()));
    return {
      at,
      end,
      callee,
      written,
      context: { kind, adds, lock, cls, how, at: contextAt, end: contextEnd, through, reasons },
      entries,
      more,
      maybeHeld,
    };
  }

  private entry(id: number): SleepEntry {
    const known = this.entries.get(id);
    if (known) return known;
    this.entryBytes ??= this.from.bytes("results.entries");
    const r = new SavedReader(this.entryBytes, this.entryBegins(id), this.strings);
    const sink = this.sink(r.uint());
    const next = r.uint();
    const e: SleepEntry = {
      sink,
      fn: r.uint(),
      at: r.int(),
      end: r.int(),
      written: r.text(),
      via: VIAS[r.uint()],
      next: next === 0 ? null : this.entry(next - 1),
      gfp: r.list(() => r.int()),
      atoms: r.list((): Atom => {
        const x = r.int();
        return { term: x >> 1, truth: (x & 1) === 1 };
      }),
      ctxNone: r.int(),
      dropped: r.list(() => r.lock()),
      reasons: r.int(),
      note: r.text(),
      length: r.uint(),
      saved: -1,
    };
    this.entries.set(id, e);
    return e;
  }

  private sink(id: number): Sink {
    const known = this.sinks.get(id);
    if (known) return known;
    const r = new SavedReader(this.sinkBytes, this.sinkBegins(id), this.strings);
    const fn = r.uint();
    const at = r.int();
    const end = r.int();
    const name = r.text();
    const why = r.text();
    const allocation = r.uint() === 1;
    const viaParam = r.int();
    const key = r.text() || sinkKey(fn, at, name, viaParam);
    const sink = { key, fn, at, end, name, why, allocation, viaParam };
    this.sinks.set(id, sink);
    return sink;
  }
}
