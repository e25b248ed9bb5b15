/** Rewrites the statements of a function's body so that a C parser understands what the kernel's macros make of them. */
import type { MacroClasses } from "../facts/outline.js";
import type { Edits } from "./edits.js";
import { ArgumentRewriter } from "./normaliseArgs.js";
import { K, type Tokens, isControl, isWord } from "./tokens.js";

const LOOP_NAME = /for_?each|^for_|_for_each|^(?:scoped_|if_not_)|_loop$|_LOOP$|FOREACH/i;
const CAPITALS = /^[A-Z_][A-Z0-9_]*$/;

export class BodyRewriter {
  private readonly args: ArgumentRewriter;
  /** Tokens at which a statement begins, as far as found. */
  private readonly begins: Uint8Array;
  /** Open brackets; whether an open brace is a block. */
  private readonly stack: number[] = [];
  private readonly block: boolean[] = [];
  private inCase = false;

  constructor(
    private readonly text: string,
    private readonly t: Tokens,
    private readonly edits: Edits,
    private readonly classes: MacroClasses,
    private readonly isAttribute: (i: number) => boolean,
  ) {
    this.args = new ArgumentRewriter(text, t, edits, { isAttribute });
    this.begins = new Uint8Array(t.n + 2);
  }

  private str(i: number): string {
    return this.text.slice(this.t.start[i], this.t.end[i]);
  }

  /** Rewrites tokens [from, to); `from` is the body's `{`. */
  run(from: number, to: number): void {
    const { kind, match } = this.t;
    if (kind[from] !== K.LBrace) this.begins[from] = 1;
    for (let i = from; i < to; ) {
      if (this.begins[i] === 1) {
        const next = this.statement(i);
        if (next > i) {
          i = next;
          continue;
        }
      }
      const k = kind[i];
      switch (k) {
        case K.LBrace: {
          const block = this.isBlock(i, from);
          this.stack.push(i);
          this.block.push(block);
          if (block) this.begins[i + 1] = 1;
          i++;
          continue;
        }
        case K.RBrace: {
          const b = this.pop(K.LBrace);
          if (b && kind[i + 1] !== K.RParen && kind[i + 1] !== K.Comma) this.begins[i + 1] = 1;
          i++;
          continue;
        }
        case K.LParen:
          this.stack.push(i);
          this.block.push(false);
          if (i > from && kind[i - 1] === K.Ident && match[i] > 0) i = this.args.call(i);
          else i++;
          continue;
        case K.RParen:
          this.pop(K.LParen);
          this.afterParen(i);
          i++;
          continue;
        case K.Semi:
          if (this.stack.length === 0 || this.block[this.block.length - 1]) this.begins[i + 1] = 1;
          i++;
          continue;
        case K.Else:
        case K.Do:
          this.begins[i + 1] = 1;
          i++;
          continue;
        case K.Case:
          this.inCase = true;
          this.markCase(i);
          i++;
          continue;
        case K.Default:
          if (kind[i + 1] === K.Colon) this.begins[i + 2] = 1;
          i++;
          continue;
        case K.Goto:
          if (kind[i + 1] === K.Star) this.edits.blank(this.t.start[i + 1], this.t.end[i + 1], "other");
          i++;
          continue;
        case K.Ellipsis:
          if (this.inCase) this.edits.put(this.t.start[i], this.t.end[i], "|| ", "other");
          i++;
          continue;
        default:
          i = this.token(i, k);
      }
    }
  }

  private pop(open: number): boolean {
    for (let n = this.stack.length - 1, s = 0; n >= 0 && s < 8; n--, s++) {
      if (this.t.kind[this.stack[n]] !== open) continue;
      const b = this.block[n];
      this.stack.length = n;
      this.block.length = n;
      return b;
    }
    return false;
  }

  private isBlock(i: number, from: number): boolean {
    if (i === from) return true;
    const { kind, match } = this.t;
    const p = kind[i - 1];
    if (p === K.Assign || p === K.Comma || p === K.RBracket) return false;
    if (p === K.LBrace) return this.block[this.block.length - 1];
    if (p === K.RParen && match[i - 1] > 0) {
      const b = kind[match[i - 1] - 1];
      return b === K.Ident || isControl(b) || b === K.RParen || b === K.Semi || b === K.RBrace || b === K.LBrace;
    }
    if (p === K.Ident || p === K.Struct || p === K.Union || p === K.Enum) {
      for (let q = i - 1; q > i - 5 && q > from; q--) {
        if (kind[q] === K.Struct || kind[q] === K.Union || kind[q] === K.Enum) return false;
        if (kind[q] !== K.Ident) break;
      }
    }
    return true;
  }

