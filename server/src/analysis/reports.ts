/**
 * The findings of the whole tree, kept from check to check: after an edit only the files are made anew whose findings can
 * be others. What comes out is what `Reporter.findings` makes of everything, byte for byte.
 *
 * A file is the unit: what a finding is called depends on its like in the same function, and functions are of one file.
 */
import type { EngineImage, LowFindings } from "../engine.js";
import { narrowJson } from "../findings/packed.js";
import type { Confidence, Finding } from "../findings/types.js";
import { ImageReader } from "../program/image.js";
import type { CallbackRoot } from "../program/pointers.js";
import { type Footprint, Footprints, TRIPLE } from "./footprint.js";
import {
  allOf,
  isEmpty,
  type KeptFile,
  keptFile,
  lowOf,
  restoreFiles,
  type SavedFiles,
  saveFiles,
  sureOf,
  sureText,
  walksOf,
} from "./keptFindings.js";
import { type Draft, Reporter, throughKey } from "./report.js";
import type { Solver } from "./solver.js";
import { applySuppressions } from "./suppressions.js";

/** Everything that is known after a report, as plain data. */
export interface SavedReports {
  paths: string[];
  files: SavedFiles;
  members: Int32Array;
  /** Paths and what registers functions of theirs, in turn. */
  roots: string[];
  putSuper: Int32Array;
}

/** The findings of medium confidence and above that an image has in a file, without an engine that takes it up. */
export function savedFindings(image: EngineImage): (file: string) => Finding[] {
  const saved = new ImageReader(image).plain<SavedReports>("reports", new Set(["low"]));
  const files = restoreFiles(saved.files, saved.paths);
  return (file) => {
    const kept = files.get(file);
    return kept ? sureOf(kept) : [];
  };
}

const RANK: Record<Confidence, number> = { high: 2, medium: 1, low: 0 };

export class Reports {
  private files = new Map<string, KeptFile>();
  /** Findings of files that were just made, until somebody takes them. */
  private fresh = new Map<string, Finding[]>();
  /** Numbers of paths, which are given once. */
  private readonly paths: string[] = [];
  private readonly numbers = new Map<string, number>();
  /** The roots: function numbers doubled, and one for a callback, in order. */
  private members: Int32Array = new Int32Array(0);
  /** How the callbacks of each file are registered, and what that was taken from. */
  private roots = new Map<string, string>();
  private rootsSeen: readonly CallbackRoot[] | null = null;
  private putSuper: ReadonlySet<number> = new Set();
  private readonly changed = new Set<string>();
  /** Files that the last report made anew. */
  made: readonly string[] = [];

  /** With what was saved: before any edit is told to the solver. */
  constructor(
    readonly solver: Solver,
    private readonly read: (file: string) => string | null,
    saved?: SavedReports,
  ) {
    // Whatever was solved until now, nothing is kept of it.
    solver.replaced = null;
    if (!saved) return;
    for (const path of saved.paths) this.fileNumber(path);
    this.files = restoreFiles(saved.files, this.paths);
    this.members = saved.members;
    for (let i = 0; i < saved.roots.length; i += 2) this.roots.set(saved.roots[i], saved.roots[i + 1]);
    this.rootsSeen = solver.pointers.roots;
    this.putSuper = new Set(saved.putSuper);
    solver.replaced = new Set();
    solver.pointers.rivalsMoved = new Set();
  }

  /** These files have another text now, or none. */
  edited(paths: Iterable<string>): void {
    for (const path of paths) this.changed.add(path);
  }

  /** Null while something has changed that no report has looked at. */
  save(): SavedReports | null {
    const { replaced, pointers } = this.solver;
    if (replaced?.size !== 0 || pointers.rivalsMoved?.size !== 0 || this.changed.size > 0) return null;
    const files = saveFiles(this.files, (path) => this.fileNumber(path));
    return {
      paths: [...this.paths],
      files,
      members: this.members,
      roots: [...this.roots].flat(),
      putSuper: Int32Array.from(this.putSuper),
    };
  }

  // ---- what is told ---------------------------------------------------------------------------------------------

  /** All findings, in order of place. */
  all(): Finding[] {
    return this.told((f) => allOf(f));
  }

  /** Those that are sure enough, and how many of each confidence are left out. */
  atLeast(least: Confidence): { findings: Finding[]; leftOut: Record<Confidence, number> } {
    const leftOut: Record<Confidence, number> = { high: 0, medium: 0, low: 0 };
    for (const { levels } of this.files.values())
      for (const level of ["high", "medium", "low"] as const)
        if (RANK[level] < RANK[least]) leftOut[level] += levels.split(level[0]).length - 1;
    const findings = this.told((f) => (least === "low" ? allOf(f) : sureOf(f)));
    return { findings: findings.filter((f) => RANK[f.confidence] >= RANK[least]), leftOut };
  }

