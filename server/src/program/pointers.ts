/**
 * Function pointers: which functions a field of a struct type can hold, and which functions the kernel enters in a known
 * context because of how they were registered. Both come from initialisers, assignments and registration calls that the
 * outlines hold; a field is matched by its struct's type, never by its name alone.
 */
import {
  FN_STRIDE,
  Fn,
  FnFlag,
  INIT_STRIDE,
  Init,
  REG_STRIDE,
  Reg,
  TYPED_STRIDE,
  Typed,
} from "../facts/outline.js";
import { Ctx, type KernelTables } from "../kernel/types.js";
import type { ImageReader, ImageWriter } from "./image.js";
import { PackedLists } from "./packedLists.js";
import { closeness } from "./places.js";
import { type Holder, named, PointerTable } from "./pointerTable.js";
import type { Program, SourceFile } from "./program.js";

/** A function that the kernel enters in a context that it has made. */
export interface CallbackRoot {
  fn: number;
  /** Ctx bits on entry. */
  bits: number;
  kind:
    | "hardirq"
    | "softirq"
    | "nmi"
    | "irq-off"
    | "preempt-off"
    | "rcu"
    | "softirq-off"
    | "spinlock"
    | "callback";
  /** How it was registered, in words ("request_irq", "net_device_ops.ndo_start_xmit"). */
  how: string;
  byOps: boolean;
  confidence: "high" | "medium" | "low";
  /** Where it was registered: a record of this file's outline, whose offset moves with edits. */
  file: string;
  record: { table: "inits" | "regs"; index: number };
}

const CONTEXT_BITS: Record<string, { bits: number; kind: CallbackRoot["kind"] }> = {
  hardirq: { bits: Ctx.Hardirq | Ctx.Irq, kind: "hardirq" },
  softirq: { bits: Ctx.Softirq, kind: "softirq" },
  nmi: { bits: Ctx.Nmi | Ctx.Irq, kind: "nmi" },
  "irq-off": { bits: Ctx.Irq, kind: "irq-off" },
  "preempt-off": { bits: Ctx.Preempt, kind: "preempt-off" },
  rcu: { bits: Ctx.Rcu, kind: "rcu" },
  "bh-off": { bits: Ctx.Bh, kind: "softirq-off" },
  spinlock: { bits: Ctx.Preempt, kind: "spinlock" },
};

/** An identifier, as callbacks are passed: `f`, `&f`, `(cast)f`. */
export function callbackName(text: string): string | null {
  const m = /^(?:\(\s*[\w\s*]+\))?\s*&?\s*\(?\s*([A-Za-z_]\w*)\s*\)?$/.exec(text);
  return m ? m[1] : null;
}

/** What one file installs and registers. */
interface FilePointers {
  holders: Holder[];
  /** The function of each holder, and the name that it can be called by. */
  fns: number[];
  names: number[];
  roots: CallbackRoot[];
  putSuper: number[];
}

/** How a function comes to be entered. */
type Way = Pick<CallbackRoot, "bits" | "kind" | "how" | "byOps" | "confidence"> & {
  table: CallbackRoot["record"]["table"];
};

/** What files install and register, by their number, read when it is asked for. */
interface SavedFiles {
  /** Holder, name and function of each. */
  installs: PackedLists;
  /** Way, function and record of each. */
  roots: PackedLists;
  putSuper: PackedLists;
  ways: Way[];
}

/** A name that a function can be called by: a field's, or a variable's. */
export interface Placement {
  field: number;
  /** Only from files near this one. */
  near: string | null;
  /** Through a member of an object. */
  member: boolean;
}

/** What an edit may have changed about pointers. */
export interface PointerEdit {
  /** Files whose initialisers, assignments or registrations are others now. */
  files: readonly string[];
  /** Names that mean other functions now. */
  names: ReadonlySet<number>;
  /** File-level variables whose type is another now. */
  variables: ReadonlySet<number>;
  /** Fields of structs whose type is another now. */
  fields: ReadonlySet<number>;
  /** Types in headers are others now: every file may mean something else. */
  types: boolean;
}

