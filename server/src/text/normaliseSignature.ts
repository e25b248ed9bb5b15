/** Rewrites what stands before a function's body into a plain C declarator. */
import { isTagAttribute, type Signature, signature } from "../outline/functions.js";
import { State } from "../outline/state.js";
import type { Edits } from "./edits.js";
import { isWord, K, type Tokens } from "./tokens.js";

const state = new State();

export interface SignatureClasses {
  /** An attribute or storage macro, by class or by its spelling. */
  isAttribute(i: number): boolean;
}

/** Token of the body's `{`, and the signature found; -1 when there is no body. */
export function findBody(text: string, t: Tokens): { open: number; sig: Signature | null } {
  const { kind, match } = t;
  state.text = text;
  const words: number[] = [];
  let tag = false;
  for (let i = 0; i < t.n; i++) {
    const k = kind[i];
    if (k === K.Struct || k === K.Union || k === K.Enum) tag = true;
    else if (k === K.Star || k === K.Semi) tag = false;
    else if (k === K.LParen) {
      if (i > 0 && kind[i - 1] === K.Ident) {
        if (!(tag && isTagAttribute(state, t, i - 1))) tag = false;
        words.push(i - 1);
      } else if (kind[i + 1] === K.Star && match[i] > i && kind[match[i] + 1] === K.LParen) {
        for (let q = i + 2; q < match[i]; q++) {
          if (kind[q] === K.LParen && kind[q - 1] === K.Ident) {
            words.push(q - 1);
            break;
          }
        }
      }
      if (match[i] > i) i = match[i];
    } else if (k === K.LBrace) {
      if (tag && words.length === 0) {
        tag = false;
        if (match[i] > i) i = match[i];
      } else return { open: i, sig: words.length > 0 ? signature(state, t, 0, words) : null };
    }
  }
  return { open: -1, sig: null };
}

/** Rewrites tokens before the body's `{` at token `open`. */
export function rewriteSignature(
  text: string,
  t: Tokens,
  open: number,
  sig: Signature,
  edits: Edits,
  cls: SignatureClasses,
): void {
  const { kind, match, start, end } = t;
  if (sig.nameText !== "") {
    madeByMacro(text, t, open, sig, edits, cls);
    return;
  }
  specifiers(text, t, sig.name, edits, cls);
  let params = sig.params;
  let close = match[params];
  if (
    kind[close + 1] === K.LParen &&
    match[close + 1] > 0 &&
    close + 1 < open &&
    kind[params + 1] !== K.Star
  ) {
    if (kind[sig.name - 1] !== K.Star || kind[sig.name - 2] !== K.LParen) {
      // `FNAME(walk)(args)`: the macro's own arguments are part of the name.
      edits.blank(start[params], end[close], "macro");
      params = close + 1;
      close = match[params];
    }
  }
  parameterAttributes(text, t, params + 1, close, edits, cls);
  // The inner list of `void (*signal(int))(int)` closes before its end does.
  let after = close + 1;
  if (kind[after] === K.RParen) {
    after++;
    if (kind[after] === K.LParen && match[after] > 0) after = match[after] + 1;
  }
  if (after >= open) return;
  for (let i = after; i < open; i++) {
    if (kind[i] === K.Semi) return; // old-style parameter declarations stay
  }
  edits.blank(start[after], end[open - 1], "attribute");
}

/** Leaves storage words, one type and stars in front of the name. */
function specifiers(text: string, t: Tokens, name: number, edits: Edits, cls: SignatureClasses): void {
  const { kind, match, start, end } = t;
  let base = -1;
  let keyword = false;
  for (let i = 0; i < name; i++) {
    const k = kind[i];
    if (k === K.Type || k === K.Struct || k === K.Union || k === K.Enum || k === K.Typeof) keyword = true;
    if (
      (k === K.Attribute || k === K.Typeof || k === K.Ident) &&
      kind[i + 1] === K.LParen &&
      match[i + 1] > 0
    )
      i = match[i + 1];
  }
  if (!keyword) {
    for (let i = 0; i < name; i++) {
      if (kind[i] === K.Ident && !cls.isAttribute(i)) base = i;
      if (kind[i] === K.Ident && kind[i + 1] === K.LParen && match[i + 1] > 0) i = match[i + 1];
    }
  }
  let dropped = -1;
  for (let i = 0; i < name; i++) {
    const k = kind[i];
    if (k === K.Attribute) {
      const e = kind[i + 1] === K.LParen && match[i + 1] > 0 ? match[i + 1] : i;
      edits.blank(start[i], end[e], "attribute");
      i = e;
    } else if (k === K.Typeof && kind[i + 1] === K.LParen && match[i + 1] > 0) {
      edits.blank(start[i + 1], end[match[i + 1]], "type-argument");
      i = match[i + 1];
    } else if (k === K.Struct || k === K.Union || k === K.Enum) {
      while (
        i + 1 < name &&
        kind[i + 1] === K.Ident &&
        cls.isAttribute(i + 1) &&
        isWord(kind[i + 2]) &&
        i + 2 < name
      ) {
        i++;
        edits.blank(start[i], end[i], "attribute");
      }
      if (kind[i + 1] === K.Ident) i++;
      if (kind[i + 1] === K.LBrace && match[i + 1] > 0) i = match[i + 1];
    } else if (k === K.Const) {
      if (text.charCodeAt(start[i]) === 95) edits.blank(start[i], end[i], "attribute");
    } else if (k === K.Ident) {
      const group = kind[i + 1] === K.LParen && match[i + 1] > 0 ? match[i + 1] : -1;
      if (i === base) {
        if (group > 0) edits.blank(start[i + 1], end[group], "macro");
      } else {
        if (dropped < 0 && end[i] - start[i] >= 3) dropped = i;
        if (!(i === dropped && !keyword && base < 0))
          edits.blank(start[i], end[group > 0 ? group : i], "attribute");
        else if (group > 0) edits.blank(start[i + 1], end[group], "attribute");
      }
      if (group > 0) i = group;
    } else if (k === K.String || k === K.Extension) edits.blank(start[i], end[i], "attribute");
    else if (k === K.Semi || k === K.RBrace || k === K.Hash) edits.blank(start[i], end[i], "other");
  }
  if (keyword || base >= 0) return;
  // An implicit int: in place of what was dropped, or of `inline`.
  if (dropped < 0) for (let i = 0; i < name; i++) if (kind[i] === K.Inline) dropped = i;
  if (dropped >= 0) edits.put(start[dropped], end[dropped], "int", "attribute");
}

