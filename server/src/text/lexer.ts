/** Byte-level C lexer: turns latin1 text into token columns, preprocessor directives apart, in one linear pass. */
import { D, K, mayBeKeyword, type Tokens, wordKind } from "./tokens.js";

const BLANK = 1;
const WORD = 2;
const DIGIT = 3;
const PUNCT = 4;
const OTHER = 0;
const CLASS = new Uint8Array(256);
for (const c of " \t\n\r\f\v") CLASS[c.charCodeAt(0)] = BLANK;
for (let c = 0; c < 256; c++) {
  if ((c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95 || c === 36) CLASS[c] = WORD;
  else if (c >= 48 && c <= 57) CLASS[c] = DIGIT;
  else if (c > 32 && c < 127) CLASS[c] = PUNCT;
}

const isWordChar = (c: number): boolean => CLASS[c] === WORD || CLASS[c] === DIGIT;

export interface LexOptions {
  /** Record every directive; otherwise definitions of plain numbers are passed over. */
  everyDirective?: boolean;
  /** Inside a macro's replacement: `#` is an operator, not a directive. */
  inMacro?: boolean;
}

let scratch = Buffer.allocUnsafeSlow(1 << 16);

/**
 * The bytes of a latin1 text, in a buffer that the next call takes back: reading bytes is several times as fast as asking a
 * string for its characters.
 */
export function bytesOf(text: string): Uint8Array {
  const n = text.length;
  if (n > scratch.length) scratch = Buffer.allocUnsafeSlow(n + (n >> 1));
  else if (scratch.length > 1 << 22 && n < 1 << 20) scratch = Buffer.allocUnsafeSlow(1 << 20);
  scratch.write(text, 0, n, "latin1");
  return scratch;
}

/**
 * Lexes text[from, to) into `out` (cleared first); `b` are the text's bytes. Never fails: what it does not know it passes
 * over.
 */
export function lex(
  text: string,
  b: Uint8Array,
  from: number,
  to: number,
  out: Tokens,
  options: LexOptions = {},
): void {
  out.clear();
  const every = options.everyDirective === true;
  const inMacro = options.inMacro === true;
  let { kind, start, end, hash } = out;
  let cap = kind.length;
  let n = 0;
  let i = from;
  while (i < to) {
    const c = b[i];
    const cls = CLASS[c];
    if (cls === BLANK || cls === OTHER) {
      i++;
      continue;
    }
    if (n === cap) {
      out.n = n;
      out.grow();
      ({ kind, start, end, hash } = out);
      cap = kind.length;
    }
    if (cls === WORD) {
      const s = i;
      let h = c;
      i++;
      while (i < to) {
        const d = b[i];
        const k = CLASS[d];
        if (k !== WORD && k !== DIGIT) break;
        h = (Math.imul(h, 31) + d) | 0;
        i++;
      }
      kind[n] = mayBeKeyword(h) ? wordKind(text, s, i, h) : K.Ident;
      start[n] = s;
      end[n] = i;
      hash[n] = h;
      n++;
      continue;
    }
    start[n] = i;
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
          let e = text.indexOf("*/", i + 2);
          if (e < 0 || e + 2 > to) e = to;
          else e += 2;
          if (!inMacro && b[i + 2] === 42 && e - i > 4) {
            out.docTok.push(n);
            out.docStart.push(i);
            out.docEnd.push(e);
          }
          i = e;
        } else if (d === 47) {
          i = lineEnd(text, b, i, to);
        } else {
          kind[n] = K.Op;
          i += d === 61 ? 2 : 1;
          end[n++] = i;
        }
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
          i = directive(text, b, i, to, n, out, every);
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
      case 45: // minus
        if (d === 62) {
          kind[n] = K.Arrow;
          i += 2;
        } else if (d === 45) {
          kind[n] = K.Step;
          i += 2;
        } else {
          kind[n] = d === 61 ? K.Op : K.Minus;
          i += d === 61 ? 2 : 1;
        }
        end[n++] = i;
        continue;
      case 43: // plus
        kind[n] = d === 43 ? K.Step : K.Op;
        i += d === 43 || d === 61 ? 2 : 1;
        end[n++] = i;
        continue;
      case 38: // ampersand
        kind[n] = d === 38 ? K.AndAnd : d === 61 ? K.Op : K.Amp;
        i += d === 38 || d === 61 ? 2 : 1;
        end[n++] = i;
        continue;
      case 124: // pipe
        kind[n] = d === 124 || d === 61 ? K.Op : K.Pipe;
        i += d === 124 || d === 61 ? 2 : 1;
        end[n++] = i;
        continue;
      case 61: // equals
        kind[n] = d === 61 ? K.Op : K.Assign;
        i += d === 61 ? 2 : 1;
        end[n++] = i;
        continue;
      case 33: // bang
        kind[n] = d === 61 ? K.Op : K.Bang;
        i += d === 61 ? 2 : 1;
        end[n++] = i;
        continue;
      case 60:
      case 62: // less, greater
        i++;
        if (d === c) i++;
        if (i < to && b[i] === 61) i++;
        kind[n] = K.Op;
        end[n++] = i;
        continue;
      case 37:
      case 94: // percent, caret
        kind[n] = K.Op;
        i += d === 61 ? 2 : 1;
        end[n++] = i;
        continue;
      case 42: // star
        kind[n] = d === 61 ? K.Op : K.Star;
        i += d === 61 ? 2 : 1;
        end[n++] = i;
        continue;
      default:
        kind[n] = c;
        end[n++] = ++i;
    }
  }
  out.n = n;
  if (n === cap) out.grow();
  out.kind[n] = K.Eof;
  out.start[n] = to;
  out.end[n] = to;
}