  /** A statement follows the header of a control statement. */
  private afterParen(i: number): void {
    const { kind, match } = this.t;
    const o = match[i];
    if (o <= 0) return;
    const b = kind[o - 1];
    if (b === K.If || b === K.While || b === K.For || b === K.Switch) {
      // `do … while (x)` is followed by a semicolon, which is no statement that matters.
      this.begins[i + 1] = 1;
    }
  }

  private markCase(i: number): void {
    const { kind, match } = this.t;
    let ternary = 0;
    for (let j = i + 1, n = 0; n < 200 && kind[j] !== K.Eof; n++) {
      const k = kind[j];
      if (k === K.Question) ternary++;
      else if (k === K.Colon && ternary-- <= 0) {
        this.begins[j + 1] = 1;
        return;
      } else if (k === K.Semi) return;
      j = (k === K.LParen || k === K.LBrace) && match[j] > j ? match[j] + 1 : j + 1;
    }
  }

  /** Handles a statement that begins at token i; returns the token to go on with, or i to treat it as any other. */
  private statement(i: number): number {
    const { kind, match, start, end } = this.t;
    const { edits } = this;
    this.inCase = false;
    const k = kind[i];
    if (k === K.Asm) return this.asm(i);
    if (k === K.Attribute || k === K.Extension) {
      const e = k === K.Attribute && kind[i + 1] === K.LParen && match[i + 1] > 0 ? match[i + 1] : i;
      edits.blank(start[i], end[e], "attribute");
      this.begins[e + 1] = 1;
      return e + 1;
    }
    if (k === K.Static || k === K.Extern || k === K.Storage) {
      // `static DEFINE_SPINLOCK(x);` is a call to the parser.
      if (kind[i + 1] === K.Ident && kind[i + 2] === K.LParen && match[i + 2] > 0) {
        const a = kind[match[i + 2] + 1];
        if (a === K.Semi || a === K.Assign) {
          edits.blank(start[i], end[i], "storage");
          this.begins[i + 1] = 1;
          return i + 1;
        }
      }
      return i;
    }
    if (k !== K.Ident) return i;
    const n = kind[i + 1];
    if (n === K.Colon) {
      this.begins[i + 2] = 1;
      return i + 2;
    }
    if (n === K.LParen && match[i + 1] > 0) return this.macroStatement(i, match[i + 1]);
    if (n === K.LBrace) {
      // `forever {`
      edits.blank(start[i], end[i], "loop");
      return i + 1;
    }
    if (this.isAttribute(i) && (isWord(n) || n === K.Star)) {
      edits.blank(start[i], end[i], "attribute");
      this.begins[i + 1] = 1;
      return i + 1;
    }
    const newLine = this.lineBreak(end[i], start[i + 1]);
    if ((newLine && (isWord(n) || n === K.RBrace || n === K.Step) && CAPITALS.test(this.str(i))) || n === K.RBrace || n === K.Else) {
      if (!this.semicolon(i)) edits.blank(start[i], end[i], "macro");
      this.begins[i + 1] = 1;
      return i + 1;
    }
    return i;
  }

  private lineBreak(from: number, to: number): boolean {
    for (let p = from; p < to; p++) if (this.text.charCodeAt(p) === 10) return true;
    return false;
  }

  /** Puts a semicolon into the white space after token i; false if there is no room. */
  private semicolon(i: number): boolean {
    const { start, end } = this.t;
    for (let p = end[i]; p < start[i + 1]; p++) {
      const c = this.text.charCodeAt(p);
      if (c === 32 || c === 9) return this.edits.put(p, p + 1, ";", "macro");
      // Inside a comment nothing shows.
      if (c === 47) return this.edits.put(p, p + 2, ";", "macro") && this.clearComment(p + 2);
    }
    return false;
  }

  private clearComment(from: number): boolean {
    const line = this.text.charCodeAt(from - 1) === 47;
    let e = this.text.indexOf(line ? "\n" : "*/", from);
    if (e < 0) e = this.text.length;
    else if (!line) e += 2;
    this.edits.blank(from, e, "other");
    return true;
  }

