/** Normalisation: rewrites kernel C into C that parses, byte for byte as long, every line end where it was. */
import type { FileOutline, MacroClasses, NormalisedText, Rewrite } from "../facts/outline.js";
import { Fn, FN_STRIDE, FnFlag } from "../facts/outline.js";
import { chooseBranches } from "./branches.js";
import { Edits } from "./edits.js";
import { bytesOf, lex, matchBrackets } from "./lexer.js";
import { BodyRewriter } from "./normaliseBody.js";
import { findBody, rewriteSignature } from "./normaliseSignature.js";
import { Tokens } from "./tokens.js";

const tokens = new Tokens();

/** Double-underscored words that are types or values, not attributes. */
const NOT_ATTRIBUTE =
  /_t$|^__(?:u|s|be|le)\d+|^__(?:kernel_|virtio|wsum|sum16|poll|func__|FUNCTION__|PRETTY|FILE__|LINE__|DATE__|TIME__|VA_|COUNTER|builtin_|auto_type|label__|bool|int|uint|hc|fs\d|xdp|percpu_|this_)|^__[A-Z]/;

function attributeTest(text: string, t: Tokens, classes: MacroClasses): (i: number) => boolean {
  return (i) => {
    const s = t.start[i];
    const word = text.slice(s, t.end[i]);
    if (classes.attribute.has(word) || classes.storage.has(word)) return true;
    // A word with two underscores in front that no class knows is an attribute only where a name cannot stand; the callers
    // look at the place.
    return text.charCodeAt(s) === 95 && text.charCodeAt(s + 1) === 95 && !NOT_ATTRIBUTE.test(word) && KNOWN_SHAPE.test(word);
  };
}
const KNOWN_SHAPE =
  /^__(?:user|iomem|percpu|rcu|force|init|exit|cold|hot|used|unused|maybe|must|always|no|weak|pure|const|ref|sched|kprobes|lockfunc|packed|aligned|section|read_mostly|ro_after|cpu|mem|dev|net_|free|cleanup|private|safe|nocast|bitwise|counted|printf|scanf|attribute|visible|malloc|alloc|acquires|releases|irq_entry|softirq|latent|randomize|designated|bpf_kfunc|visible|naked|noreturn|deprecated|flatten|target|opt|guard|cacheline|page_|assume|fallthrough|nonstring|alias|no_|data_racy)\w*$/;

/**
 * Normalises the function definition in text[start, end). Offsets in the result (and in its rewrites) count from `start`.
 * Variant 0 keeps the branches with features configured in, variant 1 the others.
 */
export function normaliseFunction(
  text: string,
  start: number,
  end: number,
  classes: MacroClasses,
  variant: 0 | 1,
): NormalisedText {
  return normaliseRange(text.slice(start, end), classes, variant, true);
}

function normaliseRange(range: string, classes: MacroClasses, variant: 0 | 1, withSignature: boolean): NormalisedText {
  const rewrites: Rewrite[] = [];
  const t = tokens;
  let source = range;
  let variants = 1;
  lex(source, bytesOf(source), 0, source.length, t, { everyDirective: true, inMacro: !withSignature });
  if (t.dKind.length > 0) {
    const edits = new Edits(source);
    variants = chooseBranches(source, t, variant, edits);
    source = edits.apply(rewrites);
    lex(source, bytesOf(source), 0, source.length, t, { everyDirective: true });
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
  new BodyRewriter(source, t, edits, classes, isAttribute).run(open, t.n);
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
 * the result stands for the file's byte p + bodyDelta as long as it lies in the body; lines stay whole (a continued line's
 * backslash becomes a blank). Rewrites count from the start of the result.
 */
export function normaliseMacroBody(
  text: string,
  outline: FileOutline,
  fnIndex: number,
  classes: MacroClasses,
): NormalisedMacro {
  const r = outline.fn.subarray(fnIndex * FN_STRIDE, (fnIndex + 1) * FN_STRIDE);
  const names: string[] = [];
  for (let p = 0; p < r[Fn.paramCount]; p++) names.push(outline.names[outline.params[(r[Fn.paramFirst] + p) * 3]]);
  const body = withoutContinuations(text.slice(r[Fn.bodyStart], r[Fn.end]));
  const n = normaliseRange(body, classes, 0, false);
  const head = `void ${outline.names[r[Fn.name]]}(${names.length > 0 ? names.join(", ") : "void"}) { `;
  for (const w of n.rewrites) w.offset += head.length;
  const tail = (r[Fn.flags] & FnFlag.Macro) !== 0 || !/[;}]\s*$/.test(n.text) ? " ; }" : " }";
  return {
    text: head + n.text + tail,
    original: head + body + tail,
    rewrites: n.rewrites,
    variants: n.variants,
    bodyDelta: r[Fn.bodyStart] - head.length,
  };
}

/** Backslashes at line ends become blanks. */
function withoutContinuations(s: string): string {
  return s.includes("\\") ? s.replace(/\\(?=\r?\n)/g, " ") : s;
}

