/** Macro definitions: which are kept as functions or aliases, and which may be a class macro (attribute, loop, storage). */
import { FnFlag } from "../facts/outline.js";
import { matchBrackets } from "../text/brackets.js";
import { lex } from "../text/lexer.js";
import { K, Tokens } from "../text/tokens.js";
import type { BodyScanner } from "./body.js";
import { emit } from "./functions.js";
import { MacroKind } from "./macroKinds.js";
import type { State } from "./state.js";

const tokens = new Tokens();

/** Identifiers that do not make an object-like macro worth keeping: it is a number all the same. */
const NUMERIC = new Set([
  "BIT",
  "BIT_ULL",
  "BITS",
  "GENMASK",
  "GENMASK_ULL",
  "_AC",
  "_UL",
  "_ULL",
  "UL",
  "ULL",
  "U",
  "sizeof",
  "FIELD_PREP",
  "REG_BIT",
  "REG_GENMASK",
  "_MMIO",
  "u8",
  "u16",
  "u32",
  "u64",
  "u",
  "s32",
  "s64",
]);

/** Records the macro defined by the directive text[at, end) whose name starts after `nameFrom`; `flags` and `cond` of its place. */
export function macro(
  s: State,
  body: BodyScanner,
  at: number,
  nameFrom: number,
  end: number,
  flags: number,
  cond: number,
): void {
  const { text } = s;
  lex(s.bytes, nameFrom, end, tokens, { inMacro: true });
  const t = tokens;
  if (t.n === 0 || (t.kind[0] !== K.Ident && t.kind[0] < 128)) return;
  const nameStart = t.start[0];
  const nameEnd = t.end[0];
  const functionLike = text.charCodeAt(nameEnd) === 40;
  if (t.n > 1) matchBrackets(text, t);
  let first = 1;
  let params = 0;
  const paramFirst = s.count(s.params);
  if (functionLike) {
    const close = t.match[1];
    if (close < 0) return;
    for (let i = 2; i < close; i++) {
      const k = t.kind[i];
      if (k === K.Ellipsis) {
        flags |= FnFlag.Variadic;
        // `args...` and `...` are both one parameter that takes the rest.
        if (t.kind[i - 1] === K.Ident) continue;
        s.typed(s.params, s.names.text("__VA_ARGS__"), 0, 0);
        params++;
      } else if (k === K.Ident || k >= 128) {
        s.typed(s.params, s.word(t, i), 0, 0);
        params++;
      }
    }
    first = close + 1;
  }
  const kept = functionLike || keepObject(s, t, first);
  if (t.kind[0] === K.Ident) classify(s, t, first, functionLike);
  if (!kept) return;
  const name = s.word(t, 0);
  const bodyStart = first < t.n ? t.start[first] : end;
  emit(
    s,
    t,
    {
      name,
      flags: flags | (functionLike ? FnFlag.Macro : FnFlag.ObjectMacro),
      start: at,
      nameStart,
      bodyStart,
      end: first < t.n ? t.end[t.n - 1] : end,
      returnType: 0,
      paramFirst,
      paramCount: params,
      annotFirst: s.annots.n / 2,
      annotCount: 0,
      cond,
    },
    body,
    first,
    t.n,
  );
}

/** Length of the longest of NUMERIC with a lower case letter. */
const LONGEST_LOWER = 6;

function hasLowerCase(b: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (b[i] >= 97 && b[i] <= 122) return true;
  return false;
}

/** Whether an object-like macro stands for more than a number: an alias, a flag combination, a call. */
function keepObject(s: State, t: Tokens, first: number): boolean {
  for (let i = first; i < t.n && i < first + 64; i++) {
    if (t.kind[i] !== K.Ident) continue;
    const a = t.start[i];
    const e = t.end[i];
    if (e - a > LONGEST_LOWER && hasLowerCase(s.bytes, a, e)) return true;
    // A macro's parameter-like lower case word, or an allocation flag.
    const word = s.text.slice(a, e);
    if (NUMERIC.has(word)) continue;
    if (/[a-z]/.test(word) || word.includes("GFP")) return true;
    // A bare alias may name a function-like macro in capitals.
    if (t.n === first + 1) return true;
    if (
      t.kind[i + 1] === K.LParen &&
      i === first &&
      t.match[i + 1] === t.n - 1 &&
      /LOCK|SLEEP|WAIT|ALLOC|FREE/.test(word)
    )
      return true;
  }
  return false;
}

