/**
 * A syntax tree as flat columns, read from tree-sitter in one walk: named nodes only, with kinds as small integers. The
 * walk makes as few calls into the parser as it can, for each costs more than the JavaScript around it.
 */
import type { CParser } from "./parser.js";

/** Grammar kinds that the lowering tells apart; everything else is walked generically. */
const KIND_NAMES = [
  "",
  "translation_unit",
  "function_definition",
  "compound_statement",
  "expression_statement",
  "if_statement",
  "else_clause",
  "while_statement",
  "do_statement",
  "for_statement",
  "switch_statement",
  "case_statement",
  "labeled_statement",
  "statement_identifier",
  "goto_statement",
  "break_statement",
  "continue_statement",
  "return_statement",
  "declaration",
  "init_declarator",
  "pointer_declarator",
  "array_declarator",
  "function_declarator",
  "parenthesized_declarator",
  "parameter_list",
  "parameter_declaration",
  "identifier",
  "field_identifier",
  "type_identifier",
  "primitive_type",
  "sized_type_specifier",
  "struct_specifier",
  "union_specifier",
  "enum_specifier",
  "type_descriptor",
  "call_expression",
  "argument_list",
  "field_expression",
  "pointer_expression",
  "subscript_expression",
  "unary_expression",
  "binary_expression",
  "assignment_expression",
  "update_expression",
  "conditional_expression",
  "cast_expression",
  "sizeof_expression",
  "comma_expression",
  "parenthesized_expression",
  "number_literal",
  "string_literal",
  "concatenated_string",
  "char_literal",
  "true",
  "false",
  "null",
  "compound_literal_expression",
  "initializer_list",
  "initializer_pair",
  "gnu_asm_expression",
  "offsetof_expression",
  "alignof_expression",
  "comment",
  "ERROR",
  "variadic_parameter",
  "abstract_pointer_declarator",
  "abstract_function_declarator",
  "storage_class_specifier",
  "type_qualifier",
  "macro_type_specifier",
  "attributed_statement",
  "generic_expression",
  "subscript_designator",
  "field_designator",
  "attribute_specifier",
  "ms_based_modifier",
  "bitfield_clause",
  "abstract_array_declarator",
  "attributed_declarator",
  "gnu_asm_qualifier",
  "field_declaration_list",
  "enumerator_list",
] as const;
type KindName = (typeof KIND_NAMES)[number];

/** Kind numbers by name: `K.call_expression`. */
export const K = Object.fromEntries(KIND_NAMES.map((n, i) => [n, i])) as Record<
  Exclude<KindName, "">,
  number
>;
const KIND_OF: ReadonlyMap<string, number> = new Map(KIND_NAMES.map((n, i) => [n, i]));

/** Kinds whose inside is never looked at. */
const LEAF = new Set(
  [
    "identifier",
    "field_identifier",
    "type_identifier",
    "primitive_type",
    "number_literal",
    "string_literal",
    "char_literal",
    "true",
    "false",
    "null",
    "comment",
    "statement_identifier",
    "storage_class_specifier",
    "type_qualifier",
    "concatenated_string",
    "gnu_asm_expression",
    "sizeof_expression",
    "alignof_expression",
    "offsetof_expression",
    "field_declaration_list",
    "enumerator_list",
    "attribute_specifier",
  ].map((n) => KIND_OF.get(n)!),
);
/** Kinds whose children's grammar field matters. */
const WITH_FIELDS = new Set([K.for_statement, K.conditional_expression]);

const ANONYMOUS = -1;

/** Grammar field of a child, only told for children of `for` and `?:`. */
export const Field = {
  none: 0,
  initializer: 1,
  condition: 2,
  update: 3,
  body: 4,
  consequence: 5,
  alternative: 6,
} as const;
const FIELD_OF: Record<string, number> = Field;

