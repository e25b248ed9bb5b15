/** Recognises function definitions and annotated prototypes: which word is the name, what the words around it say. */
import { AnnotKind, FN_STRIDE, FnFlag } from "../facts/outline.js";
import { isWord, K, type Tokens } from "../text/tokens.js";
import type { BodyScanner } from "./body.js";
import { argument, type DeclarationReader } from "./declarators.js";
import type { State } from "./state.js";

const ANNOTATIONS: Record<string, number> = {
  __acquires: AnnotKind.Acquires,
  __acquires_shared: AnnotKind.Acquires,
  __releases: AnnotKind.Releases,
  __releases_shared: AnnotKind.Releases,
  __must_hold: AnnotKind.MustHold,
  __must_hold_shared: AnnotKind.MustHold,
  __cond_acquires: AnnotKind.CondAcquires,
  __cond_acquires_shared: AnnotKind.CondAcquires,
};

const WORD_FLAGS = new Map<string, number>(
  Object.entries({
    __weak: FnFlag.Weak,
    __attribute_weak__: FnFlag.Weak,
    __init: FnFlag.Init,
    __exit: FnFlag.Init,
    __meminit: FnFlag.Init,
    __memexit: FnFlag.Init,
    __devinit: FnFlag.Init,
    __devexit: FnFlag.Init,
    __cpuinit: FnFlag.Init,
    __init_or_module: FnFlag.Init,
    __initdata_or_module: FnFlag.Init,
    __init_memblock: FnFlag.Init,
    __init_or_cpufreq: FnFlag.Init,
    __noreturn: FnFlag.NoReturn,
    noreturn: FnFlag.NoReturn,
    NORET_TYPE: FnFlag.NoReturn,
    __always_inline: FnFlag.Inline,
    __inline: FnFlag.Inline,
    __inline__: FnFlag.Inline,
    __force_inline: FnFlag.Inline,
    STATIC: FnFlag.Static,
  }),
);

/** Words in front of `(` that are never the function's name. */
export const NEVER_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(ANNOTATIONS),
  "__printf",
  "__scanf",
  "__aligned",
  "__section",
  "__alias",
  "__diagnose_as",
  "__alloc_size",
  "__realloc_size",
  "__nonnull",
  "__counted_by",
  "__releases_lock",
  "__context__",
  "__assume_aligned",
  "__malloc",
  "__no_sanitize",
  "__attribute_const__",
  "__copy",
  "__designated_init",
  "__error",
  "__warning",
  "__overloadable",
  "__pass_object_size",
  "__cold",
  "__tm_check",
  "__free",
  "__cleanup",
]);

/** Whether the word at token i is one of `NEVER_NAMES`; all of them are reserved words. */
const neverNames = (s: State, t: Tokens, i: number): boolean =>
  s.text.startsWith("__", t.start[i]) && NEVER_NAMES.has(s.str(t, i));

/** Whether the word before a parenthesis belongs to a struct's head (`struct __aligned(8) x {`) rather than naming a function. */
export function isTagAttribute(s: State, t: Tokens, w: number): boolean {
  return neverNames(s, t, w) || (t.kind[w - 1] >= K.Struct && t.kind[w - 1] <= K.Enum && s.attrLike(t, w));
}

export interface Signature {
  /** Token of the function's name. */
  name: number;
  /** Text of the name where it is not the token's. */
  nameText: string;
  /** Open parenthesis of the parameters, -1 if there are none to read. */
  params: number;
  /** Parameters come as `type, name` pairs after the first argument. */
  pairs: boolean;
  /** Token at which the parameters begin in the argument list (pairs). */
  pairsFrom: number;
  flags: number;
}

