/** Reads declarations from tokens: types and names of variables, parameters and fields; struct and typedef records. */
import { TypeFlag } from "../facts/outline.js";
import { isWord, K, type Tokens } from "../text/tokens.js";
import type { State } from "./state.js";

/** What the words in front of the declarators say. */
export interface Specifiers {
  type: number;
  flags: number;
  typedef: boolean;
  /** First token that is no longer a specifier. */
  next: number;
}

/** One declarator of a declaration. */
export interface Declarator {
  name: number;
  flags: number;
  /** It declares a function. */
  isFunction: boolean;
  /** Token of `=`, or -1. */
  assign: number;
  nameToken: number;
}

const MAX_NESTING = 40;
/** Macros that declare a member: which argument is the type and which the name (-1: none). */
const MEMBER_MACROS: Record<string, [type: number, name: number, base: string]> = {
  DECLARE_BITMAP: [-1, 0, "long"],
  DECLARE_FLEX_ARRAY: [0, 1, ""],
  __DECLARE_FLEX_ARRAY: [0, 1, ""],
  DECLARE_KFIFO: [1, 0, ""],
  DECLARE_KFIFO_PTR: [1, 0, ""],
  DECLARE_HASHTABLE: [-1, 0, "hlist_head"],
};
/** Macros around members: index of the first argument that holds members. */
const GROUP_MACROS: Record<string, number> = {
  struct_group: 1,
  struct_group_attr: 2,
  struct_group_tagged: 2,
  __struct_group: 3,
};

export class DeclarationReader {
  private nesting = 0;

  constructor(private readonly s: State) {}

  /** Reads specifiers from token i on, up to e. Struct bodies in them are recorded. `owner` names anonymous ones. */
  specifiers(t: Tokens, i: number, e: number, owner: string): Specifiers {
    const { kind } = t;
    const s = this.s;
    const r: Specifiers = { type: 0, flags: 0, typedef: false, next: i };
    // How sure the type is: 0 none, 1 an identifier, 2 a keyword or tag.
    let sure = 0;
    let j = i;
    while (j < e) {
      const k = kind[j];
      if (k === K.Const) {
        r.flags |= TypeFlag.Const;
        j++;
      } else if (k === K.Static) {
        r.flags |= TypeFlag.Static;
        j++;
      } else if (k === K.Extern) {
        r.flags |= TypeFlag.Extern;
        j++;
        if (kind[j] === K.String) j++;
      } else if (k === K.Typedef) {
        r.typedef = true;
        j++;
      } else if (k === K.Inline || k === K.Storage || k === K.Extension) {
        j++;
      } else if (k === K.Type) {
        if (sure < 2 || !(s.is(t, j, "int") || s.is(t, j, "unsigned") || s.is(t, j, "signed")))
          r.type = s.word(t, j);
        r.flags &= ~TypeFlag.Struct;
        sure = 2;
        j++;
      } else if (k === K.Attribute || k === K.Alignof) {
        j = kind[j + 1] === K.LParen ? s.skip(t, j + 1) : j + 1;
      } else if (k === K.Typeof) {
        j = kind[j + 1] === K.LParen ? s.skip(t, j + 1) : j + 1;
        sure = 2;
      } else if (k === K.Struct || k === K.Union || k === K.Enum) {
        j = this.tagged(t, j, e, owner, r);
        sure = 2;
      } else if (k === K.Ident) {
        const next = j + 1 < e ? kind[j + 1] : K.Semi;
        const attr = s.attrLike(t, j);
        if (attr && (isWord(next) || next === K.Star || next === K.LParen)) {
          // `__init foo`, `__iomem *`, `__aligned(8) x`; but `__name;` and `__name = 1` are names.
          j = next === K.LParen && sure < 2 ? s.skip(t, j + 1) : j + 1;
          if (next === K.LParen && kind[j] === K.LParen) j = s.skip(t, j);
          continue;
        }
        if (sure === 2) break;
        const nextIsName = isWord(next) && !(next === K.Ident && s.attrLike(t, j + 1));
        if (sure === 1 && !(nextIsName || next === K.Star)) break;
        if (next === K.LParen && sure === 0 && j + 1 < e) {
          const after = s.skip(t, j + 1);
          if (after < e && kind[after] === K.Ident) {
            // A macro that stands for a type: `TYPE(x) name`.
            j = after;
            sure = 1;
            continue;
          }
          break;
        }
        r.type = s.word(t, j);
        sure = 1;
        j++;
      } else break;
    }
    r.next = j;
    return r;
  }

