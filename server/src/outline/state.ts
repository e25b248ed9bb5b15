/** What the parts of the outliner share while they work on one file: text, tokens and the growing columns. */
import { type OutlineOptions, TYPED_STRIDE } from "../facts/outline.js";
import { K, type Tokens } from "../text/tokens.js";
import { hashOf, IntList, NameTable } from "./builder.js";
import { COLUMNS, type Column } from "./columns.js";

/** Identifiers that begin with two underscores and yet are types. */
const TYPE_LIKE =
  /_t$|^__(?:u|s|be|le)\d+$|^__(?:kernel_|virtio|wsum|sum16|poll|hc|fs|xdp)|^__(?:int|uint)\d/;
/** Attribute macros that do not begin with two underscores, as far as a file on its own can know. */
const ATTR_WORDS = new Set([
  "asmlinkage",
  "notrace",
  "noinline",
  "noinline_for_stack",
  "noinline_for_tracing",
  "noinstr",
  "inline_for_stack",
  "fastcall",
  "nokprobe_inline",
  "randomized_struct_fields_start",
  "____cacheline_aligned",
  "____cacheline_aligned_in_smp",
]);

const SHORTEST_ATTR = 7;

/** Slots of the table of registrations' hashes. */
const FILTER = 1 << 14;

export class State {
  text = "";
  /** The text's bytes; only good while its outline is being made. */
  bytes: Uint8Array = new Uint8Array(0);
  options: OutlineOptions = { registrations: new Set() };
  names = new NameTable();
  fn = new IntList();
  params = new IntList();
  calls = new IntList();
  annots = new IntList();
  structs = new IntList();
  fields = new IntList();
  globals = new IntList();
  inits = new IntList();
  /** Value, variable, offset and function of plain assignments of one name to another, until the file's functions are known. */
  hooks = new IntList();
  regs = new IntList();
  regArgs = new IntList();
  conds = new IntList();
  includes = new IntList();
  macros = new IntList();
  problems: string[] = [];
  /** Which hashes registrations have: most names are told apart from them without a look at their text. */
  private readonly registrationHashes = new Uint8Array(FILTER);

  /** Interns the word at token i. */
  word(t: Tokens, i: number): number {
    return this.names.word(this.bytes, t.start[i], t.end[i]);
  }

  /** Whether token i is spelt like this. */
  is(t: Tokens, i: number, text: string): boolean {
    return t.end[i] - t.start[i] === text.length && this.text.startsWith(text, t.start[i]);
  }

  /** Text of token i. */
  str(t: Tokens, i: number): string {
    return this.text.slice(t.start[i], t.end[i]);
  }

  /** Interned text of tokens [a, b), white space and comments squeezed; 0 when empty or longer than `limit`. */
  span(t: Tokens, a: number, b: number, limit: number): number {
    if (b <= a) return 0;
    const from = t.start[a];
    const to = t.end[b - 1];
    if (to - from > limit * 4) return 0;
    if (isPlain(this.bytes, from, to)) {
      return to - from > limit ? 0 : this.names.word(this.bytes, from, to);
    }
    let s = this.text.slice(t.start[a], t.end[a]);
    for (let i = a + 1; i < b; i++) {
      if (t.start[i] > t.end[i - 1]) s += " ";
      s += this.text.slice(t.start[i], t.end[i]);
      if (s.length > limit) return 0;
    }
    return s.length > limit ? 0 : this.names.text(s);
  }

  isRegistration(name: number): boolean {
    return (
      this.registrationHashes[this.names.hashes[name] & (FILTER - 1)] === 1 &&
      this.options.registrations.has(this.names.get(name))
    );
  }

  /** Whether the identifier at token i is by its spelling an attribute rather than a type or a name. */
  attrLike(t: Tokens, i: number): boolean {
    const s = t.start[i];
    const text = this.text;
    if (text.charCodeAt(s) === 95) {
      if (text.charCodeAt(s + 1) !== 95) return false;
      return !TYPE_LIKE.test(text.slice(s, t.end[i]));
    }
    switch (text.charCodeAt(s)) {
      case 97: // a
      case 102: // f
      case 105: // i
      case 110: // n
      case 114: // r
        if (t.end[i] - s < SHORTEST_ATTR) return false;
        return ATTR_WORDS.has(text.slice(s, t.end[i]));
      default:
        return false;
    }
  }

  /** Index just past token i, or past its partner if it opens a bracket that is closed. */
  skip(t: Tokens, i: number): number {
    const k = t.kind[i];
    if ((k === K.LParen || k === K.LBrace || k === K.LBracket) && t.match[i] > i) return t.match[i] + 1;
    return i + 1;
  }

  /** Begins with another text; the columns must be empty. */
  reset(text: string, options: OutlineOptions): void {
    this.text = text;
    if (options.registrations !== this.options.registrations) {
      this.registrationHashes.fill(0);
      for (const name of options.registrations) this.registrationHashes[hashOf(name) & (FILTER - 1)] = 1;
    }
    this.options = options;
    this.problems = [];
  }

  init(
    type: number,
    field: number,
    outer: number,
    value: number,
    base: number,
    at: number,
    fn: number,
  ): void {
    const l = this.inits;
    l.push(type);
    l.push(field);
    l.push(outer);
    l.push(value);
    l.push(base);
    l.push(at);
    l.push(fn);
  }

  typed(list: IntList, name: number, type: number, flags: number): void {
    list.push(name);
    list.push(type);
    list.push(flags);
  }

  /** Copies of the columns. */
  columns(): Record<Column, Int32Array> {
    const out: Partial<Record<Column, Int32Array>> = {};
    for (const [name] of COLUMNS) out[name] = this[name].copy();
    return out as Required<typeof out>;
  }

  clear(): void {
    for (const [name] of COLUMNS) this[name].clear();
    this.names.clear();
  }

  count(list: IntList): number {
    return list.n / TYPED_STRIDE;
  }
}

/** Whether text in bytes [from, to) has no line ends, tabs, comments and runs of blanks. */
function isPlain(b: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const c = b[i];
    if (c > 47) {
      if (c === 92) return false;
    } else if (c === 10 || c === 9) return false;
    else if (i + 1 < to) {
      if (c === 47 ? b[i + 1] === 42 || b[i + 1] === 47 : c === 32 && b[i + 1] === 32) return false;
    }
  }
  return true;
}