/** Finds the name among the words that stand before parentheses (tokens of the words, at most a few). */
export function signature(s: State, t: Tokens, first: number, words: readonly number[]): Signature | null {
  const { kind, match } = t;
  let candidates = words.filter((w) => !neverNames(s, t, w));
  if (candidates.length === 0) return null;
  if (candidates.length > 1) {
    const plain = candidates.filter((w) => !s.attrLike(t, w));
    if (plain.length > 0) candidates = plain;
    if (candidates.length > 1) {
      // What stands first at the very start (`FOO(x) int bar(void)`) is a macro.
      const typed = candidates.filter((w) => w > first && (isWord(kind[w - 1]) || kind[w - 1] === K.Star));
      if (typed.length > 0) candidates = typed;
    }
  }
  let w = candidates[0];
  const open = w + 1;
  const sig: Signature = { name: w, nameText: "", params: open, pairs: false, pairsFrom: -1, flags: 0 };
  const close = match[open];
  if (close < 0) return null;
  // `void (*signal(int sig))(int)` comes with the inner parenthesis: the caller passes the inner word.
  const text = s.str(t, w);
  // Most names end in a lower case letter.
  const macro =
    !/[a-z]$/.test(text) && /^(?:[A-Z_][A-Z0-9_]*|.*SYSCALL_DEFINE\d)$/.test(text) && !/^_+$/.test(text);
  if (macro && onlyStorageBefore(t, first, w) && kind[close + 1] !== K.LParen) {
    const arg = open + 1;
    const digits = kind[arg] === K.Number && /SYSCALL/.test(text);
    if ((kind[arg] === K.Ident || digits) && (kind[arg + 1] === K.Comma || kind[arg + 1] === K.RParen)) {
      const syscall = /SYSCALL(?:_COMPAT)?_DEFINE\d/.test(text);
      const name = s.str(t, arg);
      sig.nameText = syscall ? `${/COMPAT/.test(text) ? "compat_sys_" : "sys_"}${name}` : name;
      if (syscall) sig.flags |= FnFlag.Syscall;
      let n = 1;
      for (let i = open + 1; i < close; i = s.skip(t, i)) if (kind[i] === K.Comma) n++;
      w = arg;
      sig.name = w;
      sig.pairs = n >= 3 && n % 2 === 1 && (syscall || /\d$/.test(text));
      sig.pairsFrom = sig.pairs ? argument(t, open, 1, s) : -1;
      if (!sig.pairs) sig.params = -1;
    }
  }
  return sig;
}

function onlyStorageBefore(t: Tokens, first: number, w: number): boolean {
  for (let i = first; i < w; i++) {
    const k = t.kind[i];
    if (k !== K.Static && k !== K.Inline && k !== K.Extern && k !== K.Attribute && k !== K.Ident)
      return false;
    if (k === K.Ident && t.kind[i + 1] !== K.Ident && i + 1 !== w) return false;
  }
  return true;
}

/** Flags that the words of a declarator in tokens [a, b) outside parentheses give. */
export function wordFlags(s: State, t: Tokens, a: number, b: number): number {
  const { kind } = t;
  let flags = 0;
  for (let i = a; i < b; i = s.skip(t, i)) {
    const k = kind[i];
    if (k === K.Static) flags |= FnFlag.Static;
    else if (k === K.Inline) flags |= FnFlag.Inline;
    else if (k === K.Ident) {
      // The words that matter begin with an underscore or are one of three; looking up every type would cost.
      const c = s.text.charCodeAt(t.start[i]);
      if (c === 95 || c === 78 || c === 83 || c === 110) flags |= WORD_FLAGS.get(s.str(t, i)) ?? 0;
    } else if (k === K.Attribute && kind[i + 1] === K.LParen) {
      const inner = s.text.slice(t.start[i + 1], t.end[Math.max(t.match[i + 1], i + 1)]);
      if (/\bweak\b|__weak__/.test(inner)) flags |= FnFlag.Weak;
      if (/noreturn/.test(inner)) flags |= FnFlag.NoReturn;
      if (/always_inline/.test(inner)) flags |= FnFlag.Inline;
    }
  }
  return flags;
}