/** Records the macro as a candidate of a class when its replacement looks like one. */
function classify(s: State, t: Tokens, first: number, functionLike: boolean): void {
  const { kind, match, n } = t;
  let k: number = MacroKind.None;
  let target = 0;
  if (first >= n) {
    k = MacroKind.Empty;
    const name = s.text.slice(t.start[0], t.end[0]);
    // Include guards and feature switches are empty too; attributes have lower case letters. Empty function-like macros
    // are debug calls unless they are spelled like attributes.
    if (functionLike ? !name.startsWith("__") : !/[a-z]/.test(name) || /_h_*$/i.test(name)) return;
  } else if (n - first > 400) return;
  else if (kind[first] === K.For || kind[first] === K.While || kind[first] === K.If || kind[first] === K.Do) {
    if (loopHeader(s.text, t, first)) k = MacroKind.Loop;
  } else if (kind[first] >= 128 || kind[first] === K.Ident) {
    let storage = false;
    let only = true;
    let words = 0;
    let word = -1;
    for (let i = first; i < n && only; i++) {
      const w = kind[i];
      if (w === K.Static || w === K.Extern || w === K.Inline || w === K.Storage || w === K.Const)
        storage = true;
      else if (w === K.String && kind[i - 1] === K.Extern) continue;
      else if (w === K.Attribute) {
        if (kind[i + 1] === K.LParen && match[i + 1] > 0) i = match[i + 1];
      } else if (w === K.Ident) {
        words++;
        word = i;
        if (kind[i + 1] === K.LParen && match[i + 1] > 0) i = match[i + 1];
      } else only = false;
    }
    if (only && words === 0) k = storage ? MacroKind.Storage : MacroKind.Attribute;
    else if (only && words === 1) {
      // Through another macro: `#define __net_init __init`, `#define for_each_x(a) for_each_y(a, b)`.
      k = storage || word > first || kind[n - 1] === K.Attribute ? MacroKind.StorageVia : MacroKind.Via;
      // `#define X BIT(3)`, `#define X Y`: constants, by the hundred thousand.
      if (k === MacroKind.Via && !functionLike && !lowerCase(s, t, word) && !lowerCase(s, t, 0)) return;
      target = s.word(t, word);
    } else if (only && words > 1 && words <= 6 && !functionLike) {
      k = MacroKind.StorageVia;
      // All of them must be attributes: chain through each.
      for (let i = first; i < n; i++) {
        if (kind[i] === K.Ident) candidate(s, t, MacroKind.AllOf, s.word(t, i), functionLike);
        else if (kind[i] === K.LParen && match[i] > 0) i = match[i];
      }
      return;
    } else if (
      functionLike &&
      kind[first] === K.Ident &&
      kind[first + 1] === K.LParen &&
      match[first + 1] > 0
    ) {
      // `for_each_y(a, b) if (c) {} else`
      const after = match[first + 1] + 1;
      if (after < n && (kind[after] === K.If || kind[after] === K.For) && loopHeader(s.text, t, after)) {
        k = MacroKind.Loop;
      }
    }
  }
  if (k === MacroKind.None && functionLike && n > first && kind[n - 1] === K.Semi) k = MacroKind.Bare;
  if (k === MacroKind.None) return;
  candidate(s, t, k, target, functionLike);
}

const lowerCase = (s: State, t: Tokens, i: number): boolean => /[a-z]|^__/.test(s.str(t, i));

function candidate(s: State, t: Tokens, k: number, target: number, functionLike: boolean): void {
  s.macros.push(s.word(t, 0));
  s.macros.push(k * 2 + (functionLike ? 1 : 0));
  s.macros.push(target);
}

/**
 * Whether tokens from `first` on are headers of control statements that leave the body to the user: `for (…)`,
 * `for (…) if (…) {} else`, `for (…) for (…)`.
 */
function loopHeader(text: string, t: Tokens, first: number): boolean {
  const { kind, match, n } = t;
  let i = first;
  while (i < n) {
    const k = kind[i];
    if (k === K.For || k === K.While || k === K.If || k === K.Switch) {
      if (kind[i + 1] !== K.LParen) return false;
      if (match[i + 1] < 0) return false;
      i = match[i + 1] + 1;
    } else if (k === K.Else) i++;
    else if (k === K.LBrace && match[i] === i + 1 && kind[i + 2] === K.Else) i += 3;
    else if (k === K.Semi && kind[i + 1] === K.Else) i += 2;
    else if (k === K.LBrace && match[i] > i && kind[match[i] + 1] === K.Else) i = match[i] + 2;
    else if (
      k === K.Ident &&
      kind[i + 1] === K.LParen &&
      match[i + 1] > 0 &&
      /for_?each/i.test(text.slice(t.start[i], t.end[i]))
    )
      i = match[i + 1] + 1;
    else return false;
  }
  return true;
}
