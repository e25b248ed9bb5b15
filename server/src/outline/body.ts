/** Scans the tokens of a function's body, a macro's replacement or an initialiser: calls, fields given a value, registrations. */
import { K, type Tokens } from "../text/tokens.js";
import type { State } from "./state.js";

const VALUE_LIMIT = 80;
const ARG_LIMIT = 120;

/** What an open brace is to the designators in it. */
interface BraceContext {
  init: boolean;
  type: number;
  base: number;
  outer: string;
}
const BLOCK: BraceContext = { init: false, type: 0, base: 0, outer: "" };

export class BodyScanner {
  /** Open braces, so many of them, and what they are to the designators in them where that is known. */
  private readonly braces: number[] = [];
  private readonly contexts: (BraceContext | undefined)[] = [];
  private depth = 0;

  constructor(private readonly s: State) {}

  /** Scans tokens [from, to) that belong to function `fn` (index + 1; 0 at file level). */
  scan(t: Tokens, from: number, to: number, fn: number): void {
    this.depth = 0;
    const { kind, match, marks, markCount } = t;
    const s = this.s;
    for (let m = t.markFrom(from); m < markCount; m++) {
      const i = marks[m];
      if (i >= to) break;
      const k = kind[i];
      if (k === K.LParen) {
        if (i === from) continue;
        const p = kind[i - 1];
        if (p === K.Ident) {
          if (i - 1 >= from) this.call(t, i - 1, i, from, fn);
        } else if (p === K.RParen || p === K.RBracket) {
          const w = this.indirect(t, i, from);
          if (w >= 0) s.calls.push(s.word(t, w) * 2 + (isMember(kind[w - 1]) ? 1 : 0));
        }
      } else if (k === K.Assign) {
        if (i > from) this.assign(t, i, from, to, fn);
      } else if (k === K.LBrace) {
        this.open(i, undefined);
      } else if (k === K.RBrace && this.depth > 0 && match[i] >= 0) this.depth--;
    }
  }

  private open(brace: number, context: BraceContext | undefined): void {
    this.braces[this.depth] = brace;
    this.contexts[this.depth++] = context;
  }

  /** Scans the initialiser `{` … `}` at token `open` of a variable at file level. */
  initialiser(t: Tokens, open: number, type: number, base: number): void {
    const end = t.match[open];
    if (end < 0) return;
    this.depth = 0;
    this.open(open, { init: true, type, base, outer: "" });
    const { kind, marks, markCount } = t;
    for (let m = t.markFrom(open + 1); m < markCount; m++) {
      const i = marks[m];
      if (i >= end) break;
      const k = kind[i];
      if (k === K.Assign) this.assign(t, i, open, end, 0);
      else if (k === K.LBrace) {
        this.open(i, undefined);
      } else if (k === K.RBrace && this.depth > 1) this.depth--;
    }
  }

  /** Records the registration `name(…)` whose open parenthesis is token o. */
  registration(t: Tokens, name: number, w: number, o: number, fn: number): void {
    const s = this.s;
    const first = s.regArgs.n;
    const end = t.match[o];
    if (end > o) {
      let a = o + 1;
      for (let i = a; i <= end; ) {
        if (i === end || t.kind[i] === K.Comma) {
          if (i > a || i !== end || a > o + 1) s.regArgs.push(s.span(t, a, i, ARG_LIMIT));
          a = i + 1;
        }
        i = i === end ? end + 1 : s.skip(t, i);
      }
    }
    s.regs.push(name);
    s.regs.push(t.start[w]);
    s.regs.push(fn);
    s.regs.push(first);
    s.regs.push(s.regArgs.n - first);
  }

  private call(t: Tokens, w: number, o: number, from: number, fn: number): void {
    const s = this.s;
    const p = w > from ? t.kind[w - 1] : 0;
    const member = isMember(p);
    if (!member && (p === K.Type || p === K.Ident)) {
      // `u8 foo(int);` declares; a name on the line above is a macro that wants no semicolon.
      if (!s.text.slice(t.end[w - 1], t.start[w]).includes("\n")) return;
    }
    const name = s.word(t, w);
    s.calls.push(name * 2 + (member ? 1 : 0));
    if (!member && s.isRegistration(name)) this.registration(t, name, w, o, fn);
  }

  /** The word that is called by `(*p)(`, `(x->f)(` or `x->f[i](` with the open parenthesis at token i, or -1. */
  private indirect(t: Tokens, i: number, from: number): number {
    const { kind, match } = t;
    const m = match[i - 1];
    if (m < from) return -1;
    if (kind[i - 1] === K.RBracket) {
      const w = m - 1;
      return w >= from && kind[w] === K.Ident ? w : -1;
    }
    let q = i - 2;
    if (kind[q] === K.RBracket && match[q] > m) q = match[q] - 1;
    if (kind[q] !== K.Ident) return -1;
    if (kind[m + 1] === K.Star) {
      // `int (*f)(void)` declares.
      const before = m > from ? kind[m - 1] : 0;
      return before === K.Type || before === K.Ident ? -1 : q;
    }
    return isMember(kind[q - 1]) ? q : -1;
  }

