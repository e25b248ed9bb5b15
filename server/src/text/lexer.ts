/** Byte-level C lexer: turns latin1 text into token columns, preprocessor directives apart, in one linear pass. */
import { D, K, type Tokens, wordKind } from "./tokens.js";

/** What is nothing we know is passed over like a blank. */
const BLANK = 1;
const PUNCT = 2;
/** Punctuation that is a token of its own whatever follows; a bracket is that and a mark. */
const SINGLE = 3;
const BRACKET = 4;
/** Words consist of these two. */
const DIGIT = 5;
const WORD = 6;
const CLASS = new Uint8Array(256);
for (const c of " \t\n\r\f\v") CLASS[c.charCodeAt(0)] = BLANK;
for (let c = 0; c < 256; c++) {
  if ((c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95 || c === 36) CLASS[c] = WORD;
  else if (c >= 48 && c <= 57) CLASS[c] = DIGIT;
  else if (c > 32 && c < 127) CLASS[c] = PUNCT;
}
for (const c of ",;?:~@`") CLASS[c.charCodeAt(0)] = SINGLE;
for (const c of "()[]{}") CLASS[c.charCodeAt(0)] = BRACKET;

/** Kind of an operator that stands alone, and of one that is followed by itself (0: those are two). */
const ALONE = new Uint8Array(128).fill(K.Op);
for (const c of "-&|=!*") ALONE[c.charCodeAt(0)] = c.charCodeAt(0);
const DOUBLED = new Uint8Array(128);
for (const c of "|=<>") DOUBLED[c.charCodeAt(0)] = K.Op;
for (const c of "+-") DOUBLED[c.charCodeAt(0)] = K.Step;
DOUBLED[38] = K.AndAnd;

export interface LexOptions {
  /** Record every directive; otherwise definitions of plain numbers are passed over. */
  everyDirective?: boolean;
  /** Inside a macro's replacement: `#` is an operator, not a directive. */
  inMacro?: boolean;
}

let writer = Buffer.allocUnsafeSlow(1 << 16);
/** The same memory as a plain array: code that meets one kind of array only is faster. */
let scratch = new Uint8Array(writer.buffer);

function resize(size: number): void {
  writer = Buffer.allocUnsafeSlow(size);
  scratch = new Uint8Array(writer.buffer);
}

/**
 * The bytes of a latin1 text and a NUL behind them, in an array that the next call takes back: reading bytes is several
 * times as fast as asking a string for its characters.
 */
export function bytesOf(text: string): Uint8Array {
  const n = text.length;
  if (n >= scratch.length) resize(n + (n >> 1) + 1);
  else if (scratch.length > 1 << 22 && n < 1 << 20) resize(1 << 20);
  writer.write(text, 0, n, "latin1");
  scratch[n] = 0;
  return scratch;
}

/**
 * Lexes bytes [from, to) into `out` (cleared first); there must be a byte behind them that is part of no word. Never fails:
 * what it does not know it passes over.
 */
export function lex(b: Uint8Array, from: number, to: number, out: Tokens, options: LexOptions = {}): void {
  out.clear();
  const every = options.everyDirective === true;
  const inMacro = options.inMacro === true;
  let { kind, start, end, marks } = out;
  let cap = kind.length;
  let n = 0;
  let m = 0;
  let i = from;
  while (i < to) {
    const c = b[i];
    const cls = CLASS[c];
    if (cls <= BLANK) {
      i++;
      continue;
    }
    if (n === cap) {
      out.n = n;
      out.grow();
      ({ kind, start, end, marks } = out);
      cap = kind.length;
    }
    start[n] = i;
    if (cls === WORD) {
      const s = i++;
      while (CLASS[b[i]] >= DIGIT) i++;
      kind[n] = wordKind(b, s, i);
      end[n++] = i;
      continue;
    }
    if (cls === SINGLE) {
      kind[n] = c;
      end[n++] = ++i;
      continue;
    }
    if (cls === BRACKET) {
      marks[m++] = n;
      kind[n] = c;
      end[n++] = ++i;
      continue;
    }
    if (cls === DIGIT) {
      i = skipNumber(b, i + 1, to);
      kind[n] = K.Number;
      end[n++] = i;
      continue;
    }
    const d = i + 1 < to ? b[i + 1] : 0;
    switch (c) {
      case 47: // slash
        if (d === 42) {
          const e = commentEnd(b, i + 2, to);
          if (!inMacro && b[i + 2] === 42 && e - i > 4) {
            out.docTok.push(n);
            out.docStart.push(i);
            out.docEnd.push(e);
          }
          i = e;
        } else if (d === 47) {
          i = lineEnd(b, i, to);
        } else break;
        continue;
      case 34: // double quote
      case 39: {
        // single quote
        i = skipQuoted(b, i, to, c);
        kind[n] = c === 34 ? K.String : K.Char;
        end[n++] = i;
        continue;
      }
      case 35: {
        // hash
        if (d === 35) {
          kind[n] = K.Paste;
          i += 2;
          end[n++] = i;
        } else if (!inMacro && atLineStart(b, i, from)) {
          out.n = n;
          i = directive(b, i, to, out, every);
        } else {
          kind[n] = K.Hash;
          end[n++] = ++i;
        }
        continue;
      }
      case 92: // backslash: a continued line, or rubbish
        i++;
        continue;
      case 46: // dot
        if (d === 46 && b[i + 2] === 46) {
          kind[n] = K.Ellipsis;
          i += 3;
        } else if (d >= 48 && d <= 57) {
          i = skipNumber(b, i + 1, to);
          kind[n] = K.Number;
        } else {
          kind[n] = K.Dot;
          i++;
        }
        end[n++] = i;
        continue;
    }
    // Operators: doubled, with `=` behind, or alone.
    let k = ALONE[c];
    if (d === c && DOUBLED[c] !== 0) {
      k = DOUBLED[c];
      i += 2;
      if (b[i] === 61 && i < to && (c === 60 || c === 62)) i++;
    } else if (d === 61) {
      k = K.Op;
      i += 2;
    } else if (c === 45 && d === 62) {
      k = K.Arrow;
      i += 2;
    } else {
      if (c === 61) marks[m++] = n;
      i++;
    }
    kind[n] = k;
    end[n++] = i;
  }
  out.n = n;
  out.markCount = m;
  if (n === cap) out.grow();
  out.kind[n] = K.Eof;
  out.start[n] = to;
  out.end[n] = to;
}

function skipNumber(b: Uint8Array, i: number, to: number): number {
  while (i < to) {
    const c = b[i];
    const k = CLASS[c];
    if (k >= DIGIT) i++;
    else if (c === 46) {
      // `1...5` is a range, not a number with dots.
      if (b[i + 1] === 46) break;
      i++;
    } else break;
  }
  return i;
}

function skipQuoted(b: Uint8Array, i: number, to: number, quote: number): number {
  i++;
  while (i < to) {
    const c = b[i];
    if (c === quote) return i + 1;
    if (c === 92) {
      // A continued line may end in CR LF.
      i += b[i + 1] === 13 && b[i + 2] === 10 ? 3 : 2;
      continue;
    }
    if (c === 10) return i;
    i++;
  }
  return to;
}

/** End of a `//` comment: the newline that is not continued. */
function lineEnd(b: Uint8Array, i: number, to: number): number {
  for (let e = i; e < to; e++) {
    if (b[e] !== 10) continue;
    const back = b[e - 1] === 13 ? e - 2 : e - 1;
    if (b[back] !== 92) return e;
  }
  return to;
}

/** Just past the end of the comment whose text starts at i. Of the two bytes that end it every second byte meets one. */
function commentEnd(b: Uint8Array, i: number, to: number): number {
  for (let e = i + 1; e < to; e += 2) {
    const c = b[e];
    if (c > 47) continue;
    if (c === 47) {
      if (b[e - 1] === 42) return e + 1;
    } else if (c === 42 && b[e + 1] === 47 && e + 2 <= to) return e + 2;
  }
  return to;
}

function atLineStart(b: Uint8Array, i: number, from: number): boolean {
  let j = i - 1;
  while (j >= from) {
    const c = b[j];
    if (c === 10) return true;
    if (c !== 32 && c !== 9 && c !== 13 && c !== 12) {
      // `/* comment */ #if`: step over one comment that ends here.
      if (c === 47 && b[j - 1] === 42) {
        let open = j - 3;
        const limit = Math.max(from, j - 200);
        while (open >= limit && !(b[open] === 47 && b[open + 1] === 42)) open--;
        if (open < limit) return false;
        j = open - 1;
        continue;
      }
      return false;
    }
    j--;
  }
  return true;
}

/** End of the directive whose text starts at i: the first newline that is neither continued nor inside a comment. */
function directiveEnd(b: Uint8Array, i: number, to: number): number {
  while (i < to) {
    const c = b[i];
    if (c === 10) return i;
    if (c === 92) {
      i += b[i + 1] === 13 && b[i + 2] === 10 ? 3 : 2;
    } else if (c === 47 && b[i + 1] === 42) {
      i = commentEnd(b, i + 2, to);
    } else if (c === 47 && b[i + 1] === 47) {
      return lineEnd(b, i, to);
    } else if (c === 34) {
      i = skipQuoted(b, i, to, 34);
    } else i++;
  }
  return to;
}

/** Handles the directive at i (`#`); returns its end. */
function directive(b: Uint8Array, i: number, to: number, out: Tokens, every: boolean): number {
  let j = skipBlanks(b, i + 1, to);
  const w = j;
  while (j < to && CLASS[b[j]] >= DIGIT) j++;
  let kind: number = D.Other;
  switch (b[w]) {
    case 100: // d
      if (j - w === 6 && is(b, w, "define")) {
        const quick = every ? -1 : plainDefinition(b, j, to);
        if (quick >= 0) return quick;
        kind = D.Define;
      }
      break;
    case 105: // i
      if (j - w === 2 && b[w + 1] === 102) kind = D.If;
      else if (j - w === 5 && is(b, w, "ifdef")) kind = D.Ifdef;
      else if (j - w === 6 && is(b, w, "ifndef")) kind = D.Ifndef;
      else if (is(b, w, "include")) kind = D.Include;
      break;
    case 101: // e
      if (j - w === 4 && is(b, w, "else")) kind = D.Else;
      else if (j - w === 4 && is(b, w, "elif")) kind = D.Elif;
      else if (j - w === 5 && is(b, w, "endif")) kind = D.Endif;
      break;
    case 117: // u
      if (j - w === 5 && is(b, w, "undef")) kind = D.Undef;
      break;
  }
  const e = directiveEnd(b, j, to);
  out.directive(kind, i, e, j);
  return e;
}

/** Whether the bytes from i on spell a word. */
function is(b: Uint8Array, i: number, word: string): boolean {
  for (let k = 0; k < word.length; k++) if (b[i + k] !== word.charCodeAt(k)) return false;
  return true;
}

function skipBlanks(b: Uint8Array, i: number, to: number): number {
  while (i < to) {
    const c = b[i];
    if (c !== 32 && c !== 9) break;
    i++;
  }
  return i;
}

/**
 * `#define NAME 0x12` and the like: no identifier in the replacement of an object-like macro, so nothing to keep. Returns
 * the end of the line, or -1 when the definition may matter. Register headers (half of the kernel's bytes) end here.
 */
function plainDefinition(b: Uint8Array, i: number, to: number): number {
  i = skipBlanks(b, i, to);
  while (i < to && CLASS[b[i]] >= DIGIT) i++;
  let c = b[i];
  if (c !== 32 && c !== 9) return -1;
  i = skipBlanks(b, i, to);
  let some = false;
  while (i < to) {
    c = b[i];
    const k = CLASS[c];
    if (k === DIGIT) {
      some = true;
      i = skipNumber(b, i, to);
    } else if (k === WORD || c === 92 || c === 39) return -1;
    else if (c === 10) return some ? i : -1;
    else if (c === 47 && (b[i + 1] === 42 || b[i + 1] === 47)) {
      return some ? directiveEnd(b, i, to) : -1;
    } else if (c === 34) {
      some = true;
      i = skipQuoted(b, i, to, 34);
    } else i++;
  }
  return some ? to : -1;
}
