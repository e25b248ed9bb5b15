/**
 * The program: outlines of all files joined. Names are interned once for the whole tree in path order, functions get
 * numbers, and a name used in a file resolves to the definitions that it can mean there. Mutable only by `replace`.
 */

import type { FunctionHead } from "../facts/heads.js";
import {
  type FileOutline,
  FN_STRIDE,
  Fn,
  FnFlag,
  INIT_STRIDE,
  Init,
  type PackedNames,
  REG_STRIDE,
  Reg,
  STRUCT_STRIDE,
  Struct,
  TYPED_STRIDE,
  Typed,
} from "../facts/outline.js";
import { COLUMNS } from "../outline/columns.js";
import { MACRO_STRIDE } from "../outline/macroKinds.js";
import { unpackNames } from "../outline/nameCodec.js";
import type { ImageReader, ImageWriter } from "./image.js";
import { Includes } from "./includes.js";
import { Names } from "./names.js";
import { ListMap } from "./packedLists.js";
import { closeness, isPrivate, visibleHeader } from "./places.js";
import { type SourceFile, TreeFile } from "./treeFile.js";

export type { SourceFile };

const NONE: readonly number[] = [];

/** A record of a file: the index of its first integer in its column. */
interface Place {
  f: SourceFile;
  i: number;
}

/** A type as far as the outline tells: bare name (tag, typedef or base type) and TypeFlag bits. */
export interface TypeRef {
  name: number;
  flags: number;
}

const NO_LOADER = (path: string): never => {
  throw new Error(`${path}: has its outline`);
};

export class Program {
  readonly names: Names;
  readonly files: (SourceFile | null)[] = [];
  private readonly byPath = new Map<string, number>();
  /** Places of files that are gone: one that comes back takes its own. */
  private readonly removed = new Map<string, number>();
  /** Function number → file index (-1: gone) and record index in it. Numbers outlive edits: see `replace`. */
  private fnFileOf: Int32Array = new Int32Array(1 << 16);
  private fnIndexOf: Int32Array = new Int32Array(1 << 16);
  private fnNames: Int32Array = new Int32Array(1 << 16);
  private fnFlagsOf: Int32Array = new Int32Array(1 << 16);
  private fnCount = 0;
  /** Name → functions and macros with a body, in file order. */
  private definitions = new ListMap();
  private annotated = new ListMap();
  /** Name → records of structs and variables: file index and index in the column in turn. */
  private structs = new ListMap();
  private globals = new ListMap();
  /** What names with several definitions mean, by file index. */
  private resolved: (Map<number, readonly number[]> | undefined)[] = [];
  private readonly includes = new Includes(this);
  private readonly structCache = new Map<number, Place | null>();
  /** Indices of files that were replaced or added since the program was loaded. */
  readonly edited = new Set<number>();
  bytes = 0;
  callCount = 0;
  functionCount = 0;
  macroCount = 0;

  /**
   * A program of no files, or the one that was saved; the outlines of its files are then read by `outlineOf` as the files
   * had them, names and all.
   */
  constructor(from: ImageReader | null = null, outlineOf: (path: string) => FileOutline = NO_LOADER) {
    this.names = from ? Names.restore(from, "names") : Names.empty();
    if (from) this.restore(from, outlineOf);
  }

  private restore(from: ImageReader, outlineOf: (path: string) => FileOutline): void {
    const paths = from.json<string[]>("program.paths");
    const counts = from.ints("program.counts");
    this.fnNames = from.ints("program.fnNames");
    this.fnFlagsOf = from.ints("program.fnFlags");
    this.fnFileOf = new Int32Array(this.fnNames.length);
    this.fnIndexOf = new Int32Array(this.fnNames.length);
    const numbers = new Int32Array(this.fnNames.length);
    const load = (path: string): FileOutline => {
      const outline = outlineOf(path);
      this.intern(outline);
      return outline;
    };
    paths.forEach((path, index) => {
      const first = this.fnCount;
      for (let i = 0; i < counts[index]; i++) {
        const fn = this.fnCount++;
        numbers[fn] = fn;
        this.fnFileOf[fn] = index;
        this.fnIndexOf[fn] = i;
      }
      this.files.push(new TreeFile(path, index, numbers, first, this.fnCount, null, load));
      this.byPath.set(path, index);
    });
    const known = this.names.count;
    this.definitions = new ListMap(from.lists("program.definitions", known));
    this.annotated = new ListMap(from.lists("program.annotated", known));
    this.structs = new ListMap(from.lists("program.structs", known));
    this.globals = new ListMap(from.lists("program.globals", known));
    [this.bytes, this.callCount, this.functionCount, this.macroCount] = from.json<number[]>("program.sums");
  }

