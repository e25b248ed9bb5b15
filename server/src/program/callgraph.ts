/**
 * The call graph by names, from the outlines: too many edges rather than too few. It answers "who calls this name" and
 * "which functions can reach a sleeping call at all", so that only functions that can matter are parsed.
 */
import { FnFlag } from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import type { Pointers } from "./pointers.js";
import type { Program } from "./program.js";

export class CallGraph {
  private offsets = new Int32Array(0);
  private callers = new Int32Array(0);
  private known = 0;
  constructor(private readonly program: Program) {
    this.build();
  }

  private build(): void {
    const { program } = this;
    this.known = program.names.count;
    program.edited.clear();
    const counts = new Int32Array(this.known + 1);
    let total = 0;
    for (const f of program.files) {
      if (!f) continue;
      for (const c of f.outline.calls) counts[c >> 1]++;
      total += f.outline.calls.length;
    }
    this.offsets = new Int32Array(this.known + 2);
    for (let i = 0; i < this.known; i++) this.offsets[i + 1] = this.offsets[i] + counts[i];
    this.offsets[this.known + 1] = this.offsets[this.known];
    this.callers = new Int32Array(total);
    const at = this.offsets.slice();
    for (const f of program.files) {
      if (!f) continue;
      for (let i = 0; i < f.fns.length; i++) {
        const fn = f.fns[i];
        for (const c of program.calls(fn)) this.callers[at[c >> 1]++] = fn;
      }
    }
    // Calls outside functions leave holes at the end of a name's list; they hold 0 and are harmless: marked -1.
    for (let n = 0; n < this.known; n++)
      for (let k = at[n]; k < this.offsets[n + 1]; k++) this.callers[k] = -1;
  }

  /** Functions that call this name, plainly or through a member of this name. */
  callersOf(name: number, each: (fn: number) => void): void {
    const { program } = this;
    if (name < this.known) {
      for (let k = this.offsets[name]; k < this.offsets[name + 1]; k++) {
        const fn = this.callers[k];
        if (fn >= 0 && program.alive(fn) && !program.edited.has(program.fnFile(fn).index)) each(fn);
      }
    }
    // Files edited since the index was made are looked at one by one.
    for (const i of program.edited) {
      const f = program.files[i];
      if (!f) continue;
      for (const fn of f.fns) {
        for (const c of program.calls(fn)) {
          if (c >> 1 === name) {
            each(fn);
            break;
          }
        }
      }
    }
  }

  /**
   * These functions may reach a sleep now: marks them and, by names, everything that can call them. `each` is told of the
   * callers of whatever was not marked before.
   */
  spread(
    marked: Uint8Array,
    fns: Iterable<number>,
    pointers: Pointers,
    each: (caller: number) => void,
  ): void {
    const { program } = this;
    const fields = new Map<number, number[]>();
    for (const [field, list] of pointers.byName()) {
      for (const fn of list) {
        const known = fields.get(fn);
        if (known) known.push(field);
        else fields.set(fn, [field]);
      }
    }
    const queue = [...fns].filter((fn) => !marked[fn]);
    for (const fn of queue) marked[fn] = 1;
    while (queue.length > 0) {
      const fn = queue.pop()!;
      if (!program.alive(fn)) continue;
      for (const name of [program.fnName(fn), ...(fields.get(fn) ?? [])]) {
        this.callersOf(name, (caller) => {
          each(caller);
          if (marked[caller]) return;
          marked[caller] = 1;
          queue.push(caller);
        });
      }
    }
  }

  /** Marks every function from which a sleeping primitive can be reached, by names alone. */
  reachSleepers(tables: KernelTables, pointers: Pointers): Uint8Array {
    const { program } = this;
    const marked = new Uint8Array(program.maxFn);
    const seen = new Uint8Array(program.names.count);
    const queue: number[] = [];
    const pushName = (name: number): void => {
      if (name <= 0 || seen[name]) return;
      seen[name] = 1;
      queue.push(name);
    };
    const seed = (text: string): void => pushName(program.names.find(text));
    for (const name of tables.sleepers.keys()) seed(name);
    for (const l of tables.locks.values()) if (l.sleeps) seed(l.name);
    for (const g of ["guard", "scoped_guard", "scoped_cond_guard", "CLASS"]) seed(g);
    const stop = (text: string): boolean =>
      tables.hardStops.has(text) ||
      tables.neverSleeps.has(text) ||
      (tables.locks.has(text) && !tables.locks.get(text)!.sleeps);
    const fieldsOf = new Map<number, number[]>();
    for (const [field, fns] of pointers.byName()) {
      for (const fn of fns) {
        const list = fieldsOf.get(fn);
        if (list) list.push(field);
        else fieldsOf.set(fn, [field]);
      }
    }
    while (queue.length > 0) {
      const name = queue.pop()!;
      this.callersOf(name, (fn) => {
        if (marked[fn]) return;
        marked[fn] = 1;
        const own = program.fnName(fn);
        if (program.fnFlags(fn) & FnFlag.Dead || stop(program.names.text(own))) return;
        pushName(own);
        for (const field of fieldsOf.get(fn) ?? []) pushName(field);
      });
    }
    return marked;
  }
}
