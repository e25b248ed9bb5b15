/** Rewrites words, attributes, assembly and numbers wherever they stand in a function's body. */
import type { MacroClasses } from "../facts/outline.js";
import type { Edits } from "./edits.js";
import { isControl, isWord, K, type Tokens } from "./tokens.js";

/** A macro's name in capitals. */
export const CAPITALS = /^[A-Z_][A-Z0-9_]*$/;

export class WordRewriter {
  /** Tokens at which a statement begins, as far as found. */
  protected readonly begins: Uint8Array;

  constructor(
    protected readonly text: string,
    protected readonly t: Tokens,
    protected readonly edits: Edits,
    protected readonly classes: MacroClasses,
    protected readonly isAttribute: (i: number) => boolean,
    /** The text is a macro's replacement: its indentation says nothing. */
    protected readonly inMacro: boolean,
  ) {
    this.begins = new Uint8Array(t.n + 2);
  }

  protected str(i: number): string {
    return this.text.slice(this.t.start[i], this.t.end[i]);
  }

  protected lineBreak(from: number, to: number): boolean {
    for (let p = from; p < to; p++) if (this.text.charCodeAt(p) === 10) return true;
    return false;
  }

  /** Puts a semicolon into the white space after token i; false if there is no room. */
  protected semicolon(i: number): boolean {
    const { start, end } = this.t;
    for (let p = end[i]; p < start[i + 1]; p++) {
      const c = this.text.charCodeAt(p);
      if (c === 32 || c === 9) return this.edits.put(p, p + 1, ";", "macro");
      // Inside a comment nothing shows.
      if (c === 47) return this.edits.put(p, p + 2, ";", "macro") && this.clearComment(p + 2);
    }
    return false;
  }

  protected clearComment(from: number): boolean {
    const line = this.text.charCodeAt(from - 1) === 47;
    let e = this.text.indexOf(line ? "\n" : "*/", from);
    if (e < 0) e = this.text.length;
    else if (!line) e += 2;
    this.edits.blank(from, e, "other");
    return true;
  }

  /** Inline assembly at token i: an operand in its place. */
  protected asm(i: number): number {
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
  protected token(i: number, k: number): number {
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
    if (k === K.Alignof) {
      // The parser wants a type in it; sizeof takes both.
      edits.put(start[i], end[i], "sizeof", "other");
    } else if (k === K.Number) this.number(i);
    if (k === K.Paste) this.paste(i);
    else if (k === K.Hash) edits.blank(start[i], end[i], "other");
    else if (k === K.String && kind[i + 1] === K.Ident && kind[i + 2] === K.LParen && match[i + 2] > 0) {
      // `"a" FORMAT(x) "b"`
      edits.blank(start[i + 1], end[match[i + 2]], "macro");
      return match[i + 2] + 1;
    }
    return i + 1;
  }

  /** `400G`, `100000baseCR4_Full`: pasted to a name by the macro that takes it. */
  protected number(i: number): void {
    if (this.t.kind[i + 1] === K.Ident && CAPITALS.test(this.str(i + 1))) {
      // `128 KB`: a unit that is a macro.
      this.edits.blank(this.t.start[i + 1], this.t.end[i + 1], "macro");
    }
    const s = this.t.start[i];
    const e = this.t.end[i];
    if (e - s === 1) return;
    const word = this.str(i);
    if (
      /^(?:0[xX][\da-fA-F']+|0[bB][01]+|[\d.]+(?:[eE][+-]?\d*)?)[uUlLfF]*$/.test(word) ||
      !/^\w+$/.test(word)
    )
      return;
    this.edits.put(s, this.t.end[i], `_${word.slice(1)}`, "other");
  }

  /** `a ## b` becomes one word. */
  protected paste(i: number): void {
    const { kind, start, end } = this.t;
    const gap = this.text.slice(end[i - 1], start[i + 1]);
    const glue = isWord(kind[i - 1]) && (isWord(kind[i + 1]) || kind[i + 1] === K.Number);
    if (glue && /^[\s#\\]*$/.test(gap) && !gap.includes("\n")) {
      this.edits.put(end[i - 1], start[i + 1], "_".repeat(gap.length), "other");
    } else this.edits.blank(start[i], end[i], "other");
  }

  protected word(i: number): number {
    const { kind, match, start, end } = this.t;
    const { edits } = this;
    const p = kind[i - 1];
    const n = kind[i + 1];
    if (p === K.Dot || p === K.Arrow || p === K.Struct || p === K.Union || p === K.Enum || p === K.Goto)
      return i + 1;
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
    if (p === K.Ident && (closes || after === K.RParen)) {
      const attribute = this.isAttribute(i);
      const pp = kind[i - 2];
      const declared = pp === K.Ident || pp === K.Type || pp === K.Star;
      if (
        // `type name ATTR`, but not `type ATTR name`.
        (declared && (attribute || (group < 0 && !this.isAttribute(i - 1)))) ||
        (attribute && (pp === K.RBrace || (pp === K.Comma && reserved))) ||
        // `x = y UNITS;`
        (closes && group < 0 && (pp === K.Assign || pp === K.Op))
      ) {
        edits.blank(start[i], end[last], "attribute");
        return last + 1;
      }
    }
    if (group < 0 && n === K.Ident && kind[i + 2] === K.String && (p === K.LParen || p === K.Comma)) {
      // `LEVEL PREFIX "text"`
      edits.blank(start[i], end[i], "macro");
      return i + 1;
    }
    if (group < 0) {
      if (
        this.begins[i] === 1 ||
        isControl(p) ||
        (operandBefore(p) && operandAfter(n)) ||
        !this.isAttribute(i)
      )
        return i + 1;
      // In front of a word it qualifies what follows; behind one it may be the name that is declared, unless reserved.
      const before = isWord(n) || (n === K.Star && (reserved || !operandBefore(p)));
      const behind =
        p === K.RBrace ||
        (reserved &&
          (n === K.RParen || (p === K.RParen && closes)) &&
          (p === K.Ident || p === K.Type || p === K.Star || p === K.RParen));
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
    if (
      p === K.Assign &&
      isWord(after) &&
      this.classes.bare.has(this.str(i)) &&
      this.lineBreak(end[last], start[last + 1])
    ) {
      // The macro's replacement ends in the semicolon.
      this.semicolon(last);
      this.begins[last + 1] = 1;
    }
    if (this.text.startsWith("offsetof", start[i]) && end[i] - start[i] === 8) return this.offsetof(i, group);
    return i + 1;
  }

  /** The parser knows `offsetof(type, member)` with a plain member only. */
  protected offsetof(i: number, close: number): number {
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
  k === K.LParen ||
  k === K.Comma ||
  k === K.Assign ||
  k === K.Op ||
  k === K.AndAnd ||
  k === K.Pipe ||
  k === K.Amp ||
  k === K.Bang ||
  k === K.Semi ||
  k === K.LBrace ||
  k === K.LBracket ||
  k === K.Question ||
  k === K.Colon ||
  k === K.Minus ||
  k === K.Tilde ||
  isControl(k);
const operandAfter = (k: number): boolean =>
  k === K.RParen ||
  k === K.Comma ||
  k === K.Semi ||
  k === K.Op ||
  k === K.AndAnd ||
  k === K.Pipe ||
  k === K.Amp ||
  k === K.RBracket ||
  k === K.Question ||
  k === K.Colon ||
  k === K.Minus ||
  k === K.Assign ||
  k === K.RBrace ||
  k === K.Dot ||
  k === K.Arrow ||
  k === K.LBracket ||
  k === K.Step;
