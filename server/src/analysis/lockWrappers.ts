/**
 * What functions do to the locks of their callers, found before anything else: wrappers of lock primitives, wrappers of
 * wrappers, functions that return with a lock held or dropped. Only functions whose lock operations do not cancel out by
 * counting are interpreted.
 */
import { Fn, FnFlag } from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import type { CallGraph } from "../program/callgraph.js";
import type { ImageReader, ImageWriter } from "../program/image.js";
import { Names } from "../program/names.js";
import { ByteWriter } from "../program/packedLists.js";
import type { Program } from "../program/program.js";
import type { FlowStore } from "./flowStore.js";
import { Interpreter } from "./interpret/interpreter.js";
import { Pauses } from "./pauses.js";
import { depths } from "./prefilter.js";
import { readEffects, writeEffect } from "./results.js";
import { type Effect, sameEffects } from "./summary.js";
import type { World } from "./world.js";

/** Most rounds of wrappers around wrappers. */
const MOST_ROUNDS = 10;
/** How far below a function its callees are searched for wrappers when only some of the tree is asked about. */
const DEEPEST = 3;

export class LockWrappers {
  private readonly effects = new Map<number, readonly Effect[]>();
  /** Names of functions that were found to take or release locks for their callers: +1, -1, 2 conditionally, 0 both. */
  private readonly effectNames = new Map<number, number>();
  private readonly examined = new Set<number>();
  /** Functions below which wrappers were searched, with the depth left when it was done. */
  private readonly searched = new Map<number, number>();
  /** To be examined when the last question was given up. */
  private readonly unfinished = new Set<number>();
  private complete = false;
  private changedNames = new Set<number>();

  constructor(
    private readonly world: World,
    private readonly program: Program,
    private readonly tables: KernelTables,
    private readonly graph: CallGraph,
    private readonly flows: FlowStore,
    from: ImageReader | null = null,
  ) {
    if (!from) return;
    const strings = Names.restore(from, "wrappers.strings");
    const places = from.ints("wrappers.effects");
    const bytes = from.bytes("wrappers.bytes");
    for (let i = 0; i < places.length; i += 2)
      this.effects.set(places[i], readEffects(bytes, places[i + 1], strings));
    for (const [name, op] of from.json<[number, number][]>("wrappers.names")) this.effectNames.set(name, op);
    for (const fn of from.ints("wrappers.examined")) this.examined.add(fn);
    this.complete = true;
  }

  /** Of a whole tree. */
  save(to: ImageWriter): void {
    const strings = Names.empty();
    const out = new ByteWriter();
    const places: number[] = [];
    for (const [fn, effects] of this.effects) {
      places.push(fn, out.at);
      out.uint(effects.length);
      for (const e of effects) writeEffect(out, e, strings);
    }
    to.put("wrappers.effects", Int32Array.from(places));
    to.put("wrappers.bytes", out.take());
    strings.save(to, "wrappers.strings");
    to.json("wrappers.names", [...this.effectNames]);
    to.put("wrappers.examined", Int32Array.from(this.examined));
  }

  /** What a function does to its caller's locks, as far as known; empty for most. */
  effectsOf(fn: number): readonly Effect[] | undefined {
    return this.effects.get(fn);
  }

  /** +1, -1, 2 or 0 (both) for the name of a wrapper, undefined for any other name. */
  wrapper(name: number): number | undefined {
    return this.effectNames.get(name);
  }

  wrapperNames(): IterableIterator<[number, number]> {
    return this.effectNames.entries();
  }

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
  opOfText(text: string): number {
    const id = this.program.names.find(text);
    const known = id < 0 ? undefined : this.effectNames.get(id);
    if (known !== undefined) return known === 0 ? 2 : known;
    const a = this.tables.assertions.get(text);
    if (a && a.says !== "process") return 3;
    return id < 0 ? 0 : this.lockOp(id, text);
  }

