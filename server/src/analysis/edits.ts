/**
 * What an edit of files changes about the program: which functions are others, which names mean something else, and whose
 * meaning may have changed without their text. Two outlines of a file tell, by the hashes of the functions' texts.
 */
import {
  type FileOutline,
  FN_STRIDE,
  Fn,
  FnFlag,
  INIT_STRIDE,
  Init,
  REG_STRIDE,
  Reg,
  STRUCT_STRIDE,
  Struct,
  TYPED_STRIDE,
} from "../facts/outline.js";
import type { KernelTables } from "../kernel/types.js";
import { ownIncludes } from "../program/includes.js";
import type { Program, SourceFile } from "../program/program.js";
import type { ProgramChange } from "./solver.js";

/** Follows files one by one into the program and sums up what is different afterwards. */
export class Edits {
  /** Files with another outline than before, or none, or one now. */
  readonly replaced: string[] = [];
  private readonly changed = new Set<number>();
  private readonly names = new Set<number>();
  private readonly again = new Set<number>();
  private readonly mentioned = new Set<number>();
  private tables = false;
  private macros = false;
  private readonly pointers = {
    files: new Set<string>(),
    variables: new Set<number>(),
    fields: new Set<number>(),
    types: false,
  };
  private readonly propertyFields: ReadonlySet<string>;

  constructor(
    private readonly program: Program,
    tables: KernelTables,
    private readonly read: (file: string) => string | null,
  ) {
    this.propertyFields = new Set(
      [...tables.sleepers.values()].flatMap(({ condition: c }) =>
        c.kind === "object" && c.property ? [c.property.field] : [],
      ),
    );
  }

  /** Puts a file's new outline in the program's, or removes the file, with null. */
  replace(path: string, outline: FileOutline | null): void {
    const { program, pointers, names } = this;
    const old = program.file(path);
    if (!old && !outline) return;
    const before = new Map(old ? functionsOf(old) : []);
    const oldTables = tablesOf(old?.outline);
    const oldProperties = this.setsProperty(old?.outline);
    const namesBefore = names.size;
    if (!program.replace(path, outline)) return;
    this.replaced.push(path);
    const now = program.file(path);
    const header = (old ?? now)?.header === true;
    const note = (f: FunctionText): void => {
      this.changed.add(f.fn);
      if (f.flags & FnFlag.ObjectMacro) {
        if (header) this.macros = true;
        else ownMacros = true;
      }
    };
    let ownMacros = false;
    for (const [key, f] of now ? functionsOf(now) : []) {
      const was = before.get(key);
      before.delete(key);
      // The head too: an #if before it can make the same text mean nothing.
      if (was && was.head === f.head && was.body === f.body) continue;
      note(f);
      // A new function, or another signature: its name means something else to those who use it.
      if (!was || was.head !== f.head) names.add(f.name);
    }
    for (const f of before.values()) {
      note(f);
      names.add(f.name);
    }
    // What a macro of a .c file stands for concerns that file alone; others there may be made of it.
    if (ownMacros)
      for (const f of [old, now])
        for (const [, { name, flags }] of f ? functionsOf(f) : [])
          if (flags & FnFlag.ObjectMacro) this.mentioned.add(name);
    const newTables = tablesOf(now?.outline);
    const types = oldTables.types !== newTables.types;
    const variables = symmetricDifference(oldTables.variables, newTables.variables);
    const installs = oldTables.installs !== newTables.installs;
    const fields = types ? changedFields(old?.outline, now?.outline, program) : [];
    for (const name of variables) this.mentioned.add(name);
    for (const name of fields ?? []) pointers.fields.add(name);
    // What a .c file includes and defines as types concerns itself.
    if (!header) for (const fn of this.whoMention(fields, now)) this.again.add(fn);
    else for (const name of fields ?? []) this.mentioned.add(name);
    if (oldProperties !== this.setsProperty(now?.outline)) this.tables = true;
    // Types of a .c file mean something in that file only; those of parameters tell what an assignment installs.
    if (types || installs || names.size > namesBefore) pointers.files.add(path);
    if (fields === null && header) {
      this.tables = true;
      pointers.types = true;
    }
    for (const v of variables) pointers.variables.add(v);
  }

  /** The program means what it meant. */
  get isEmpty(): boolean {
    const { changed, names, again, mentioned, tables, pointers } = this;
    const installs = pointers.files.size > 0 || pointers.variables.size > 0;
    return changed.size + names.size + again.size + mentioned.size === 0 && !tables && !installs;
  }

  /** The sum. */
  change(): ProgramChange {
    const { changed, names, again, mentioned, tables, macros, pointers } = this;
    return {
      fns: [...changed],
      names: [...names],
      again: [...again],
      mentioned: [...mentioned],
      tables,
      macros,
      pointers: { ...pointers, files: [...pointers.files] },
    };
  }

  /** Functions of a file whose text has one of these names; all for null. */
  private whoMention(names: readonly number[] | null, f: SourceFile | null): number[] {
    if (!f || names?.length === 0) return [];
    const text = names && this.read(f.path);
    if (names === null || text === null) return [...f.fns];
    const word = new RegExp(`\\b(?:${names.map((n) => this.program.names.text(n)).join("|")})\\b`);
    const { fn } = f.outline;
    return [...f.fns].filter((_, i) =>
      word.test(text.slice(fn[i * FN_STRIDE + Fn.start], fn[i * FN_STRIDE + Fn.end])),
    );
  }

