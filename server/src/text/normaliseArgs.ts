/** Turns what stands between the parentheses of a macro or function call into arguments that parse as expressions. */
import type { Edits } from "./edits.js";
import { isControl, K, type Tokens } from "./tokens.js";

/** What the argument rewriter is told about words. */
export interface WordClasses {
  isAttribute(i: number): boolean;
}

export class ArgumentRewriter {
  constructor(
    private readonly text: string,
    private readonly t: Tokens,
    private readonly edits: Edits,
    private readonly words: WordClasses,
  ) {}

  /** Token after token i, or after the bracket that it opens. */
  after(i: number): number {
    const k = this.t.kind[i];
    if ((k === K.LParen || k === K.LBrace || k === K.LBracket) && this.t.match[i] > i)
      return this.t.match[i] + 1;
    return i + 1;
  }

  /** Tokens at which the last call's arguments that hold statements begin. */
  statementsAt: number[] = [];

  /** Whether the only argument between the parentheses at token `open` and `close` is made of statements. */
  holdsStatements(open: number, close: number): boolean {
    const { kind } = this.t;
    let found = isControl(kind[open + 1]) && kind[open + 1] !== K.Return;
    for (let i = open + 1; i < close; i = this.after(i)) {
      if (kind[i] === K.Comma && !found) return false;
      if (kind[i] === K.Semi) found = true;
      // A loop macro with its body.
      if (
        kind[i] === K.LBrace &&
        i > open + 3 &&
        kind[i - 1] === K.RParen &&
        kind[this.t.match[i - 1] - 1] === K.Ident
      )
        found = true;
    }
    return found;
  }

  /** Rewrites the arguments of the call whose parenthesis is token `open`; returns the token from which to go on. */
  call(open: number): number {
    const { kind, match, start } = this.t;
    const close = match[open];
    this.statementsAt = [];
    if (close < 0 || close === open + 1) return open + 1;
    let ternary = 0;
    for (let i = open + 1; i < close; i = this.after(i)) {
      if (kind[i] === K.Question) ternary++;
      else if (kind[i] === K.Colon && ternary-- <= 0) {
        // Operands of inline assembly, or a _Generic in disguise.
        this.edits.put(start[open] + 1, start[close], "0", "asm");
        return close;
      }
    }
    let a = open + 1;
    let commas = 0;
    for (let i = a; i <= close; ) {
      if (i === close || kind[i] === K.Comma) {
        if (i === a) {
          if (i < close || commas > 0) this.empty(a, i === close);
        } else this.argument(a, i);
        commas++;
        a = i + 1;
        i++;
      } else i = this.after(i);
    }
    return open + 1;
  }

  /** No tokens between the one before `i` and i: put a 0 where there is room, else drop the comma. */
  private empty(i: number, last: boolean): void {
    const { start, end } = this.t;
    const from = end[i - 1];
    for (let p = from; p < start[i]; p++) {
      const c = this.text.charCodeAt(p);
      if (c === 32 || c === 9) {
        this.edits.put(p, p + 1, "0", "other");
        return;
      }
    }
    if (last) this.edits.blank(start[i - 1], end[i - 1], "other");
    else this.edits.blank(start[i], end[i], "other");
  }

  private zero(a: number, e: number): void {
    this.edits.put(this.t.start[a], this.t.end[e - 1], "0", "type-argument");
  }

  /** One argument in tokens [a, e). */
  private argument(a: number, e: number): void {
    const { kind, start, end } = this.t;
    const k = kind[a];
    let semis = 0;
    for (let i = a; i < e; i = this.after(i)) if (kind[i] === K.Semi) semis++;
    if (semis === 1 && e === a + 2 && isControl(k)) {
      // `return;`
      if (!this.asBlock(a, e)) this.zero(a, e);
      return;
    }
    if (semis > 0) {
      if (this.asBlock(a, e)) return;
      this.statements(a, e);
    }
    for (let i = a; i + 1 < e; i = this.after(i)) {
      if (kind[i] === K.Op && kind[i + 1] === K.LBracket) {
        // `fxsave %[fx]`: assembly.
        this.zero(a, e);
        return;
      }
      // `FIELD(a) FIELD(b)`: as if a comma stood between them.
      if (
        kind[i] === K.Ident &&
        kind[i + 1] === K.LParen &&
        this.t.match[i + 1] > 0 &&
        kind[this.t.match[i + 1] + 1] === K.Ident
      ) {
        const g = this.t.match[i + 1];
        if (g + 1 < e && !this.words.isAttribute(g + 1) && !this.words.isAttribute(i))
          this.comma(end[g], start[g + 1]);
      }
    }
    switch (k) {
      case K.Struct:
      case K.Union:
      case K.Enum:
      case K.Const:
      case K.Type:
      case K.Static:
      case K.Storage:
      case K.Extern:
        this.type(a, e);
        return;
      case K.Ident:
        this.identFirst(a, e);
        return;
      case K.Return:
      case K.Goto:
      case K.Case:
        if (e === a + 1) this.zero(a, e);
        else this.edits.blank(start[a], end[a], "other");
        return;
      case K.Dot:
        // `.field = value` of an initialiser that a macro wraps.
        if (e > a + 1 && kind[a + 1] === K.Ident) this.edits.blank(start[a], end[a], "other");
        else this.zero(a, e);
        return;
      case K.LBracket:
        this.zero(a, e);
        return;
      case K.LBrace: {
        const close = this.t.match[a];
        for (let i = a + 1; i < close; i = this.after(i)) if (kind[i] === K.Semi) return;
        this.zero(a, e);
        return;
      }
      case K.Op:
      case K.AndAnd:
      case K.Assign:
      case K.Pipe:
      case K.Ellipsis:
      case K.Question:
      case K.Arrow:
        if (e === a + 1) this.zero(a, e);
        else this.edits.blank(start[a], end[a], "other");
        return;
      case K.Star:
      case K.Amp:
      case K.Minus:
      case K.Tilde:
      case K.Bang:
      case K.Step:
        if (e === a + 1) this.zero(a, e);
        return;
      default:
        if (isControl(k)) this.zero(a, e);
        else this.tail(a, e);
    }
  }