  private opOfName: Int8Array | null = null;
  private ops(): Int8Array {
    if (this.opOfName && this.opOfName.length >= this.program.names.count) return this.opOfName;
    const a = new Int8Array(this.program.names.count + 4096);
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

  /** Names of wrappers found, lost or changed since this was last asked: what their callers were found to do is stale. */
  takeChanged(): ReadonlySet<number> {
    const names = this.changedNames;
    this.changedNames = new Set();
    return names;
  }

  /** Forgets everything: the next question finds what it needs again. */
  reset(): void {
    for (const known of [this.effects, this.effectNames, this.searched]) known.clear();
    for (const known of [this.examined, this.unfinished, this.changedNames]) known.clear();
    this.opOfName = null;
    this.complete = false;
  }

  /** All wrappers of the tree. */
  async solveAll(signal?: AbortSignal): Promise<void> {
    if (this.complete) return;
    const candidates = new Set<number>();
    const ops = this.ops();
    for (const f of this.program.files) {
      if (!f) continue;
      for (const fn of f.fns) if (this.isCandidate(fn, ops)) candidates.add(fn);
    }
    await this.examine(candidates, false, signal);
    this.complete = true;
  }

  /** The wrappers that these functions may use, some levels down. */
  async solveBelow(fns: Iterable<number>, signal?: AbortSignal): Promise<void> {
    if (this.complete) return;
    const ops = this.ops();
    const candidates = new Set<number>();
    const work: { fn: number; left: number }[] = [];
    for (const fn of fns) work.push({ fn, left: DEEPEST });
    while (work.length > 0) {
      const { fn, left } = work.pop()!;
      const before = this.searched.get(fn);
      if (before !== undefined && before >= left) continue;
      this.searched.set(fn, left);
      if (!this.examined.has(fn) && this.isCandidate(fn, ops)) candidates.add(fn);
      if (left === 0) continue;
      const file = this.program.fnFile(fn);
      for (const c of this.program.calls(fn)) {
        const name = c >> 1;
        if (c & 1 || (ops[name] !== 0 && !this.effectNames.has(name))) continue;
        const text = this.program.names.text(name);
        if (
          this.tables.hardStops.has(text) ||
          this.tables.neverSleeps.has(text) ||
          this.tables.locks.has(text)
        )
          continue;
        for (const g of this.program.resolve(name, file)) work.push({ fn: g, left: left - 1 });
      }
    }
    await this.examine(candidates, true, signal);
  }

  /**
   * Functions changed, are new or are gone, and names mean something else: what was found of these and of the functions
   * that use them, all of which are `touched`, is found again.
   */
  async reexamine(
    change: { fns: readonly number[]; names: readonly number[] },
    touched: Iterable<number>,
  ): Promise<void> {
    for (const fn of change.fns) if (!this.program.alive(fn)) this.effects.delete(fn);
    for (const name of change.names) this.nameEffects(name);
    const alive = [...touched].filter((fn) => this.program.alive(fn));
    for (const fn of alive) {
      this.examined.delete(fn);
      this.searched.delete(fn);
    }
    const ops = this.ops();
    await this.examine(
      new Set(alive.filter((fn) => this.effects.has(fn) || this.isCandidate(fn, ops))),
      !this.complete,
    );
    // What the new text calls may never have been looked at.
    await this.solveBelow(change.fns.filter((fn) => this.program.alive(fn)));
  }

  /** What a name does to locks, from its definitions: the last one that does anything. */
  private nameEffects(name: number): void {
    let op: number | undefined;
    for (const fn of this.program.definitionsOf(name)) {
      const effects = this.effects.get(fn);
      if (!effects) continue;
      const up = effects.some((e) => e.acquires.length > 0);
      const down = effects.some((e) => e.releases.length > 0);
      op = up && down ? 0 : up ? (effects.length > 1 ? 2 : 1) : -1;
    }
    if (op === this.effectNames.get(name)) return;
    if (op === undefined) this.effectNames.delete(name);
    else this.effectNames.set(name, op);
    this.opOfName = null;
    this.changedNames.add(name);
  }

  private hasBody(fn: number): boolean {
    return (this.program.fnFlags(fn) & (FnFlag.Prototype | FnFlag.ObjectMacro | FnFlag.Dead)) === 0;
  }

  private isCandidate(fn: number, ops: Int8Array): boolean {
    return this.hasBody(fn) && this.unbalanced(fn, ops);
  }

  /** `near`: callers of what is found are followed only where somebody has asked about them. */
  private async examine(first: Set<number>, near: boolean, signal?: AbortSignal): Promise<void> {
    const pauses = new Pauses(signal);
    const within = near ? (fn: number) => this.searched.has(fn) || this.examined.has(fn) : null;
    let candidates = new Set([...this.unfinished, ...first]);
    this.unfinished.clear();
    for (let round = 0; round < MOST_ROUNDS && candidates.size > 0; round++) {
      try {
        await this.flows.fetch(candidates, signal);
      } catch (error) {
        // Whoever asks next goes on from here: those functions count as looked for already.
        for (const fn of candidates) this.unfinished.add(fn);
        throw error;
      }
      const changed = new Set<number>();
      const left = new Set([...candidates].sort((a, b) => a - b));
      let stopped: unknown = null;
      try {
        for (const fn of left) {
          if (pauses.due) await pauses.take();
          left.delete(fn);
          if (this.program.alive(fn) && this.examineOne(fn)) changed.add(this.program.fnName(fn));
        }
      } catch (error) {
        stopped = error;
      }
      this.opOfName = null;
      const next = new Set<number>();
      const ops = this.ops();
      for (const name of changed) {
        this.graph.callersOf(name, (fn) => {
          if (within && !within(fn)) return;
          // What has effects may have them from here: they may be gone now.
          if (this.isCandidate(fn, ops) || this.effects.has(fn) || (candidates.has(fn) && this.hasBody(fn)))
            next.add(fn);
        });
      }
      if (stopped !== null) {
        for (const fn of [...left, ...next]) this.unfinished.add(fn);
        throw stopped;
      }
      candidates = next;
    }
  }

  /** Finds what a function does to locks; true when it is not what it was. */
  private examineOne(fn: number): boolean {
    const { program, tables } = this;
    this.examined.add(fn);
    const flow = this.flows.get(fn);
    if (!flow) {
      if (!this.effects.delete(fn)) return false;
      this.nameEffects(program.fnName(fn));
      return true;
    }
    const name = program.fnText(fn);
    if (tables.locks.has(name) || tables.hardStops.has(name) || tables.neverSleeps.has(name)) return false;
    const old = this.effects.get(fn) ?? [];
    // Most functions that take a lock and return a value return without it.
    const plain = old.length === 0 && program.fnColumn(fn, Fn.annotCount) === 0;
    if (plain && !depths(flow, (n) => this.opOfText(n), false).unbalanced) return false;
    const now = new Interpreter(this.world, fn, flow, false, true).run().summary.effects;
    if (sameEffects(old, now)) return false;
    if (now.length > 0) this.effects.set(fn, now);
    else this.effects.delete(fn);
    this.nameEffects(program.fnName(fn));
    this.changedNames.add(program.fnName(fn));
    return true;
  }
}