  /** `=` at token i: an assignment to a field or a designated initialiser. */
  private assign(t: Tokens, i: number, from: number, to: number, fn: number): void {
    const { kind, match } = t;
    let w = i - 1;
    for (let n = 0; n < 3 && kind[w] === K.RBracket && match[w] > from; n++) w = match[w] - 1;
    if (kind[w] !== K.Ident || w - 1 < from) return;
    if (!isMember(kind[w - 1])) {
      // `hook = function;` is worth a record once it is known that the value is a function of the file.
      const v = kind[i + 1] === K.Amp ? i + 2 : i + 1;
      const whole = w === i - 1 && kind[v] === K.Ident && isEnd(kind[v + 1]);
      const starts = kind[w - 1] !== K.Type && kind[w - 1] !== K.Ident && kind[w - 1] !== K.Star;
      if (fn !== 0 && whole && starts) {
        const s = this.s;
        s.hooks.push(s.word(t, v));
        s.hooks.push(s.word(t, w));
        s.hooks.push(t.start[w]);
        s.hooks.push(fn);
      }
      return;
    }
    const next = kind[i + 1];
    // Quick ways out: most assignments store the result of a call or an operation.
    if (next === K.String || next === K.LBrace || next === K.Star || next === K.Char) return;
    const value = this.value(t, i + 1, to);
    if (value === 0) return;
    const s = this.s;
    if (kind[w - 1] === K.Dot) {
      const p = designatorStart(t, w - 1, from);
      if (p >= 0) {
        const level = this.depth - 1;
        const ctx = level >= 0 ? this.context(t, level, from) : BLOCK;
        const path =
          p < w - 1 ? ctx.outer + designatorPath(s.text.slice(t.start[p], t.end[w - 2])) : ctx.outer;
        s.init(ctx.type, s.word(t, w), path === "" ? 0 : s.names.text(path), value, ctx.base, t.start[w], fn);
        return;
      }
    }
    if (fn === 0) return;
    const b = lhsStart(t, w, from);
    s.init(0, s.word(t, w), 0, value, s.span(t, b, w - 1, VALUE_LIMIT), t.start[w], fn);
  }

  /**
   * Interned value that starts at token i and ends at `,`, `;` or a closing bracket: an identifier, or a short expression of
   * identifiers, numbers and operators; 0 for anything else.
   */
  value(t: Tokens, i: number, to: number): number {
    const { kind, match } = t;
    const s = this.s;
    // A cast says nothing about which function or flag it is.
    if (kind[i] === K.LParen && match[i] > i && isCast(t, i)) i = match[i] + 1;
    if (kind[i] === K.Amp) i++;
    if (kind[i] === K.Ident) {
      if (isEnd(kind[i + 1]) && i + 1 <= to) return s.word(t, i);
      // pm_ptr(&ops), of_match_ptr(x): the value or nothing.
      if (kind[i + 1] === K.LParen && s.text.startsWith("_ptr", t.end[i] - 4)) {
        const w = kind[i + 2] === K.Amp ? i + 3 : i + 2;
        if (kind[w] === K.Ident && match[i + 1] === w + 1 && isEnd(kind[w + 2])) return s.word(t, w);
      }
    }
    let depth = 0;
    let operand = false;
    for (let j = i; j < i + 24 && j <= to; j++) {
      const k = kind[j];
      if (k === K.Ident || k === K.Number) {
        if (operand) return 0;
        operand = true;
      } else if (k === K.LParen) {
        if (operand) return 0;
        depth++;
      } else if (k === K.RParen && depth > 0) {
        depth--;
      } else if (depth === 0 && isEnd(k)) {
        return operand ? s.span(t, i, j, VALUE_LIMIT) : 0;
      } else if (k === K.Pipe || k === K.Op || k === K.Minus) {
        operand = false;
      } else if (k === K.Tilde || k === K.Bang) {
        if (operand) return 0;
      } else return 0;
    }
    return 0;
  }

  /** What the open brace at a level of the stack is: block, or initialiser of which type. */
  private context(t: Tokens, level: number, from: number): BraceContext {
    const have = this.contexts[level];
    if (have !== undefined) return have;
    // Each level asks the one above at most once; deep ones are blocks.
    const ctx = this.braceContext(t, level, from);
    this.contexts[level] = ctx;
    return ctx;
  }