export class Pointers {
  /** What files install; in an engine that was restored, those that were looked at. Null: nothing. */
  private readonly files = new Map<number, FilePointers | null>();
  /** The others. */
  private saved: SavedFiles | null = null;
  private readonly table: PointerTable;
  private allRoots: CallbackRoot[] | null = null;
  private allPutSuper: Set<number> | null = null;
  /** Names that are or were installed or registered somewhere, whether or not they are functions. */
  private readonly installed = new Set<number>();
  /** The same in an image, by name. */
  private installedBefore: Uint8Array = new Uint8Array(0);
  private current: FilePointers | null = null;
  /** Functions whose `rivals` may be others since a report emptied this; null: any. See `Reports`. */
  rivalsMoved: Set<number> | null = new Set();

  /** In an engine that was restored: name → files whose initialisers or registrations may have to do with it. */
  private concerned: PackedLists | null = null;

  constructor(
    private readonly program: Program,
    private readonly tables: KernelTables,
    from: ImageReader | null = null,
  ) {
    this.table = new PointerTable(from);
    if (from) this.restore(from);
    else for (const f of program.files) if (f) this.addFile(f);
  }

  /** Of a program that was not edited. */
  save(to: ImageWriter): void {
    const { program } = this;
    const numberOf = this.table.save(to, program.names.count, program.maxFn);
    const installs = new Map<number, number[]>();
    const roots = new Map<number, number[]>();
    const putSuper = new Map<number, number[]>();
    const ways = new Map<string, number>();
    for (const [index, own] of this.files) {
      if (!own) continue;
      installs.set(
        index,
        own.fns.flatMap((fn, i) => [numberOf(own.holders[i]), own.names[i], fn]),
      );
      const list = own.roots.flatMap(({ fn, bits, kind, how, byOps, confidence, record }) => {
        const way = JSON.stringify({ bits, kind, how, byOps, confidence, table: record.table } satisfies Way);
        if (!ways.has(way)) ways.set(way, ways.size);
        return [ways.get(way)!, fn, record.index];
      });
      if (list.length > 0) roots.set(index, list);
      if (own.putSuper.length > 0) putSuper.set(index, own.putSuper);
    }
    const count = program.files.length;
    to.lists("pointers.installs", PackedLists.ofMap(count, installs));
    to.lists("pointers.roots", PackedLists.ofMap(count, roots));
    to.lists("pointers.putSuper", PackedLists.ofMap(count, putSuper));
    to.json(
      "pointers.ways",
      [...ways.keys()].map((way) => JSON.parse(way)),
    );
    const words = new Map<number, number[]>();
    for (const f of program.files) for (const id of f ? this.wordsOf(f) : []) push(words, id, f!.index);
    this.wordsIn.clear();
    const installed = new Uint8Array(program.names.count);
    for (const name of this.installed) installed[name] = 1;
    to.put("pointers.installed", installed);
    to.lists("pointers.words", PackedLists.ofMap(program.names.count, words));
  }

  private restore(from: ImageReader): void {
    const { length } = this.program.files;
    this.saved = {
      installs: from.lists("pointers.installs", length),
      roots: from.lists("pointers.roots", length),
      putSuper: from.lists("pointers.putSuper", length),
      ways: from.json("pointers.ways"),
    };
    this.installedBefore = from.bytes("pointers.installed");
    this.concerned = from.lists("pointers.words", this.installedBefore.length);
  }

  /** What a file installs and registers, if anything. */
  private of(index: number): FilePointers | null {
    let own = this.files.get(index);
    if (own !== undefined) return own;
    own = this.ofSaved(index);
    if (this.saved) this.files.set(index, own);
    return own;
  }

  private ofSaved(index: number): FilePointers | null {
    const { saved } = this;
    if (!saved?.installs.has(index)) return null;
    const own: FilePointers = {
      holders: [],
      fns: [],
      names: [],
      roots: this.savedRoots(index),
      putSuper: saved.putSuper.get(index) ?? [],
    };
    const installs = saved.installs.get(index)!;
    for (let i = 0; i < installs.length; i += 3) {
      own.holders.push(installs[i]);
      own.names.push(installs[i + 1]);
      own.fns.push(installs[i + 2]);
    }
    return own;
  }

