/**
 * A parser for the C that nearly all functions are written in, over the lexer's tokens. It makes the tree that the grammar
 * makes, several times as fast, and gives up (so that the grammar's own parser is asked) at anything it is not sure of.
 */
import { matchBrackets } from "../text/brackets.js";
import { bytesOf, lex } from "../text/lexer.js";
import { K as T, Tokens } from "../text/tokens.js";
import { type Ast, Field, K } from "./ast.js";

const tokens = new Tokens();

/** Thrown where the text is not of the plain kind. */
const GIVE_UP = Symbol("not plain C");

/** Binary operators by their text, with how tightly they bind. */
const BINARY: Record<string, number> = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  ">": 7,
  "<=": 7,
  ">=": 7,
  "<<": 9,
  ">>": 9,
  "+": 10,
  "-": 10,
  "*": 11,
  "/": 11,
  "%": 11,
};
const ASSIGNING = new Set(["+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="]);
/** Number words that go before `int`. */
const SIZES = new Set(["signed", "unsigned", "long", "short"]);
const NUMBERS = new Set(["void", "char", "int", "float", "double"]);
/** Identifiers that the grammar takes for types wherever they stand. */
const TYPE_NAMES = new Set(["bool", "size_t", "ssize_t", "ptrdiff_t", "intptr_t", "uintptr_t"]);
for (const sign of ["int", "uint"]) for (const n of [8, 16, 32, 64]) TYPE_NAMES.add(`${sign}${n}_t`);

/** Names that types have. */
const TYPE_LIKE = /^(?:_*[us](?:8|16|32|64)|_*[lb]e(?:16|32|64)|\w+_t|u(?:int|long|char|short))$/;

/** Parses a function's text into `ast`; false where the grammar's parser must. */
export function quickParse(text: string, ast: Ast): boolean {
  lex(text, bytesOf(text), 0, text.length, tokens, { everyDirective: true });
  if (tokens.dKind.length > 0) return false;
  matchBrackets(text, tokens);
  ast.count = 0;
  ast.text = text;
  ast.hasError = false;
  try {
    new QuickParser(text, tokens, ast).run();
    return true;
  } catch (error) {
    if (error !== GIVE_UP) throw error;
    return false;
  } finally {
    tokens.shrink();
  }
}

