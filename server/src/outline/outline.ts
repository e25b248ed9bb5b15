/** The outliner: reads one C file, lexer only, into the facts that the program is joined from. Never fails. */
import { type FileOutline, FN_STRIDE, Fn, FnFlag, type OutlineOptions, TypeFlag } from "../facts/outline.js";
import { matchBrackets } from "../text/brackets.js";
import { bytesOf, lex } from "../text/lexer.js";
import { D, isWord, K, Tokens } from "../text/tokens.js";
import { BodyScanner } from "./body.js";
import { encodeDraft } from "./codec.js";
import { CondWalk } from "./conds.js";
import { argument, DeclarationReader, type Declarator } from "./declarators.js";
import { DEFINING_MACROS, PER_CPU } from "./definingMacros.js";
import {
  annotations,
  docFlags,
  emit,
  isTagAttribute,
  oldStyle,
  parameters,
  type Signature,
  signature,
  wordFlags,
} from "./functions.js";
import { macro } from "./macros.js";
import { State } from "./state.js";

/** Texts longer than this are not read: nothing that people write is. */
export const MAX_BYTES = 64 << 20;

class Outliner {
  readonly s = new State();
  private readonly t = new Tokens();
  private readonly body = new BodyScanner(this.s);
  private readonly decl = new DeclarationReader(this.s);
  private conds!: CondWalk;
  private ragged: number[] = [];
  /** Next directive that may be a macro, next kernel-doc comment. */
  private d = 0;
  private doc = 0;
  private end = 0;

  run(text: string, options: OutlineOptions): void {
    const { s, t } = this;
    s.reset(text, options);
    this.d = 0;
    this.doc = 0;
    this.end = text.length;
    if (text.length > MAX_BYTES) {
      s.problems.push(`too large (${text.length} bytes)`);
      return;
    }
    if (text.indexOf("\0") >= 0) {
      s.problems.push("binary: holds NUL bytes");
      return;
    }
    s.bytes = bytesOf(text);
    lex(s.bytes, 0, text.length, t);
    const report = matchBrackets(text, t);
    this.ragged = report.ragged;
    if (report.unbalanced) s.problems.push("unbalanced braces");
    this.conds = new CondWalk(t, s, text.length);
    for (let d = 0; d < t.dn; d++) if (t.dKind[d] === D.Include) this.include(d);
    let i = 0;
    while (i < t.n) {
      const next = this.top(i);
      i = next > i ? next : i + 1;
    }
    this.macrosBefore(this.end + 1);
    this.hooks();
    t.shrink();
  }

  /** Records the variables that are given a function of this file. */
  private hooks(): void {
    const { s } = this;
    const { a, n } = s.hooks;
    if (n === 0) return;
    const own = new Set<number>();
    for (let at = 0; at < s.fn.n; at += FN_STRIDE)
      if (!(s.fn.a[at + Fn.flags] & (FnFlag.Macro | FnFlag.ObjectMacro))) own.add(s.fn.a[at + Fn.name]);
    for (let i = 0; i < n; i += 4) {
      if (own.has(a[i])) s.init(0, 0, 0, a[i], a[i + 1], a[i + 2], a[i + 3]);
    }
    s.hooks.clear();
  }

  private include(d: number): void {
    const { s, t } = this;
    let i = t.dArg[d];
    const e = t.dEnd[d];
    while (i < e && (s.text.charCodeAt(i) === 32 || s.text.charCodeAt(i) === 9)) i++;
    const c = s.text.charCodeAt(i);
    if (c !== 34 && c !== 60) return;
    const end = c === 34 ? 34 : 62;
    let close = i + 1;
    while (close < e && s.bytes[close] !== end) close++;
    if (s.bytes[close] !== end) return;
    s.includes.push(s.names.word(s.bytes, c === 34 ? i : i + 1, close));
  }

