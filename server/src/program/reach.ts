/**
 * Which functions can reach a sleeping primitive at all, by the names they call: a net that lets through too much rather
 * than too little, so that only functions that can matter are parsed. After an edit it holds exactly what it would hold
 * had the text always been so.
 *
 * Functions and names support each other: a function is marked when it calls a marked name; a name is marked when it is a
 * primitive's, or when a marked function has it or is held by a pointer field of it. Each mark has a rank above that of a
 * supporter, so that functions that call each other do not hold each other up when the sleep below them is gone.
 */
import { FnFlag } from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import type { CallGraph } from "./callgraph.js";
import type { ImageReader, ImageWriter } from "./image.js";
import type { Pointers } from "./pointers.js";
import type { Program } from "./program.js";

/** Rank of the primitives' names; 0 is unmarked. */
const SEED = 1;

export class SleepReach {
  private fnRank: Int32Array = new Int32Array(0);
  private nameRank: Int32Array = new Int32Array(0);
  /** Own name of each function: those that an edit removed are asked for theirs. */
  private ownName: Int32Array = new Int32Array(0);

  constructor(
    private readonly program: Program,
    private readonly graph: CallGraph,
    private readonly tables: KernelTables,
    private readonly pointers: Pointers,
    from: ImageReader | null = null,
  ) {
    if (from) {
      this.fnRank = from.ints("reach.fns");
      this.nameRank = from.ints("reach.names");
      for (const name of from.json<string[]>("reach.unused")) this.unused.add(name);
      this.ownName = program.nameColumn();
      this.named = program.maxFn;
      this.grow();
      return;
    }
    this.grow();
    for (const name of tables.sleepers.keys()) this.unused.add(name);
    for (const lock of tables.locks.values()) if (lock.sleeps) this.unused.add(lock.name);
    for (const guard of ["guard", "scoped_guard", "scoped_cond_guard", "CLASS"]) this.unused.add(guard);
    this.spread(this.seeds(), () => {});
  }

  save(to: ImageWriter): void {
    to.put("reach.fns", this.fnRank);
    to.put("reach.names", this.nameRank);
    to.json("reach.unused", [...this.unused]);
  }

  /** Primitives that nothing in the tree names yet, as far as known. */
  private readonly unused = new Set<string>();

  /** Marks the primitives that were not named before. */
  private seeds(): number[] {
    const found: number[] = [];
    for (const text of this.unused) {
      const name = this.program.names.find(text);
      if (name <= 0) continue;
      this.unused.delete(text);
      // A function of this name may have marked it before.
      const known = this.nameRank[name] !== 0;
      this.nameRank[name] = SEED;
      if (!known) found.push(name);
    }
    return found;
  }

  has(fn: number): boolean {
    return fn < this.fnRank.length && this.fnRank[fn] !== 0;
  }

  /**
   * These functions changed, are new or are gone; these are held by other pointer fields now than by those given with them.
   * `turned` is told of every function that is marked now and was not, or
   * the other way round, with the names that it may be called by.
   */
  update(
    changed: readonly number[],
    moved: ReadonlyMap<number, readonly number[]>,
    turned: (fn: number, names: readonly number[]) => void,
  ): void {
    this.grow();
    const before = new Map<number, boolean>();
    const note = (fn: number): void => {
      if (!before.has(fn)) before.set(fn, this.has(fn));
    };
    const names: number[] = [];
    const work = new Set(changed);
    for (const [fn, fields] of moved) {
      work.add(fn);
      names.push(...fields);
    }
    this.spread(this.seeds(), note);
    const lost = this.withdraw(work, names, note);
    this.restore([...work, ...lost.fns], lost.names, note);
    for (const [fn, was] of before) if (was !== this.has(fn)) turned(fn, this.namesOf(fn));
  }

  /** Takes away the marks that nothing holds up from below; answers what lost its mark. */
  private withdraw(
    fns: Iterable<number>,
    names: number[],
    note: (fn: number) => void,
  ): { fns: number[]; names: number[] } {
    const lost: { fns: number[]; names: number[] } = { fns: [], names: [] };
    const work = [...fns].filter((fn) => this.has(fn));
    for (const fn of work) if (!this.passesOn(fn)) names.push(...this.namesOf(fn));
    for (;;) {
      const fn = work.pop();
      if (fn !== undefined) {
        if (!this.has(fn) || this.isHeldUp(fn)) continue;
        note(fn);
        this.fnRank[fn] = 0;
        lost.fns.push(fn);
        names.push(...this.namesOf(fn));
        continue;
      }
      const name = names.pop();
      if (name === undefined) return lost;
      const rank = this.nameRank[name];
      if (rank === 0 || rank === SEED || this.isNameHeldUp(name)) continue;
      this.nameRank[name] = 0;
      lost.names.push(name);
      this.graph.callersOf(name, (caller) => {
        if (this.fnRank[caller] > rank) work.push(caller);
      });
    }
  }

