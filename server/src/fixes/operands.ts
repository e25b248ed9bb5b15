/** What an expression reads, whether that stays the same over a stretch of code, and of which types it is. */
import type { TypedName } from "../code.js";
import { type FunctionSyntax, K, type Node } from "./syntax.js";
import type { FixSource } from "./types.js";

/** Text without blanks, for comparing expressions. */
export const squeezed = (text: string): string => text.replace(/\s+/g, "");

export interface Operands {
  /** Variables by name. */
  variables: Set<string>;
  /** Fields and elements whose value is read: text without blanks. Addresses (`&p->x`) are not among them. */
  places: Set<string>;
}

export function operandsOf(syntax: FunctionSyntax, nodes: readonly Node[]): Operands {
  const out: Operands = { variables: new Set(), places: new Set() };
  for (const node of nodes) collect(syntax, node, false, out);
  return out;
}

function collect(syntax: FunctionSyntax, node: Node, isAddress: boolean, out: Operands): void {
  switch (node.kind) {
    case K.identifier: {
      const call = node.parent?.kind === K.call_expression && node.parent.children[0] === node;
      if (!call) out.variables.add(syntax.text(node));
      return;
    }
    case K.field_expression:
    case K.subscript_expression: {
      if (!isAddress) out.places.add(squeezed(syntax.text(node)));
      // Below an address `&p->a.b` only p is read; `&p->a->b` reads p->a.
      const base = node.children[0];
      const arrow = syntax
        .text(node)
        .slice(base.end - node.start)
        .trimStart()
        .startsWith("->");
      collect(syntax, base, isAddress && !arrow, out);
      for (const child of node.children.slice(1))
        if (child.kind !== K.field_identifier) collect(syntax, child, false, out);
      return;
    }
    case K.pointer_expression: {
      const isAmpersand = syntax.text(node).startsWith("&");
      if (!isAmpersand) out.places.add(squeezed(syntax.text(node)));
      for (const child of node.children) collect(syntax, child, isAmpersand, out);
      return;
    }
    case K.sizeof_expression:
      return;
    default:
      for (const child of node.children) collect(syntax, child, false, out);
  }
}

/** What is written in a stretch of code: variables and places, by text without blanks. */
export function writtenIn(syntax: FunctionSyntax, from: number, to: number): Set<string> {
  const out = new Set<string>();
  for (const node of syntax.walk()) {
    if (node.start < from || node.start >= to) continue;
    if (node.kind === K.assignment_expression || node.kind === K.update_expression)
      out.add(squeezed(syntax.text(node.children[0])));
    // A variable whose address is handed out may be written by who gets it.
    if (
      node.kind === K.pointer_expression &&
      syntax.text(node).startsWith("&") &&
      node.children[0]?.kind === K.identifier
    )
      out.add(syntax.text(node.children[0]));
    if (node.kind === K.init_declarator && node.children[0])
      out.add(squeezed(syntax.text(node.children[0])).replace(/^\*+/, ""));
  }
  return out;
}

/** Operands that do not keep their value over the stretch. */
export function unstable(syntax: FunctionSyntax, operands: Operands, from: number, to: number): string[] {
  const written = writtenIn(syntax, from, to);
  return [...operands.variables, ...operands.places].filter(
    (o) => written.has(o) || [...written].some((w) => o.startsWith(`${w}->`) || o.startsWith(`${w}.`)),
  );
}

/** Whether any of these is mentioned in the stretch. */
export function mentions(
  syntax: FunctionSyntax,
  texts: Iterable<string>,
  from: number,
  to: number,
): string[] {
  const code = syntax.normalised
    .slice(from - syntax.definition.start, to - syntax.definition.start)
    .replace(/\s+/g, "");
  return [...texts].filter((t) => {
    const escaped = t.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`(?<![\\w.>])${escaped}(?![\\w(])`).test(code);
  });
}

export interface Type {
  /** As written in a declaration, without the stars: `struct foo`, `u32`, `void`. */
  base: string;
  /** Bare name for lookups. */
  name: string;
  stars: number;
}

/** Type of a variable, parameter, field or address; null where it cannot be told. */
export function typeOf(syntax: FunctionSyntax, node: Node, source: FixSource): Type | null {
  switch (node.kind) {
    case K.identifier:
      return variableType(syntax, syntax.text(node), source);
    case K.parenthesized_expression:
      return node.children[0] ? typeOf(syntax, node.children[0], source) : null;
    case K.field_expression: {
      const owner = typeOf(syntax, node.children[0], source);
      const field = node.children[1];
      if (!owner || !field) return null;
      const found = source.code.fieldType(owner.name, syntax.text(field), syntax.definition.file);
      return found && fromTyped(found);
    }
    case K.pointer_expression: {
      const inner = node.children[0] && typeOf(syntax, node.children[0], source);
      if (!inner) return null;
      return { ...inner, stars: inner.stars + (syntax.text(node).startsWith("&") ? 1 : -1) };
    }
    case K.call_expression: {
      // container_of(ptr, struct foo, member), list_entry(...)
      const call = syntax.asCall(node);
      const type =
        call && /^(?:container_of|\w+_entry(?:_safe|_rcu)?)$/.test(call.name) ? call.argList[1] : null;
      const text = type ? syntax.text(type).trim() : "";
      return /^(?:struct\s+)?\w+$/.test(text)
        ? { base: text, name: text.replace(/^struct\s+/, ""), stars: 1 }
        : null;
    }
    default:
      return null;
  }
}

function variableType(syntax: FunctionSyntax, name: string, source: FixSource): Type | null {
  for (const node of syntax.walk()) {
    if (node.kind !== K.declaration) continue;
    const text = syntax.text(node);
    const declarator = new RegExp(`(\\*[\\s*]*|[\\s,*])${name}\\s*(?=[=;,[)]|$)`).exec(text);
    if (!declarator || !node.children.some((c) => mentionsName(syntax, c, name))) continue;
    const head =
      /^\s*((?:static\s+|const\s+|volatile\s+|register\s+|unsigned\s+|signed\s+)*(?:struct\s+|union\s+|enum\s+)?\w+(?:\s+(?:int|long|char|short))*)/.exec(
        text,
      );
    if (!head) continue;
    const base = head[1].replace(/^(?:static|register)\s+/, "").trim();
    return { base, name: base.replace(/^.*\s/, ""), stars: (declarator[1].match(/\*/g) ?? []).length };
  }
  const param = syntax.definition.params.find((p) => p.name === name);
  if (param) return fromTyped(param);
  const global = source.code.globalVar(name, syntax.definition.file);
  return global && fromTyped(global);
}

function mentionsName(syntax: FunctionSyntax, node: Node, name: string): boolean {
  // Only the declarator, not what it is initialised with.
  if (node.kind === K.identifier) return syntax.text(node) === name;
  if (node.kind === K.init_declarator)
    return node.children[0] !== undefined && mentionsName(syntax, node.children[0], name);
  if (node.kind === K.pointer_declarator || node.kind === K.array_declarator)
    return node.children.some((c) => mentionsName(syntax, c, name));
  return false;
}

function fromTyped(t: TypedName): Type {
  return { base: t.isStruct ? `struct ${t.type}` : t.type, name: t.type, stars: t.isPointer ? 1 : 0 };
}