  /** Records the macros that are defined before an offset and not yet recorded. */
  private macrosBefore(offset: number): void {
    const { s, t } = this;
    for (; this.d < t.dn && t.dStart[this.d] < offset; this.d++) {
      if (t.dKind[this.d] !== D.Define) continue;
      const at = t.dStart[this.d];
      const flags = this.conds.flagsAt(at);
      macro(s, this.body, at, t.dArg[this.d], t.dEnd[this.d], flags, this.conds.condAt(at));
    }
  }

  /** Reads the declaration at token i; returns the first token after it. */
  private top(i: number): number {
    const { s, t } = this;
    const { kind, match } = t;
    const k0 = kind[i];
    if (!isWord(k0) && k0 !== K.LParen && k0 !== K.Star) return i + 1;
    const words: number[] = [];
    let tagPending = false;
    let equals = -1;
    let j = i;
    while (j < t.n) {
      const k = kind[j];
      if (k === K.Semi) {
        const old = this.oldStyleBody(i, j, words);
        if (old < 0) return this.declaration(i, j, words, equals);
        j = old;
        continue;
      }
      if (k === K.LBrace) {
        if (equals >= 0) {
          if (match[j] < 0) return j + 1;
          j = match[j] + 1;
        } else if (kind[j - 1] === K.String && kind[j - 2] === K.Extern) return j + 1;
        else if (tagPending) {
          tagPending = false;
          if (match[j] < 0) return j + 1;
          j = match[j] + 1;
        } else if (words.length > 0) return this.definition(i, j, words);
        else {
          // `BLOCK { … }`: not C that we know; its inside is not read.
          return match[j] < 0 ? j + 1 : match[j] + 1;
        }
        continue;
      }
      if (k === K.RBrace) return j + 1;
      if (k === K.Struct || k === K.Union || k === K.Enum) tagPending = equals < 0;
      else if (k === K.Assign) {
        if (equals < 0) equals = j;
      } else if (k === K.LParen) {
        const close = match[j];
        if (close < 0) {
          j++;
          continue;
        }
        if (equals < 0 && j > i) {
          const p = kind[j - 1];
          if (p === K.Ident) {
            if (!(tagPending && isTagAttribute(s, t, j - 1))) tagPending = false;
            if (words.length < 16) words.push(j - 1);
            if (this.isBare(i, j - 1, close)) return this.declaration(i, close + 1, words, -1, true);
          } else if (kind[j + 1] === K.Star && kind[close + 1] === K.LParen) {
            // `void (*signal(int sig))(int)`: the word inside has parentheses of its own.
            for (let q = j + 2; q < close; q++) {
              if (kind[q] === K.LParen && kind[q - 1] === K.Ident) {
                if (words.length < 16) words.push(q - 1);
                break;
              }
            }
          }
        }
        j = close + 1;
        continue;
      } else if (k === K.Star || k === K.Comma) tagPending = false;
      else if (
        k === K.Ident &&
        tagPending &&
        kind[j - 1] === K.Ident &&
        !s.attrLike(t, j) &&
        !s.attrLike(t, j - 1)
      ) {
        tagPending = kind[j + 1] === K.LBrace;
      }
      j++;
    }
    return t.n;
  }

  /** `MACRO(…)` at the start of a declaration, with the next thing on a line of its own at column 0: no semicolon follows. */
  private isBare(first: number, word: number, close: number): boolean {
    const { s, t } = this;
    for (let i = first; i < word; i++) if (t.kind[i] !== K.Static && t.kind[i] !== K.Extern) return false;
    const next = t.kind[close + 1];
    if (next === K.Eof) return true;
    if (!isWord(next) || s.text.charCodeAt(t.start[close + 1] - 1) !== 10) return false;
    // Attributes may have a line of their own; so may the parameter types of an old-style definition.
    return !s.attrLike(t, word) && !this.looksOldStyle(word + 1, close);
  }