  /** `struct|union|enum [attributes] [tag] [{ … }]` at token j; returns the token after it. */
  private tagged(t: Tokens, j: number, e: number, owner: string, r: Specifiers): number {
    const { kind, match } = t;
    const s = this.s;
    const isEnum = kind[j] === K.Enum;
    j++;
    let tag = -1;
    for (let n = 0; n < 8 && j < e; n++) {
      if (kind[j] === K.Attribute) j = kind[j + 1] === K.LParen ? s.skip(t, j + 1) : j + 1;
      else if (kind[j] === K.Ident) {
        const next = kind[j + 1];
        if (s.attrLike(t, j) && (next === K.Ident || next === K.LBrace || next === K.LParen) && tag < 0) {
          j = next === K.LParen ? s.skip(t, j + 1) : j + 1;
        } else if (tag < 0) tag = j++;
        else if (next === K.LBrace) j++;
        else break;
      } else break;
    }
    r.flags &= ~TypeFlag.Struct;
    if (!isEnum) r.flags |= TypeFlag.Struct;
    if (isEnum && kind[j] === K.Colon) {
      while (j < e && kind[j] !== K.LBrace && kind[j] !== K.Semi) j++;
    }
    if (tag >= 0) r.type = s.word(t, tag);
    else r.type = owner === "" || isEnum ? 0 : s.names.text(owner);
    if (j < e && kind[j] === K.LBrace) {
      const close = match[j];
      if (close < 0 || close > e) return j + 1;
      if (!isEnum && (tag >= 0 || owner !== "")) this.struct(t, j, tag >= 0 ? s.str(t, tag) : owner);
      j = close + 1;
      while (j < e && (kind[j] === K.Attribute || (kind[j] === K.Ident && s.attrLike(t, j)))) {
        const next = kind[j + 1];
        if (kind[j] === K.Ident && !isWord(next) && next !== K.LParen && next !== K.Star && next !== K.Semi)
          break;
        j = next === K.LParen ? s.skip(t, j + 1) : j + 1;
      }
    }
    return j;
  }