/** Blanks attribute words in a parameter list, tokens [i, e). */
export function parameterAttributes(
  text: string,
  t: Tokens,
  i: number,
  e: number,
  edits: Edits,
  cls: SignatureClasses,
): void {
  const { kind, match, start, end } = t;
  for (; i < e; i++) {
    const k = kind[i];
    if (k === K.Attribute) {
      const g = kind[i + 1] === K.LParen && match[i + 1] > 0 ? match[i + 1] : i;
      edits.blank(start[i], end[g], "attribute");
      i = g;
    } else if (k === K.Typeof && kind[i + 1] === K.LParen && match[i + 1] > 0) {
      edits.blank(start[i + 1], end[match[i + 1]], "type-argument");
      i = match[i + 1];
    } else if (k === K.Const) {
      if (text.charCodeAt(start[i]) === 95) edits.blank(start[i], end[i], "attribute");
    } else if (k === K.Ident) {
      const p = kind[i - 1];
      const n = kind[i + 1];
      const group = n === K.LParen && match[i + 1] > 0 && kind[i + 2] !== K.Star ? match[i + 1] : -1;
      const wordBefore =
        p === K.Ident || p === K.Type || p === K.Star || p === K.RBracket || p === K.RParen || p === K.Const;
      const wordAfter = isWord(n) || n === K.Star;
      // The third word of `type name ATTR`, whatever it is called.
      const third =
        (p === K.Ident &&
          (kind[i - 2] === K.Ident || kind[i - 2] === K.Type || kind[i - 2] === K.Star) &&
          !wordAfter &&
          (cls.isAttribute(i) || !cls.isAttribute(i - 1))) ||
        p === K.RBracket;
      if (p === K.Struct || p === K.Union || p === K.Enum) continue;
      // Behind one word only a reserved name is no parameter's name: `foo_t __unused`.
      const lone =
        (p === K.Ident || p === K.RParen) &&
        text.charCodeAt(start[i]) === 95 &&
        text.charCodeAt(start[i] + 1) === 95;
      if (third || ((wordAfter || lone) && cls.isAttribute(i))) {
        // A lone `__foo *x` is a type.
        if (!wordBefore && n === K.Star) continue;
        edits.blank(start[i], end[group > 0 ? group : i], "attribute");
      }
      if (group > 0) i = group;
    }
  }
}

/** `SYSCALL_DEFINE2(name, type, arg, type, arg)`, `BPF_CALL_1(…)`, `DEFINE_IDTENTRY(name)` → `int name(type arg, …)`. */
function madeByMacro(
  text: string,
  t: Tokens,
  open: number,
  sig: Signature,
  edits: Edits,
  cls: SignatureClasses,
): void {
  const { kind, match, start, end } = t;
  const paren = sig.name - 1;
  const close = match[paren];
  const n = start[sig.name];
  if (kind[sig.name] === K.Number) edits.put(n, n + 1, "_", "macro");
  if (kind[sig.name + 1] === K.RParen) {
    // Room for the opening parenthesis: the name moves one to the left.
    const name = text.slice(n, end[sig.name]);
    edits.put(start[0], n - 1, "int", "macro");
    edits.put(n - 1, end[sig.name], `${name}(`, "macro");
  } else {
    edits.put(start[0], n, "int", "macro");
    edits.put(start[sig.name + 1], end[sig.name + 1], "(", "macro");
    if (!sig.pairs) edits.blank(end[sig.name + 1], start[close], "macro");
    else {
      let commas = 0;
      for (let i = sig.pairsFrom; i < close; i++) {
        if (kind[i] === K.Comma && commas++ % 2 === 0) edits.blank(start[i], end[i], "macro");
        else if (
          kind[i] === K.Ident &&
          cls.isAttribute(i) &&
          (isWord(kind[i - 1]) || isWord(kind[i + 1]) || kind[i + 1] === K.Star || kind[i - 1] === K.Star)
        ) {
          edits.blank(start[i], end[i], "attribute");
        } else if (kind[i] === K.LParen && match[i] > 0) i = match[i];
      }
    }
  }
  if (close + 1 < open) edits.blank(end[close], end[open - 1], "attribute");
}