  private looksOldStyle(open: number, close: number): boolean {
    const { kind } = this.t;
    if (kind[close + 1] !== K.Type && kind[close + 1] !== K.Struct && kind[close + 1] !== K.Ident)
      return false;
    let words = 0;
    for (let i = open + 1; i < close; i++) {
      if (kind[i] === K.Ident) words++;
      else if (kind[i] !== K.Comma) return false;
    }
    if (words === 0) return false;
    // Declarations, then the body.
    for (let i = close + 1; i < close + 200; i++) {
      if (kind[i] === K.LBrace) return kind[i - 1] === K.Semi;
      if (kind[i] === K.LParen || kind[i] === K.Assign || kind[i] === K.Eof) return false;
    }
    return false;
  }

  /** Token of the `{` of an old-style definition whose first parameter declaration ends at token `semi`, or -1. */
  private oldStyleBody(first: number, semi: number, words: readonly number[]): number {
    if (words.length === 0 || this.t.kind[first] === K.Typedef) return -1;
    const { kind, match } = this.t;
    const open = words[0] + 1;
    const close = match[open];
    if (close < 0 || close + 1 >= semi || !this.looksOldStyle(open, close)) return -1;
    for (let i = semi; ; i++) if (kind[i] === K.LBrace) return i;
  }

  /** A function definition from token i, its body opening at token `open`; returns the token after it. */
  private definition(i: number, open: number, words: readonly number[]): number {
    const { s, t } = this;
    const close = t.match[open];
    if (t.kind[open + 1] === K.Dot && close > 0 && t.kind[open + 2] === K.Ident) {
      // `define_machine(x) { .probe = f }` initialises a structure.
      const arg = words[0] + 2;
      this.body.initialiser(t, open, 0, t.kind[arg] === K.Ident ? s.word(t, arg) : 0);
      return close + 1;
    }
    const sig = signature(s, t, i, words);
    if (sig === null) return close < 0 ? open + 1 : close + 1;
    if (close < 0) {
      s.problems.push(`function without end at byte ${t.start[open]}`);
      return open + 1;
    }
    this.function(i, sig, open, close);
    return close + 1;
  }

  private function(i: number, sig: Signature, open: number, close: number): void {
    const { s, t } = this;
    const start = t.start[i];
    this.macrosBefore(start);
    const bodyStart = t.start[open];
    const end = t.end[close];
    let flags = sig.flags | wordFlags(s, t, i, open) | this.conds.flagsAt(start) | this.docFlagsFor(i);
    const cond = this.conds.condAt(start);
    if (this.conds.splits(bodyStart, end)) flags |= FnFlag.CondBody;
    if (this.raggedIn(open, close)) flags |= FnFlag.Ragged;
    const spec = this.decl.specifiers(t, i, sig.name, "");
    const annotFirst = s.annots.n / 2;
    const annotCount = annotations(s, t, i, open);
    const paramFirst = s.count(s.params);
    const p = parameters(s, t, sig, this.decl);
    if (p.variadic) flags |= FnFlag.Variadic;
    const listEnd = sig.params >= 0 ? t.match[sig.params] : -1;
    if (listEnd > 0 && p.count > 0 && this.looksOldStyle(sig.params, listEnd)) {
      oldStyle(s, t, listEnd + 1, open, paramFirst, p.count, this.decl);
    }
    const isVoid = s.names.is(spec.type, "void") && t.kind[sig.name - 1] !== K.Star;
    emit(
      s,
      t,
      {
        name: sig.nameText === "" ? s.word(t, sig.name) : s.names.text(sig.nameText),
        flags,
        start,
        nameStart: t.start[sig.name],
        bodyStart,
        end,
        returnType: isVoid || sig.nameText !== "" ? 0 : spec.type,
        paramFirst,
        paramCount: p.count,
        annotFirst,
        annotCount,
        cond,
      },
      this.body,
      open,
      close + 1,
    );
  }