  private braceContext(t: Tokens, level: number, from: number): BraceContext {
    const { kind, match } = t;
    const s = this.s;
    const b = this.braces[level];
    const up = (): BraceContext => (level > 0 && this.depth < 60 ? this.context(t, level - 1, from) : BLOCK);
    const p = b > from ? kind[b - 1] : 0;
    if (p === K.Comma || p === K.LBrace) {
      const outer = up();
      return outer.init ? outer : BLOCK;
    }
    if (p === K.RParen) {
      const m = match[b - 1];
      if (m <= from || !isCastish(kind[m - 1])) return BLOCK;
      let j = m + 1;
      while (kind[j] === K.Const) j++;
      if (kind[j] === K.Struct || kind[j] === K.Union) j++;
      if (kind[j] !== K.Ident) return BLOCK;
      let base = 0;
      let a = m - 1;
      if (kind[a] === K.Amp) a--;
      if (kind[a] === K.Assign && kind[a - 1] === K.Ident) {
        base = s.span(t, lhsStart(t, a - 1, from), a, VALUE_LIMIT);
      }
      return { init: true, type: s.word(t, j), base, outer: "" };
    }
    if (p !== K.Assign) return BLOCK;
    let q = b - 2;
    for (let n = 0; n < 4 && kind[q] === K.RBracket && match[q] > from; n++) {
      const r = match[q] - 1;
      if (kind[r] === K.LBrace || kind[r] === K.Comma) return up();
      q = r;
    }
    if (kind[q] !== K.Ident || q < from) return BLOCK;
    if (kind[q - 1] === K.Dot) {
      const start = designatorStart(t, q - 1, from);
      if (start < 0) return BLOCK;
      const outer = up();
      return {
        ...outer,
        init: true,
        outer: outer.outer + designatorPath(s.text.slice(t.start[start], t.end[q])),
      };
    }
    return { init: true, type: typeBefore(s, t, q, from), base: s.word(t, q), outer: "" };
  }
}

const isMember = (k: number): boolean => k === K.Dot || k === K.Arrow;
const isEnd = (k: number): boolean =>
  k === K.Comma || k === K.Semi || k === K.RBrace || k === K.RParen || k === K.Eof;
/** A parenthesised type may follow this token to form a compound literal. */
const isCastish = (k: number): boolean =>
  k === K.Assign ||
  k === K.Amp ||
  k === K.Comma ||
  k === K.LParen ||
  k === K.Return ||
  k === K.Colon ||
  k === K.LBrace;

/** Whether the parenthesis at token i holds words and stars only and an operand follows. */
function isCast(t: Tokens, i: number): boolean {
  const e = t.match[i];
  let j = i + 1;
  while (j < e && (t.kind[j] === K.Ident || t.kind[j] >= 144)) j++;
  const words = j - (i + 1);
  while (j < e && t.kind[j] === K.Star) j++;
  if (j !== e || words === 0) return false;
  const k = t.kind[e + 1];
  return k === K.Ident || k === K.Number || k === K.Amp || (k === K.LParen && t.kind[e - 1] !== K.Ident);
}

/** First token of the designator whose last dot is token p (`.a.b`, `[X].b`), or -1 if it is no designator. */
function designatorStart(t: Tokens, p: number, from: number): number {
  const { kind, match } = t;
  for (let n = 0; n < 12 && p > from; n++) {
    let b = p - 1;
    while (kind[b] === K.RBracket && match[b] > from) b = match[b] - 1;
    const k = kind[b];
    if (k === K.LBrace || k === K.Comma || b < from) return p;
    if (k === K.Ident && kind[b - 1] === K.Dot) p = b - 1;
    else return -1;
  }
  return -1;
}

/** `.a[3] .b` → `.a.b` */
const designatorPath = (s: string): string => s.replace(/\[[^\]]*\]|\s+/g, "");

/** First token of the expression that ends with the member at token w. */
function lhsStart(t: Tokens, w: number, from: number): number {
  const { kind, match } = t;
  let p = w;
  for (let n = 0; n < 40 && p - 2 >= from && isMember(kind[p - 1]); n++) {
    let q = p - 2;
    while (kind[q] === K.RBracket && match[q] > from) q = match[q] - 1;
    if (kind[q] === K.RParen && match[q] > from) {
      q = match[q];
      if (kind[q - 1] === K.Ident && q - 1 >= from) q--;
    }
    if (q < from) break;
    p = q;
  }
  return p;
}

/** Interned struct tag or type name of the variable declared at token q, 0 if it cannot be told. */
function typeBefore(s: State, t: Tokens, q: number, from: number): number {
  const { kind } = t;
  let j = q - 1;
  while (
    j >= from &&
    (kind[j] === K.Star || kind[j] === K.Const || (kind[j] === K.Ident && s.attrLike(t, j)))
  )
    j--;
  return j >= from && kind[j] === K.Ident ? s.word(t, j) : 0;
}