  /** Reads the declarator that starts at token j; `end` is one past the declaration. Returns the token that ends it. */
  declarator(t: Tokens, j: number, end: number, out: Declarator): number {
    const { kind, match } = t;
    const s = this.s;
    out.name = 0;
    out.flags = 0;
    out.isFunction = false;
    out.assign = -1;
    out.nameToken = -1;
    let stars = 0;
    while (j < end) {
      const k = kind[j];
      if (k === K.Star) {
        stars++;
        j++;
      } else if (k === K.Const) j++;
      else if (k === K.Attribute) j = kind[j + 1] === K.LParen ? s.skip(t, j + 1) : j + 1;
      else if (
        k === K.Ident &&
        s.attrLike(t, j) &&
        j + 1 < end &&
        (kind[j + 1] === K.Ident || kind[j + 1] === K.Star)
      )
        j++;
      else break;
    }
    if (j < end && kind[j] === K.LParen && match[j] > j) {
      // `(*name)(…)`, `(*name[2])(…)`, `(name)`
      const close = match[j];
      let inner = j + 1;
      let pointer = false;
      while (
        inner < close &&
        (kind[inner] === K.Star ||
          kind[inner] === K.Const ||
          kind[inner] === K.LParen ||
          (kind[inner] === K.Ident &&
            kind[inner + 1] !== K.RBracket &&
            kind[inner + 1] !== K.LBracket &&
            inner + 1 < close &&
            kind[inner + 1] !== K.LParen &&
            kind[inner + 1] !== K.RParen))
      ) {
        if (kind[inner] === K.Star) pointer = true;
        inner++;
      }
      if (inner < close && kind[inner] === K.Ident) {
        out.name = s.word(t, inner);
        out.nameToken = inner;
        if (kind[inner + 1] === K.LBracket) out.flags |= TypeFlag.Array;
      }
      j = close + 1;
      if (kind[j] === K.LParen && j < end) {
        if (pointer) out.flags |= TypeFlag.FunctionPointer | TypeFlag.Pointer;
        else out.isFunction = true;
        j = s.skip(t, j);
      } else if (pointer) stars++;
    } else if (j < end && kind[j] === K.Ident) {
      out.name = s.word(t, j);
      out.nameToken = j;
      j++;
    }
    if (stars > 0) out.flags |= TypeFlag.Pointer;
    if (stars > 1) out.flags |= TypeFlag.PointerPointer;
    while (j < end) {
      const k = kind[j];
      if (k === K.Comma) break;
      if (k === K.LBracket) out.flags |= TypeFlag.Array;
      else if (k === K.LParen && kind[j - 1] === K.Ident && j - 1 === out.nameToken) out.isFunction = true;
      else if (k === K.Assign && out.assign < 0) out.assign = j;
      j = s.skip(t, j);
    }
    return j;
  }

  /** One parameter in tokens [i, e): pushes it to the parameters. */
  parameter(t: Tokens, i: number, e: number): void {
    const s = this.s;
    const spec = this.specifiers(t, i, e, "");
    const d: Declarator = { name: 0, flags: 0, isFunction: false, assign: -1, nameToken: -1 };
    this.declarator(t, spec.next, e, d);
    let { type } = spec;
    let { name } = d;
    // `foo(bar)` of an old-style definition: the only word is the name.
    if (name === 0 && type !== 0 && e - i === 1 && t.kind[i] === K.Ident) {
      name = type;
      type = 0;
    }
    if (d.isFunction) d.flags |= TypeFlag.FunctionPointer | TypeFlag.Pointer;
    s.typed(s.params, name, type, spec.flags | d.flags);
  }

  /** Records the struct whose body opens at token `open`, nested ones before it. */
  struct(t: Tokens, open: number, name: string): void {
    const close = t.match[open];
    if (close < 0 || this.nesting >= MAX_NESTING) return;
    this.nesting++;
    const fields: number[] = [];
    this.members(t, open + 1, close, name, fields);
    this.nesting--;
    const s = this.s;
    s.structs.push(s.names.text(name));
    s.structs.push(s.count(s.fields));
    s.structs.push(fields.length / 3);
    s.structs.push(0);
    s.structs.push(0);
    for (const f of fields) s.fields.push(f);
  }

  /** Reads the members in tokens [i, e) into `fields` (triples); anonymous members add theirs. */
  private members(t: Tokens, i: number, e: number, owner: string, fields: number[]): void {
    const { kind, match } = t;
    const s = this.s;
    while (i < e) {
      if (kind[i] === K.Semi || kind[i] === K.RBrace || kind[i] === K.RParen) {
        i++;
        continue;
      }
      let end = i;
      while (end < e && kind[end] !== K.Semi) end = s.skip(t, end);
      if (end > e) end = e;
      if (kind[i] === K.Ident && kind[i + 1] === K.LParen && match[i + 1] > i) {
        const after = this.memberMacro(t, i, owner, fields);
        if (after > 0) {
          i = after;
          continue;
        }
      }
      if (this.anonymous(t, i, end, owner, fields)) {
        i = end + 1;
        continue;
      }
      // The first declarator's name is needed to name an anonymous struct: find it before reading.
      const spec = this.specifiers(t, i, end, this.memberTypeName(t, i, end, owner));
      const d: Declarator = { name: 0, flags: 0, isFunction: false, assign: -1, nameToken: -1 };
      let j = spec.next;
      for (let n = 0; n < 500 && j < end; n++) {
        j = this.declarator(t, j, end, d) + 1;
        if (d.name !== 0 && !d.isFunction)
          fields.push(d.name, spec.type, (spec.flags | d.flags) & ~TypeFlag.Static);
      }
      i = end + 1;
    }
  }