  /** `NAME(…)` at the start of a statement. */
  private macroStatement(i: number, close: number): number {
    const { kind, match, start, end } = this.t;
    const { edits } = this;
    const a = kind[close + 1];
    const name = this.str(i);
    if (a === K.Semi || a === K.Comma || a === K.Dot || a === K.Arrow || a === K.LBracket || a === K.LParen) {
      if (a !== K.LParen || this.loopName(name) === false) return i;
    }
    if (a === K.Assign) {
      const v = close + 2;
      if (kind[v] === K.LBrace && match[v] > 0) {
        // `DECLARE_BITMAP(x, n) = { … };`
        this.args.call(i + 1);
        edits.blank(start[close + 1], end[match[v]], "other");
        return match[v] + 1;
      }
      return i;
    }
    if (a === K.LBrace) return this.loop(i, close);
    if (a === K.Colon) {
      if (end[i] - start[i] >= 4) edits.put(start[i], end[i], "case", "macro");
      this.begins[close + 2] = 1;
      return i + 1;
    }
    const fresh = this.lineBreak(end[close], start[close + 1]);
    if (a === K.Ident && !fresh) {
      const after = kind[close + 2];
      if (this.isAttribute(i)) {
        edits.blank(start[i], end[close], "attribute");
        this.begins[close + 1] = 1;
        return close + 1;
      }
      if (!this.loopName(name) && (after === K.Semi || after === K.Assign || after === K.Comma || after === K.LBracket)) {
        // `TYPE(x) name;`
        edits.blank(start[i + 1], end[close], "type-argument");
        return close + 1;
      }
    }
    if (isWord(a) || a === K.Step || a === K.LParen || (a === K.Star && fresh)) {
      if (a !== K.Else && (this.loopName(name) || (fresh && this.deeper(i, close + 1)) || isControl(a) && !fresh)) return this.loop(i, close);
      return this.bare(i, close);
    }
    if (a === K.RBrace || a === K.Eof || a === K.String) return this.bare(i, close);
    return i;
  }

  private loopName(name: string): boolean {
    return this.classes.loop.has(name) || LOOP_NAME.test(name);
  }

  private bare(i: number, close: number): number {
    this.semicolon(close);
    this.begins[close + 1] = 1;
    return i + 1;
  }

  /** Whether token b is indented more than the line of token a. */
  private deeper(a: number, b: number): boolean {
    return this.indent(this.t.start[b]) > this.indent(this.t.start[a]);
  }

  private indent(at: number): number {
    let p = at;
    while (p > 0 && this.text.charCodeAt(p - 1) !== 10) p--;
    let n = 0;
    for (; p < at; p++) {
      const c = this.text.charCodeAt(p);
      if (c === 9) n = (n | 7) + 1;
      else if (c === 32) n++;
      else break;
    }
    return n;
  }

  /** `name(…)` heads the statement that follows: `while`, or `if` where that does not fit. */
  private loop(i: number, close: number): number {
    const { start, end } = this.t;
    const length = end[i] - start[i];
    this.begins[close + 1] = 1;
    if (close === i + 2) {
      // No arguments: `name()` → `while(1)`.
      if (length >= 6 && this.edits.put(start[i], end[i] + 1, `${"while".padEnd(length - 1)}(1`, "loop")) return close;
    }
    const word = length >= 5 ? "while" : "if";
    this.edits.put(start[i], end[i], word, "loop");
    return i + 1;
  }

  /** Inline assembly at token i: an operand in its place. */
  private asm(i: number): number {
    const { kind, match, start, end } = this.t;
    let o = i + 1;
    while (kind[o] === K.Const || kind[o] === K.Inline || kind[o] === K.Goto || kind[o] === K.Ident) o++;
    if (kind[o] !== K.LParen || match[o] < 0) return i + 1;
    const p = i > 0 ? kind[i - 1] : 0;
    if (this.begins[i] !== 1 && (p === K.Ident || p === K.RBracket || p === K.RParen)) {
      this.edits.blank(start[i], end[match[o]], "asm");
    } else {
      this.edits.put(start[i], end[match[o]], "0", "asm");
      if (kind[match[o] + 1] !== K.Semi && this.begins[i] === 1) this.semicolon(match[o]);
    }
    return match[o] + 1;
  }

  /** Any other token. */
  private token(i: number, k: number): number {
    const { kind, match, start, end } = this.t;
    const { edits } = this;
    if (k === K.Ident) return this.word(i);
    if (k === K.Attribute) {
      const e = kind[i + 1] === K.LParen && match[i + 1] > 0 ? match[i + 1] : i;
      edits.blank(start[i], end[e], "attribute");
      return e + 1;
    }
    if (k === K.Typeof) {
      if (kind[i + 1] !== K.LParen || match[i + 1] < 0) return i + 1;
      edits.blank(start[i + 1], end[match[i + 1]], "type-argument");
      return match[i + 1] + 1;
    }
    if (k === K.Asm) return this.asm(i);
    if (k === K.Const) {
      if (this.text.charCodeAt(start[i]) === 95) edits.blank(start[i], end[i], "attribute");
      return i + 1;
    }
    if (k === K.Extension) edits.blank(start[i], end[i], "attribute");
    if (k === K.Paste) this.paste(i);
    else if (k === K.Hash) edits.blank(start[i], end[i], "other");
    else if (k === K.String && kind[i + 1] === K.Ident && kind[i + 2] === K.LParen && match[i + 2] > 0) {
      // `"a" FORMAT(x) "b"`
      edits.blank(start[i + 1], end[match[i + 2]], "macro");
      return match[i + 2] + 1;
    }
    return i + 1;
  }