  /** Marks what has a reason to be, among these functions and these names that lost their mark. */
  private restore(fns: Iterable<number>, lost: readonly number[], note: (fn: number) => void): void {
    const queue: number[] = [];
    for (const name of lost) {
      if (this.nameRank[name] !== 0) continue;
      const rank = this.least(this.supporters(name), (fn) => (this.passesOn(fn) ? this.fnRank[fn] : 0));
      if (rank === 0) continue;
      this.nameRank[name] = rank + 1;
      queue.push(name);
    }
    for (const fn of fns) {
      if (!this.program.alive(fn)) continue;
      if (!this.has(fn)) {
        const rank = this.least(this.program.calls(fn), (call) => this.nameRank[call >> 1]);
        if (rank === 0) continue;
        note(fn);
        this.fnRank[fn] = rank + 1;
      }
      this.passOn(fn, queue);
    }
    this.spread(queue, note);
  }

  /** From these newly marked names to everything that can call them. */
  private spread(queue: number[], note: (fn: number) => void): void {
    for (let head = 0; head < queue.length; head++) {
      const name = queue[head];
      this.graph.callersOf(name, (fn) => {
        if (this.fnRank[fn] !== 0) return;
        note(fn);
        this.fnRank[fn] = this.nameRank[name] + 1;
        this.passOn(fn, queue);
      });
    }
  }

  private passOn(fn: number, queue: number[]): void {
    if (!this.passesOn(fn)) return;
    for (const name of this.namesOf(fn)) {
      if (name <= 0 || this.nameRank[name] !== 0) continue;
      this.nameRank[name] = this.fnRank[fn] + 1;
      queue.push(name);
    }
  }

  /** Whether callers of a marked function are marked for its sake. */
  private passesOn(fn: number): boolean {
    const { program, tables } = this;
    if (!program.alive(fn) || program.fnFlags(fn) & FnFlag.Dead) return false;
    const text = program.names.text(this.ownName[fn]);
    return !(
      tables.hardStops.has(text) ||
      tables.neverSleeps.has(text) ||
      (tables.locks.has(text) && !tables.locks.get(text)!.sleeps)
    );
  }

  private isHeldUp(fn: number): boolean {
    if (!this.program.alive(fn)) return false;
    const rank = this.fnRank[fn];
    for (const call of this.program.calls(fn)) {
      const below = this.nameRank[call >> 1];
      if (below !== 0 && below < rank) return true;
    }
    return false;
  }

  private isNameHeldUp(name: number): boolean {
    const rank = this.nameRank[name];
    for (const fn of this.supporters(name)) {
      const below = this.fnRank[fn];
      if (below !== 0 && below < rank && this.passesOn(fn)) return true;
    }
    return false;
  }

  /** Functions that would mark a name. */
  private supporters(name: number): number[] {
    const { program } = this;
    return [...program.definitionsOf(name), ...program.prototypesOf(name), ...this.pointers.heldBy(name)];
  }

  private namesOf(fn: number): readonly number[] {
    return [this.ownName[fn], ...this.pointers.fieldsOf(fn)];
  }

  private least(list: Iterable<number>, rankOf: (item: number) => number): number {
    let least = 0;
    for (const item of list) {
      const rank = rankOf(item);
      if (rank !== 0 && (least === 0 || rank < least)) least = rank;
    }
    return least;
  }

  private grow(): void {
    const { program } = this;
    const known = this.ownName.length;
    if (program.maxFn > known) {
      const size = known === 0 ? program.maxFn : program.maxFn + 1024;
      this.fnRank = copied(this.fnRank, size);
      this.ownName = copied(this.ownName, size);
    }
    for (let fn = this.named; fn < program.maxFn; fn++)
      if (program.alive(fn)) this.ownName[fn] = program.fnName(fn);
    this.named = program.maxFn;
    if (program.names.count > this.nameRank.length)
      this.nameRank = copied(this.nameRank, program.names.count + 1024);
  }
  /** Functions below this number have their name written down. */
  private named = 0;
}

function copied(from: Int32Array, size: number): Int32Array {
  const to = new Int32Array(size);
  to.set(from);
  return to;
}