  /** A member made by a macro; returns the token after it or 0 if it is none that is known. */
  private memberMacro(t: Tokens, i: number, owner: string, fields: number[]): number {
    const s = this.s;
    const macro = s.str(t, i);
    const close = t.match[i + 1];
    const group = GROUP_MACROS[macro];
    if (group !== undefined) {
      const a = argument(t, i + 1, group, s);
      if (a >= 0) this.members(t, a, close, owner, fields);
      return close + 1;
    }
    const member = MEMBER_MACROS[macro];
    if (member === undefined) return 0;
    const nameAt = argument(t, i + 1, member[1], s);
    if (nameAt < 0) return close + 1;
    let type = member[2] === "" ? 0 : s.names.text(member[2]);
    let flags: number = TypeFlag.Array;
    if (member[0] >= 0) {
      const spec = this.specifiers(t, argument(t, i + 1, member[0], s), close, "");
      type = spec.type;
      flags |= spec.flags;
    }
    fields.push(s.word(t, nameAt), type, flags);
    return close + 1;
  }

  /** `struct { … };` or `union { … } __packed;` without a name: its members join the owner's. */
  private anonymous(t: Tokens, i: number, end: number, owner: string, fields: number[]): boolean {
    const { kind, match } = t;
    let j = i;
    while (j < end && (kind[j] === K.Const || kind[j] === K.Extension)) j++;
    if (kind[j] !== K.Struct && kind[j] !== K.Union) return false;
    j++;
    while (j < end && kind[j] !== K.LBrace) {
      if (kind[j] === K.Attribute && kind[j + 1] === K.LParen) j = this.s.skip(t, j + 1);
      else if (kind[j] === K.Ident && this.s.attrLike(t, j)) j++;
      else return false;
    }
    const close = j < end ? match[j] : -1;
    if (close < 0 || this.nesting >= MAX_NESTING) return false;
    let rest = close + 1;
    while (rest < end) {
      if (kind[rest] === K.Attribute || (kind[rest] === K.Ident && this.s.attrLike(t, rest))) rest++;
      else if (kind[rest] === K.LParen) rest = this.s.skip(t, rest);
      else return false;
    }
    this.nesting++;
    this.members(t, j + 1, close, owner, fields);
    this.nesting--;
    return true;
  }

  /** `parent::member` for a member whose type is an anonymous struct, "" otherwise. */
  private memberTypeName(t: Tokens, i: number, end: number, owner: string): string {
    const { kind, match } = t;
    let j = i;
    while (j < end && kind[j] !== K.LBrace) {
      if (kind[j] === K.LParen) return "";
      j++;
    }
    if (j >= end || match[j] < 0) return "";
    for (let k = match[j] + 1; k < end; k++) {
      if (kind[k] === K.Ident && !this.s.attrLike(t, k)) return `${owner}::${this.s.str(t, k)}`;
    }
    return "";
  }
}

/** First token of argument n of the call whose parenthesis is token o, or -1. */
export function argument(t: Tokens, o: number, n: number, s: State): number {
  const close = t.match[o];
  let i = o + 1;
  for (let a = 0; i < close; ) {
    if (a === n) return i;
    if (t.kind[i] === K.Comma) a++;
    i = s.skip(t, i);
  }
  return -1;
}
