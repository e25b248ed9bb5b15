/** What the program knows about code, for those who rewrite it: symbols, callers and types as plain data, no text. */
import type { MacroClasses } from "./facts/outline.js";
import type { KernelTables } from "./kernel/types.js";

/** A typed name: parameter, field, file-level variable. */
export interface TypedName {
  name: string;
  /** Bare name of the type: struct tag, typedef or base type. */
  type: string;
  isStruct: boolean;
  isPointer: boolean;
  isArray: boolean;
  isFunctionPointer: boolean;
  isStatic: boolean;
}

/** A function or function-like macro with a body. Offsets of the file. */
export interface Definition {
  name: string;
  file: string;
  /** First token of the declaration (or `#define`) to one past `}` (or the replacement). */
  start: number;
  end: number;
  nameStart: number;
  /** Offset of `{`, or of the replacement text. */
  bodyStart: number;
  kind: "function" | "macro";
  isStatic: boolean;
  isInline: boolean;
  /** Runs at boot or unload only: __init, __exit. */
  isInit: boolean;
  /** Stands under `#if 0`, or in an #else branch: probably a stub. */
  isStub: boolean;
  /** Bare name of the returned type, "" for void and macros. */
  returnType: string;
  params: TypedName[];
}

/** A place where a function is given to the kernel or put into a field. */
export interface Installation {
  file: string;
  offset: number;
  /** Struct type of the initialised variable, "" where the text does not say it. */
  type: string;
  field: string;
  /** Text of what stands before the field, or the variable that is initialised. */
  base: string;
}

export interface StructView {
  name: string;
  file: string;
  fields: TypedName[];
}

export interface CodeView {
  readonly version: { major: number; minor: number } | null;
  readonly macroClasses: MacroClasses;
  /** What the primitives of this kernel version do. */
  readonly tables: KernelTables;
  hasFile(file: string): boolean;
  /** All files, in path order. */
  files(): readonly string[];
  /** Functions and macros of a file, in source order. */
  functionsIn(file: string): Definition[];
  functionAt(file: string, offset: number): Definition | null;
  /** All definitions of this name, in file order. */
  definitions(name: string): Definition[];
  /** What the name can mean in a file: several when the build decides. */
  resolve(name: string, from: string): Definition[];
  /** Whether anything (function, macro, prototype with annotations) has this name. */
  has(name: string): boolean;
  /** Functions and macros that call this name, plainly or through a member of this name; in file order. */
  callersOf(name: string): Definition[];
  /** Fields that this function is put into, by initialiser or assignment. */
  installationsOf(name: string): Installation[];
  /** Structs (and typedefs of them) of this name that have fields, the one nearest to `from` first. */
  structs(name: string, from: string): StructView[];
  /** Type of a field of a struct as seen from a file, typedefs followed. */
  fieldType(struct: string, field: string, from: string): TypedName | null;
  globalVar(name: string, from: string): (TypedName & { file: string }) | null;
  /** Paths as written in the file's #include lines, a quoted one with the quote in front. */
  includes(file: string): string[];
}