export class Ast {
  kind: Uint8Array = new Uint8Array(1024);
  start: Int32Array = new Int32Array(1024);
  end: Int32Array = new Int32Array(1024);
  first: Int32Array = new Int32Array(1024);
  next: Int32Array = new Int32Array(1024);
  field: Uint8Array = new Uint8Array(1024);
  count = 0;
  hasError = false;
  text = "";

  private grow(): void {
    const n = this.kind.length * 2;
    const up = <T extends Uint8Array | Int32Array>(old: T, make: (n: number) => T): T => {
      const a = make(n);
      a.set(old as never);
      return a;
    };
    this.kind = up(this.kind, (n) => new Uint8Array(n));
    this.field = up(this.field, (n) => new Uint8Array(n));
    this.start = up(this.start, (n) => new Int32Array(n));
    this.end = up(this.end, (n) => new Int32Array(n));
    this.first = up(this.first, (n) => new Int32Array(n));
    this.next = up(this.next, (n) => new Int32Array(n));
  }

  add(kind: number, start: number, end: number): number {
    if (this.count === this.kind.length) this.grow();
    const i = this.count++;
    this.kind[i] = kind;
    this.start[i] = start;
    this.end[i] = end;
    this.first[i] = -1;
    this.next[i] = -1;
    this.field[i] = 0;
    return i;
  }

  /** Child number n, or -1. */
  child(node: number, n: number): number {
    let c = this.first[node];
    while (c >= 0 && n-- > 0) c = this.next[c];
    return c;
  }

  textOf(node: number): string {
    return this.text.slice(this.start[node], this.end[node]);
  }
}

/** Type numbers of the grammar → our kinds, learnt as they are met; per grammar back end. */
const typeIds = new WeakMap<CParser, Int16Array>();

/** Parses text and returns its tree as columns in `into` (reused between calls: copy nothing out of it). */
export function parseToAst(parser: CParser, text: string, into: Ast): Ast {
  let ids = typeIds.get(parser);
  if (!ids) {
    ids = new Int16Array(2048).fill(-2);
    typeIds.set(parser, ids);
  }
  const ast = into;
  ast.count = 0;
  ast.text = text;
  const tree = parser.parse(text);
  try {
    ast.hasError = tree.hasError;
    const cursor = tree.sweep();
    try {
      const stack: number[] = [];
      const lastChild: number[] = [];
      const root = ast.add(K.translation_unit, 0, text.length);
      stack.push(root);
      lastChild.push(-1);
      if (!cursor.gotoFirstChild()) return ast;
      // A frame per named ancestor; anonymous nodes have no named descendants in this grammar.
      for (;;) {
        const id = cursor.nodeTypeId;
        let kind = id >= 0 && id < 2048 ? ids[id] : -2;
        if (kind === -2) {
          kind = cursor.nodeIsNamed ? (KIND_OF.get(cursor.nodeType) ?? 0) : ANONYMOUS;
          if (id >= 0 && id < 2048) ids[id] = kind;
        }
        let descended = false;
        if (kind !== ANONYMOUS && kind !== K.comment) {
          const node = ast.add(kind, cursor.startIndex, cursor.endIndex);
          const depth = stack.length - 1;
          const parent = stack[depth];
          const last = lastChild[depth];
          if (last < 0) ast.first[parent] = node;
          else ast.next[last] = node;
          lastChild[depth] = node;
          if (WITH_FIELDS.has(ast.kind[parent]))
            ast.field[node] = FIELD_OF[cursor.currentFieldName ?? "none"] ?? 0;
          if (!LEAF.has(kind) && cursor.gotoFirstChild()) {
            stack.push(node);
            lastChild.push(-1);
            descended = true;
          }
        }
        if (descended) continue;
        while (!cursor.gotoNextSibling()) {
          if (!cursor.gotoParent()) return ast;
          stack.pop();
          lastChild.pop();
          if (stack.length === 0) return ast;
        }
      }
    } finally {
      cursor.delete?.();
    }
  } finally {
    tree.delete?.();
  }
}
