/** Meanings that object-like macros and initialisers give to names: gfp aliases, integer constants, object properties. */
import { Fn, FnFlag, INIT_STRIDE, Init } from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import { closeness } from "../program/places.js";
import type { Program, SourceFile } from "../program/program.js";

export class Aliases {
  private readonly memo = new Map<string, boolean | null>();
  private readonly propertyMemo = new Map<string, boolean | null>();
  private readonly texts = new Map<string, string | null>();

  constructor(
    private readonly program: Program,
    private readonly tables: KernelTables,
    private readonly read: (file: string) => string | null,
  ) {}

  private text(file: string): string | null {
    let t = this.texts.get(file);
    if (t === undefined) {
      t = this.read(file);
      if (this.texts.size > 64) this.texts.clear();
      this.texts.set(file, t);
    }
    return t;
  }

  /** Replacement text of an object-like macro as seen from a file. */
  private replacement(name: string, from: SourceFile): string | null {
    const id = this.program.names.find(name);
    if (id < 0) return null;
    for (const fn of this.program.resolve(id, from)) {
      if (!(this.program.fnFlags(fn) & FnFlag.ObjectMacro)) continue;
      const text = this.text(this.program.fnFile(fn).path);
      if (text === null) continue;
      return text
        .slice(this.program.fnColumn(fn, Fn.bodyStart), this.program.fnColumn(fn, Fn.end))
        .replace(/\\\n/g, " ")
        .replace(/\/\*.*?\*\//gs, " ")
        .trim();
    }
    return null;
  }

  /** Whether a macro stands for gfp flags that allow blocking; null when it does not stand for gfp flags. */
  gfp(name: string, from: SourceFile, depth = 0): boolean | null {
    const key = `${name}@${from.index}`;
    const hit = this.memo.get(key);
    if (hit !== undefined) return hit;
    const r = depth > 4 ? null : this.gfpText(this.replacement(name, from), from, depth);
    this.memo.set(key, r);
    return r;
  }

  private gfpText(text: string | null, from: SourceFile, depth: number): boolean | null {
    if (text === null || !/^[\w\s|&~()]+$/.test(text)) return null;
    if (/&\s*~\s*\(?[^)]*__GFP_(DIRECT_)?RECLAIM/.test(text)) return false;
    let any = false;
    let blocks = false;
    for (const word of text.replace(/&\s*~\s*(\w+|\([^)]*\))/g, "").match(/[A-Za-z_]\w*/g) ?? []) {
      const known = this.tables.gfp.get(word);
      if (known !== undefined) {
        any = true;
        blocks ||= known;
      } else if (/^__?GFP_/.test(word)) any = true;
      else if (word !== "__force" && word !== "gfp_t") {
        const inner = this.gfp(word, from, depth + 1);
        if (inner === null) return null;
        any = true;
        blocks ||= inner;
      }
    }
    return any ? blocks : null;
  }

  constant(name: string, from: SourceFile): number | null {
    // Names of macros are upper case by custom: do not look up every variable.
    if (!/^[A-Z][A-Z0-9_]+$/.test(name)) return null;
    const text = this.replacement(name, from);
    if (text === null) return null;
    const m = /^\(?\s*(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\s*\)?$/.exec(text);
    return m ? Number(m[1]) | 0 : null;
  }

  /**
   * Whether objects of these struct types that a file can mean have the property: true or false when the initialisers in
   * the file, or else in its directory, agree; null when none is seen or they differ.
   */
  property(
    structs: readonly string[],
    field: string,
    values: readonly string[],
    from: SourceFile,
  ): boolean | null {
    const dir = from.path.slice(0, from.path.lastIndexOf("/") + 1);
    const key = `${structs.join()}.${field}@${from.path}`;
    const hit = this.propertyMemo.get(key);
    if (hit !== undefined) return hit;
    const { program } = this;
    const types = new Set(structs.map((s) => program.names.find(s)).filter((n) => n > 0));
    const fieldId = program.names.find(field);
    let has = 0;
    let objects = 0;
    for (const near of [true, false]) {
      for (const f of program.files) {
        if (
          !f ||
          (near ? f !== from : f === from || !f.path.startsWith(dir) || closeness(f.path, from.path) < 2)
        )
          continue;
        const o = f.outline;
        const bases = new Map<number, boolean>();
        for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
          if (!types.has(program.structName(o.inits[i + Init.type], f))) continue;
          const base = o.inits[i + Init.base];
          const set =
            o.inits[i + Init.field] === fieldId &&
            values.includes(program.names.text(o.inits[i + Init.value]));
          bases.set(base, (bases.get(base) ?? false) || set);
        }
        for (const set of bases.values()) {
          objects++;
          if (set) has++;
        }
      }
      if (objects > 0) break;
    }
    const r = objects === 0 ? null : has === objects ? true : has === 0 ? false : null;
    this.propertyMemo.set(key, r);
    return r;
  }
}
