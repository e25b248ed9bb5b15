/** Token kinds of the C lexer and the reusable buffer of columns that holds a file's tokens. */

/**
 * Kinds below 33 are what has no one-character spelling; single punctuation characters are their ASCII code; words that
 * mean something to the grammar have a kind of their own from 128 on.
 */
export const K = {
  Eof: 0,
  Arrow: 1,
  /** `==`, `+=`, `<<` and the like: of no structural interest. */
  Op: 2,
  AndAnd: 3,
  Ellipsis: 4,
  Paste: 5,
  Number: 6,
  String: 7,
  Char: 8,
  Ident: 9,
  /** `++` and `--`. */
  Step: 10,
  Bang: 33,
  Hash: 35,
  Amp: 38,
  LParen: 40,
  RParen: 41,
  Star: 42,
  Comma: 44,
  Minus: 45,
  Dot: 46,
  Colon: 58,
  Semi: 59,
  Assign: 61,
  Question: 63,
  LBracket: 91,
  RBracket: 93,
  LBrace: 123,
  Pipe: 124,
  RBrace: 125,
  Tilde: 126,
  // Control words.
  If: 128,
  Else: 129,
  For: 130,
  While: 131,
  Do: 132,
  Switch: 133,
  Case: 134,
  Default: 135,
  Return: 136,
  Goto: 137,
  Break: 138,
  Continue: 139,
  // Words that look like functions.
  Sizeof: 144,
  Typeof: 145,
  Alignof: 146,
  Generic: 147,
  Asm: 150,
  Attribute: 151,
  Struct: 152,
  Union: 153,
  Enum: 154,
  Typedef: 155,
  Static: 156,
  Extern: 157,
  Inline: 158,
  /** register, auto, _Thread_local. */
  Storage: 159,
  Const: 160,
  /** void, int, char … */
  Type: 161,
  Extension: 162,
  StaticAssert: 163,
} as const;

/** A word: an identifier or a keyword. */
export const isWord = (k: number): boolean => k === K.Ident || k >= 128;
export const isControl = (k: number): boolean => k >= 128 && k < 144;

const KEYWORDS: Record<string, number> = {
  if: K.If,
  else: K.Else,
  for: K.For,
  while: K.While,
  do: K.Do,
  switch: K.Switch,
  case: K.Case,
  default: K.Default,
  return: K.Return,
  goto: K.Goto,
  break: K.Break,
  continue: K.Continue,
  sizeof: K.Sizeof,
  typeof: K.Typeof,
  __typeof__: K.Typeof,
  __typeof: K.Typeof,
  typeof_unqual: K.Typeof,
  __typeof_unqual__: K.Typeof,
  alignof: K.Alignof,
  __alignof__: K.Alignof,
  __alignof: K.Alignof,
  _Alignof: K.Alignof,
  _Generic: K.Generic,
  asm: K.Asm,
  __asm__: K.Asm,
  __asm: K.Asm,
  asm_inline: K.Asm,
  __attribute__: K.Attribute,
  __attribute: K.Attribute,
  struct: K.Struct,
  union: K.Union,
  enum: K.Enum,
  typedef: K.Typedef,
  static: K.Static,
  extern: K.Extern,
  inline: K.Inline,
  __inline: K.Inline,
  __inline__: K.Inline,
  register: K.Storage,
  auto: K.Storage,
  _Thread_local: K.Storage,
  const: K.Const,
  volatile: K.Const,
  restrict: K.Const,
  __const: K.Const,
  __const__: K.Const,
  __volatile__: K.Const,
  __volatile: K.Const,
  __restrict: K.Const,
  __restrict__: K.Const,
  void: K.Type,
  char: K.Type,
  short: K.Type,
  int: K.Type,
  long: K.Type,
  float: K.Type,
  double: K.Type,
  signed: K.Type,
  unsigned: K.Type,
  _Bool: K.Type,
  __signed__: K.Type,
  __int128: K.Type,
  __extension__: K.Extension,
  _Static_assert: K.StaticAssert,
};

