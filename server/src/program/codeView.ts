/** The program as those see it who rewrite code: plain data about symbols, callers and types. */
import type { CodeView, Definition, Installation, StructView, TypedName } from "../code.js";
import {
  FN_STRIDE,
  Fn,
  FnFlag,
  INIT_STRIDE,
  Init,
  type MacroClasses,
  Struct,
  TYPED_STRIDE,
  Typed,
  TypeFlag,
} from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import type { CallGraph } from "./callgraph.js";
import { closeness, visibleHeader } from "./places.js";
import type { Program, SourceFile } from "./program.js";

const NO_BODY = FnFlag.Prototype | FnFlag.ObjectMacro;

export class ProgramCodeView implements CodeView {
  constructor(
    private readonly program: Program,
    readonly version: { major: number; minor: number } | null,
    readonly tables: KernelTables,
    private readonly classes: () => MacroClasses,
    /** Who calls what, where somebody has made an index of it already. */
    private readonly graph?: () => CallGraph | undefined,
  ) {}

  get macroClasses(): MacroClasses {
    return this.classes();
  }

  hasFile(file: string): boolean {
    return this.program.file(file) !== null;
  }

  files(): readonly string[] {
    const out: string[] = [];
    for (const f of this.program.files) if (f) out.push(f.path);
    return out.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  functionsIn(file: string): Definition[] {
    const f = this.program.file(file);
    if (!f) return [];
    return [...f.fns].filter((fn) => this.hasBody(fn)).map((fn) => this.definition(fn));
  }

  functionAt(file: string, offset: number): Definition | null {
    const f = this.program.file(file);
    if (!f) return null;
    for (const fn of f.fns) {
      if (!this.hasBody(fn)) continue;
      if (this.program.fnColumn(fn, Fn.start) <= offset && offset < this.program.fnColumn(fn, Fn.end))
        return this.definition(fn);
    }
    return null;
  }

  definitions(name: string): Definition[] {
    const id = this.program.names.find(name);
    if (id < 0) return [];
    return this.program
      .definitionsOf(id)
      .filter((fn) => this.hasBody(fn))
      .map((fn) => this.definition(fn));
  }

  resolve(name: string, from: string): Definition[] {
    const id = this.program.names.find(name);
    const f = this.program.file(from);
    if (id < 0 || !f) return [];
    return this.program
      .resolve(id, f)
      .filter((fn) => this.hasBody(fn))
      .map((fn) => this.definition(fn));
  }

  has(name: string): boolean {
    const id = this.program.names.find(name);
    return id > 0 && (this.program.definitionsOf(id).length > 0 || this.program.prototypesOf(id).length > 0);
  }

  callersOf(name: string): Definition[] {
    const { program } = this;
    const id = program.names.find(name);
    if (id <= 0) return [];
    const out = new Set<number>();
    const graph = this.graph?.();
    if (graph) graph.callersOf(id, (fn) => out.add(fn));
    else
      for (const f of program.files) {
        if (!f?.outline.calls.some((c) => c >> 1 === id)) continue;
        for (const fn of f.fns) if (program.calls(fn).some((c) => c >> 1 === id)) out.add(fn);
      }
    return [...out]
      .filter((fn) => this.hasBody(fn))
      .map((fn) => this.definition(fn))
      .sort(byPlace);
  }

  installationsOf(name: string): Installation[] {
    const { program } = this;
    const id = program.names.find(name);
    if (id <= 0) return [];
    const out: Installation[] = [];
    for (const f of program.files) {
      if (!f) continue;
      const { inits } = f.outline;
      for (let i = 0; i < inits.length; i += INIT_STRIDE) {
        if (inits[i + Init.value] !== id) continue;
        out.push({
          file: f.path,
          offset: inits[i + Init.offset],
          type: program.names.text(inits[i + Init.type]),
          field: program.names.text(inits[i + Init.field]),
          base: program.names.text(inits[i + Init.base]),
        });
      }
    }
    return out.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.offset - b.offset));
  }

  structs(name: string, from: string): StructView[] {
    const id = this.program.names.find(name);
    const f = this.program.file(from);
    if (id <= 0) return [];
    const tag = f ? this.program.structName(id, f) : id;
    const out: StructView[] = [];
    for (const { f: other, i } of this.program.structsNamed(tag)) {
      const o = other.outline;
      if (o.structs[i + Struct.fieldCount] === 0) continue;
      const first = o.structs[i + Struct.fieldFirst];
      const fields: TypedName[] = [];
      for (let k = first; k < first + o.structs[i + Struct.fieldCount]; k++)
        fields.push(this.typed(o.fields, k * TYPED_STRIDE));
      out.push({ name: this.program.names.text(tag), file: other.path, fields });
    }
    const score = (s: StructView): number =>
      s.file === from ? 1000 : (visibleHeader(s.file, from) ? 500 : 0) + closeness(s.file, from);
    return out.sort((a, b) => score(b) - score(a) || (a.file < b.file ? -1 : 1));
  }

  fieldType(struct: string, field: string, from: string): TypedName | null {
    const { names } = this.program;
    const [s, n, f] = [names.find(struct), names.find(field), this.program.file(from)];
    if (s <= 0 || n <= 0 || !f) return null;
    const type = this.program.fieldType(s, n, f);
    return type && fromFlags(field, names.text(type.name), type.flags);
  }

  globalVar(name: string, from: string): (TypedName & { file: string }) | null {
    const { names } = this.program;
    const [n, f] = [names.find(name), this.program.file(from)];
    if (n <= 0 || !f) return null;
    const found = this.program.globalVar(n, f);
    return (
      found && { ...fromFlags(name, names.text(found.type.name), found.type.flags), file: found.file.path }
    );
  }

  includes(file: string): string[] {
    const f = this.program.file(file);
    return f ? [...f.outline.includes].map((n) => this.program.names.text(n)) : [];
  }

  private hasBody(fn: number): boolean {
    return (this.program.fnFlags(fn) & NO_BODY) === 0;
  }

  private definition(fn: number): Definition {
    const { program } = this;
    const f: SourceFile = program.fnFile(fn);
    const o = f.outline;
    const at = program.fnIndex(fn) * FN_STRIDE;
    const flags = o.fn[at + Fn.flags];
    const params: TypedName[] = [];
    const first = o.fn[at + Fn.paramFirst];
    for (let p = first; p < first + o.fn[at + Fn.paramCount]; p++)
      params.push(this.typed(o.params, p * TYPED_STRIDE));
    return {
      name: program.fnText(fn),
      file: f.path,
      start: o.fn[at + Fn.start],
      end: o.fn[at + Fn.end],
      nameStart: o.fn[at + Fn.nameStart],
      bodyStart: o.fn[at + Fn.bodyStart],
      kind: flags & FnFlag.Macro ? "macro" : "function",
      isStatic: (flags & FnFlag.Static) !== 0,
      isInline: (flags & FnFlag.Inline) !== 0,
      isInit: (flags & FnFlag.Init) !== 0,
      isStub: (flags & (FnFlag.ElseBranch | FnFlag.Dead)) !== 0,
      returnType: program.names.text(o.fn[at + Fn.returnType]),
      params,
    };
  }

  private typed(column: Int32Array, q: number): TypedName {
    const { names } = this.program;
    return fromFlags(
      names.text(column[q + Typed.name]),
      names.text(column[q + Typed.type]),
      column[q + Typed.flags],
    );
  }
}

function fromFlags(name: string, type: string, flags: number): TypedName {
  return {
    name,
    type,
    isStruct: (flags & TypeFlag.Struct) !== 0,
    isPointer: (flags & (TypeFlag.Pointer | TypeFlag.PointerPointer)) !== 0,
    isArray: (flags & TypeFlag.Array) !== 0,
    isFunctionPointer: (flags & TypeFlag.FunctionPointer) !== 0,
    isStatic: (flags & TypeFlag.Static) !== 0,
  };
}

function byPlace(a: Definition, b: Definition): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start;
}
