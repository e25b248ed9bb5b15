/** Meanings that object-like macros and initialisers give to names: gfp aliases, integer constants, object properties. */
import { Fn, FnFlag, INIT_STRIDE, Init } from "../facts/outline.js";
import type { KernelTables, ObjectProperty } from "../kernel/types.js";
import { closeness } from "../program/places.js";
import type { Program, SourceFile } from "../program/program.js";

/** As many files that begin with the same word in one directory can be one driver; more are a class of devices. */
const MOST_ALIKE = 8;

export class Aliases {
  private readonly memo = new Map<string, boolean | null>();
  /** How many files of a directory begin with a word. */
  private readonly alikeMemo = new Map<string, number>();
  private readonly propertyMemo = new Map<string, boolean | null>();
  /** By file index, then by name. */
  private readonly constants: (Map<string, number | null> | undefined)[] = [];
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
    let here = this.constants[from.index];
    if (!here) {
      here = new Map();
      this.constants[from.index] = here;
    }
    let known = here.get(name);
    if (known === undefined) {
      known = this.constantText(this.replacement(name, from));
      here.set(name, known);
    }
    return known;
  }

  private constantText(text: string | null): number | null {
    if (text === null) return null;
    const m = /^\(?\s*(-?\s*(?:0[xX][0-9a-fA-F]+|\d+))[uUlL]*\s*\)?$/.exec(text);
    return m ? Number(m[1].replace(/\s/g, "")) | 0 : null;
  }

  /**
   * Whether the objects that a file can mean have a property that decides about sleeping: true or false when what can be
   * seen in the file, or else in its directory, agrees; null when nothing is seen or it differs.
   */
  property(p: ObjectProperty, from: SourceFile): boolean | null {
    const dir = from.path.slice(0, from.path.lastIndexOf("/") + 1);
    const key = `${p.structs.join()}.${p.field}@${from.path}`;
    const hit = this.propertyMemo.get(key);
    if (hit !== undefined) return hit;
    const { program } = this;
    let r = this.seenIn(p, [from]);
    if (r === null) {
      const near = program
        .pathsFrom(dir)
        .filter(
          (path) => path !== from.path && closeness(path, from.path) >= 2 && this.sameDriver(path, from.path),
        );
      r = this.seenIn(
        p,
        near.map((path) => program.file(path)!),
      );
    }
    // A mark that a driver sets by a call, and never does: it does not have it.
    if (r === null && p.calls && !p.contraryCalls && !p.only) r = false;
    this.propertyMemo.set(key, r);
    return r;
  }

  /**
   * Files of one directory are one driver when their names begin alike: with the same word, or with the same two where the
   * first is what everything there is called (gpio-, irq-, clk-).
   */
  private sameDriver(path: string, from: string): boolean {
    const words = (path: string): string[] => path.slice(path.lastIndexOf("/") + 1).split(/[-_.]/);
    const [first, second] = words(from);
    const [x, y] = words(path);
    if (x !== first) return false;
    const dir = from.slice(0, from.lastIndexOf("/") + 1);
    const key = `${dir}${first}`;
    let alike = this.alikeMemo.get(key);
    if (alike === undefined) {
      alike = 0;
      for (const other of this.program.pathsFrom(key)) if (words(other)[0] === first) alike++;
      this.alikeMemo.set(key, alike);
    }
    return alike <= MOST_ALIKE || y === second;
  }

  private seenIn(p: ObjectProperty, files: readonly SourceFile[]): boolean | null {
    const { program } = this;
    const types = new Set(p.structs.map((s) => program.names.find(s)).filter((n) => n > 0));
    const fieldId = program.names.find(p.field);
    const calls = new Set((p.calls ?? []).map((c) => program.names.find(c)));
    const contrary = new Set((p.contraryCalls ?? []).map((c) => program.names.find(c)));
    let yes = false;
    let no = false;
    for (const f of files) {
      const o = f.outline;
      for (const c of o.calls) {
        if (calls.has(c >> 1)) yes = true;
        else if (contrary.has(c >> 1)) no = true;
      }
      for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
        if (o.inits[i + Init.field] !== fieldId) continue;
        const type = o.inits[i + Init.type];
        if (type !== 0 && !types.has(program.structName(type, f))) continue;
        if (matches(p.values, program.names.text(o.inits[i + Init.value]))) yes = true;
        else no = true;
      }
    }
    return yes && !no ? true : no && !yes ? false : null;
  }
}

function matches(values: readonly string[], text: string): boolean {
  return values.some(
    (v) => v === "*" || v === text || (v.startsWith("/") && new RegExp(v.slice(1, -1)).test(text)),
  );
}