/** The hash that the lexer rolls over a word's characters. */
export function hashText(text: string, start: number, end: number): number {
  let h = 0;
  for (let i = start; i < end; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0;
  return h;
}

const KW_SLOTS = 1024;
const kwText: string[] = [];
const kwKind: number[] = [];
/** hash → list of keywords that share the slot (almost always one). */
const kwSlot = new Int16Array(KW_SLOTS).fill(-1);
const kwNext: number[] = [];
for (const [word, kind] of Object.entries(KEYWORDS)) {
  const slot = hashText(word, 0, word.length) & (KW_SLOTS - 1);
  kwNext.push(kwSlot[slot]);
  kwSlot[slot] = kwText.length;
  kwText.push(word);
  kwKind.push(kind);
}

/** Whether some keyword has a hash like this one. */
export const mayBeKeyword = (hash: number): boolean => kwSlot[hash & (KW_SLOTS - 1)] >= 0;

/** Kind of the word in text[start, end), whose hash is given. */
export function wordKind(text: string, start: number, end: number, hash: number): number {
  let k = kwSlot[hash & (KW_SLOTS - 1)];
  while (k >= 0) {
    const w = kwText[k];
    if (w.length === end - start && text.startsWith(w, start)) return kwKind[k];
    k = kwNext[k];
  }
  return K.Ident;
}

/** Preprocessor directives that are told apart. */
export const D = {
  Define: 1,
  Undef: 2,
  Include: 3,
  If: 4,
  Ifdef: 5,
  Ifndef: 6,
  Elif: 7,
  Else: 8,
  Endif: 9,
  Other: 10,
} as const;

/** Columns of tokens and directives of one text; reused from file to file so that lexing allocates nothing. */
export class Tokens {
  n = 0;
  kind: Uint8Array;
  start: Int32Array;
  end: Int32Array;
  /** Rolling hash of a word; 0 for others. */
  hash: Int32Array;
  /** Partner of a bracket, -1 where it has none (filled by matchBrackets). */
  match: Int32Array;
  /** Enclosing open bracket of an open bracket. */
  parent: Int32Array;
  /** Directives: kind, index of the token that follows, extent, and start of what follows the directive's word. */
  dKind: number[] = [];
  dTok: number[] = [];
  dStart: number[] = [];
  dEnd: number[] = [];
  dArg: number[] = [];
  /** Kernel-doc comments: index of the following token, extent. */
  docTok: number[] = [];
  docStart: number[] = [];
  docEnd: number[] = [];

  constructor(capacity = 1 << 12) {
    this.kind = new Uint8Array(capacity);
    this.start = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
    this.hash = new Int32Array(capacity);
    this.match = new Int32Array(capacity);
    this.parent = new Int32Array(capacity);
  }

  clear(): void {
    this.n = 0;
    this.dKind.length = 0;
    this.dTok.length = 0;
    this.dStart.length = 0;
    this.dEnd.length = 0;
    this.dArg.length = 0;
    this.docTok.length = 0;
    this.docStart.length = 0;
    this.docEnd.length = 0;
  }

  grow(): void {
    const size = this.kind.length * 2;
    const wider = (a: Int32Array): Int32Array => {
      const b = new Int32Array(size);
      b.set(a);
      return b;
    };
    const kind = new Uint8Array(size);
    kind.set(this.kind);
    this.kind = kind;
    this.start = wider(this.start);
    this.end = wider(this.end);
    this.hash = wider(this.hash);
    this.match = new Int32Array(size);
    this.parent = new Int32Array(size);
  }

  /** Gives back the memory that one enormous file took. */
  shrink(): void {
    if (this.kind.length <= 1 << 20) return;
    const fresh = new Tokens(1 << 12);
    this.kind = fresh.kind;
    this.start = fresh.start;
    this.end = fresh.end;
    this.hash = fresh.hash;
    this.match = fresh.match;
    this.parent = fresh.parent;
  }
}