  /** Those of medium confidence and above, and the others as they are kept. */
  lowAside(): { findings: Finding[]; low: LowFindings[]; sure: string[] } {
    const low: LowFindings[] = [];
    const sure: string[] = [];
    for (const path of this.inOrder()) {
      const own = lowOf(path, this.files.get(path)!);
      if (own) low.push(own);
      const text = sureText(this.files.get(path)!);
      if (text !== "") sure.push(text);
    }
    return { findings: this.told(sureOf).filter((f) => f.confidence !== "low"), low, sure };
  }

  counts(): { found: number; suppressed: number } {
    let found = 0;
    let suppressed = 0;
    for (const f of this.files.values()) {
      found += f.levels.length;
      suppressed += f.suppressed;
    }
    return { found, suppressed };
  }

  private told(of: (f: KeptFile) => Finding[]): Finding[] {
    const out: Finding[] = [];
    for (const path of this.inOrder())
      for (const f of this.fresh.get(path) ?? of(this.files.get(path)!)) out.push(f);
    // Given away: whoever asks again gets findings of their own.
    this.fresh.clear();
    return out;
  }

  private inOrder(): string[] {
    return [...this.files.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  // ---- what is made ---------------------------------------------------------------------------------------------

  /** Brings the findings up to date with what the solver found for these roots; `walks`: findings of other rules. */
  update(enter: readonly number[], callbacks: ReadonlySet<number>, walks: readonly Draft[]): void {
    const { solver } = this;
    const { pointers, program } = solver;
    const members = membersOf(enter, callbacks);
    const roots = this.rootsNow(callbacks);
    const drafts = new Map<string, Draft[]>();
    for (const d of walks) push(drafts, d.finding.file, d);
    const texts = new Map([...drafts].map(([path, own]) => [path, narrowJson(own)]));
    const dirty = this.dirty(members, roots, texts);
    const rootsOf = new Map<number, CallbackRoot[]>();
    if (dirty.size > 0) for (const r of pointers.roots) if (callbacks.has(r.fn)) push(rootsOf, r.fn, r);
    const fnsOf = (path: string): number[] =>
      [...(program.file(path)?.fns ?? [])].filter((fn) => memberAt(members, fn) >= 0);

    const maker = new Footprints(solver, (path) => this.fileNumber(path));
    const prints = new Map<string, Footprint>();
    for (const path of dirty) prints.set(path, maker.of(fnsOf(path), rootsOf));
    // What entered findings tell of others has changed: files that ask about it. Their results are as they were, and so
    // is what they tell themselves: it goes no further.
    for (const path of this.askers(prints)) {
      dirty.add(path);
      prints.set(path, this.files.get(path)!);
    }
    const fns = [...dirty].flatMap(fnsOf).sort((a, b) => a - b);
    const own = new Set(fns.filter((fn) => callbacks.has(fn)));
    const others = walks.filter((d) => dirty.has(d.finding.file));
    const findings = new Reporter(solver).findingsOf(fns, own, this.seen(prints), others);
    applySuppressions(findings, this.read);

    const byFile = new Map<string, Finding[]>();
    for (const f of findings) push(byFile, f.file, f);
    for (const [path, print] of prints) {
      const { files, targets, marks, asks } = print;
      const made = byFile.get(path) ?? [];
      const kept = keptFile(made, texts.get(path) ?? "", { files, targets, marks, asks });
      if (isEmpty(kept)) this.files.delete(path);
      else this.files.set(path, kept);
    }
    this.fresh = byFile;
    this.members = members;
    this.roots = roots;
    this.rootsSeen = pointers.roots;
    this.putSuper = pointers.putSuper;
    this.changed.clear();
    solver.replaced = new Set();
    pointers.rivalsMoved = new Set();
    this.made = [...dirty].sort();
  }

  /** Files whose findings can be others by what changed in them or in what they pass through. */
  private dirty(
    members: Int32Array,
    roots: ReadonlyMap<string, string>,
    walks: ReadonlyMap<string, string>,
  ): Set<string> {
    const { program, pointers, replaced } = this.solver;
    const dirty = new Set<string>();
    const add = (fn: number): void => {
      // One that is gone went with an edit of its file.
      if (program.alive(fn)) dirty.add(program.fnFile(fn).path);
    };
    if (replaced === null) {
      for (const path of [...this.files.keys(), ...walks.keys()]) dirty.add(path);
      for (const member of members) add(member >> 1);
      return dirty;
    }
    for (const fn of replaced) if (memberAt(members, fn) >= 0) add(fn);
    difference(this.members, members, (member) => add(member >> 1));
    for (const path of new Set([...this.roots.keys(), ...roots.keys()]))
      if (this.roots.get(path) !== roots.get(path)) dirty.add(path);
    for (const path of new Set([...this.files.keys(), ...walks.keys()]))
      if (walksOf(this.files.get(path)) !== (walks.get(path) ?? "")) dirty.add(path);

    const touched = new Set<number>();
    for (const path of this.changed) {
      dirty.add(path);
      touched.add(this.fileNumber(path));
    }
    const { putSuper, rivalsMoved } = pointers;
    for (const [one, other] of [
      [this.putSuper, putSuper],
      [putSuper, this.putSuper],
    ])
      for (const fn of one)
        if (!other.has(fn) && program.alive(fn)) touched.add(this.fileNumber(program.fnFile(fn).path));
    if (touched.size > 0 || rivalsMoved?.size !== 0)
      for (const [path, { files, targets }] of this.files)
        if (files.some((n) => touched.has(n)) || targets.some((fn) => rivalsMoved?.has(fn) ?? true))
          dirty.add(path);
    return dirty;
  }

  /** How the callbacks of each file come to be entered: all that `Reporter` reads of it but offsets. */
  private rootsNow(callbacks: ReadonlySet<number>): Map<string, string> {
    const { program, pointers } = this.solver;
    // The list is another object when anything in it is another.
    if (pointers.roots === this.rootsSeen) return this.roots;
    const parts = new Map<string, string[]>();
    for (const r of pointers.roots) {
      if (!callbacks.has(r.fn) || !program.alive(r.fn)) continue;
      const { table, index } = r.record;
      const said = [r.fn, r.bits, r.kind, r.how, r.byOps, r.confidence, r.file, table, index].join();
      push(parts, program.fnFile(r.fn).path, said);
    }
    return new Map([...parts].map(([path, list]) => [path, list.join("\n")]));
  }

  /** Files, none of these, that ask what the entered findings of these files tell no more or tell only now. */
  private askers(prints: ReadonlyMap<string, Footprint>): Set<string> {
    const moved = new Set<string>();
    const out = new Set<string>();
    const asked = new Map<string, string[]>();
    for (const [path, { asks }] of this.files)
      if (!prints.has(path)) for (const key of keysOf(asks)) push(asked, key, path);
    if (asked.size === 0) return out;
    for (const [path, { marks }] of prints) {
      const before = this.files.get(path)?.marks ?? new Int32Array(0);
      if (marks.length === before.length && marks.every((n, i) => n === before[i])) continue;
      const was = new Set(keysOf(before));
      const is = new Set(keysOf(marks));
      for (const key of was) if (!is.has(key)) moved.add(key);
      for (const key of is) if (!was.has(key)) moved.add(key);
    }
    for (const key of moved) for (const path of asked.get(key) ?? []) out.add(path);
    return out;
  }

  /** Of what these files ask, what some entered finding of any file tells. */
  private seen(prints: ReadonlyMap<string, Footprint>): Set<string> {
    const asked = new Set<string>();
    const fns = new Set<number>();
    for (const { asks } of prints.values()) {
      for (const key of keysOf(asks)) asked.add(key);
      for (let i = 0; i < asks.length; i += TRIPLE) fns.add(asks[i]);
    }
    const seen = new Set<string>();
    if (asked.size === 0) return seen;
    const look = ({ marks }: Footprint): void => {
      for (let i = 0; i < marks.length; i += TRIPLE) {
        if (!fns.has(marks[i])) continue;
        const key = throughKey(marks[i], marks[i + 1], marks[i + 2]);
        if (asked.has(key)) seen.add(key);
      }
    };
    for (const print of prints.values()) look(print);
    for (const [path, print] of this.files) if (!prints.has(path)) look(print);
    return seen;
  }

  private fileNumber(path: string): number {
    let number = this.numbers.get(path);
    if (number === undefined) {
      number = this.paths.length;
      this.numbers.set(path, number);
      this.paths.push(path);
    }
    return number;
  }
}

function* keysOf(triples: Int32Array): Iterable<string> {
  for (let i = 0; i < triples.length; i += TRIPLE)
    yield throughKey(triples[i], triples[i + 1], triples[i + 2]);
}

function membersOf(enter: readonly number[], callbacks: ReadonlySet<number>): Int32Array {
  const members = new Int32Array(enter.length + callbacks.size);
  let n = 0;
  for (const fn of enter) if (!callbacks.has(fn)) members[n++] = fn * 2;
  for (const fn of callbacks) members[n++] = fn * 2 + 1;
  return members.slice(0, n).sort();
}

/** Where a function stands among the roots, negative when it is none. */
function memberAt(members: Int32Array, fn: number): number {
  let low = 0;
  for (let high = members.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (members[middle] < fn * 2) low = middle + 1;
    else high = middle;
  }
  return low < members.length && members[low] >> 1 === fn ? low : -1;
}

/** Numbers that only one of two ordered lists has. */
function difference(a: Int32Array, b: Int32Array, each: (n: number) => void): void {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (j >= b.length || (i < a.length && a[i] < b[j])) each(a[i++]);
    else if (i >= a.length || b[j] < a[i]) each(b[j++]);
    else {
      i++;
      j++;
    }
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