  private raggedIn(open: number, close: number): boolean {
    let lo = 0;
    let hi = this.ragged.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.ragged[mid] <= open) lo = mid + 1;
      else hi = mid;
    }
    return lo < this.ragged.length && this.ragged[lo] <= close;
  }

  private docFlagsFor(token: number): number {
    const { t } = this;
    while (this.doc < t.docTok.length && t.docTok[this.doc] < token) this.doc++;
    let flags = 0;
    for (let d = this.doc; d < t.docTok.length && t.docTok[d] === token; d++) {
      flags |= docFlags(this.s.text, t.docStart[d], t.docEnd[d]);
    }
    return flags;
  }

  /** A declaration in tokens [i, end); `bare` without its semicolon. Returns the first token after it. */
  private declaration(
    i: number,
    end: number,
    words: readonly number[],
    equals: number,
    bare = false,
  ): number {
    const { s, t } = this;
    const next = bare ? end : end + 1;
    let w = i;
    while (w < end && (t.kind[w] === K.Static || t.kind[w] === K.Extern)) w++;
    if (t.kind[w] === K.Ident && t.kind[w + 1] === K.LParen && t.match[w + 1] > 0) {
      const after = t.match[w + 1] + 1;
      if (after >= end || after === equals || (t.kind[after] === K.Ident && s.attrLike(t, after))) {
        this.macroCall(i, w, equals);
        return next;
      }
    }
    if (words.length > 0 && equals < 0 && !bare) this.prototype(i, end, words);
    const spec = this.decl.specifiers(t, i, end, this.typedefName(i, end));
    const d: Declarator = { name: 0, flags: 0, isFunction: false, assign: -1, nameToken: -1 };
    let j = spec.next;
    while (j < end) {
      const from = j;
      j = this.decl.declarator(t, j, end, d) + 1;
      if (d.name !== 0) this.declared(spec.typedef, spec.type, spec.flags, d);
      if (j <= from) break;
    }
    return next;
  }

  private declared(typedef: boolean, type: number, flags: number, d: Declarator): void {
    const { s, t } = this;
    if (typedef) {
      const alias = d.flags & TypeFlag.FunctionPointer || d.isFunction ? 0 : type;
      if (alias === d.name) return;
      s.structs.push(d.name);
      s.structs.push(s.count(s.fields));
      s.structs.push(0);
      s.structs.push(1);
      s.structs.push(alias);
      return;
    }
    if (d.isFunction) return;
    s.typed(s.globals, d.name, type, flags | d.flags);
    if (d.assign < 0) return;
    const v = d.assign + 1;
    if (t.kind[v] === K.LBrace) this.body.initialiser(t, v, type, d.name);
    else if (d.flags & TypeFlag.FunctionPointer) {
      const value = this.body.value(t, v, t.n);
      if (value !== 0) {
        s.init(0, 0, 0, value, d.name, t.start[d.nameToken], 0);
      }
    }
  }

  /** For `typedef struct { … } name_t;` the name that the anonymous struct goes by. */
  private typedefName(i: number, end: number): string {
    const { s, t } = this;
    let j = i;
    const typedef = t.kind[i] === K.Typedef;
    while (j < end && t.kind[j] !== K.LBrace && t.kind[j] !== K.Assign) j++;
    if (j >= end || t.kind[j] !== K.LBrace || t.match[j] < 0) return "";
    for (let k = t.match[j] + 1; k < end; k++) {
      if (t.kind[k] === K.Ident && !s.attrLike(t, k)) return typedef ? s.str(t, k) : `${s.str(t, k)}::`;
      if (t.kind[k] === K.LParen) k = s.skip(t, k) - 1;
    }
    return "";
  }

  /** `MACRO(args)` at file level, as a definition of a variable or a registration. */
  private macroCall(i: number, w: number, equals: number): void {
    const { s, t } = this;
    const name = s.word(t, w);
    const text = s.names.get(name);
    const flags =
      (t.kind[i] === K.Static ? TypeFlag.Static : 0) | (t.kind[i] === K.Extern ? TypeFlag.Extern : 0);
    if (s.isRegistration(name)) this.body.registration(t, name, w, w + 1, 0);
    const known = DEFINING_MACROS[text];
    if (known !== undefined) {
      const at = argument(t, w + 1, known[2], s);
      if (at > 0 && t.kind[at] === K.Ident) {
        s.typed(s.globals, s.word(t, at), s.names.text(known[0]), flags | (known[1] ? TypeFlag.Struct : 0));
      }
      return;
    }
    if (!PER_CPU.test(text)) return;
    const close = t.match[w + 1];
    const second = argument(t, w + 1, 1, s);
    if (second < 0) return;
    const spec = this.decl.specifiers(t, w + 2, second - 1, "");
    const d: Declarator = { name: 0, flags: 0, isFunction: false, assign: -1, nameToken: -1 };
    this.decl.declarator(t, spec.next, second - 1, d);
    if (t.kind[second] !== K.Ident || second >= close) return;
    const per = s.word(t, second);
    const extern = text.startsWith("DECLARE") ? TypeFlag.Extern : 0;
    s.typed(s.globals, per, spec.type, flags | spec.flags | d.flags | extern | TypeFlag.PerCpu);
    if (equals >= 0 && t.kind[equals + 1] === K.LBrace) this.body.initialiser(t, equals + 1, spec.type, per);
  }

  /** A prototype is kept when it carries annotations or does not return. */
  private prototype(i: number, end: number, words: readonly number[]): void {
    const { s, t } = this;
    if (t.kind[i] === K.Typedef) return;
    const flags = wordFlags(s, t, i, end);
    const annotFirst = s.annots.n / 2;
    const annotCount = annotations(s, t, i, end);
    if (annotCount === 0 && (flags & FnFlag.NoReturn) === 0) return;
    const sig = signature(s, t, i, words);
    if (sig === null || sig.nameText !== "") return;
    const start = t.start[i];
    this.macrosBefore(start);
    const spec = this.decl.specifiers(t, i, sig.name, "");
    const paramFirst = s.count(s.params);
    const p = parameters(s, t, sig, this.decl);
    const isVoid = s.names.is(spec.type, "void") && t.kind[sig.name - 1] !== K.Star;
    emit(
      s,
      t,
      {
        name: s.word(t, sig.name),
        flags:
          flags |
          FnFlag.Prototype |
          this.conds.flagsAt(start) |
          (p.variadic ? FnFlag.Variadic : 0) |
          this.docFlagsFor(i),
        start,
        nameStart: t.start[sig.name],
        bodyStart: t.end[end - 1],
        end: t.end[end - 1],
        returnType: isVoid ? 0 : spec.type,
        paramFirst,
        paramCount: p.count,
        annotFirst,
        annotCount,
        cond: this.conds.condAt(start),
      },
      this.body,
      end,
      end,
    );
  }
}