/** Records the annotations in tokens [a, b) outside other parentheses; returns their number. */
export function annotations(s: State, t: Tokens, a: number, b: number): number {
  let n = 0;
  for (let i = a; i < b; i = s.skip(t, i)) {
    if (t.kind[i] !== K.Ident || t.kind[i + 1] !== K.LParen || t.match[i + 1] < 0) continue;
    if (!s.text.startsWith("__", t.start[i])) continue;
    const kind = ANNOTATIONS[s.str(t, i)];
    if (kind === undefined) continue;
    const from = kind === AnnotKind.CondAcquires ? lastArgument(s, t, i + 1) : i + 2;
    s.annots.push(kind);
    s.annots.push(s.span(t, from, t.match[i + 1], 120));
    n++;
  }
  return n;
}

/** `__cond_acquires(x)` and `__cond_acquires(ret, x)`: the lock comes last. */
function lastArgument(s: State, t: Tokens, o: number): number {
  let from = o + 1;
  for (let i = from; i < t.match[o]; i = s.skip(t, i)) if (t.kind[i] === K.Comma) from = i + 1;
  return from;
}

/** Records the parameters of a signature; returns their number and whether the list is open. */
export function parameters(
  s: State,
  t: Tokens,
  sig: Signature,
  decl: DeclarationReader,
): { count: number; variadic: boolean } {
  const { kind, match } = t;
  const before = s.params.n;
  let variadic = false;
  if (sig.params >= 0) {
    const close = match[sig.params];
    let a = sig.pairs ? sig.pairsFrom : sig.params + 1;
    let n = 0;
    for (let i = a; i <= close && i >= 0; ) {
      if (i < close && kind[i] !== K.Comma) {
        i = s.skip(t, i);
        continue;
      }
      // In pairs the comma between type and name does not end the parameter.
      if (!sig.pairs || n % 2 === 1 || i === close) {
        if (kind[a] === K.Ellipsis) variadic = true;
        else if (i > a && !(i === a + 1 && kind[a] === K.Type && s.is(t, a, "void"))) {
          if (sig.pairs) pairParameter(s, t, a, i, decl);
          else decl.parameter(t, a, i);
        }
        a = i + 1;
      }
      n++;
      i++;
    }
  }
  return { count: (s.params.n - before) / 3, variadic };
}

function pairParameter(s: State, t: Tokens, a: number, e: number, decl: DeclarationReader): void {
  let comma = a;
  while (comma < e && t.kind[comma] !== K.Comma) comma = s.skip(t, comma);
  const spec = decl.specifiers(t, a, comma, "");
  const d = { name: 0, flags: 0, isFunction: false, assign: -1, nameToken: -1 };
  decl.declarator(t, spec.next, comma, d);
  s.typed(s.params, comma + 1 < e ? s.word(t, comma + 1) : 0, spec.type, spec.flags | d.flags);
}

/** Types of an old-style definition's parameters, declared in tokens [a, b) between `)` and `{`. */
export function oldStyle(
  s: State,
  t: Tokens,
  a: number,
  b: number,
  first: number,
  count: number,
  decl: DeclarationReader,
): void {
  const d = { name: 0, flags: 0, isFunction: false, assign: -1, nameToken: -1 };
  for (let i = a; i < b; ) {
    let e = i;
    while (e < b && t.kind[e] !== K.Semi) e = s.skip(t, e);
    const spec = decl.specifiers(t, i, e, "");
    for (let j = spec.next; j < e; ) {
      j = decl.declarator(t, j, e, d) + 1;
      for (let p = first; p < first + count; p++) {
        if (s.params.a[p * 3] !== d.name) continue;
        s.params.a[p * 3 + 1] = spec.type;
        s.params.a[p * 3 + 2] = spec.flags | d.flags;
      }
    }
    i = e + 1;
  }
}

/** What a function record is made of. */
export interface FnRecord {
  name: number;
  flags: number;
  start: number;
  nameStart: number;
  bodyStart: number;
  end: number;
  returnType: number;
  paramFirst: number;
  paramCount: number;
  annotFirst: number;
  annotCount: number;
  cond: number;
}

