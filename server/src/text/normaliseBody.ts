/** Rewrites the statements of a function's body so that a C parser understands what the kernel's macros make of them. */
import type { MacroClasses } from "../facts/outline.js";
import type { Edits } from "./edits.js";
import { ArgumentRewriter } from "./normaliseArgs.js";
import { CAPITALS, WordRewriter } from "./normaliseWords.js";
import { isControl, isWord, K, type Tokens } from "./tokens.js";

const LOOP_NAME = /for_?each|^for_|^while_|^(?:scoped_|if_not_)|_loop$/i;

export class BodyRewriter extends WordRewriter {
  private readonly args: ArgumentRewriter;
  /** Open brackets; whether an open brace is a block. */
  private readonly stack: number[] = [];
  private readonly block: boolean[] = [];
  private inCase = false;

  constructor(
    text: string,
    t: Tokens,
    edits: Edits,
    classes: MacroClasses,
    isAttribute: (i: number) => boolean,
    inMacro: boolean,
  ) {
    super(text, t, edits, classes, isAttribute, inMacro);
    this.args = new ArgumentRewriter(text, t, edits, { isAttribute });
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
          const head = block ? 0 : this.tagBefore(i);
          i = head === 0 ? i + 1 : this.members(i, head === K.Enum);
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
          if (
            i > from &&
            kind[i - 1] === K.Ident &&
            match[i] > 0 &&
            !(kind[i + 1] === K.Star && match[i] === i + 2)
          ) {
            const next = this.args.call(i);
            for (const a of this.args.statementsAt) {
              this.begins[a] = 1;
              this.block[this.block.length - 1] = true;
            }
            i = next;
          } else i++;
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
        case K.If:
          if (kind[i + 1] === K.Ident && kind[i + 2] === K.LParen && match[i + 2] > 0) {
            // `if FAILED(x)`: the macro brings the parentheses.
            this.edits.blank(this.t.start[i + 1], this.t.end[i + 1], "macro");
            this.begins[match[i + 2] + 1] = 1;
            i += 2;
          } else i++;
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
          i = this.computedGoto(i);
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
      return (
        b === K.Ident ||
        (isControl(b) && b !== K.Return) ||
        b === K.RParen ||
        b === K.Semi ||
        b === K.RBrace ||
        b === K.LBrace
      );
    }
    return this.tagBefore(i) === 0;
  }

  /** K.Struct, K.Union or K.Enum when the brace at token i opens the body of one, else 0. */
  private tagBefore(i: number): number {
    const { kind } = this.t;
    for (let q = i - 1; q > i - 5 && q > 0; q--) {
      if (kind[q] === K.Struct || kind[q] === K.Union || kind[q] === K.Enum) return kind[q];
      if (kind[q] !== K.Ident && kind[q] !== K.RParen && kind[q] !== K.Attribute) return 0;
      if (kind[q] === K.RParen) {
        q = this.t.match[q];
        if (q <= 0 || kind[q - 1] !== K.Attribute) return 0;
      }
    }
    return 0;
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
      let w = i + 1;
      while (kind[w] === K.Const || kind[w] === K.Static) w++;
      if (kind[w] === K.Ident && kind[w + 1] === K.LParen && match[w + 1] > 0) {
        const a = kind[match[w + 1] + 1];
        if (a === K.Semi || a === K.Assign) {
          edits.blank(start[i], end[w - 1], "storage");
          this.begins[w] = 1;
          return w;
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
    if (
      (newLine && isControl(n) && n !== K.Else) ||
      (newLine && (isWord(n) || n === K.RBrace || n === K.Step) && CAPITALS.test(this.str(i))) ||
      n === K.RBrace ||
      n === K.Else
    ) {
      if (!this.semicolon(i)) edits.blank(start[i], end[i], "macro");
      this.begins[i + 1] = 1;
      return i + 1;
    }
    return i;
  }

  /** `goto *table[i];` jumps nowhere that can be told: `goto  table;` */
  private computedGoto(i: number): number {
    const { kind, start, end } = this.t;
    if (kind[i + 1] !== K.Star) return i + 1;
    this.edits.blank(start[i + 1], end[i + 1], "other");
    let w = i + 2;
    while (kind[w] === K.LParen || kind[w] === K.Star) w++;
    let e = w;
    while (kind[e] !== K.Semi && kind[e] !== K.RBrace && kind[e] !== K.Eof) e++;
    if (kind[w] !== K.Ident || e === w) return i + 2;
    if (w > i + 2) this.edits.blank(start[i + 2], start[w], "other");
    if (e > w + 1) this.edits.blank(end[w], end[e - 1], "other");
    return e;
  }

  /** The head of an enum or struct body: macros in it declare, and cannot stay. Returns the token to go on with. */
  private members(open: number, isEnum: boolean): number {
    const { kind, match, start, end } = this.t;
    const close = match[open];
    if (close < 0) return open + 1;
    for (let i = open + 1; i < close; i++) {
      const p = kind[i - 1];
      const first = isEnum
        ? p === K.LBrace || p === K.Comma
        : p === K.LBrace || p === K.Semi || p === K.RBrace;
      if (first && !isEnum && kind[i + 1] === K.Colon) {
        // `u32 : 4;` is unnamed.
        let e = i;
        while (e < close && kind[e] !== K.Semi) e++;
        this.edits.blank(start[i], end[Math.min(e, close - 1)], "other");
        continue;
      }
      if (!first || kind[i] !== K.Ident || kind[i + 1] !== K.LParen || match[i + 1] < 0) continue;
      const g = match[i + 1];
      if (isEnum) this.edits.blank(start[i + 1], end[g], "macro");
      else if (kind[g + 1] === K.Semi) this.edits.blank(start[i], end[g + 1], "macro");
    }
    return isEnum ? close : open + 1;
  }

  /** `NAME(…)` at the start of a statement. */
  private macroStatement(i: number, close: number): number {
    const { kind, match, start, end } = this.t;
    const { edits } = this;
    const a = kind[close + 1];
    const name = this.str(i);
    if (this.args.holdsStatements(i + 1, close)) {
      // `DEBUG(if (x) f();)`: the macro's name and parentheses become braces.
      const ended = kind[close - 1] === K.Semi || kind[close - 1] === K.RBrace;
      if (ended || a === K.Semi) {
        edits.blank(start[i], start[i + 1], "macro");
        edits.put(start[i + 1], end[i + 1], "{", "macro");
        edits.put(start[close], end[close], ended ? "}" : ";", "macro");
        if (!ended) edits.put(start[close + 1], end[close + 1], "}", "macro");
        this.stack.push(i + 1);
        this.block.push(true);
        this.begins[i + 2] = 1;
        this.begins[close + 1] = 1;
        return i + 2;
      }
    }
    if (this.inMacro && a === K.Semi && kind[close + 2] === K.Eof && this.classes.loop.has(name)) {
      // `#define for_each_x(a) for_each_y(a, b)`: the semicolon is the one that closes the replacement.
      return this.loop(i, close);
    }
    if (a === K.Semi && i > 0 && kind[i - 1] === K.RBrace && this.loopName(name) && end[i] - start[i] >= 5) {
      const o = match[i - 1];
      if (o > 0 && kind[o - 1] === K.Do) {
        // `do { … } while_each_thread(g, t);`
        edits.put(start[i], end[i], "while", "loop");
        return i + 1;
      }
    }
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
      if (
        !this.loopName(name) &&
        (after === K.Semi || after === K.Assign || after === K.Comma || after === K.LBracket)
      ) {
        // `TYPE(x) name;`
        edits.blank(start[i + 1], end[close], "type-argument");
        return close + 1;
      }
    }
    if (isWord(a) || a === K.LParen || ((a === K.Star || a === K.Step) && fresh)) {
      if (
        a !== K.Else &&
        (this.loopName(name) ||
          (fresh && !this.inMacro && this.deeper(i, close + 1)) ||
          (isControl(a) && !fresh))
      )
        return this.loop(i, close);
      return this.bare(i, close);
    }
    if (a === K.RBrace || a === K.Eof || a === K.String) return this.bare(i, close);
    return i;
  }

  private loopName(name: string): boolean {
    return this.classes.loop.has(name) || LOOP_NAME.test(name);
  }

  private bare(i: number, close: number): number {
    this.begins[close + 1] = 1;
    if (this.semicolon(close)) return i + 1;
    const { kind, start, end } = this.t;
    const before = this.text.charCodeAt(start[i] - 1);
    const line = end[close] - start[i] < 500 ? this.text.slice(start[i], end[close]) : "\n";
    if ((before === 32 || before === 9) && !line.includes("\n")) {
      // Nothing but a line end behind it: one to the left there is room.
      this.edits.put(start[i] - 1, end[close], `${line};`, "macro");
      return close + 1;
    }
    let last = i + 2;
    for (let j = i + 2; j < close; j = this.args.after(j)) if (kind[j] === K.Comma) last = j + 1;
    this.edits.blank(start[i], start[last], "macro");
    this.edits.put(start[close], end[close], ";", "macro");
    return last;
  }

  /** Whether token b is indented more than the line of token a. */
  private deeper(a: number, b: number): boolean {
    return this.indent(this.t.start[b]) > this.indent(this.t.start[a]);
  }

  private indent(at: number): number {
    let p = at;
    // Nobody indents further than this; a file without line ends must not cost the square of its length.
    const limit = Math.max(0, at - 500);
    while (p > limit && this.text.charCodeAt(p - 1) !== 10) p--;
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
      if (length >= 6 && this.edits.put(start[i], end[i] + 1, `${"while".padEnd(length - 1)}(1`, "loop"))
        return close;
    }
    const word = length >= 5 ? "while" : "if";
    this.edits.put(start[i], end[i], word, "loop");
    return i + 1;
  }
}