let outliner: Outliner | undefined;

function outlined<T>(text: string, path: string, options: OutlineOptions, use: (s: State) => T): T {
  outliner ??= new Outliner();
  const { s } = outliner;
  try {
    outliner.run(text, options);
    return use(s);
  } catch (e) {
    // A defect here must not take the whole tree down; the next file starts from a clean state.
    outliner = undefined;
    const clean = new State();
    clean.reset(text, options);
    clean.problems.push(`outliner failed on ${path}: ${e instanceof Error ? e.message : String(e)}`);
    return use(clean);
  } finally {
    s.clear();
  }
}

/**
 * Outlines one file. `text` is latin1 (one character a byte); the path only serves messages. Bad input (binary, enormous,
 * unbalanced) never throws: it is named in `problems` and what could be read is returned.
 */
export const outlineFile = (text: string, path: string, options: OutlineOptions): FileOutline =>
  outlined(text, path, options, (s) => ({
    ...s.columns(),
    size: text.length,
    problems: s.problems,
    names: s.names.list(),
  }));

/** The same as `encodeOutline` writes it, in memory that the next call takes back. */
export const outlineBytes = (text: string, path: string, options: OutlineOptions): Uint8Array =>
  outlined(text, path, options, (s) =>
    encodeDraft({ size: text.length, problems: s.problems, names: s.names, column: (name) => s[name] }),
  );
