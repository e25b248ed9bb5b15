/**
 * The syntax tree of one function for those who rewrite it: nodes with parents, in offsets of the file. The tree is of the
 * normalised text (loop macros are loops, attributes are gone); the texts of nodes are those of the file.
 */
import type { Definition } from "../code.js";
import type { MacroClasses } from "../facts/outline.js";
import { Ast, Field, K, parseToAst } from "../syntax/ast.js";
import type { CParser } from "../syntax/parser.js";
import { normaliseFunction } from "../text/normalise.js";

export { Field, K };

export interface Node {
  /** One of `K`, 0 for kinds that nobody asked about. */
  kind: number;
  /** Offsets of the file. */
  start: number;
  end: number;
  parent: Node | null;
  /** Named children, comments left out. */
  children: Node[];
  /** One of `Field`, told for children of `for` and `?:` only. */
  field: number;
}

export class FunctionSyntax {
  constructor(
    readonly definition: Definition,
    /** The function's body: a compound statement. */
    readonly body: Node,
    /** ERROR or MISSING nodes in it. */
    readonly hasError: boolean,
    /** The body has #if branches: one choice of them is in the tree. */
    readonly hasBranches: boolean,
    private readonly fileText: string,
    /** As long as the function; for looking at code without comments. */
    readonly normalised: string,
  ) {}

  /** Text of a node as it stands in the file. */
  text(node: { start: number; end: number }): string {
    return this.fileText.slice(node.start, node.end);
  }

  /** All nodes below (and with) this one, in source order. */
  *walk(node: Node = this.body): Iterable<Node> {
    yield node;
    for (const child of node.children) yield* this.walk(child);
  }

  /** The smallest node that covers the range. */
  nodeAt(start: number, end: number = start): Node {
    let node = this.body;
    for (;;) {
      const child = node.children.find((c) => c.start <= start && end <= c.end);
      if (!child) return node;
      node = child;
    }
  }

  /** Calls of this name (any, without it), in source order. */
  calls(name?: string, within: Node = this.body): CallNode[] {
    const out: CallNode[] = [];
    for (const node of this.walk(within)) {
      const call = this.asCall(node);
      if (call && (name === undefined || call.name === name)) out.push(call);
    }
    return out;
  }

  /** The call whose callee's name starts at the offset (a finding's or chain step's place), or null. */
  callAt(offset: number): CallNode | null {
    for (let node: Node | null = this.nodeAt(offset); node; node = node.parent) {
      const call = this.asCall(node);
      if (call && call.node.start <= offset && offset < (call.args?.start ?? call.node.end)) return call;
      if (call && offset >= call.node.start && offset < call.node.end) return call;
    }
    return null;
  }

  asCall(node: Node): CallNode | null {
    if (node.kind !== K.call_expression || node.children.length === 0) return null;
    const [callee, args] = node.children;
    return {
      node,
      name: callee.kind === K.identifier ? this.text(callee) : "",
      callee,
      args: args?.kind === K.argument_list ? args : null,
      argList: args?.kind === K.argument_list ? args.children : [],
    };
  }

  /** The statement (a child of a block, or the body of an if or loop) that a node is in. */
  statementOf(node: Node): Node {
    let at = node;
    while (at.parent && !isStatement(at)) at = at.parent;
    return at;
  }
}

export interface CallNode {
  node: Node;
  /** "" for a call through a pointer. */
  name: string;
  callee: Node;
  args: Node | null;
  argList: Node[];
}

const STATEMENTS = new Set([
  K.compound_statement,
  K.expression_statement,
  K.if_statement,
  K.while_statement,
  K.do_statement,
  K.for_statement,
  K.switch_statement,
  K.case_statement,
  K.labeled_statement,
  K.goto_statement,
  K.break_statement,
  K.continue_statement,
  K.return_statement,
  K.declaration,
]);

export function isStatement(node: Node): boolean {
  return STATEMENTS.has(node.kind);
}

const ast = new Ast();
/** Functions longer than this are not parsed (bytes). */
const LARGEST = 200_000;

/** The tree of a function, or null where it has no block of its own (a macro, a text that does not parse at all). */
export function parseFunction(
  fileText: string,
  definition: Definition,
  classes: MacroClasses,
  parser: CParser,
): FunctionSyntax | null {
  const { start, end } = definition;
  if (definition.kind === "macro" || end <= start || end - start > LARGEST || end > fileText.length)
    return null;
  const normal = normaliseFunction(fileText, start, end, classes, 0);
  parseToAst(parser, normal.text, ast);
  const hasError = ast.hasError;
  const make = (i: number, parent: Node | null): Node => {
    const node: Node = {
      kind: ast.kind[i],
      start: start + ast.start[i],
      end: start + ast.end[i],
      parent,
      children: [],
      field: ast.field[i],
    };
    for (let c = ast.first[i]; c >= 0; c = ast.next[c]) node.children.push(make(c, node));
    return node;
  };
  for (let c = ast.first[0]; c >= 0; c = ast.next[c]) {
    if (ast.kind[c] !== K.function_definition) continue;
    for (let b = ast.first[c]; b >= 0; b = ast.next[b]) {
      if (ast.kind[b] !== K.compound_statement) continue;
      const body = make(b, null);
      return new FunctionSyntax(definition, body, hasError, normal.variants > 1, fileText, normal.text);
    }
  }
  return null;
}