  private savedRoots(index: number): CallbackRoot[] {
    const { saved } = this;
    const list = saved?.roots.get(index);
    if (!saved || !list) return [];
    const file = this.program.files[index]?.path ?? "";
    const out: CallbackRoot[] = [];
    for (let i = 0; i < list.length; i += 3) {
      const { table, ...way } = saved.ways[list[i]];
      out.push({ fn: list[i + 1], ...way, file, record: { table, index: list[i + 2] } });
    }
    return out;
  }

  private readonly wordsIn = new Map<number, readonly number[]>();

  /** Every name that decides what a file installs: values, fields, callbacks, and what is on the way to an object. */
  private wordsOf(f: SourceFile): Set<number> {
    const { program } = this;
    const { names } = program;
    const out = new Set<number>();
    const words = (id: number): void => {
      if (id === 0) return;
      let known = this.wordsIn.get(id);
      if (!known) {
        known = (names.text(id).match(/[A-Za-z_]\w*/g) ?? []).map((word) => names.id(word));
        this.wordsIn.set(id, known);
      }
      for (const word of known) out.add(word);
    };
    const o = f.outline;
    for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
      out.add(o.inits[i + Init.value]);
      out.add(o.inits[i + Init.field]);
      words(o.inits[i + Init.base]);
      words(o.inits[i + Init.outer]);
    }
    for (let i = 0; i < o.regs.length; i += REG_STRIDE) {
      const reg = this.tables.registrations.get(names.text(o.regs[i + Reg.name]));
      for (const cb of reg?.callbacks ?? []) {
        if (cb.arg >= o.regs[i + Reg.argCount]) continue;
        const name = callbackName(names.text(o.regArgs[o.regs[i + Reg.argFirst] + cb.arg]));
        if (name !== null) out.add(names.id(name));
      }
    }
    return out;
  }

  /** Files that may install one of these names, or have them on the way to an object. */
  private *filesAbout(...sets: ReadonlySet<number>[]): Iterable<SourceFile> {
    const { program, concerned } = this;
    if (!concerned) {
      for (const f of program.files) if (f) yield f;
      return;
    }
    const indices = new Set(program.edited);
    for (const set of sets) for (const name of set) for (const i of concerned.get(name) ?? []) indices.add(i);
    for (const i of [...indices].sort((a, b) => a - b)) {
      const f = program.files[i];
      if (f) yield f;
    }
  }

  /** Functions that the kernel enters in a context, in the order of the files; the first way of each kind. */
  get roots(): readonly CallbackRoot[] {
    if (this.allRoots) return this.allRoots;
    const seen = new Map<number, CallbackRoot[]>();
    const roots: CallbackRoot[] = [];
    for (const f of this.program.files) {
      if (!f) continue;
      const own = this.files.get(f.index);
      for (const root of own === undefined ? this.savedRoots(f.index) : (own?.roots ?? [])) {
        const ways = seen.get(root.fn);
        if (ways?.some(({ bits, how }) => bits === root.bits && how === root.how)) continue;
        if (ways) ways.push(root);
        else seen.set(root.fn, [root]);
        roots.push(root);
      }
    }
    this.allRoots = roots;
    return roots;
  }

  /** Functions given to super_operations.put_super. */
  get putSuper(): ReadonlySet<number> {
    if (!this.allPutSuper) {
      this.allPutSuper = new Set();
      for (let index = 0; index < this.program.files.length; index++) {
        const own = this.files.get(index);
        const fns = own === undefined ? this.saved?.putSuper.get(index) : own?.putSuper;
        for (const fn of fns ?? []) this.allPutSuper.add(fn);
      }
    }
    return this.allPutSuper;
  }

  /** Functions that a field of this name can hold, and fields that can hold a function; some more than once. */
  heldBy(field: number): readonly number[] {
    return this.table.heldBy(field);
  }
  fieldsOf(fn: number): readonly number[] {
    return this.table.namesHolding(fn);
  }

  /**
   * Follows an edit; answers the functions that other fields may hold now, with the fields that held them before, or null
   * when it leaves all pointers and registrations as they were.
   */
  update(edit: PointerEdit): Map<number, readonly number[]> | null {
    const { program } = this;
    if (edit.types) return this.rebuild();
    const again = new Set<number>();
    for (const path of edit.files) {
      const index = program.indexOf(path);
      if (index !== undefined) again.add(index);
    }
    const names = new Set(
      [...edit.names].filter((name) => this.installed.has(name) || this.installedBefore[name] === 1),
    );
    if (names.size > 0 || edit.variables.size > 0)
      for (const f of this.filesAbout(names, edit.variables))
        if (!again.has(f.index) && this.concerns(f, names, edit.variables)) again.add(f.index);
    for (const index of this.throughFields(edit.fields)) again.add(index);
    const moved = new Map<number, readonly number[]>();
    let changed = false;
    for (const index of again) {
      const old = this.of(index);
      const before = old && signature(old);
      const fields = new Map((old?.fns ?? []).map((fn) => [fn, [...this.fieldsOf(fn)]]));
      this.removeFile(index);
      const f = program.files[index];
      if (f) this.addFile(f);
      const now = this.of(index);
      if (before === (now && signature(now))) continue;
      changed = true;
      if (this.rivalsMoved) noteMoved(this.rivalsMoved, old, now, this.table);
      for (const fn of [...fields.keys(), ...(now?.fns ?? [])])
        if (!moved.has(fn)) moved.set(fn, fields.get(fn) ?? []);
    }
    if (!changed) return null;
    this.forgetSums();
    return moved;
  }

  private rebuild(): Map<number, readonly number[]> {
    const before = new Map([...this.table.functions()].map((fn) => [fn, [...this.fieldsOf(fn)]]));
    this.rivalsMoved = null;
    this.files.clear();
    this.saved = null;
    this.table.clear();
    for (const f of this.program.files) if (f) this.addFile(f);
    this.forgetSums();
    const moved = new Map<number, readonly number[]>();
    for (const fn of new Set([...before.keys(), ...this.table.functions()])) {
      const was = before.get(fn) ?? [];
      const now = this.fieldsOf(fn);
      if (was.length !== now.length || was.some((field, i) => field !== now[i])) moved.set(fn, was);
    }
    return moved;
  }

  /** Files that install a function in an object which they get to through one of these fields. */
  private throughFields(fields: ReadonlySet<number>): Set<number> {
    const out = new Set<number>();
    if (fields.size === 0) return out;
    const { names } = this.program;
    const word = new RegExp(`\\b(?:${[...fields].map((f) => names.text(f)).join("|")})\\b`);
    const known = new Map<number, boolean>();
    const has = (id: number): boolean => {
      if (id === 0) return false;
      let answer = known.get(id);
      if (answer === undefined) {
        answer = word.test(names.text(id));
        known.set(id, answer);
      }
      return answer;
    };
    for (const f of this.filesAbout(fields)) {
      const { inits } = f.outline;
      for (let i = 0; i < inits.length; i += INIT_STRIDE) {
        if (!has(inits[i + Init.base]) && !has(inits[i + Init.outer]) && !fields.has(inits[i + Init.field]))
          continue;
        out.add(f.index);
        break;
      }
    }
    return out;
  }

  private forgetSums(): void {
    this.allRoots = null;
    this.allPutSuper = null;
  }

  /** Whether a file installs one of these names, or assigns to a field of one of these variables. */
  private concerns(f: SourceFile, names: ReadonlySet<number>, variables: ReadonlySet<number>): boolean {
    const { program } = this;
    const o = f.outline;
    for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
      if (names.has(o.inits[i + Init.value])) return true;
      if (variables.size === 0 || o.inits[i + Init.type] !== 0) continue;
      const first = /[A-Za-z_]\w*/.exec(program.names.text(o.inits[i + Init.base]));
      if (first && variables.has(program.names.find(first[0]))) return true;
    }
    if (names.size > 0) {
      for (let i = 0; i < o.regs.length; i += REG_STRIDE) {
        const reg = this.tables.registrations.get(program.names.text(o.regs[i + Reg.name]));
        for (const cb of reg?.callbacks ?? []) {
          if (cb.arg >= o.regs[i + Reg.argCount]) continue;
          const name = callbackName(program.names.text(o.regArgs[o.regs[i + Reg.argFirst] + cb.arg]));
          if (name !== null && names.has(program.names.find(name))) return true;
        }
      }
    }
    return false;
  }

  private removeFile(index: number): void {
    const own = this.of(index);
    this.files.set(index, null);
    own?.holders.forEach((holder, k) => {
      this.table.remove(holder, own.names[k], own.fns[k], index);
    });
  }

  private own(f: SourceFile): FilePointers {
    if (this.current) return this.current;
    this.current = { holders: [], fns: [], names: [], roots: [], putSuper: [] };
    this.files.set(f.index, this.current);
    return this.current;
  }

  private functionNamed(name: number, file: SourceFile): readonly number[] {
    return this.program
      .resolve(name, file)
      .filter((fn) => !(this.program.fnFlags(fn) & (FnFlag.Macro | FnFlag.ObjectMacro)));
  }

  private addFile(f: SourceFile): void {
    this.current = null;
    const { program } = this;
    const o = f.outline;
    for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
      const value = o.inits[i + Init.value];
      this.installed.add(value);
      if (program.definitionsOf(value).length === 0) continue;
      const targets = this.functionNamed(value, f);
      if (targets.length === 0) continue;
      const field = o.inits[i + Init.field];
      if (field === 0) {
        const variable = o.inits[i + Init.base];
        for (const fn of targets) this.install(f, named(variable, true), variable, fn);
        continue;
      }
      let type = o.inits[i + Init.type];
      if (type !== 0 && o.inits[i + Init.outer] !== 0)
        type = this.nestedType(type, program.names.text(o.inits[i + Init.outer]), f);
      if (type === 0) type = this.baseType(o.inits[i + Init.base], o.inits[i + Init.fn], f);
      const struct = type === 0 ? 0 : program.structName(type, f);
      for (const fn of targets) {
        this.install(f, struct !== 0 ? this.table.member(struct, field) : named(field, false), field, fn);
        this.opsRoot(struct, field, fn, f, i);
      }
    }
    for (let i = 0; i < o.regs.length; i += REG_STRIDE) this.registration(f, i);
  }

  /** Records that a file gives a function to what can be called by this name. */
  private install(f: SourceFile, holder: Holder, name: number, fn: number): void {
    this.table.install(holder, name, fn, f.index);
    const own = this.own(f);
    own.holders.push(holder);
    own.fns.push(fn);
    own.names.push(name);
  }

  private nestedType(type: number, outer: string, f: SourceFile): number {
    for (const part of outer.split(".")) {
      if (part === "" || part.startsWith("[")) continue;
      const t = this.program.fieldType(type, this.program.names.id(part.replace(/\[.*$/, "")), f);
      if (!t) return 0;
      type = t.name;
    }
    return type;
  }

  /** Type of the object in an assignment `base.field = value` as far as parameters and globals tell. */
  private baseType(base: number, fnIndex: number, f: SourceFile): number {
    const { program } = this;
    const parts = program.names.text(base).split(/->|\./);
    const first = program.names.find(parts[0].replace(/[&()*\s]|\[.*$/g, ""));
    if (first < 0) return 0;
    let type = 0;
    const o = f.outline;
    if (fnIndex > 0) {
      const at = (fnIndex - 1) * FN_STRIDE;
      const p0 = o.fn[at + Fn.paramFirst];
      for (let p = p0; p < p0 + o.fn[at + Fn.paramCount]; p++)
        if (o.params[p * TYPED_STRIDE + Typed.name] === first) type = o.params[p * TYPED_STRIDE + Typed.type];
    }
    if (type === 0) {
      const g = program.globalVar(first, f);
      if (g && (g.file === f || parts.length > 1)) type = g.type.name;
    }
    for (let k = 1; type !== 0 && k < parts.length; k++) {
      const t = program.fieldType(type, program.names.id(parts[k].replace(/\[.*$/, "").trim()), f);
      type = t ? t.name : 0;
    }
    return type;
  }

  private opsRoot(struct: number, field: number, fn: number, f: SourceFile, init: number): void {
    const { program, tables } = this;
    const fieldName = program.names.text(field);
    const structName = struct === 0 ? "" : program.names.text(struct);
    if (structName === "super_operations" && fieldName === "put_super") this.own(f).putSuper.push(fn);
    let ops = structName === "" ? undefined : tables.opsFields.get(`${structName}.${fieldName}`);
    let guess = false;
    if (!ops && structName === "" && fieldName === "function") {
      // `timer.function = f` where the variable's type is not in the outline: old-style timers and hrtimers only.
      ops = tables.opsFields.get("timer_list.function") ?? tables.opsFields.get("hrtimer.function");
      guess = true;
    }
    if (!ops || ops.context === "process") return;
    if (ops.unless && this.hasProperty(f, ops.unless.field, ops.unless.values)) return;
    const c = CONTEXT_BITS[ops.context];
    if (!c) return;
    this.own(f).roots.push({
      fn,
      bits: c.bits,
      kind: c.kind,
      how: `${ops.struct}.${ops.field}`,
      byOps: true,
      confidence: guess && ops.confidence === "high" ? "medium" : ops.confidence,
      file: f.path,
      record: { table: "inits", index: init },
    });
  }

  /** Whether this file gives the field one of the values somewhere. */
  private hasProperty(f: SourceFile, field: string, values: readonly string[]): boolean {
    const { program } = this;
    const o = f.outline;
    const id = program.names.find(field);
    if (id < 0) return false;
    for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
      if (o.inits[i + Init.field] !== id) continue;
      const v = program.names.text(o.inits[i + Init.value]);
      if (values.some((w) => v === w || v.split(/[\s|()]+/).includes(w))) return true;
    }
    return false;
  }

  private registration(f: SourceFile, i: number): void {
    const { program, tables } = this;
    const o = f.outline;
    const reg = tables.registrations.get(program.names.text(o.regs[i + Reg.name]));
    if (!reg) return;
    const arg = (n: number): string =>
      n < o.regs[i + Reg.argCount] ? program.names.text(o.regArgs[o.regs[i + Reg.argFirst] + n]) : "";
    if (reg.unless && new RegExp(reg.unless.matches).test(arg(reg.unless.arg))) return;
    for (const cb of reg.callbacks) {
      if (cb.context === "process") continue;
      const c = CONTEXT_BITS[cb.context];
      const name = callbackName(arg(cb.arg));
      if (!c || name === null) continue;
      const id = program.names.id(name);
      if (id < 0) continue;
      this.installed.add(id);
      let targets = this.functionNamed(id, f);
      const field = (cb as { field?: string }).field;
      if (targets.length === 0 && field) targets = this.memberOf(id, field, f);
      for (const fn of targets) {
        this.own(f).roots.push({
          fn,
          bits: c.bits,
          kind: c.kind,
          how: reg.name,
          byOps: false,
          confidence: reg.confidence,
          file: f.path,
          record: { table: "regs", index: i },
        });
      }
    }
  }

  /** The function that a variable of this file holds in a field: `static struct notifier_block nb = { .notifier_call = f }`. */
  private memberOf(variable: number, field: string, f: SourceFile): number[] {
    const { program } = this;
    const o = f.outline;
    const id = program.names.find(field);
    const out: number[] = [];
    for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
      if (o.inits[i + Init.field] === id && o.inits[i + Init.base] === variable)
        out.push(...this.functionNamed(o.inits[i + Init.value], f));
    }
    return out;
  }

  /** Functions that a field of this struct type can hold, those nearest to the caller when there are near ones. */
  targets(struct: number, field: number, from: SourceFile): number[] {
    const all = new Set(this.table.inField(struct, field));
    for (const a of this.table.given(field, false)) if (this.isNear(this.pathOf(a.file), from)) all.add(a.fn);
    const list = [...all].filter((fn) => this.program.alive(fn) && sameArch(this.program.fnFile(fn), from));
    return list.sort((a, b) => this.program.comparePlaces(a, b));
  }

  /** Functions that a variable of the file, or one that all files share, is given somewhere. */
  variableTargets(name: number, from: SourceFile): number[] {
    const all = this.table.given(name, true).filter((a) => this.program.alive(a.fn));
    const own = all.filter((a) => a.file === from.index);
    const list = own.length > 0 ? own : all.filter((a) => sameArch(this.program.fnFile(a.fn), from));
    return [...new Set(list.map((a) => a.fn))].sort((a, b) => this.program.comparePlaces(a, b));
  }

  /**
   * The fields through which each function can be called, as far as calls through them are followed: those with at most
   * so many targets. `near`: only from files near this one.
   */
  placements(mostTargets: number): Map<number, Placement[]> {
    const out = new Map<number, Placement[]>();
    for (const { field, fns } of this.table.members()) {
      let everywhere = 0;
      for (const fn of new Set(fns)) {
        if (this.program.alive(fn) && this.program.fnFile(fn).arch === null) everywhere++;
      }
      if (everywhere > mostTargets) continue;
      for (const fn of fns) push(out, fn, { field, near: null, member: true });
    }
    for (const { name, variable, given } of this.table.names())
      for (const { fn, file } of given)
        push(out, fn, { field: name, near: variable ? null : this.pathOf(file), member: !variable });
    return out;
  }

  private pathOf(file: number): string {
    return this.program.files[file]!.path;
  }

  /** Whether a function that was assigned to a field in one file is a target of calls in the other. */
  isNear(assigned: string, from: SourceFile): boolean {
    return sameDriver(assigned, from.path);
  }

  /** Functions that stand in the same field of the same struct type as this one, in other objects. */
  rivals(fn: number): ReadonlySet<number> {
    const out = new Set<number>();
    for (const member of this.table.membersHolding(fn))
      for (const f of this.table.inMember(member)) out.add(f);
    out.delete(fn);
    return out;
  }

  /** Field name → functions, for over-approximating calls through members by name. */
  byName(): IterableIterator<[number, readonly number[]]> {
    return this.table.byName();
  }
}

