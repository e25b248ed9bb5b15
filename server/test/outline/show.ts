/** Renders outlines as lines that a specification can state. */
import {
  ANNOT_STRIDE,
  AnnotKind,
  COND_STRIDE,
  callIsMember,
  callName,
  type FileOutline,
  FN_STRIDE,
  Fn,
  FnFlag,
  INIT_STRIDE,
  Init,
  REG_STRIDE,
  STRUCT_STRIDE,
  Struct,
  TYPED_STRIDE,
  TypeFlag,
} from "../../src/facts/outline.js";
import { MACRO_STRIDE, MacroKind } from "../../src/outline/macroKinds.js";
import { outlineFile } from "../../src/outline/outline.js";

export const outlineOf = (text: string, registrations: string[] = []): FileOutline =>
  outlineFile(text, "test.c", { registrations: new Set(registrations) });

const names = (flags: number, of: Record<string, number>): string[] =>
  Object.keys(of).filter((k) => (flags & of[k]) !== 0);

/** `type name [Flags]` */
function typed(o: FileOutline, a: Int32Array, i: number): string {
  const [name, type, flags] = a.subarray(i * TYPED_STRIDE, (i + 1) * TYPED_STRIDE);
  const f = names(flags, TypeFlag);
  return `${o.names[type]} ${o.names[name]}${f.length > 0 ? ` [${f.join(" ")}]` : ""}`;
}

/** What is known of one function. */
export interface ShownFn {
  name: string;
  flags: string[];
  params: string[];
  returns: string;
  /** Member calls have a dot in front. */
  calls: string[];
  annotations: string[];
  cond: string;
  /** Texts of the extents. */
  whole: string;
  body: string;
}

export function functions(text: string, o: FileOutline = outlineOf(text)): ShownFn[] {
  const out: ShownFn[] = [];
  for (let i = 0; i < o.fn.length; i += FN_STRIDE) {
    const r = o.fn.subarray(i, i + FN_STRIDE);
    out.push({
      name: o.names[r[Fn.name]],
      flags: names(r[Fn.flags], FnFlag),
      params: Array.from({ length: r[Fn.paramCount] }, (_, p) => typed(o, o.params, r[Fn.paramFirst] + p)),
      returns: o.names[r[Fn.returnType]],
      calls: Array.from(
        o.calls.subarray(r[Fn.callFirst], r[Fn.callFirst] + r[Fn.callCount]),
        (c) => (callIsMember(c) ? "." : "") + o.names[callName(c)],
      ),
      annotations: Array.from({ length: r[Fn.annotCount] }, (_, n) => {
        const at = (r[Fn.annotFirst] + n) * ANNOT_STRIDE;
        const kind = Object.entries(AnnotKind).find(([, v]) => v === o.annots[at])![0];
        return `${kind}(${o.names[o.annots[at + 1]]})`;
      }),
      cond: r[Fn.cond] === 0 ? "" : o.names[o.conds[(r[Fn.cond] - 1) * COND_STRIDE]],
      whole: text.slice(r[Fn.start], r[Fn.end]),
      body: text.slice(r[Fn.bodyStart], r[Fn.end]),
    });
  }
  return out;
}

/** The one function of a text. */
export function fn(text: string): ShownFn {
  const all = functions(text);
  if (all.length !== 1) throw new Error(`${all.length} functions: ${all.map((f) => f.name).join(", ")}`);
  return all[0];
}

/** `struct name { type field; … }` or `typedef name = alias`. */
export function structs(text: string): string[] {
  const o = outlineOf(text);
  const out: string[] = [];
  for (let i = 0; i < o.structs.length; i += STRUCT_STRIDE) {
    const r = o.structs.subarray(i, i + STRUCT_STRIDE);
    const fields = Array.from({ length: r[Struct.fieldCount] }, (_, f) =>
      typed(o, o.fields, r[Struct.fieldFirst] + f),
    );
    out.push(
      r[Struct.kind] === 1
        ? `typedef ${o.names[r[Struct.name]]} = ${o.names[r[Struct.alias]]}`
        : `${o.names[r[Struct.name]]} { ${fields.join("; ")} }`,
    );
  }
  return out;
}

export function globals(text: string): string[] {
  const o = outlineOf(text);
  return Array.from({ length: o.globals.length / TYPED_STRIDE }, (_, i) => typed(o, o.globals, i));
}

/** `type base outer.field = value (function)` */
export function inits(text: string): string[] {
  const o = outlineOf(text);
  const out: string[] = [];
  for (let i = 0; i < o.inits.length; i += INIT_STRIDE) {
    const r = o.inits.subarray(i, i + INIT_STRIDE);
    const f = r[Init.fn] === 0 ? "" : ` in ${o.names[o.fn[(r[Init.fn] - 1) * FN_STRIDE]]}`;
    const type = r[Init.type] === 0 ? "" : `(${o.names[r[Init.type]]}) `;
    out.push(
      `${type}${o.names[r[Init.base]]}${o.names[r[Init.outer]]}.${o.names[r[Init.field]]} = ${o.names[r[Init.value]]}${f}`,
    );
  }
  return out;
}

/** `name(arg | arg)` */
export function registrations(text: string, of: string[]): string[] {
  const o = outlineOf(text, of);
  const out: string[] = [];
  for (let i = 0; i < o.regs.length; i += REG_STRIDE) {
    const [name, , f, first, count] = o.regs.subarray(i, i + REG_STRIDE);
    const args = Array.from(o.regArgs.subarray(first, first + count), (a) => (a === 0 ? "?" : o.names[a]));
    out.push(
      `${o.names[name]}(${args.join(" | ")})${f === 0 ? "" : ` in ${o.names[o.fn[(f - 1) * FN_STRIDE]]}`}`,
    );
  }
  return out;
}

export function conds(text: string): string[] {
  const o = outlineOf(text);
  const out: string[] = [];
  for (let i = 0; i < o.conds.length; i += COND_STRIDE) {
    const [cond, parent, start, end] = o.conds.subarray(i, i + COND_STRIDE);
    out.push(
      `${o.names[cond]}${parent === 0 ? "" : ` in ${o.names[o.conds[(parent - 1) * COND_STRIDE]]}`}: ${text.slice(start, end).trim()}`,
    );
  }
  return out;
}

export function macroCandidates(text: string): string[] {
  const o = outlineOf(text);
  const out: string[] = [];
  for (let i = 0; i < o.macros.length; i += MACRO_STRIDE) {
    const [name, kind, target] = o.macros.subarray(i, i + MACRO_STRIDE);
    const word = Object.entries(MacroKind).find(([, v]) => v === kind >> 1)![0];
    out.push(`${o.names[name]}${kind & 1 ? "()" : ""}: ${word}${target === 0 ? "" : ` ${o.names[target]}`}`);
  }
  return out;
}