function skipNumber(b: Uint8Array, i: number, to: number): number {
  while (i < to) {
    const c = b[i];
    const k = CLASS[c];
    if (k === WORD || k === DIGIT) i++;
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
function lineEnd(text: string, b: Uint8Array, i: number, to: number): number {
  let e = i;
  for (;;) {
    e = text.indexOf("\n", e);
    if (e < 0 || e >= to) return to;
    const back = b[e - 1] === 13 ? e - 2 : e - 1;
    if (b[back] !== 92) return e;
    e++;
  }
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
function directiveEnd(text: string, b: Uint8Array, i: number, to: number): number {
  while (i < to) {
    const c = b[i];
    if (c === 10) return i;
    if (c === 92) {
      i += b[i + 1] === 13 && b[i + 2] === 10 ? 3 : 2;
    } else if (c === 47 && b[i + 1] === 42) {
      const e = text.indexOf("*/", i + 2);
      if (e < 0 || e + 2 > to) return to;
      i = e + 2;
    } else if (c === 47 && b[i + 1] === 47) {
      return lineEnd(text, b, i, to);
    } else if (c === 34) {
      i = skipQuoted(b, i, to, 34);
    } else i++;
  }
  return to;
}

/** Handles the directive at i (`#`); returns its end. */
function directive(
  text: string,
  b: Uint8Array,
  i: number,
  to: number,
  n: number,
  out: Tokens,
  every: boolean,
): number {
  let j = skipBlanks(b, i + 1, to);
  const w = j;
  while (j < to && isWordChar(b[j])) j++;
  let kind: number = D.Other;
  switch (b[w]) {
    case 100: // d
      if (j - w === 6 && text.startsWith("define", w)) {
        const quick = every ? -1 : plainDefinition(text, b, j, to);
        if (quick >= 0) return quick;
        kind = D.Define;
      }
      break;
    case 105: // i
      if (j - w === 2 && b[w + 1] === 102) kind = D.If;
      else if (j - w === 5 && text.startsWith("ifdef", w)) kind = D.Ifdef;
      else if (j - w === 6 && text.startsWith("ifndef", w)) kind = D.Ifndef;
      else if (text.startsWith("include", w)) kind = D.Include;
      break;
    case 101: // e
      if (j - w === 4 && text.startsWith("else", w)) kind = D.Else;
      else if (j - w === 4 && text.startsWith("elif", w)) kind = D.Elif;
      else if (j - w === 5 && text.startsWith("endif", w)) kind = D.Endif;
      break;
    case 117: // u
      if (j - w === 5 && text.startsWith("undef", w)) kind = D.Undef;
      break;
  }
  const e = directiveEnd(text, b, j, to);
  out.dKind.push(kind);
  out.dTok.push(n);
  out.dStart.push(i);
  out.dEnd.push(e);
  out.dArg.push(j);
  return e;
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
function plainDefinition(text: string, b: Uint8Array, i: number, to: number): number {
  i = skipBlanks(b, i, to);
  while (i < to) {
    const c = b[i];
    const k = CLASS[c];
    if (k !== WORD && k !== DIGIT) break;
    i++;
  }
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
      return some ? directiveEnd(text, b, i, to) : -1;
    } else if (c === 34) {
      some = true;
      i = skipQuoted(b, i, to, 34);
    } else i++;
  }
  return some ? to : -1;
}