  private comma(from: number, to: number): void {
    for (let p = from; p < to; p++) {
      const c = this.text.charCodeAt(p);
      if (c === 32 || c === 9) {
        this.edits.put(p, p + 1, ",", "macro");
        return;
      }
    }
  }

  /** Statements as an argument become a block, where white space around them leaves room for its braces. */
  private asBlock(a: number, e: number): boolean {
    const { start, end } = this.t;
    const blank = (from: number, to: number): number => {
      for (let p = to - 1; p >= from; p--) {
        const c = this.text.charCodeAt(p);
        if (c === 32 || c === 9) return p;
      }
      return -1;
    };
    const before = blank(end[a - 1], start[a]);
    const after = blank(end[e - 1], start[e]);
    if (before < 0 || after < 0 || this.t.kind[e - 1] !== K.Semi) return false;
    this.edits.put(before, before + 1, "{", "macro");
    this.edits.put(after, after + 1, "}", "macro");
    this.statementsAt.push(a);
    return true;
  }

  /** An operator at the end (`x +`) cannot stay. */
  private tail(a: number, e: number): void {
    const k = this.t.kind[e - 1];
    if (e - a > 1 && (k === K.Op || k === K.AndAnd || k === K.Assign || k === K.Pipe)) {
      this.edits.blank(this.t.start[e - 1], this.t.end[e - 1], "other");
    }
  }

  /** Semicolons between statements in an argument become commas. */
  private statements(a: number, e: number): void {
    const { kind, start, end } = this.t;
    for (let i = a; i < e; i = this.after(i)) {
      if (kind[i] !== K.Semi) continue;
      if (i + 1 < e && i > a) this.edits.put(start[i], end[i], ",", "other");
      else this.edits.blank(start[i], end[i], "other");
    }
  }

  private identFirst(a: number, e: number): void {
    const { kind, start, end } = this.t;
    let i = a + 1;
    for (; i < e && kind[i] === K.Const; i++) this.edits.blank(start[i], end[i], "type-argument");
    const stars = i;
    while (i < e && (kind[i] === K.Star || kind[i] === K.Const)) i++;
    if (i === e) {
      // `foo_t *`
      if (i > stars) this.edits.blank(start[stars], end[i - 1], "type-argument");
      return;
    }
    if (
      stars === a + 1 &&
      i === stars &&
      kind[i] === K.Ident &&
      !this.words.isAttribute(i) &&
      !this.words.isAttribute(a)
    ) {
      // `u8 x` declares: keep the name.
      this.edits.blank(start[a], end[a], "type-argument");
      return;
    }
    if (i > stars && kind[i] === K.LBracket) {
      this.edits.blank(start[stars], end[i - 1], "type-argument");
      return;
    }
    this.tail(a, e);
  }

  /** A type, or a declaration, that begins with a keyword. */
  private type(a: number, e: number): void {
    const { kind, start, end, match } = this.t;
    const { edits } = this;
    let i = a;
    let name = -1;
    let from = -1;
    let to = -1;
    for (; i < e; i++) {
      const k = kind[i];
      if (k === K.Const || k === K.Static || k === K.Storage || k === K.Extern) continue;
      if (k === K.Struct || k === K.Union || k === K.Enum) {
        if (kind[i + 1] === K.Ident && i + 1 < e) {
          name = ++i;
          continue;
        }
        if (kind[i + 1] === K.LBrace) break;
      } else if (k === K.Type) {
        if (from < 0) from = i;
        to = i;
      } else if (k === K.Ident && this.words.isAttribute(i)) {
      } else if (k === K.Ident && from < 0 && name < 0) name = i;
      else break;
    }
    // Tokens [a, i) are the type's words; stars, a name or nothing may follow.
    let j = i;
    while (
      j < e &&
      (kind[j] === K.Star || kind[j] === K.Const || (kind[j] === K.Ident && this.words.isAttribute(j)))
    )
      j++;
    if (j < e && kind[j] === K.Ident && kind[j - 1] === K.Star && name >= 0) {
      // `struct foo *p`: a product to the parser.
      if (name > a) edits.blank(start[a], start[name], "type-argument");
      return;
    }
    if (j < e && kind[j] === K.Ident) {
      edits.blank(start[a], start[j], "type-argument");
      return;
    }
    if (j < e && !(kind[j] === K.LBracket && match[j] === e - 1)) {
      this.zero(a, e);
      return;
    }
    if (name >= 0) {
      if (name > a) edits.blank(start[a], start[name], "type-argument");
      if (j > name + 1) edits.blank(end[name], end[j - 1], "type-argument");
    } else if (from >= 0) {
      const old = this.text.slice(start[from], end[to]);
      if (from > a) edits.blank(start[a], start[from], "type-argument");
      // A keyword cannot be an operand: `unsigned long` → `_nsigned_long`.
      if (/^[\w \t]+$/.test(old))
        edits.put(start[from], end[to], `_${old.slice(1).replace(/[ \t]/g, "_")}`, "type-argument");
      else
        edits.put(start[from], end[to], `_${this.text.slice(start[from] + 1, end[from])}`, "type-argument");
      if (j > to + 1) edits.blank(end[to], end[j - 1], "type-argument");
    } else this.zero(a, e);
  }
}
