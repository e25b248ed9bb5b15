/** Edits that keep the look of the code: whole lines, the tabs of their surroundings, declarations where the kernel has them. */
import { type FunctionSyntax, K, type Node } from "./syntax.js";
import type { FixEdit } from "./types.js";

/** Blanks at the start of the line that an offset is in. */
export function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset + 1))![0];
}

export const lineStart = (text: string, offset: number): number => text.lastIndexOf("\n", offset - 1) + 1;

/** Offset just before the line end that the offset's line has, past a comment that ends the line. */
export function lineEnd(text: string, offset: number): number {
  const at = text.indexOf("\n", offset);
  const end = at === -1 ? text.length : at;
  return text[end - 1] === "\r" ? end - 1 : end;
}

export const eolOf = (text: string): string => (/\r\n/.test(text.slice(0, 4096)) ? "\r\n" : "\n");

/** Removes a statement with its lines when nothing else stands on them, and one of two blank lines that would meet. */
export function removeStatement(file: string, text: string, node: { start: number; end: number }): FixEdit {
  const from = lineStart(text, node.start);
  let to = lineEnd(text, node.end);
  const alone =
    text.slice(from, node.start).trim() === "" &&
    /^\s*(?:\/\*[^\n]*\*\/\s*|\/\/[^\n]*)?$/.test(text.slice(node.end, to));
  if (!alone) return { file, offset: node.start, endOffset: node.end, text: "" };
  to = text.indexOf("\n", to);
  to = to === -1 ? text.length : to + 1;
  const before = text.slice(0, from);
  const opensBlock = /(?:\n[ \t]*\r?\n|\{[ \t]*\r?\n)$/.test(before);
  const blank = /^[ \t]*\r?\n/.exec(text.slice(to));
  if (opensBlock && blank) to += blank[0].length;
  return { file, offset: from, endOffset: to, text: "" };
}

/** Puts lines after a statement (and a comment that ends its line), indented as it is. */
export function insertAfter(
  file: string,
  text: string,
  node: { start: number; end: number },
  lines: readonly string[],
): FixEdit {
  const rest = text.slice(node.end, lineEnd(text, node.end));
  const at = /^\s*(?:\/\*[^\n]*\*\/|\/\/[^\n]*)?\s*$/.test(rest) ? lineEnd(text, node.end) : node.end;
  const indent = indentAt(text, node.start);
  const eol = eolOf(text);
  return {
    file,
    offset: at,
    endOffset: at,
    text: lines.map((l) => `${eol}${l === "" ? "" : indent}${l}`).join(""),
  };
}

/** Puts lines before a statement, indented as it is. */
export function insertBefore(
  file: string,
  text: string,
  node: { start: number },
  lines: readonly string[],
): FixEdit {
  const at = lineStart(text, node.start);
  const indent = indentAt(text, node.start);
  const eol = eolOf(text);
  return {
    file,
    offset: at,
    endOffset: at,
    text: lines.map((l) => `${l === "" ? "" : indent}${l}${eol}`).join(""),
  };
}

/** Declares a variable at the end of a block's declarations. */
export function declareIn(file: string, text: string, block: Node, declaration: string): FixEdit {
  let last: Node | null = null;
  for (const child of block.children) {
    if (child.kind !== K.declaration) break;
    last = child;
  }
  if (last) return insertAfter(file, text, last, [declaration]);
  const first = block.children[0];
  const indent = first ? indentAt(text, first.start) : `${indentAt(text, block.start)}\t`;
  const eol = eolOf(text);
  return {
    file,
    offset: block.start + 1,
    endOffset: block.start + 1,
    text: `${eol}${indent}${declaration}${eol}`,
  };
}

/** The text of a statement moved to another indentation. */
export function reindented(statement: string, from: string, to: string): string {
  return statement
    .split("\n")
    .map((line, i) => (i > 0 && line.startsWith(from) ? to + line.slice(from.length) : line))
    .join("\n");
}

/** A name that the function does not use yet. */
export function freshName(syntax: FunctionSyntax, wanted: string): string {
  let name = wanted;
  for (let n = 2; new RegExp(`\\b${name}\\b`).test(syntax.normalised); n++) name = `${wanted}${n}`;
  return name;
}
