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

/** Slots of the table of keywords, and the factors that give each of them a slot of its own (checked below). */
const KW_SLOTS = 1024;
const keywordSlot = (first: number, middle: number, last: number, length: number): number =>
  (first + middle * 5 + last * 15 + length * 7) & (KW_SLOTS - 1);

const kwKind = new Uint8Array(KW_SLOTS);
const kwLength = new Uint8Array(KW_SLOTS);
const KW_WIDTH = 20;
const kwBytes = new Uint8Array(KW_SLOTS * KW_WIDTH);
for (const [word, kind] of Object.entries(KEYWORDS)) {
  const n = word.length;
  const slot = keywordSlot(word.charCodeAt(0), word.charCodeAt(n >> 1), word.charCodeAt(n - 1), n);
  if (kwLength[slot] !== 0 || n > KW_WIDTH) throw new Error(`no slot for the keyword ${word}`);
  kwKind[slot] = kind;
  kwLength[slot] = n;
  for (let i = 0; i < n; i++) kwBytes[slot * KW_WIDTH + i] = word.charCodeAt(i);
}

/** Kind of the word in bytes [start, end), which is not empty. */
export function wordKind(b: Uint8Array, start: number, end: number): number {
  const n = end - start;
  const slot = keywordSlot(b[start], b[start + (n >> 1)], b[end - 1], n);
  if (kwLength[slot] !== n) return K.Ident;
  for (let i = start, k = slot * KW_WIDTH; i < end; i++, k++) if (b[i] !== kwBytes[k]) return K.Ident;
  return kwKind[slot];
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

type Ints = Int32Array<ArrayBuffer>;

function wider(a: Ints, size: number): Ints {
  const b = new Int32Array(size);
  b.set(a);
  return b;
}

const CAPACITY = 1 << 12;

/** Columns of tokens and directives of one text; reused from file to file so that lexing allocates nothing. */
export class Tokens {
  n = 0;
  kind = new Uint8Array(CAPACITY);
  start: Ints = new Int32Array(CAPACITY);
  end: Ints = new Int32Array(CAPACITY);
  /** Partner of a bracket, -1 where it has none (filled by matchBrackets, like the two that follow). */
  match: Ints = new Int32Array(CAPACITY);
  /** Enclosing open bracket of an open bracket. */
  parent: Ints = new Int32Array(CAPACITY);
  /** Nearest enclosing open brace of an open bracket. */
  brace: Ints = new Int32Array(CAPACITY);
  /** Tokens that are a bracket or `=`, in order: what most of the work is about is a third of all tokens. */
  marks: Ints = new Int32Array(CAPACITY);
  markCount = 0;
  /** Directives: kind, index of the token that follows, extent, and start of what follows the directive's word. */
  dn = 0;
  dKind: Ints = new Int32Array(64);
  dTok: Ints = new Int32Array(64);
  dStart: Ints = new Int32Array(64);
  dEnd: Ints = new Int32Array(64);
  dArg: Ints = new Int32Array(64);
  /** Kernel-doc comments: index of the following token, extent. */
  docTok: number[] = [];
  docStart: number[] = [];
  docEnd: number[] = [];

  clear(): void {
    this.n = 0;
    this.markCount = 0;
    this.dn = 0;
    if (this.docTok.length > 0) {
      this.docTok.length = 0;
      this.docStart.length = 0;
      this.docEnd.length = 0;
    }
  }

  /** Doubles the columns of tokens; the first `n` keep what the lexer has put there. */
  grow(): void {
    const size = this.kind.length * 2;
    const kind = new Uint8Array(size);
    kind.set(this.kind);
    this.kind = kind;
    this.start = wider(this.start, size);
    this.end = wider(this.end, size);
    this.marks = wider(this.marks, size);
    this.match = new Int32Array(size);
    this.parent = new Int32Array(size);
    this.brace = new Int32Array(size);
  }

  /** Index of the first mark that is not before a token. */
  markFrom(token: number): number {
    let lo = 0;
    let hi = this.markCount;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.marks[mid] < token) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  directive(kind: number, start: number, end: number, arg: number): void {
    const d = this.dn++;
    if (d === this.dKind.length) {
      const size = d * 2;
      this.dKind = wider(this.dKind, size);
      this.dTok = wider(this.dTok, size);
      this.dStart = wider(this.dStart, size);
      this.dEnd = wider(this.dEnd, size);
      this.dArg = wider(this.dArg, size);
    }
    this.dKind[d] = kind;
    this.dTok[d] = this.n;
    this.dStart[d] = start;
    this.dEnd[d] = end;
    this.dArg[d] = arg;
  }

  /** Gives back the memory that one enormous file took. */
  shrink(): void {
    if (this.kind.length <= 1 << 20) return;
    const fresh = new Tokens();
    this.kind = fresh.kind;
    this.start = fresh.start;
    this.end = fresh.end;
    this.match = fresh.match;
    this.parent = fresh.parent;
    this.brace = fresh.brace;
    this.marks = fresh.marks;
  }
}