class QuickParser {
  private readonly kind: Uint8Array;
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private i = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly t: Tokens,
    private readonly ast: Ast,
  ) {
    this.kind = t.kind;
    this.starts = t.start;
    this.ends = t.end;
  }

  run(): void {
    const { ast, t } = this;
    const root = ast.add(K.translation_unit, 0, this.text.length);
    let open = 0;
    while (open < t.n && this.kind[open] !== T.LBrace) {
      if (this.kind[open] === T.LParen || this.kind[open] === T.LBracket) open = t.match[open];
      if (open < 0) throw GIVE_UP;
      open++;
    }
    if (open >= t.n || t.match[open] !== t.n - 1) throw GIVE_UP;
    const fn = ast.add(K.function_definition, 0, this.text.length);
    ast.first[root] = fn;
    this.i = open;
    // The columns may be others after the block has been read.
    const body = this.block();
    ast.first[fn] = body;
  }

  // ---- tokens ---------------------------------------------------------------------------------------------------

  private at(kind: number): boolean {
    return this.kind[this.i] === kind;
  }

  private take(kind: number): void {
    if (this.kind[this.i] !== kind) throw GIVE_UP;
    this.i++;
  }

  private word(i: number): string {
    return this.text.slice(this.starts[i], this.ends[i]);
  }

  /** End of the token before the one at hand. */
  private lastEnd(): number {
    return this.ends[this.i - 1];
  }

  // ---- nodes ----------------------------------------------------------------------------------------------------

  private leaf(kind: number, i: number): number {
    return this.ast.add(kind, this.starts[i], this.ends[i]);
  }

  private node(kind: number, start: number, ...children: number[]): number {
    const { ast } = this;
    const n = ast.add(kind, start, this.lastEnd());
    let last = -1;
    for (const c of children) {
      if (c < 0) continue;
      if (last < 0) ast.first[n] = c;
      else ast.next[last] = c;
      last = c;
    }
    return n;
  }

  private list(kind: number, start: number, children: readonly number[]): number {
    const { ast } = this;
    const n = ast.add(kind, start, this.lastEnd());
    for (let c = 0; c < children.length; c++) {
      if (c === 0) ast.first[n] = children[0];
      else ast.next[children[c - 1]] = children[c];
    }
    return n;
  }

  // ---- statements -----------------------------------------------------------------------------------------------

  private block(): number {
    const start = this.starts[this.i];
    if (++this.depth > 200) throw GIVE_UP;
    this.take(T.LBrace);
    const items: number[] = [];
    while (!this.at(T.RBrace)) {
      if (this.at(T.Eof)) throw GIVE_UP;
      items.push(this.item());
    }
    this.i++;
    this.depth--;
    return this.list(K.compound_statement, start, items);
  }

  /** Something that may stand in a block. */
  private item(): number {
    if (this.at(T.Case) || this.at(T.Default)) return this.caseStatement();
    return this.startsDeclaration() ? this.declaration() : this.statement();
  }

  private caseStatement(): number {
    const start = this.starts[this.i];
    const children: number[] = [];
    if (this.kind[this.i++] === T.Case) children.push(this.conditional());
    this.take(T.Colon);
    while (!this.at(T.RBrace) && !this.at(T.Case) && !this.at(T.Default)) {
      if (this.at(T.Eof)) throw GIVE_UP;
      children.push(this.startsDeclaration() ? this.declaration() : this.statement());
    }
    return this.list(K.case_statement, start, children);
  }

  private statement(): number {
    const { i } = this;
    const start = this.starts[i];
    switch (this.kind[i]) {
      case T.LBrace:
        return this.block();
      case T.Semi:
        this.i++;
        return this.node(K.expression_statement, start);
      case T.If: {
        this.i++;
        const cond = this.parenthesized();
        const then = this.statement();
        if (!this.at(T.Else)) return this.node(K.if_statement, start, cond, then);
        const at = this.starts[this.i++];
        const other = this.statement();
        const otherwise = this.node(K.else_clause, at, other);
        return this.node(K.if_statement, start, cond, then, otherwise);
      }
      case T.While: {
        this.i++;
        const cond = this.parenthesized();
        const body = this.statement();
        return this.node(K.while_statement, start, cond, body);
      }
      case T.Do: {
        this.i++;
        const body = this.statement();
        this.take(T.While);
        const cond = this.parenthesized();
        this.take(T.Semi);
        return this.node(K.do_statement, start, body, cond);
      }
      case T.For:
        return this.forStatement(start);
      case T.Switch: {
        this.i++;
        const cond = this.parenthesized();
        if (!this.at(T.LBrace)) throw GIVE_UP;
        const body = this.block();
        return this.node(K.switch_statement, start, cond, body);
      }
      case T.Return: {
        this.i++;
        const value = this.at(T.Semi) ? -1 : this.expression();
        this.take(T.Semi);
        return this.node(K.return_statement, start, value);
      }
      case T.Goto: {
        if (this.kind[i + 1] !== T.Ident || this.kind[i + 2] !== T.Semi) throw GIVE_UP;
        this.i += 3;
        return this.node(K.goto_statement, start, this.leaf(K.statement_identifier, i + 1));
      }
      case T.Break:
      case T.Continue:
        this.i++;
        this.take(T.Semi);
        return this.node(this.kind[i] === T.Break ? K.break_statement : K.continue_statement, start);
      case T.Asm: {
        this.i++;
        while (this.at(T.Const) || this.at(T.Inline) || this.at(T.Goto)) this.i++;
        if (!this.at(T.LParen) || this.t.match[this.i] < 0) throw GIVE_UP;
        this.i = this.t.match[this.i] + 1;
        const code = this.node(K.gnu_asm_expression, start);
        this.take(T.Semi);
        return this.node(K.expression_statement, start, code);
      }
      case T.Ident:
        if (this.kind[i + 1] === T.Colon) {
          this.i += 2;
          // What may follow a label differs between versions of the language.
          if (this.at(T.RBrace) || this.at(T.Case) || this.at(T.Default) || this.startsDeclaration())
            throw GIVE_UP;
          const label = this.leaf(K.statement_identifier, i);
          const s = this.statement();
          return this.node(K.labeled_statement, start, label, s);
        }
        break;
      case T.Case:
      case T.Default:
      case T.Else:
        throw GIVE_UP;
    }
    if (this.startsDeclaration()) throw GIVE_UP;
    const e = this.expression();
    this.take(T.Semi);
    return this.node(K.expression_statement, start, e);
  }

  private parenthesized(): number {
    const start = this.starts[this.i];
    this.take(T.LParen);
    const e = this.at(T.LBrace) ? this.block() : this.expression();
    this.take(T.RParen);
    return this.node(K.parenthesized_expression, start, e);
  }

  private forStatement(start: number): number {
    const { ast } = this;
    this.i++;
    this.take(T.LParen);
    const children: number[] = [];
    const part = (node: number, field: number): void => {
      ast.field[node] = field;
      children.push(node);
    };
    if (this.at(T.Semi)) this.i++;
    else if (this.startsDeclaration()) part(this.declaration(), Field.initializer);
    else {
      part(this.expression(), Field.initializer);
      this.take(T.Semi);
    }
    if (!this.at(T.Semi)) part(this.expression(), Field.condition);
    this.take(T.Semi);
    if (!this.at(T.RParen)) part(this.expression(), Field.update);
    this.take(T.RParen);
    part(this.statement(), Field.body);
    return this.list(K.for_statement, start, children);
  }

  // ---- declarations ---------------------------------------------------------------------------------------------

  private startsDeclaration(): boolean {
    let { i } = this;
    switch (this.kind[i]) {
      case T.Struct:
      case T.Union:
      case T.Enum:
      case T.Type:
      case T.Const:
      case T.Static:
      case T.Extern:
      case T.Storage:
        return true;
      case T.Inline:
      case T.Typedef:
      case T.Typeof:
      case T.Extension:
      case T.Attribute:
      case T.StaticAssert:
        throw GIVE_UP;
      case T.Ident:
        break;
      default:
        return false;
    }
    i++;
    if (this.kind[i] === T.Const) return true;
    if (this.kind[i] === T.Ident) return true;
    if (this.kind[i] !== T.Star) return false;
    while (this.kind[i] === T.Star || this.kind[i] === T.Const) i++;
    if (this.kind[i] !== T.Ident) throw GIVE_UP;
    switch (this.kind[i + 1]) {
      case T.Semi:
      case T.Assign:
      case T.Comma:
      case T.LBracket:
        return true;
      default:
        throw GIVE_UP;
    }
  }

  /** A type without its declarator; -1 at none. Qualifiers are left out: nobody asks for them. */
  private typeSpecifier(): number {
    while (this.at(T.Const)) this.i++;
    const { i } = this;
    const start = this.starts[i];
    let node = -1;
    switch (this.kind[i]) {
      case T.Struct:
      case T.Union:
      case T.Enum: {
        if (this.kind[i + 1] !== T.Ident || this.kind[i + 2] === T.LBrace) throw GIVE_UP;
        this.i += 2;
        const kind =
          this.kind[i] === T.Struct
            ? K.struct_specifier
            : this.kind[i] === T.Union
              ? K.union_specifier
              : K.enum_specifier;
        node = this.node(kind, start, this.leaf(K.type_identifier, i + 1));
        break;
      }
      case T.Type: {
        while (this.at(T.Type) && SIZES.has(this.word(this.i))) this.i++;
        const sized = this.i > i;
        if (this.at(T.Type)) {
          if (!NUMBERS.has(this.word(this.i))) throw GIVE_UP;
          this.i++;
          if (this.at(T.Type)) throw GIVE_UP;
        }
        node = this.node(sized ? K.sized_type_specifier : K.primitive_type, start);
        break;
      }
      case T.Ident:
        this.i++;
        node = this.leaf(K.type_identifier, i);
        break;
      default:
        throw GIVE_UP;
    }
    while (this.at(T.Const)) this.i++;
    return node;
  }

  private declaration(): number {
    const start = this.starts[this.i];
    while (this.at(T.Static) || this.at(T.Extern) || this.at(T.Storage) || this.at(T.Const)) this.i++;
    const children = [this.typeSpecifier()];
    if (this.at(T.Semi)) throw GIVE_UP;
    for (;;) {
      const at = this.starts[this.i];
      const d = this.declarator();
      if (this.at(T.Assign)) {
        this.i++;
        const value = this.at(T.LBrace) ? this.initializers() : this.assignment();
        children.push(this.node(K.init_declarator, at, d, value));
      } else children.push(d);
      if (this.at(T.Semi)) break;
      this.take(T.Comma);
    }
    this.i++;
    return this.list(K.declaration, start, children);
  }

  private declarator(): number {
    const { i } = this;
    const start = this.starts[i];
    if (this.at(T.Star)) {
      this.i++;
      while (this.at(T.Const)) this.i++;
      return this.node(K.pointer_declarator, start, this.declarator());
    }
    let d: number;
    if (this.at(T.Ident)) {
      this.i++;
      d = this.leaf(K.identifier, i);
    } else if (this.at(T.LParen) && this.kind[i + 1] === T.Star) {
      this.i++;
      const inner = this.declarator();
      this.take(T.RParen);
      d = this.node(K.parenthesized_declarator, start, inner);
      if (!this.at(T.LParen)) throw GIVE_UP;
      this.parameters();
      return this.node(K.function_declarator, start, d);
    } else throw GIVE_UP;
    while (this.at(T.LBracket)) {
      this.i++;
      if (!this.at(T.RBracket)) this.expression();
      this.take(T.RBracket);
      d = this.node(K.array_declarator, start, d);
    }
    return d;
  }

  /** Passes over a parameter list: only plain ones, for what stands in it is not looked at. */
  private parameters(): void {
    const close = this.t.match[this.i];
    if (close < 0) throw GIVE_UP;
    for (this.i++; this.i < close; this.i++) {
      switch (this.kind[this.i]) {
        case T.Ident:
        case T.Type:
        case T.Struct:
        case T.Union:
        case T.Enum:
        case T.Const:
        case T.Star:
        case T.Comma:
          break;
        default:
          throw GIVE_UP;
      }
    }
    this.take(T.RParen);
  }

  private initializers(): number {
    const start = this.starts[this.i];
    if (++this.depth > 200) throw GIVE_UP;
    this.take(T.LBrace);
    const items: number[] = [];
    while (!this.at(T.RBrace)) {
      const at = this.starts[this.i];
      const designators: number[] = [];
      while (this.at(T.Dot) || this.at(T.LBracket)) {
        const here = this.starts[this.i];
        if (this.at(T.Dot)) {
          this.i++;
          this.take(T.Ident);
          designators.push(this.node(K.field_designator, here));
        } else {
          this.i++;
          const e = this.assignment();
          this.take(T.RBracket);
          designators.push(this.node(K.subscript_designator, here, e));
        }
      }
      if (designators.length > 0) this.take(T.Assign);
      const value = this.at(T.LBrace) ? this.initializers() : this.assignment();
      items.push(designators.length > 0 ? this.list(K.initializer_pair, at, [...designators, value]) : value);
      if (!this.at(T.RBrace)) this.take(T.Comma);
    }
    this.i++;
    this.depth--;
    return this.list(K.initializer_list, start, items);
  }

  // ---- expressions ----------------------------------------------------------------------------------------------

  /** With commas. */
  private expression(): number {
    const start = this.starts[this.i];
    const left = this.assignment();
    if (!this.at(T.Comma)) return left;
    this.i++;
    const right = this.expression();
    return this.node(K.comma_expression, start, left, right);
  }

  private assignment(): number {
    const start = this.starts[this.i];
    if (++this.depth > 200) throw GIVE_UP;
    const left = this.conditional();
    this.depth--;
    if (!this.at(T.Assign) && !(this.at(T.Op) && ASSIGNING.has(this.word(this.i)))) return left;
    switch (this.ast.kind[left]) {
      case K.identifier:
      case K.call_expression:
      case K.field_expression:
      case K.pointer_expression:
      case K.subscript_expression:
      case K.parenthesized_expression:
        break;
      default:
        throw GIVE_UP;
    }
    this.i++;
    if (this.at(T.LBrace)) throw GIVE_UP;
    const right = this.assignment();
    return this.node(K.assignment_expression, start, left, right);
  }

  private conditional(): number {
    const start = this.starts[this.i];
    const cond = this.binary(1);
    if (!this.at(T.Question)) return cond;
    this.i++;
    const { ast } = this;
    const yes = this.at(T.Colon) ? -1 : this.expression();
    this.take(T.Colon);
    const no = this.conditional();
    ast.field[cond] = Field.condition;
    if (yes >= 0) ast.field[yes] = Field.consequence;
    ast.field[no] = Field.alternative;
    return this.node(K.conditional_expression, start, cond, yes, no);
  }

  /** How tightly the operator at hand binds, 0 for none. */
  private binds(): number {
    switch (this.kind[this.i]) {
      case T.Star:
        return 11;
      case T.Minus:
        return 10;
      case T.Amp:
        return 5;
      case T.Pipe:
        return 3;
      case T.AndAnd:
        return 2;
      case T.Op:
        return BINARY[this.word(this.i)] ?? 0;
      default:
        return 0;
    }
  }

  private binary(least: number): number {
    const start = this.starts[this.i];
    let left = this.unary();
    for (;;) {
      const p = this.binds();
      if (p < least || p === 0) return left;
      this.i++;
      const right = this.binary(p + 1);
      left = this.node(K.binary_expression, start, left, right);
    }
  }

  private unary(): number {
    const { i } = this;
    const start = this.starts[i];
    switch (this.kind[i]) {
      case T.Bang:
      case T.Tilde: {
        this.i++;
        const e = this.unary();
        return this.node(K.unary_expression, start, e);
      }
      case T.Minus:
      case T.Op: {
        const sign = this.word(i);
        if (sign !== "-" && sign !== "+") throw GIVE_UP;
        this.i++;
        if (this.at(T.Number) && this.starts[i + 1] === this.ends[i]) {
          // The grammar takes a sign in front of digits as a part of the number.
          this.i++;
          return this.postfix(start, this.node(K.number_literal, start));
        }
        const e = this.unary();
        return this.node(K.unary_expression, start, e);
      }
      case T.Star:
      case T.Amp: {
        this.i++;
        const e = this.unary();
        return this.node(K.pointer_expression, start, e);
      }
      case T.Step: {
        this.i++;
        const e = this.unary();
        return this.node(K.update_expression, start, e);
      }
      case T.Sizeof:
        return this.sizeofExpression(start);
      case T.LParen:
        if (this.isCast()) return this.cast(start);
        return this.postfix(start, this.parenthesized());
      default:
        return this.postfix(start, this.primary());
    }
  }

  private sizeofExpression(start: number): number {
    this.i++;
    if (!this.at(T.LParen)) {
      this.unary();
      return this.node(K.sizeof_expression, start);
    }
    if (this.kind[this.i + 1] === T.Typeof) throw GIVE_UP;
    const close = this.t.match[this.i];
    if (close < 0) throw GIVE_UP;
    if (this.isCast()) {
      this.i++;
      this.typeName();
      this.take(T.RParen);
    } else this.parenthesized();
    switch (this.kind[this.i]) {
      case T.Arrow:
      case T.Dot:
      case T.LBracket:
      case T.LParen:
      case T.Step:
      case T.LBrace:
        throw GIVE_UP;
    }
    return this.node(K.sizeof_expression, start);
  }

  /** Whether the parenthesis at hand holds a type. What the grammar is of two minds about is left to it. */
  private isCast(): boolean {
    let i = this.i + 1;
    switch (this.kind[i]) {
      case T.Struct:
      case T.Union:
      case T.Enum:
      case T.Type:
      case T.Const:
        return true;
      case T.Ident:
        break;
      default:
        return false;
    }
    if (TYPE_NAMES.has(this.word(i))) return true;
    i++;
    if (this.kind[i] === T.Const) return true;
    if (this.kind[i] === T.RParen) {
      switch (this.kind[i + 1]) {
        case T.LParen:
        case T.Amp:
        case T.Star:
          // A call or a sum of a value in parentheses to the grammar; surely not of a type.
          if (TYPE_LIKE.test(this.word(i - 1))) throw GIVE_UP;
          return false;
        case T.Ident:
        case T.Number:
        case T.String:
        case T.Char:
        case T.Sizeof:
        case T.Tilde:
        case T.Bang:
        case T.LBrace:
          return true;
        case T.Step:
          throw GIVE_UP;
        case T.Minus:
          if (this.kind[i + 2] === T.Number && this.starts[i + 2] === this.ends[i + 1]) return false;
          throw GIVE_UP;
        case T.Op:
          if (this.word(i + 1) !== "+") return false;
          if (this.kind[i + 2] === T.Number && this.starts[i + 2] === this.ends[i + 1]) return false;
          throw GIVE_UP;
        default:
          return false;
      }
    }
    if (this.kind[i] !== T.Star) return false;
    while (this.kind[i] === T.Star || this.kind[i] === T.Const) i++;
    return this.kind[i] === T.RParen;
  }

  /** A type with its pointers, as in casts. */
  private typeName(): number {
    const start = this.starts[this.i];
    const type = this.typeSpecifier();
    const at = this.starts[this.i];
    let stars = 0;
    while (this.at(T.Star) || this.at(T.Const)) {
      if (this.at(T.Star)) stars++;
      this.i++;
    }
    if (!this.at(T.RParen)) throw GIVE_UP;
    const pointer = stars > 0 ? this.node(K.abstract_pointer_declarator, at) : -1;
    return this.node(K.type_descriptor, start, type, pointer);
  }

  private cast(start: number): number {
    this.i++;
    const type = this.typeName();
    this.take(T.RParen);
    if (this.at(T.LBrace)) {
      const list = this.initializers();
      return this.postfix(start, this.node(K.compound_literal_expression, start, type, list));
    }
    const value = this.unary();
    return this.node(K.cast_expression, start, type, value);
  }

  private primary(): number {
    const { i } = this;
    this.i++;
    switch (this.kind[i]) {
      case T.Ident:
        if (this.at(T.String)) return this.strings(i);
        if (this.at(T.Char)) throw GIVE_UP;
        if (this.word(i) === "offsetof") throw GIVE_UP;
        return this.leaf(K.identifier, i);
      case T.Number:
        return this.leaf(K.number_literal, i);
      case T.Char:
        return this.leaf(K.char_literal, i);
      case T.String:
        if (this.at(T.String) || this.at(T.Ident)) return this.strings(i);
        return this.leaf(K.string_literal, i);
      default:
        throw GIVE_UP;
    }
  }

  private strings(first: number): number {
    while (this.at(T.String) || this.at(T.Ident)) this.i++;
    if (this.at(T.LParen) || this.at(T.Char)) throw GIVE_UP;
    return this.node(K.concatenated_string, this.starts[first]);
  }

  private postfix(start: number, base: number): number {
    let e = base;
    for (;;) {
      switch (this.kind[this.i]) {
        case T.LParen: {
          const at = this.starts[this.i++];
          const args: number[] = [];
          while (!this.at(T.RParen)) {
            args.push(this.assignment());
            if (!this.at(T.RParen)) {
              this.take(T.Comma);
              if (this.at(T.RParen)) throw GIVE_UP;
            }
          }
          this.i++;
          const list = this.list(K.argument_list, at, args);
          e = this.node(K.call_expression, start, e, list);
          break;
        }
        case T.LBracket: {
          this.i++;
          const index = this.expression();
          this.take(T.RBracket);
          e = this.node(K.subscript_expression, start, e, index);
          break;
        }
        case T.Dot:
        case T.Arrow: {
          const name = ++this.i;
          this.take(T.Ident);
          e = this.node(K.field_expression, start, e, this.leaf(K.field_identifier, name));
          break;
        }
        case T.Step:
          this.i++;
          e = this.node(K.update_expression, start, e);
          break;
        default:
          return e;
      }
    }
  }
}