  /** `a ## b` becomes one word. */
  private paste(i: number): void {
    const { kind, start, end } = this.t;
    const gap = this.text.slice(end[i - 1], start[i + 1]);
    const glue = isWord(kind[i - 1]) && (isWord(kind[i + 1]) || kind[i + 1] === K.Number);
    if (glue && /^[\s#\\]*$/.test(gap) && !gap.includes("\n")) {
      this.edits.put(end[i - 1], start[i + 1], "_".repeat(gap.length), "other");
    } else this.edits.blank(start[i], end[i], "other");
  }

  private word(i: number): number {
    const { kind, match, start, end } = this.t;
    const { edits } = this;
    const p = kind[i - 1];
    const n = kind[i + 1];
    if (p === K.Dot || p === K.Arrow || p === K.Struct || p === K.Union || p === K.Enum || p === K.Goto) return i + 1;
    const group = n === K.LParen && match[i + 1] > 0 ? match[i + 1] : -1;
    const last = group > 0 ? group : i;
    const after = kind[last + 1];
    const closes = after === K.Assign || after === K.Semi || after === K.Comma;
    // After a declarator: `x[3] __aligned(8);`, `struct foo *p __free(kfree) = …`.
    if (p === K.RBracket && closes) {
      edits.blank(start[i], end[last], "attribute");
      return last + 1;
    }
    const reserved = this.text.charCodeAt(start[i]) === 95 && this.text.charCodeAt(start[i] + 1) === 95;
    if (p === K.Ident && (closes || after === K.RParen) && (this.isAttribute(i) || group < 0)) {
      const pp = kind[i - 2];
      if (pp === K.Ident || pp === K.Type || pp === K.Star || (pp === K.Comma && reserved && this.isAttribute(i))) {
        edits.blank(start[i], end[last], "attribute");
        return last + 1;
      }
    }
    if (group < 0) {
      if (isControl(p) || (operandBefore(p) && operandAfter(n)) || !this.isAttribute(i)) return i + 1;
      // In front of a word it qualifies what follows; behind one it may be the name that is declared, unless reserved.
      const before = isWord(n) || (n === K.Star && (reserved || !operandBefore(p)));
      const behind =
        p === K.RBrace || (reserved && (n === K.RParen || (p === K.RParen && closes)) && (p === K.Ident || p === K.Type || p === K.Star || p === K.RParen));
      if (before || behind) edits.blank(start[i], end[i], "attribute");
      return i + 1;
    }
    if (
      this.begins[i] !== 1 &&
      (p === K.Ident || p === K.Type || p === K.RParen || p === K.RBrace) &&
      (closes || isWord(after) || after === K.Star) &&
      this.isAttribute(i)
    ) {
      edits.blank(start[i], end[last], "attribute");
      return last + 1;
    }
    if (after === K.String && (p === K.Comma || p === K.LParen || p === K.String)) {
      // `FORMAT(x) "text"`
      edits.blank(start[i], end[last], "macro");
      return last + 1;
    }
    if (this.text.startsWith("offsetof", start[i]) && end[i] - start[i] === 8) return this.offsetof(i, group);
    return i + 1;
  }

  /** The parser knows `offsetof(type, member)` with a plain member only. */
  private offsetof(i: number, close: number): number {
    const { kind, match, start, end } = this.t;
    let comma = i + 2;
    while (comma < close && kind[comma] !== K.Comma) {
      if (kind[comma] === K.Typeof && kind[comma + 1] === K.LParen && match[comma + 1] > 0) {
        this.edits.blank(start[comma + 1], end[match[comma + 1]], "type-argument");
      }
      comma = kind[comma] === K.LParen && match[comma] > comma ? match[comma] + 1 : comma + 1;
    }
    if (comma < close && kind[comma + 1] === K.Ident && comma + 2 < close) {
      this.edits.blank(end[comma + 1], start[close], "type-argument");
    }
    return close;
  }
}

const operandBefore = (k: number): boolean =>
  k === K.LParen || k === K.Comma || k === K.Assign || k === K.Op || k === K.AndAnd || k === K.Pipe || k === K.Amp || k === K.Bang || k === K.Semi || k === K.LBrace || k === K.LBracket || k === K.Question || k === K.Colon || k === K.Minus || k === K.Tilde || isControl(k);
const operandAfter = (k: number): boolean =>
  k === K.RParen || k === K.Comma || k === K.Semi || k === K.Op || k === K.AndAnd || k === K.Pipe || k === K.Amp || k === K.RBracket || k === K.Question || k === K.Colon || k === K.Minus || k === K.Assign || k === K.RBrace || k === K.Dot || k === K.Arrow || k === K.LBracket || k === K.Step;
