/** Functions that enter an atomic context, by what they call, and those that the kernel enters in one: where paths begin. */
import { Fn, FnFlag } from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import type { ImageReader, ImageWriter } from "../program/image.js";
import type { Pointers } from "../program/pointers.js";
import type { Program, SourceFile } from "../program/program.js";
import { FnSet } from "./fnSet.js";
import type { LockWrappers } from "./lockWrappers.js";

export interface Roots {
  enter: number[];
  callbacks: Set<number>;
}

export class Entering {
  /** Of the whole tree; null: not looked for yet. */
  private known: FnSet | null = null;
  /** Of those that an edit may have changed, it is asked again. */
  private readonly uncertain = new Set<number>();
  private callbacksOf: { roots: Pointers["roots"]; fns: ReadonlySet<number> } | null = null;

  constructor(
    private readonly program: Program,
    private readonly tables: KernelTables,
    private readonly wrappers: LockWrappers,
    private readonly pointers: Pointers,
    from: ImageReader | null,
  ) {
    if (from) this.known = new FnSet(from.ints("solver.entering"));
  }

  save(to: ImageWriter): void {
    to.put("solver.entering", this.known?.numbers() ?? new Int32Array(0));
  }

  /** Whether those of the whole tree are known. */
  get isComplete(): boolean {
    return this.known !== null;
  }

  /** A function may be another now, or what it calls. */
  forget(fn: number): void {
    this.uncertain.add(fn);
  }

  reset(): void {
    this.known = null;
  }

  /** Those of the tree. */
  all(): Roots {
    const { program } = this;
    const trigger = this.triggers();
    if (!this.known) {
      this.known = new FnSet();
      for (const f of program.files)
        for (const fn of f?.fns ?? []) if (this.enters(fn, trigger)) this.known.add(fn);
    } else
      for (const fn of this.uncertain) {
        if (program.alive(fn) && this.enters(fn, trigger)) this.known.add(fn);
        else this.known.delete(fn);
      }
    this.uncertain.clear();
    const callbacks = new Set<number>();
    for (const r of this.pointers.roots) if (program.alive(r.fn)) callbacks.add(r.fn);
    return { enter: [...this.known.numbers()], callbacks };
  }

  /** Those of these files; `within`: of these functions alone. */
  of(files: Iterable<SourceFile | null>, within?: ReadonlySet<number>): Roots {
    const roots: Roots = { enter: [], callbacks: new Set() };
    const trigger = this.triggers();
    const callbacks = this.callbacks();
    for (const f of new Set(files))
      for (const fn of f?.fns ?? []) {
        if (within && !within.has(fn)) continue;
        if (this.enters(fn, trigger)) roots.enter.push(fn);
        if (callbacks.has(fn)) roots.callbacks.add(fn);
      }
    return roots;
  }

  /** Which of these enter a context by what they call. */
  among(fns: readonly number[]): number[] {
    const trigger = this.triggers();
    return fns.filter((fn) => this.enters(fn, trigger));
  }

  /** Functions that the kernel enters in a context; made when pointers have moved. */
  private callbacks(): ReadonlySet<number> {
    const { roots } = this.pointers;
    if (this.callbacksOf?.roots !== roots) this.callbacksOf = { roots, fns: new Set(roots.map((r) => r.fn)) };
    return this.callbacksOf.fns;
  }

  /** By name: whether calling it enters a context. */
  private triggers(): Uint8Array {
    const a = new Uint8Array(this.program.names.count);
    const mark = (text: string): void => {
      const id = this.program.names.find(text);
      if (id > 0) a[id] = 1;
    };
    for (const l of this.tables.locks.values())
      if (l.adds !== 0 && (l.op === "acquire" || l.op === "try" || l.op === "conditional")) mark(l.name);
    for (const [name, x] of this.tables.assertions) if (x.says !== "process") mark(name);
    for (const g of ["guard", "scoped_guard", "scoped_cond_guard", "CLASS"]) mark(g);
    for (const [id, op] of this.wrappers.wrapperNames()) if (op !== -1) a[id] = 1;
    return a;
  }

  private enters(fn: number, trigger: Uint8Array): boolean {
    const { program } = this;
    const flags = program.fnFlags(fn);
    if (flags & (FnFlag.Prototype | FnFlag.ObjectMacro | FnFlag.Macro | FnFlag.Dead)) return false;
    // Oops and panic paths are not reported: the kernel's own check is silent there.
    const text = program.fnText(fn);
    if (this.tables.noReturn.has(text) || this.tables.hardStops.has(text)) return false;
    if (program.fnColumn(fn, Fn.annotCount) > 0) return true;
    for (const c of program.calls(fn)) if ((c & 1) === 0 && trigger[c >> 1]) return true;
    return false;
  }
}