  /** Of a program that was not edited: functions are numbered in the order of the files. */
  save(to: ImageWriter): void {
    const { names, fnCount } = this;
    names.save(to, "names");
    to.json(
      "program.paths",
      this.files.map((f) => f!.path),
    );
    to.put(
      "program.counts",
      Int32Array.from(this.files, (f) => f!.fns.length),
    );
    to.put("program.fnNames", this.fnNames.slice(0, fnCount));
    to.put("program.fnFlags", this.fnFlagsOf.slice(0, fnCount));
    to.lists("program.definitions", this.definitions.pack(names.count));
    to.lists("program.annotated", this.annotated.pack(names.count));
    to.lists("program.structs", this.structs.pack(names.count));
    to.lists("program.globals", this.globals.pack(names.count));
    to.json("program.sums", [this.bytes, this.callCount, this.functionCount, this.macroCount]);
  }

  file(path: string): SourceFile | null {
    const i = this.byPath.get(path);
    return i === undefined ? null : this.files[i];
  }

  /** Paths of files that begin with this, in order. */
  pathsFrom(prefix: string): string[] {
    this.sorted ??= [...this.byPath.keys()].sort();
    const { sorted } = this;
    let low = 0;
    for (let high = sorted.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < prefix) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < sorted.length && sorted[end].startsWith(prefix)) end++;
    return sorted.slice(low, end);
  }
  /** All paths in order; null when files came or went since. */
  private sorted: string[] | null = null;

  /** Number of a file's place in `files`, which it keeps when its text is replaced. */
  indexOf(path: string): number | undefined {
    return this.byPath.get(path) ?? this.removed.get(path);
  }

  /** Adds files in path order (callers sort): numbering, and so everything after it, is independent of arrival order. */
  add(path: string, outline: FileOutline): SourceFile {
    this.sorted = null;
    this.intern(outline);
    return this.put(path, outline, this.files.length, null);
  }

  /** `reuse`: function numbers by name and ordinal that the file had before. */
  private put(
    path: string,
    outline: FileOutline,
    index: number,
    reuse: Map<string, number> | null,
  ): SourceFile {
    const count = outline.fn.length / FN_STRIDE;
    const file = new TreeFile(path, index, new Int32Array(count), 0, count, outline, NO_LOADER);
    const seen = new Map<number, number>();
    for (let i = 0; i < count; i++) {
      const name = outline.fn[i * FN_STRIDE + Fn.name];
      let fn: number | undefined;
      if (reuse) {
        const ordinal = seen.get(name) ?? 0;
        seen.set(name, ordinal + 1);
        fn = reuse.get(`${name}#${ordinal}`);
      }
      if (fn === undefined) {
        fn = this.fnCount++;
        if (fn >= this.fnFileOf.length) {
          this.fnFileOf = grown(this.fnFileOf);
          this.fnIndexOf = grown(this.fnIndexOf);
          this.fnNames = grown(this.fnNames);
          this.fnFlagsOf = grown(this.fnFlagsOf);
        }
      }
      this.fnFileOf[fn] = index;
      this.fnIndexOf[fn] = i;
      this.fnNames[fn] = name;
      this.fnFlagsOf[fn] = outline.fn[i * FN_STRIDE + Fn.flags];
      file.fns[i] = fn;
    }
    this.files[index] = file;
    this.byPath.set(path, index);
    this.link(file);
    if (reuse) this.sortNamesOf(file);
    return file;
  }

  /**
   * Puts a new outline in the place of a file's old one (or removes it, with null). A function that is still there by name
   * keeps its number, so that what is known about it by offsets relative to its start stays valid. False when the new
   * outline is the old one, and nothing was done.
   */
  replace(path: string, outline: FileOutline | null): boolean {
    const old = this.file(path);
    if (outline) {
      this.intern(outline);
      if (old && sameOutline(old.outline, outline)) return false;
    }
    let reuse: Map<string, number> | null = null;
    if (old) {
      reuse = new Map();
      const seen = new Map<number, number>();
      for (let i = 0; i < old.fns.length; i++) {
        const name = old.outline.fn[i * FN_STRIDE + Fn.name];
        const ordinal = seen.get(name) ?? 0;
        seen.set(name, ordinal + 1);
        reuse.set(`${name}#${ordinal}`, old.fns[i]);
        this.fnFileOf[old.fns[i]] = -1;
      }
      this.unlink(old);
      this.files[old.index] = null;
      this.byPath.delete(path);
      this.removed.set(path, old.index);
    }
    if (!old || !outline) this.sorted = null;
    this.resolved = [];
    this.structCache.clear();
    this.includes.forget(!old || !outline);
    const index = this.removed.get(path) ?? this.files.length;
    this.edited.add(index);
    if (outline) {
      this.removed.delete(path);
      this.put(path, outline, index, reuse ?? new Map());
    } else if (index === this.files.length) this.files.push(null);
    return true;
  }

  /**
   * Puts what the file defines where it would stand had it been there from the start: in path order. Which of several
   * definitions comes first must not depend on when a file was edited.
   */
  private sortNamesOf(f: SourceFile): void {
    const o = f.outline;
    const byFn = (a: number, b: number): number => this.comparePlaces(a, b);
    const sort = (map: ListMap, name: number): void => {
      const list = map.get(name);
      if (list && list.length > 1) list.sort(byFn);
    };
    const sortPlaces = (map: ListMap, name: number): void => {
      const list = map.get(name);
      if (!list || list.length <= 2) return;
      const places = this.places(map, name);
      places.sort((x, y) => compare(x.f.path, y.f.path) || x.i - y.i);
      map.set(
        name,
        places.flatMap(({ f, i }) => [f.index, i]),
      );
    };
    for (let i = 0; i < f.fns.length; i++) {
      const name = o.fn[i * FN_STRIDE + Fn.name];
      sort(this.definitions, name);
      sort(this.annotated, name);
    }
    for (let i = 0; i < o.structs.length; i += STRUCT_STRIDE)
      sortPlaces(this.structs, o.structs[i + Struct.name]);
    for (let i = 0; i < o.globals.length; i += TYPED_STRIDE)
      sortPlaces(this.globals, o.globals[i + Typed.name]);
  }

  /** Replaces the file's own name numbers by the program's. */
  private intern(o: FileOutline): void {
    const map = o.packed ? this.numbersOf(o.packed) : Int32Array.from(o.names, (name) => this.names.id(name));
    const column = (a: Int32Array, stride: number, ...cols: number[]): void => {
      for (let i = 0; i < a.length; i += stride) for (const c of cols) a[i + c] = map[a[i + c]];
    };
    column(o.fn, FN_STRIDE, Fn.name, Fn.returnType);
    column(o.params, TYPED_STRIDE, Typed.name, Typed.type);
    column(o.fields, TYPED_STRIDE, Typed.name, Typed.type);
    column(o.globals, TYPED_STRIDE, Typed.name, Typed.type);
    column(o.structs, STRUCT_STRIDE, Struct.name, Struct.alias);
    column(o.inits, INIT_STRIDE, Init.type, Init.field, Init.outer, Init.value, Init.base);
    column(o.regs, REG_STRIDE, Reg.name);
    column(o.regArgs, 1, 0);
    column(o.includes, 1, 0);
    column(o.annots, 2, 1);
    column(o.conds, 4, 0);
    column(o.macros, MACRO_STRIDE, 0, 2);
    for (let i = 0; i < o.calls.length; i++) o.calls[i] = map[o.calls[i] >> 1] * 2 + (o.calls[i] & 1);
    o.names = [];
    o.packed = undefined;
  }

  private numbersOf(packed: PackedNames): Int32Array {
    const { names } = this;
    const { bytes, ends } = unpackNames(packed);
    const map = new Int32Array(packed.count);
    for (let i = 1; i < map.length; i++) map[i] = names.idOf(bytes, ends[i - 1] + 1, ends[i]);
    for (const [i, name] of packed.wide) map[i] = names.id(name);
    return map;
  }

  private link(f: SourceFile): void {
    const o = f.outline;
    this.bytes += o.size;
    this.callCount += o.calls.length;
    for (let i = 0; i < f.fns.length; i++) {
      const at = i * FN_STRIDE;
      const flags = o.fn[at + Fn.flags];
      const name = o.fn[at + Fn.name];
      if (flags & FnFlag.Macro) this.macroCount++;
      else if (!(flags & (FnFlag.Prototype | FnFlag.ObjectMacro))) this.functionCount++;
      (flags & FnFlag.Prototype ? this.annotated : this.definitions).push(name, f.fns[i]);
    }
    for (let i = 0; i < o.structs.length; i += STRUCT_STRIDE)
      this.structs.pushPair(o.structs[i + Struct.name], f.index, i);
    for (let i = 0; i < o.globals.length; i += TYPED_STRIDE)
      this.globals.pushPair(o.globals[i + Typed.name], f.index, i);
  }

  private unlink(f: SourceFile): void {
    const o = f.outline;
    this.bytes -= o.size;
    this.callCount -= o.calls.length;
    for (let i = 0; i < f.fns.length; i++) {
      const at = i * FN_STRIDE;
      const flags = o.fn[at + Fn.flags];
      const name = o.fn[at + Fn.name];
      if (flags & FnFlag.Macro) this.macroCount--;
      else if (!(flags & (FnFlag.Prototype | FnFlag.ObjectMacro))) this.functionCount--;
      (flags & FnFlag.Prototype ? this.annotated : this.definitions).drop(name, f.fns[i]);
    }
    for (let i = 0; i < o.structs.length; i += STRUCT_STRIDE)
      dropPlace(this.structs, o.structs[i + Struct.name], f, i);
    for (let i = 0; i < o.globals.length; i += TYPED_STRIDE)
      dropPlace(this.globals, o.globals[i + Typed.name], f, i);
  }

  fnFile(fn: number): SourceFile {
    return this.files[this.fnFileOf[fn]]!;
  }
  /** Whether the number still stands for a function. */
  alive(fn: number): boolean {
    return this.fnFileOf[fn] >= 0;
  }
  /** Record index of a function in its file's outline. */
  fnIndex(fn: number): number {
    return this.fnIndexOf[fn];
  }
  /** Order by path, then by place in the file: that of the numbers when nothing was edited. */
  comparePlaces(a: number, b: number): number {
    return compare(this.fnFile(a).path, this.fnFile(b).path) || this.fnIndexOf[a] - this.fnIndexOf[b];
  }
  private col(fn: number, c: number): number {
    if (c === Fn.name) return this.fnNames[fn];
    if (c === Fn.flags) return this.fnFlagsOf[fn];
    return this.fnFile(fn).outline.fn[this.fnIndexOf[fn] * FN_STRIDE + c];
  }
  fnName(fn: number): number {
    return this.fnNames[fn];
  }
  fnText(fn: number): string {
    return this.names.text(this.fnName(fn));
  }
  fnFlags(fn: number): number {
    return this.fnFlagsOf[fn];
  }
  fnColumn(fn: number, column: number): number {
    return this.col(fn, column);
  }
  /** What a function's facts need of the outline: see facts/heads.ts. */
  head(file: SourceFile, index: number): FunctionHead {
    const o = file.outline;
    const at = index * FN_STRIDE;
    const params: FunctionHead["params"] = [];
    let p = o.fn[at + Fn.paramFirst] * TYPED_STRIDE;
    for (let n = o.fn[at + Fn.paramCount]; n > 0; n--, p += TYPED_STRIDE)
      params.push({
        name: this.names.text(o.params[p + Typed.name]),
        type: this.names.text(o.params[p + Typed.type]),
        flags: o.params[p + Typed.flags],
      });
    return {
      name: this.names.text(o.fn[at + Fn.name]),
      flags: o.fn[at + Fn.flags],
      start: o.fn[at + Fn.start],
      bodyStart: o.fn[at + Fn.bodyStart],
      end: o.fn[at + Fn.end],
      params,
    };
  }
  /** The name of each function, as it is now. */
  nameColumn(): Int32Array {
    return this.fnNames.slice(0, this.fnCount);
  }
  get maxFn(): number {
    return this.fnCount;
  }
  /** Calls of a function as outline call words (`name * 2 + member`), in source order. */
  calls(fn: number): Int32Array {
    const f = this.fnFile(fn);
    const at = this.fnIndexOf[fn] * FN_STRIDE;
    const first = f.outline.fn[at + Fn.callFirst];
    return f.outline.calls.subarray(first, first + f.outline.fn[at + Fn.callCount]);
  }

  definitionsOf(name: number): readonly number[] {
    return this.definitions.get(name) ?? NONE;
  }
  prototypesOf(name: number): readonly number[] {
    return this.annotated.get(name) ?? NONE;
  }
  allDefinitions(): IterableIterator<[number, number[]]> {
    return this.definitions.entries();
  }

  /**
   * The definitions that a name can mean in a file: its own first, then headers it can see, then global functions; other
   * architectures are left out, stubs in `#else` branches give way to real bodies. Several: alternatives by build.
   */
  resolve(name: number, from: SourceFile): readonly number[] {
    const all = this.definitions.get(name);
    if (!all) return NONE;
    if (all.length === 1) return this.canMean(all[0], from) ? all : NONE;
    let known = this.resolved[from.index];
    if (!known) {
      known = new Map();
      this.resolved[from.index] = known;
    }
    let out = known.get(name);
    if (!out) {
      // Kept for good: without the room that a list has taken to grow.
      out = this.resolveNew(name, all, from).slice();
      known.set(name, out);
    }
    return out;
  }

  /** Whether a name can mean this definition in a file, if there is no other. */
  private canMean(fn: number, from: SourceFile): boolean {
    const f = this.fnFile(fn);
    const flags = this.fnFlags(fn);
    if (flags & FnFlag.Dead) return false;
    if (f === from) return true;
    if (f.header) return visibleHeader(f.path, from.path);
    return !(flags & (FnFlag.Static | FnFlag.Macro | FnFlag.ObjectMacro));
  }

  /** Whether a stub for a feature that is off stands beside the definitions that the name resolves to. */
  hasStub(name: number, from: SourceFile): boolean {
    for (const fn of this.definitions.get(name) ?? []) {
      const f = this.fnFile(fn);
      if (
        this.fnFlags(fn) & FnFlag.ElseBranch &&
        (f === from || (f.header && visibleHeader(f.path, from.path)))
      )
        return true;
    }
    return false;
  }

  private resolveNew(name: number, all: readonly number[], from: SourceFile): readonly number[] {
    const own: number[] = [];
    const visible: number[] = [];
    const global: number[] = [];
    for (const fn of all) {
      if (!this.canMean(fn, from)) continue;
      const f = this.fnFile(fn);
      if (f === from) own.push(fn);
      else if (f.header) visible.push(fn);
      else global.push(fn);
    }
    // A function whose name a macro makes (`CONCATENATE(a, b)(void) {`) is outlined under the macro's name: not it.
    const macro = (fn: number): boolean => (this.fnFlags(fn) & FnFlag.Macro) !== 0;
    if (visible.some(macro) && /^[A-Z][A-Z0-9_]*$/.test(this.names.text(name))) {
      return this.prefer([...own, ...visible].filter(macro), from);
    }
    if (own.length > 0) return this.prefer(own, from);
    // A real function elsewhere outranks a header's stub; a header's macro or inline outranks nothing else.
    const real = visible.filter((fn) => !(this.fnFlags(fn) & FnFlag.ElseBranch));
    const included = this.includedOf(real, from);
    if (included.length > 0) return this.prefer(included, from);
    const realVisible = this.nearerThan(global, real, from);
    if (realVisible.length > 0) {
      const macrosOnly = realVisible.every((fn) => this.fnFlags(fn) & (FnFlag.Macro | FnFlag.ObjectMacro));
      if (!(macrosOnly && global.length > 0)) {
        // An inline under #if beside a global function: the global one is the usual build unless the inline stands alone.
        const unconditional = realVisible.filter((fn) => this.col(fn, Fn.cond) === 0 || global.length === 0);
        if (unconditional.length > 0) return this.prefer(unconditional, from);
        return this.prefer(global, from);
      }
    }
    if (global.length > 0) return this.prefer(global, from);
    return this.prefer(visible, from);
  }

  /** Those that private headers define which the file does include: the compiler sees them, whatever else there is. */
  private includedOf(list: readonly number[], from: SourceFile): number[] {
    const own = list.filter((fn) => isPrivate(this.fnFile(fn).path) && this.col(fn, Fn.cond) === 0);
    if (own.length === 0) return [];
    const { files } = this.includes.of(from);
    return own.filter((fn) => files.has(this.fnFile(fn).index));
  }

  /** Without those of private headers that a file does not include, or that are further off than a global function. */
  private nearerThan(global: readonly number[], list: readonly number[], from: SourceFile): number[] {
    if (global.length === 0 || !list.some((fn) => isPrivate(this.fnFile(fn).path))) return [...list];
    const near = (fn: number): number => closeness(this.fnFile(fn).path, from.path);
    const nearest = Math.max(...global.map(near));
    const closure = from.header ? null : this.includes.of(from);
    return list.filter((fn) => {
      const f = this.fnFile(fn);
      if (!isPrivate(f.path) || closure?.files.has(f.index)) return true;
      return !closure?.complete && near(fn) >= nearest;
    });
  }

  private prefer(list: number[], from: SourceFile): readonly number[] {
    if (list.length <= 1) return list;
    let out = list;
    const narrow = (keep: (fn: number) => boolean): void => {
      if (out.length <= 1) return;
      const kept = out.filter(keep);
      if (kept.length > 0) out = kept;
    };
    const arch = from.arch ?? "x86";
    narrow((fn) => {
      const a = this.fnFile(fn).arch;
      return a === null || a === arch;
    });
    if (from.arch !== null) narrow((fn) => this.fnFile(fn).arch === arch);
    narrow((fn) => !(this.fnFlags(fn) & FnFlag.Weak));
    narrow((fn) => !(this.fnFlags(fn) & FnFlag.ElseBranch));
    narrow((fn) => !(this.fnFlags(fn) & FnFlag.ObjectMacro));
    narrow((fn) => !/(^|\/)(tools|samples|selftests|scripts|testing)\//.test(this.fnFile(fn).path));
    if (out.length > 1) {
      let best = -1;
      for (const fn of out) best = Math.max(best, closeness(this.fnFile(fn).path, from.path));
      if (best > 0) out = out.filter((fn) => closeness(this.fnFile(fn).path, from.path) === best);
    }
    return out.length > 4 ? out.slice(0, 4) : out;
  }

  /** The records of a name, in the order of the files. */
  private places(map: ListMap, name: number): Place[] {
    const list = map.get(name) ?? NONE;
    const out: Place[] = [];
    for (let k = 0; k < list.length; k += 2) out.push({ f: this.files[list[k]]!, i: list[k + 1] });
    return out;
  }

  /** Records of structs, unions and typedefs of this name, in the order of the files. */
  structsNamed(name: number): { f: SourceFile; i: number }[] {
    return this.places(this.structs, name);
  }

  private nearest(
    places: readonly Place[],
    from: SourceFile,
    good: (f: SourceFile, i: number) => boolean,
  ): Place | null {
    const included = places.length > 1 ? this.includes.of(from).files : null;
    let best: Place | null = null;
    let score = -1;
    for (const place of places) {
      const { f, i } = place;
      if (!good(f, i)) continue;
      let s: number;
      if (f === from) s = 1000;
      else if (included?.has(f.index)) s = 700 + closeness(f.path, from.path);
      else if (f.header)
        s = visibleHeader(f.path, from.path)
          ? 500 + closeness(f.path, from.path)
          : closeness(f.path, from.path);
      else s = -1;
      if (f.arch !== null && f.arch !== (from.arch ?? "x86")) s -= 300;
      if (s > score) {
        score = s;
        best = place;
      }
    }
    return best;
  }

  /** The record of a struct, union or typedef of this name as seen from a file, or null. */
  private findStruct(name: number, from: SourceFile, wantFields: boolean): Place | null {
    const key = (name * 0x20000 + from.index) * 2 + (wantFields ? 1 : 0);
    let p = this.structCache.get(key);
    if (p === undefined) {
      p = this.nearest(
        this.places(this.structs, name),
        from,
        (f, i) => !wantFields || f.outline.structs[i + Struct.fieldCount] > 0,
      );
      this.structCache.set(key, p);
    }
    return p;
  }

  /** Follows typedefs to a struct's name (at most 4 deep). */
  structName(type: number, from: SourceFile): number {
    for (let n = 0; n < 4; n++) {
      const s = this.findStruct(type, from, false);
      if (s?.f.outline.structs[s.i + Struct.kind] !== 1) return type;
      type = s.f.outline.structs[s.i + Struct.alias];
    }
    return type;
  }

  /** Type of a field of a struct (by tag or typedef), or null. */
  fieldType(type: number, field: number, from: SourceFile): TypeRef | null {
    const tag = this.structName(type, from);
    const s = this.findStruct(tag, from, true);
    if (!s) return null;
    const o = s.f.outline;
    const first = o.structs[s.i + Struct.fieldFirst];
    for (let k = first; k < first + o.structs[s.i + Struct.fieldCount]; k++) {
      const q = k * TYPED_STRIDE;
      if (o.fields[q + Typed.name] === field)
        return { name: o.fields[q + Typed.type], flags: o.fields[q + Typed.flags] };
    }
    return null;
  }

  /** A file-level variable of this name as seen from a file: its type and the file that defines it. */
  globalVar(name: number, from: SourceFile): { type: TypeRef; file: SourceFile } | null {
    const places = this.places(this.globals, name);
    const place = this.nearest(places, from, () => true) ?? places[0];
    if (!place) return null;
    const { f, i } = place;
    return {
      type: { name: f.outline.globals[i + Typed.type], flags: f.outline.globals[i + Typed.flags] },
      file: f,
    };
  }

  /** The file that defines (not only declares) a global, for naming its lock class. */
  globalHome(name: number, from: SourceFile): string | null {
    const places = this.places(this.globals, name);
    let best: string | null = null;
    for (const { f } of places) {
      if (f === from) return f.path;
      if (!f.header && best === null) best = f.path;
    }
    return best ?? places[0]?.f.path ?? null;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function grown(a: Int32Array): Int32Array {
  const b = new Int32Array(a.length * 2);
  b.set(a);
  return b;
}

function dropPlace(map: ListMap, name: number, f: SourceFile, i: number): void {
  const list = map.get(name) ?? NONE;
  const left: number[] = [];
  for (let k = 0; k < list.length; k += 2)
    if (list[k] !== f.index || list[k + 1] !== i) left.push(list[k], list[k + 1]);
  if (left.length > 0) map.set(name, left);
  else map.delete(name);
}

/** Whether two outlines whose names are numbers of the program say the same, offsets included. */
function sameOutline(a: FileOutline, b: FileOutline): boolean {
  if (a.size !== b.size || a.problems.join() !== b.problems.join()) return false;
  return COLUMNS.every(([column]) => {
    const x = a[column];
    const y = b[column];
    return x.length === y.length && x.every((v, i) => v === y[i]);
  });
}