  /** What a file says by initialisers about properties of objects that decide whether calls on these sleep. */
  private setsProperty(o: FileOutline | undefined): string {
    if (!o) return "";
    const ids = new Set([...this.propertyFields].map((field) => this.program.names.find(field)));
    const out: string[] = [];
    for (let i = 0; i < o.inits.length; i += INIT_STRIDE)
      if (ids.has(o.inits[i + Init.field])) out.push(o.inits.subarray(i + Init.type, i + Init.offset).join());
    return out.join(" ");
  }
}

interface FunctionText {
  fn: number;
  name: number;
  flags: number;
  /** Everything before the body: a change of it can change what the name means to callers. */
  head: string;
  body: number;
}

/** The functions of a file by name and ordinal, with what tells whether their text is the same. */
function functionsOf(f: SourceFile): [string, FunctionText][] {
  const seen = new Map<number, number>();
  const out: [string, FunctionText][] = [];
  const { fn } = f.outline;
  for (let i = 0; i < f.fns.length; i++) {
    const at = i * FN_STRIDE;
    const name = fn[at + Fn.name];
    const ordinal = seen.get(name) ?? 0;
    seen.set(name, ordinal + 1);
    const flags = fn[at + Fn.flags];
    const length = fn[at + Fn.end] - fn[at + Fn.start];
    const conditional = fn[at + Fn.cond] !== 0;
    out.push([
      `${name}#${ordinal}`,
      {
        fn: f.fns[i],
        name,
        flags,
        head: `${flags} ${conditional} ${fn[at + Fn.headHash]}`,
        body: fn[at + Fn.bodyHash] * 0x200000 + (length & 0x1fffff),
      },
    ]);
  }
  return out;
}

interface FileTables {
  /** Types, and the headers that show others. */
  types: string;
  /** File-level variables with their types: `name,type,flags`. */
  variables: Set<string>;
  installs: string;
}

/** What a file says about types, variables, initialisers, registrations and includes, without offsets: equal means nothing of it changed. */
function tablesOf(o: FileOutline | undefined): FileTables {
  if (!o) return { types: "", variables: new Set(), installs: "" };
  const columns = (a: Int32Array, stride: number, skip: readonly number[]): string => {
    const kept: number[] = [];
    for (let i = 0; i < a.length; i++) if (!skip.includes(i % stride)) kept.push(a[i]);
    return kept.join(",");
  };
  const variables = new Set<string>();
  for (let i = 0; i < o.globals.length; i += TYPED_STRIDE)
    variables.add(o.globals.subarray(i, i + TYPED_STRIDE).join());
  return {
    types: [
      columns(o.structs, STRUCT_STRIDE, []),
      columns(o.fields, TYPED_STRIDE, []),
      columns(o.includes, 1, []),
    ].join("|"),
    variables,
    installs: [
      columns(o.inits, INIT_STRIDE, [Init.offset, Init.fn]),
      columns(o.regs, REG_STRIDE, [Reg.offset, Reg.fn, Reg.argFirst]),
      columns(o.regArgs, 1, []),
    ].join("|"),
  };
}

/** Names of the fields that were added, removed or given another type; null where more than fields of structs has changed. */
function changedFields(
  a: FileOutline | undefined,
  b: FileOutline | undefined,
  program: Program,
): number[] | null {
  if (!a || !b || a.structs.length !== b.structs.length) return null;
  if (ownIncludes(a, program.names) !== ownIncludes(b, program.names)) return null;
  const names = new Set<number>();
  for (let i = 0; i < a.structs.length; i += STRUCT_STRIDE) {
    for (const column of [Struct.name, Struct.kind, Struct.alias])
      if (a.structs[i + column] !== b.structs[i + column]) return null;
    // A forward declaration that gets a body, or loses it, is another struct to those who look for one.
    if ((a.structs[i + Struct.fieldCount] === 0) !== (b.structs[i + Struct.fieldCount] === 0)) return null;
    const [was, is] = [fieldsOf(a, i), fieldsOf(b, i)];
    for (const name of symmetricDifference(new Set(was), new Set(is))) names.add(name);
  }
  return [...names];
}

function fieldsOf(o: FileOutline, struct: number): string[] {
  const first = o.structs[struct + Struct.fieldFirst];
  const out: string[] = [];
  for (let k = first; k < first + o.structs[struct + Struct.fieldCount]; k++)
    out.push(o.fields.subarray(k * TYPED_STRIDE, (k + 1) * TYPED_STRIDE).join());
  return out;
}

/** Names of the variables that one of two files has and the other has not, or has otherwise. */
function symmetricDifference(a: ReadonlySet<string>, b: ReadonlySet<string>): number[] {
  const name = (entry: string): number => Number(entry.split(",", 1)[0]);
  return [...[...a].filter((x) => !b.has(x)), ...[...b].filter((x) => !a.has(x))].map(name);
}