/** Appends a record and scans its tokens [bodyFrom, bodyTo) for calls; returns its index + 1. */
export function emit(
  s: State,
  t: Tokens,
  r: FnRecord,
  body: BodyScanner,
  bodyFrom: number,
  bodyTo: number,
): number {
  const index = s.fn.n / FN_STRIDE + 1;
  const callFirst = s.calls.n;
  body.scan(t, bodyFrom, bodyTo, index);
  const l = s.fn;
  l.push(r.name);
  l.push(r.flags);
  l.push(r.start);
  l.push(r.nameStart);
  l.push(r.bodyStart);
  l.push(r.end);
  l.push(r.returnType);
  l.push(r.paramFirst);
  l.push(r.paramCount);
  l.push(callFirst);
  l.push(s.calls.n - callFirst);
  l.push(r.annotFirst);
  l.push(r.annotCount);
  l.push(r.cond);
  l.push(hashOf(s.bytes, r.start, Math.max(r.start, r.bodyStart)) & HEAD_BITS);
  l.push(hashOf(s.bytes, Math.max(r.start, r.bodyStart), r.end) & BODY_BITS);
  return index;
}

/** As many bits as take three and four bytes in a stored outline. */
const HEAD_BITS = (1 << 19) - 1;
const BODY_BITS = (1 << 26) - 1;

/** Of bytes [from, to), four at a time: every function of the tree is hashed. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let h = to - from;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    h = Math.imul(
      h ^ (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)),
      0x9e3779b1,
    );
    h ^= h >>> 15;
  }
  for (; i < to; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  return h ^ (h >>> 13);
}

/**
 * What the kernel-doc comment in text[from, to) says about the context: flags of a function record. A `Context:` section
 * speaks alone; without one, the description does, but not what it says of parameters (`@sleep_ok: if true we may sleep`).
 */
export function docFlags(text: string, from: number, to: number): number {
  const doc = text.slice(from, to).toLowerCase();
  if (!/sleep|block|context:/.test(doc)) return 0;
  const at = doc.search(/\bcontext:/);
  let s =
    at >= 0
      ? doc.slice(at, at + 400)
      : doc.replace(/\*[ \t]*@\w[\w.]*(?:\(\))?[ \t]*:[^\n]*(?:\n[ \t]*\*(?:[ \t]{2,}|\t)[^\n]*)*/g, "*");
  if (at >= 0) {
    const stop = s.search(/\n[ \t]*\*[ \t]*(?:\n|[\w@]+:|\/)/);
    if (stop > 0) s = s.slice(0, stop);
  }
  s = s.replace(/\s*\n\s*\*\s*/g, " ");
  const sleeps = /\b(?:may|might|can) (?:sleep|block)\b|\b(?:permits|able|allowed) to sleep/.test(s);
  const denied =
    /\b(?:not|never|n't|cannot) (?:be able to )?(?:sleep|block)|n't sleep|(?:sleep|block) (?:if|when|depending)|non-?blocking|_may_sleep|whether[^.]*\b(?:sleep|block)/.test(
      s,
    );
  let flags = 0;
  if (sleeps && !denied) flags |= FnFlag.DocMaySleep;
  if (at >= 0 && !sleeps) {
    if (/(?:process|user|task) context/.test(s) && /sleep/.test(s) && !denied) flags |= FnFlag.DocMaySleep;
    const excluded =
      /\b(?:not|never|n't|cannot|outside|unsuitable)\b[^.]*\b(?:interrupt|atomic|irq|any) ?(?:context|time)?|sleeping lock|holds? (?:a )?mutex/.test(
        s,
      );
    if (
      /\bany context|context:\s*any\b|interrupt context|hard ?irq|soft ?irq|atomic context/.test(s) &&
      !excluded
    )
      flags |= FnFlag.DocAnyContext;
  }
  return flags;
}
