/**
 * The outline of one source file: what the lexer alone can tell, for every file of the tree.
 *
 * Plain, immutable, relocatable data: integer columns over a string table of the file, so that an outline can be
 * cached by content, sent between workers without copying and joined into the program without re-reading the text.
 * All offsets are byte offsets into the original text (files are read as latin1, so string index = byte offset).
 * It holds every `#if` branch; choosing among them is the program's business.
 */

/** Flags of a function record. */
export const FnFlag = {
  Static: 1 << 0,
  Inline: 1 << 1,
  /** A function-like macro; parameters have no types, the body is the replacement text. */
  Macro: 1 << 2,
  /** A declaration without a body (only kept when it carries annotations, or __noreturn). */
  Prototype: 1 << 3,
  Weak: 1 << 4,
  /** __init, __exit, __meminit …: runs at boot or unload only. */
  Init: 1 << 5,
  NoReturn: 1 << 6,
  /** Body came from SYSCALL_DEFINEn / COMPAT_SYSCALL_DEFINEn; the name is the first macro argument with `sys_` in front. */
  Syscall: 1 << 7,
  /** The body holds `#if`/`#else` directives: it has more than one variant. */
  CondBody: 1 << 8,
  /** Stands in the #else branch of an #if, or under #if 0 / #ifndef CONFIG_x: probably a stub. */
  ElseBranch: 1 << 9,
  /** Object-like macro whose replacement is not a plain number: kept for aliases (`#define foo bar`, gfp aliases). */
  ObjectMacro: 1 << 10,
  /** Variadic: the last parameter takes the rest. */
  Variadic: 1 << 11,
  /** Kernel-doc "Context:" (or comment) says it may sleep / is for any or interrupt context. Evaluation only. */
  DocMaySleep: 1 << 12,
  DocAnyContext: 1 << 13,
  /** Under `#if 0`. */
  Dead: 1 << 14,
  /** The body opens or closes braces across #if branches or is otherwise not well-formed. */
  Ragged: 1 << 15,
} as const;

/** Columns of a function record (`FileOutline.fn`, stride `FN_STRIDE`). */
export const Fn = {
  name: 0,
  flags: 1,
  /** Start of the whole definition (first token of the declaration, or `#define`). */
  start: 2,
  nameStart: 3,
  /** Offset of `{` (macro: of the first character of the replacement text). */
  bodyStart: 4,
  /** Offset one past `}` (macro: one past the replacement text). */
  end: 5,
  /** Return type's name as in `Type` columns (struct tag, typedef or base type), 0 if void or a macro. */
  returnType: 6,
  paramFirst: 7,
  paramCount: 8,
  callFirst: 9,
  callCount: 10,
  annotFirst: 11,
  annotCount: 12,
  /** Index + 1 into `conds` of the innermost #if that it stands under, 0 if none. */
  cond: 13,
  /** Hashes of the text before the body and of the rest: with equal flags and hashes a function is as it was. */
  headHash: 14,
  bodyHash: 15,
} as const;
export const FN_STRIDE = 16;

/** Flags of a typed name (parameter, field, global). */
export const TypeFlag = {
  /** Declared as `struct X`/`union X`; otherwise a typedef or base type. */
  Struct: 1 << 0,
  Pointer: 1 << 1,
  PointerPointer: 1 << 2,
  Array: 1 << 3,
  /** A pointer to a function: `void (*f)(…)`. */
  FunctionPointer: 1 << 4,
  Static: 1 << 5,
  Extern: 1 << 6,
  Const: 1 << 7,
  PerCpu: 1 << 8,
} as const;

/** Columns of a typed name: `params`, `fields`, `globals` (stride `TYPED_STRIDE`). Type is the tag or typedef, bare. */
export const Typed = { name: 0, type: 1, flags: 2 } as const;
export const TYPED_STRIDE = 3;

/** Columns of a struct, union or typedef record. For `typedef struct {…} foo_t` the name is `foo_t`. */
export const Struct = {
  /** Tag, or the typedef's name for an anonymous one; anonymous members are flattened into their parent. A named
   *  member whose type is an anonymous struct gets the synthetic type name `parent::member`. */
  name: 0,
  fieldFirst: 1,
  fieldCount: 2,
  /** 0 struct/union; 1 typedef alias: `typedef struct foo foo_t` or `typedef int x_t` with `alias` = target's bare name. */
  kind: 3,
  alias: 4,
} as const;
export const STRUCT_STRIDE = 5;

/**
 * Columns of an initialiser or assignment that gives a value to a field:
 * `static const struct file_operations fops = { .open = my_open }`, `x->ops = &my_ops;`, `t.function = cb;`,
 * `chip->can_sleep = true;`, `config = { .fast_io = true }`.
 */
