/** Normalisation: rewrites kernel C into C that parses, byte for byte as long, every line end where it was. */
import type { FileOutline, MacroClasses, NormalisedText, Rewrite } from "../facts/outline.js";
import { FN_STRIDE, Fn, FnFlag } from "../facts/outline.js";
import { matchBrackets } from "./brackets.js";
import { chooseBranches, type Switches } from "./branches.js";
import { Edits } from "./edits.js";
import { bytesOf, lex } from "./lexer.js";
import { BodyRewriter } from "./normaliseBody.js";
import { findBody, rewriteSignature } from "./normaliseSignature.js";
import { Tokens } from "./tokens.js";

const tokens = new Tokens();

function attributeTest(text: string, t: Tokens, classes: MacroClasses): (i: number) => boolean {
  return (i) => {
    const word = text.slice(t.start[i], t.end[i]);
    return classes.attribute.has(word) || classes.storage.has(word);
  };
}

/**
 * Normalises the function definition in text[start, end). Offsets in the result (and in its rewrites) count from `start`.
 * Variant 0 keeps the branches with features configured in, variant 1 the others; `switches` as the file defines them.
 */
export function normaliseFunction(
  text: string,
  start: number,
  end: number,
  classes: MacroClasses,
  variant: 0 | 1,
  switches?: Switches,
): NormalisedText {
  return normaliseRange(text.slice(start, end), classes, variant, true, switches);
}

function normaliseRange(
  range: string,
  classes: MacroClasses,
  variant: 0 | 1,
  withSignature: boolean,
  switches?: Switches,
): NormalisedText {
  const rewrites: Rewrite[] = [];
  const t = tokens;
  let source = range;
  let variants = 1;
  lex(bytesOf(source), 0, source.length, t, { everyDirective: true, inMacro: !withSignature });
  if (t.dn > 0) {
    const edits = new Edits(source);
    variants = chooseBranches(source, t, variant, edits, switches);
    source = edits.apply(rewrites);
    lex(bytesOf(source), 0, source.length, t, { everyDirective: true });
  }
  matchBrackets(source, t);
  const edits = new Edits(source);
  const isAttribute = attributeTest(source, t, classes);
  let open = 0;
  if (withSignature) {
    const found = findBody(source, t);
    if (found.open < 0) return { text: source, rewrites, variants };
    open = found.open;
    if (found.sig !== null) rewriteSignature(source, t, open, found.sig, edits, { isAttribute });
  }
  new BodyRewriter(source, t, edits, classes, isAttribute, !withSignature).run(open, t.n);
  const out = edits.apply(rewrites);
  t.shrink();
  return { text: out, rewrites, variants };
}

/** A macro's replacement as a function, and how its offsets relate to the file's. */
export interface NormalisedMacro extends NormalisedText {
  /** Offset in the file = offset in `text` + bodyDelta, for places in the replacement. */
  bodyDelta: number;
  /** The same function before anything was rewritten: what stood in the file at an offset of `text`. */
  original: string;
}

/**
 * The replacement of the function-like macro with this index in the outline, as `void NAME(a, b) { BODY ; }`. An offset p in
 * the result stands for the file's byte p + bodyDelta as long as it lies in the body; continued lines keep their
 * backslashes, which are white space to the parser. Rewrites count from the start of the result.
 */
export function normaliseMacroBody(
  text: string,
  outline: FileOutline,
  fnIndex: number,
  classes: MacroClasses,
): NormalisedMacro {
  const r = outline.fn.subarray(fnIndex * FN_STRIDE, (fnIndex + 1) * FN_STRIDE);
  const params: { name: string }[] = [];
  for (let p = 0; p < r[Fn.paramCount]; p++)
    params.push({ name: outline.names[outline.params[(r[Fn.paramFirst] + p) * 3]] });
  const head = { name: outline.names[r[Fn.name]], flags: r[Fn.flags], bodyStart: r[Fn.bodyStart], params };
  return normaliseMacro(text.slice(r[Fn.bodyStart], r[Fn.end]), head, classes);
}

/** The same of a macro's replacement text and what its outline says of it. */
export function normaliseMacro(
  body: string,
  macro: { name: string; flags: number; bodyStart: number; params: readonly { name: string }[] },
  classes: MacroClasses,
): NormalisedMacro {
  const names = macro.params.map((p) => p.name);
  const head = `void ${macro.name}(${names.length > 0 ? names.join(", ") : "void"}) { `;
  // The statement's end is put there before normalising: a replacement rarely has one, and its last call must not look
  // like a macro without a semicolon.
  const tail = (macro.flags & FnFlag.Macro) !== 0 || !/[;}]\s*$/.test(body) ? " ; }" : " }";
  const n = normaliseRange(body + tail.slice(0, -1), classes, 0, false);
  for (const w of n.rewrites) w.offset += head.length;
  return {
    text: `${head}${n.text}}`,
    original: head + body + tail,
    rewrites: n.rewrites,
    variants: n.variants,
    bodyDelta: macro.bodyStart - head.length,
  };
}
