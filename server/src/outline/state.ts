/** What the parts of the outliner share while they work on one file: text, tokens and the growing columns. */
import { type OutlineOptions, TYPED_STRIDE } from "../facts/outline.js";
import { K, type Tokens } from "../text/tokens.js";
import { IntList, NameTable } from "./builder.js";

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
  readonly hooks: number[] = [];
  regs = new IntList();
  regArgs = new IntList();
  conds = new IntList();
  includes = new IntList();
  macros = new IntList();
  problems: string[] = [];
  /** By name index: 1 a registration, 2 not, 0 not looked up yet. */
  private regClass = new Uint8Array(1 << 10);

  /** Interns the word at token i. */
  word(t: Tokens, i: number): number {
    return this.names.word(this.text, t.start[i], t.end[i], t.hash[i]);
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
    let s = this.text.slice(from, to);
    if (/[\n\t\\]|\/[*/]| {2}/.test(s)) {
      s = this.text.slice(t.start[a], t.end[a]);
      for (let i = a + 1; i < b; i++) {
        if (t.start[i] > t.end[i - 1]) s += " ";
        s += this.text.slice(t.start[i], t.end[i]);
        if (s.length > limit) return 0;
      }
    }
    return s.length > limit ? 0 : this.names.text(s);
  }

  isRegistration(name: number): boolean {
    if (name >= this.regClass.length) {
      const wider = new Uint8Array(Math.max(name + 1, this.regClass.length * 2));
      wider.set(this.regClass);
      this.regClass = wider;
    }
    const c = this.regClass[name];
    if (c !== 0) return c === 1;
    const yes = this.options.registrations.has(this.names.names[name]);
    this.regClass[name] = yes ? 1 : 2;
    return yes;
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

  /** Forgets the registrations' classes; names start afresh with each file. */
  reset(text: string, options: OutlineOptions): void {
    this.text = text;
    this.options = options;
    this.problems = [];
    this.regClass.fill(0);
  }

  typed(list: IntList, name: number, type: number, flags: number): void {
    list.push(name);
    list.push(type);
    list.push(flags);
  }

  count(list: IntList): number {
    return list.n / TYPED_STRIDE;
  }
}
