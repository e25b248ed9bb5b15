/** Finding a lock by what a person types: a class, a path with a name, a struct's field, a bare name. */
import {
  type FileOutline,
  STRUCT_STRIDE,
  Struct,
  TYPED_STRIDE,
  Typed,
  TypeFlag,
} from "../../facts/outline.js";
import type { LockIdentity, LockMatches } from "../../findings/lockUsers.js";
import type { KernelTables } from "../../kernel/types.js";
import type { Program, SourceFile } from "../../program/program.js";
import { editDistance } from "../inspector.js";

const MOST_SIMILAR = 6;

interface Declared extends LockIdentity {
  /** Last name. */
  name: string;
  isExtern: boolean;
}

/** Locks of an outline, which are the same as long as the outline is; and of how many lock types names were known then. */
const declared = new WeakMap<FileOutline, { types: number; list: readonly Declared[] }>();

/** All locks of the tree that have a name of their own: file-level variables and fields of structs. */
function* declaredLocks(program: Program, tables: KernelTables): Generator<Declared> {
  const types = new Set<number>();
  for (const type of tables.lockTypes.keys()) {
    const id = program.names.find(type);
    if (id > 0) types.add(id);
  }
  for (const f of program.files) {
    if (!f) continue;
    let own = declared.get(f.outline);
    if (own?.types !== types.size) {
      own = { types: types.size, list: [...declaredIn(f, types, program)] };
      declared.set(f.outline, own);
    }
    yield* own.list;
  }
}

function* declaredIn(f: SourceFile, types: ReadonlySet<number>, program: Program): Generator<Declared> {
  const o = f.outline;
  for (let i = 0; i < o.globals.length; i += TYPED_STRIDE) {
    if (!types.has(o.globals[i + Typed.type])) continue;
    const name = program.names.text(o.globals[i + Typed.name]);
    yield {
      cls: `${f.path}:${name}`,
      name,
      type: program.names.text(o.globals[i + Typed.type]),
      file: f.path,
      isExtern: (o.globals[i + Typed.flags] & TypeFlag.Extern) !== 0,
    };
  }
  for (let s = 0; s < o.structs.length; s += STRUCT_STRIDE) {
    const first = o.structs[s + Struct.fieldFirst];
    for (let k = first; k < first + o.structs[s + Struct.fieldCount]; k++) {
      const q = k * TYPED_STRIDE;
      if (!types.has(o.fields[q + Typed.type])) continue;
      const name = program.names.text(o.fields[q + Typed.name]);
      yield {
        cls: `struct ${program.names.text(o.structs[s + Struct.name])}.${name}`,
        name,
        type: program.names.text(o.fields[q + Typed.type]),
        file: f.path,
        isExtern: false,
      };
    }
  }
}

/** `&foo->lock` and `foo.lock` typed by someone who looks at the code, as far as they are a class. */
function normalised(typed: string): string {
  return typed.trim().replace(/^&/, "").replace(/->/g, ".").replace(/\s+/g, " ");
}

export function findLocks(program: Program, tables: KernelTables, typed: string): LockMatches {
  const wanted = normalised(typed);
  const field = /^(?:struct |union )?(\w[\w:]*)\.(\w+)$/.exec(wanted);
  const global = /^(.+):(\w+)$/.exec(wanted);
  const path = global && !wanted.includes("::") ? global : null;
  const found = new Map<string, Declared>();
  const near = new Map<string, number>();
  const bare = /^\w+$/.test(wanted) ? wanted : (path?.[2] ?? field?.[2] ?? wanted);
  const most = Math.max(1, Math.floor(bare.length / 3));
  for (const d of declaredLocks(program, tables)) {
    const matches = path
      ? d.cls === wanted || (d.name === path[2] && d.file.endsWith(`/${path[1]}`))
      : field
        ? d.cls === `struct ${field[1]}.${field[2]}`
        : d.name === wanted;
    if (matches) {
      const known = found.get(d.cls);
      // A definition outranks declarations of it.
      if (!known || (known.isExtern && !d.isExtern)) found.set(d.cls, d);
    } else if (Math.abs(d.name.length - bare.length) <= most) {
      const distance = editDistance(bare, d.name, most);
      if (distance <= most) near.set(d.cls, distance);
    }
  }
  let locks = [...found.values()];
  if (locks.some((d) => !d.isExtern)) locks = locks.filter((d) => !d.isExtern);
  if (locks.length === 0) {
    const l = tables.locks.get(wanted);
    if (l && !l.lock && (l.op === "acquire" || l.op === "conditional"))
      return { locks: [{ cls: wanted, type: "", file: "" }], similar: [] };
  }
  return {
    locks: locks.map(({ cls, type, file }) => ({ cls, type, file })).sort((a, b) => (a.cls < b.cls ? -1 : 1)),
    similar: [...near]
      .sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, MOST_SIMILAR)
      .map(([cls]) => cls),
  };
}