/** Adds the functions of the fields (`struct.field`) that hold others now, or hold one more or less often. */
function noteMoved(
  into: Set<number>,
  old: FilePointers | null,
  now: FilePointers | null,
  table: PointerTable,
): void {
  const lists = (own: FilePointers | null): Map<Holder, number[]> => {
    const map = new Map<Holder, number[]>();
    own?.holders.forEach((holder, i) => {
      if (holder >= 0) push(map, holder, own.fns[i]);
    });
    return map;
  };
  const before = lists(old);
  const after = lists(now);
  for (const member of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(member) ?? [];
    if (was.join() === (after.get(member) ?? []).join()) continue;
    for (const fn of was) into.add(fn);
    for (const fn of table.inMember(member)) into.add(fn);
  }
}

function signature(own: FilePointers): string {
  const roots = own.roots.map((r) => `${r.fn}:${r.bits}:${r.how}:${r.confidence}:${r.record.index}`);
  return [own.holders, own.fns, own.putSuper, roots].map((list) => list.join()).join("|");
}

/**
 * Whether two files are of one driver, for all that paths tell: the same folder and first word of the name, or a folder
 * deep enough to be one driver's, with what is below it.
 */
function sameDriver(a: string, b: string): boolean {
  const x = a.slice(0, a.lastIndexOf("/") + 1);
  const y = b.slice(0, b.lastIndexOf("/") + 1);
  if (closeness(a, b) >= DRIVER_DEPTH) return x.startsWith(y) || y.startsWith(x);
  const word = (path: string): string => /[a-z0-9]*/.exec(path.slice(path.lastIndexOf("/") + 1))![0];
  return x === y && word(a) === word(b);
}

/** Folders from which on a folder is one driver's (drivers/net/wireless/foo, drivers/gpu/drm/foo). */
const DRIVER_DEPTH = 4;

function sameArch(f: SourceFile, from: SourceFile): boolean {
  return f.arch === null || f.arch === (from.arch ?? "x86");
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