export const Init = {
  /** Struct type that has the field, where the declaration says it (initialiser); 0 for assignments. */
  type: 0,
  /** The field's name (last component). */
  field: 1,
  /** Dotted path from the initialised variable to the field's owner when nested (`.ops` for `.ops = { .open = f }`), else 0. */
  outer: 2,
  /** The value: an identifier (a leading & dropped), or the text of a short constant expression (≤ 80 bytes). */
  value: 3,
  /** Variable initialised, or the text of the assignment's left side before the last field (`chip`, `gc->irq`). */
  base: 4,
  offset: 5,
  /** Index + 1 of the function it stands in (assignment), 0 at file level. */
  fn: 6,
} as const;
export const INIT_STRIDE = 7;

/** Columns of a registration: a call to a function named in `OutlineOptions.registrations`. */
export const Reg = {
  /** Name of the function or macro called (also DEFINE_TIMER and the like at file level). */
  name: 0,
  offset: 1,
  fn: 2,
  /** First index into `regArgs` and their number: interned trimmed texts of the arguments (≤ 120 bytes each, else 0). */
  argFirst: 3,
  argCount: 4,
} as const;
export const REG_STRIDE = 5;

/** Kinds of annotation on a function's declarator. */
export const AnnotKind = { Acquires: 1, Releases: 2, MustHold: 3, CondAcquires: 4 } as const;
/** Columns of an annotation: kind and the interned text of its argument. */
export const ANNOT_STRIDE = 2;

/** Columns of an #if branch: condition's text (normalised: `defined(X)`, `!defined(X)`, or the expression), the index + 1
 *  of the enclosing one, start and end offset of the branch. An #else has the text `!(…)` of what came before. */
export const Cond = { text: 0, parent: 1, start: 2, end: 3 } as const;
export const COND_STRIDE = 4;

/** A call is stored as `name * 2 + (1 if it is a call through a member: x->f(), x.f())`. */
export const callName = (c: number): number => c >> 1;
export const callIsMember = (c: number): boolean => (c & 1) === 1;

/**
 * The names of an outline as they were written down (outline/nameCodec.ts). A tree has some ten million, most of them again
 * and again: who joins outlines wants numbers, not strings.
 */
export interface PackedNames {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Bytes that they take when they are unpacked. */
  readonly size: number;
  /** Names that are not latin1, by index. */
  readonly wide: ReadonlyMap<number, string>;
}

export interface FileOutline {
  /** Interned strings of this file in order of first appearance; names[0] === "". */
  names: string[];
  /** In the place of `names`, for those who asked for it. */
  packed?: PackedNames;
  /** Bytes of text. */
  size: number;
  fn: Int32Array;
  params: Int32Array;
  /** All calls (identifier followed by an open parenthesis, control words and declarations excluded) in source order. */
  calls: Int32Array;
  annots: Int32Array;
  structs: Int32Array;
  fields: Int32Array;
  globals: Int32Array;
  inits: Int32Array;
  regs: Int32Array;
  regArgs: Int32Array;
  conds: Int32Array;
  /** Name indices of included paths; a quoted include has the quote in front: `"foo.h`, `linux/slab.h`. */
  includes: Int32Array;
  /** Macros that may belong to a class of `MacroClasses`: name, kind, target (outline/macroKinds.ts, stride 3). */
  macros: Int32Array;
  /** Non-empty when the file was not read as a whole and why (binary, unbalanced, too large …). */
  problems: string[];
}

/** What the outliner is told from outside; part of the cache key. */
export interface OutlineOptions {
  /** Names whose calls are recorded with their arguments. */
  registrations: ReadonlySet<string>;
}

/**
 * What identifiers mean syntactically, harvested over the whole tree from object- and function-like macros
 * (DESIGN §4). Flow facts depend on it, outlines do not.
 */
export interface MacroClasses {
  /** Expand to nothing or to attributes: `__init`, `__user`, `__must_check`; with or without an argument list. */
  attribute: ReadonlySet<string>;
  /** Function-like macros that stand before a statement: list_for_each_entry, for_each_x, scoped_guard. */
  loop: ReadonlySet<string>;
  /** Expand to storage or type words at the start of a declaration: `asmlinkage`, `STATIC`, `notrace`. */
  storage: ReadonlySet<string>;
  /** Function-like macros used as a declaration or statement without `;`. */
  bare: ReadonlySet<string>;
  /** Stable text of the classes, for cache keys. */
  digest: string;
}

/** One replacement that normalisation made; `kind` says what it stood for. */
export interface Rewrite {
  offset: number;
  length: number;
  original: string;
  kind: "attribute" | "loop" | "type-argument" | "cond-branch" | "macro" | "storage" | "asm" | "other";
}

export interface NormalisedText {
  /** As long as the input range; newlines stay where they were. */
  text: string;
  rewrites: Rewrite[];
  /** How many variants (choices of #if branches) the body has: 1, or 2 when it holds an #else or a lone #if. */
  variants: number;
}
