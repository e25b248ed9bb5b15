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
import { closeness } from "./places.js";
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

export class Pointers {
  /** struct name * 2^21-ish + field → functions. */
  private readonly byField = new Map<string, number[]>();
  private readonly assigned = new Map<number, { fn: number; file: SourceFile }[]>();
  /** The other way round; made when first asked for. */
  private fieldsOf: Map<number, string[]> | null = null;
  readonly roots: CallbackRoot[] = [];
  /** Names that are installed or registered somewhere, whether or not they were functions when this was built. */
  private readonly installed = new Set<number>();
  /** Functions given to super_operations.put_super. */
  readonly putSuper = new Set<number>();

  constructor(
    private readonly program: Program,
    private readonly tables: KernelTables,
  ) {
    for (const f of program.files) if (f) this.addFile(f);
    const key = (r: CallbackRoot): string => `${r.fn}:${r.bits}:${r.how}`;
    const seen = new Set<string>();
    const unique = this.roots.filter((r) => !seen.has(key(r)) && seen.add(key(r)));
    this.roots.length = 0;
    this.roots.push(...unique);
  }

  private functionNamed(name: number, file: SourceFile): readonly number[] {
    return this.program
      .resolve(name, file)
      .filter((fn) => !(this.program.fnFlags(fn) & (FnFlag.Macro | FnFlag.ObjectMacro)));
  }

  private addFile(f: SourceFile): void {
    const { program } = this;
    const o = f.outline;
    for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
      const value = o.inits[i + Init.value];
      this.installed.add(value);
      if (program.definitionsOf(value).length === 0) continue;
      const targets = this.functionNamed(value, f);
      if (targets.length === 0) continue;
      const field = o.inits[i + Init.field];
      let type = o.inits[i + Init.type];
      if (type !== 0 && o.inits[i + Init.outer] !== 0)
        type = this.nestedType(type, program.names.text(o.inits[i + Init.outer]), f);
      if (type === 0) type = this.baseType(o.inits[i + Init.base], o.inits[i + Init.fn], f);
      const struct = type === 0 ? 0 : program.structName(type, f);
      for (const fn of targets) {
        if (struct !== 0) push(this.byField, `${struct}.${field}`, fn);
        else push(this.assigned, field, { fn, file: f });
        this.opsRoot(struct, field, fn, f, i);
      }
    }
    for (let i = 0; i < o.regs.length; i += REG_STRIDE) this.registration(f, i);
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
    if (structName === "super_operations" && fieldName === "put_super") this.putSuper.add(fn);
    let ops = structName === "" ? undefined : tables.opsFields.get(`${structName}.${fieldName}`);
    let guess = false;
    if (!ops && structName === "" && fieldName === "function") {
      // `timer.function = f` where the variable's type is not in the outline: old-style timers and hrtimers only.
      ops = tables.opsFields.get("timer_list.function") ?? tables.opsFields.get("hrtimer.function");
      guess = true;
    }
    if (!ops || ops.context === "process") return;
    if (
      ops.unless &&
      this.hasProperty(f, ops.unless.field, ops.unless.values, f.outline.inits[init + Init.base])
    )
      return;
    const c = CONTEXT_BITS[ops.context];
    if (!c) return;
    this.roots.push({
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
  private hasProperty(f: SourceFile, field: string, values: readonly string[], base: number): boolean {
    const { program } = this;
    const o = f.outline;
    const id = program.names.find(field);
    if (id < 0) return false;
    void base;
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
        this.roots.push({
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

  /** Whether a change of what this name means changes what is installed or registered. */
  installs(name: number): boolean {
    return this.installed.has(name);
  }

  /** Functions that a field of this struct type can hold, those nearest to the caller when there are near ones. */
  targets(struct: number, field: number, from: SourceFile): { fns: number[]; total: number } {
    const all = new Set(this.byField.get(`${struct}.${field}`) ?? []);
    for (const a of this.assigned.get(field) ?? []) if (sameDriver(a.file.path, from.path)) all.add(a.fn);
    const list = [...all].filter((fn) => this.program.alive(fn) && sameArch(this.program.fnFile(fn), from));
    return { fns: list.sort((a, b) => this.program.comparePlaces(a, b)), total: list.length };
  }

  /** Functions that stand in the same field of the same struct type as this one, in other objects. */
  rivals(fn: number): ReadonlySet<number> {
    if (!this.fieldsOf) {
      this.fieldsOf = new Map();
      for (const [key, fns] of this.byField) for (const f of fns) push(this.fieldsOf, f, key);
    }
    const out = new Set<number>();
    for (const key of this.fieldsOf.get(fn) ?? []) for (const f of this.byField.get(key)!) out.add(f);
    out.delete(fn);
    return out;
  }

  /** Field name → functions, for over-approximating calls through members by name. */
  *byName(): IterableIterator<[number, readonly number[]]> {
    for (const [key, fns] of this.byField) yield [Number(key.slice(key.indexOf(".") + 1)), fns];
    for (const [field, list] of this.assigned) yield [field, list.map((a) => a.fn)];
  }
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
