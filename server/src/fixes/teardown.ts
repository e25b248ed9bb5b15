/** The step of a chain at which an object is taken down: where the sleeping part can be told apart from the counting. */
import type { Definition } from "../code.js";
import type { Finding } from "../findings/types.js";
import { callAt, isStatementCall } from "./leaf.js";
import { type Type, typeOf } from "./operands.js";
import type { CallNode, FunctionSyntax, Node } from "./syntax.js";
import type { FixSource } from "./types.js";

export const DESTROYS =
  /destroy|free|release|teardown|tear_down|cleanup|dispose|dealloc|kill|fini|uninit|deinit|remove|put(?:_|$)/;
/** Counting down or waiting is not taking down. */
const NEVER = /^(?:kfree|vfree|kvfree|kref_put|mutex_|down_|wait_)/;

export interface TeardownStep {
  /** Number of the step in the chain: 0 is the finding's own call. */
  index: number;
  fn: Definition;
  syntax: FunctionSyntax;
  call: CallNode;
  statement: Node;
  /** The object: the call's one argument, of type `struct T *`. */
  argument: Node;
  type: Type;
}

/** The first step of the shortest path that destroys one object, or null. */
export function teardownStep(finding: Finding, source: FixSource): TeardownStep | null {
  const chain = finding.paths[0]?.chain ?? [];
  for (const [index, step] of chain.entries()) {
    const next = chain[index + 1]?.function ?? finding.paths[0].sleep.call;
    // Giving up a reference is not yet taking down, when what it calls says so more clearly.
    if (!DESTROYS.test(next) || NEVER.test(next)) continue;
    if (
      /put/.test(next) &&
      chain
        .slice(index + 1, index + 3)
        .some((s, i) => i > 0 && DESTROYS.test(s.function) && !/put/.test(s.function))
    )
      continue;
    const leaf = callAt(step.file, step.offset, source);
    if (leaf?.call.argList.length !== 1 || !isStatementCall(leaf.call)) return null;
    const argument = leaf.call.argList[0];
    const type = typeOf(leaf.syntax, argument, source);
    if (type?.stars !== 1 || !type.base.startsWith("struct ")) return null;
    return {
      index,
      fn: leaf.fn,
      syntax: leaf.syntax,
      call: leaf.call,
      statement: leaf.syntax.statementOf(leaf.call.node),
      argument,
      type,
    };
  }
  return null;
}

/** Where a struct is defined: the file, the offset of its closing brace, its fields' names. */
export function structPlace(
  name: string,
  from: string,
  source: FixSource,
): { file: string; open: number; close: number; fields: readonly string[] } | null {
  for (const view of source.code.structs(name, from)) {
    const text = source.read(view.file);
    const found = text === null ? null : new RegExp(`\\bstruct\\s+${name}\\s*\\{`).exec(text);
    if (!text || !found) continue;
    const open = found.index + found[0].length - 1;
    let depth = 0;
    for (let i = open; i < text.length; i++) {
      if (text[i] === "{") depth++;
      else if (text[i] === "}" && --depth === 0)
        return { file: view.file, open, close: i, fields: view.fields.map((f) => f.name) };
    }
  }
  return null;
}

/** Start of a function with the comment above it. */
export function startWithComment(text: string, fn: Definition): number {
  const before = text.slice(Math.max(0, fn.start - 3000), fn.start);
  const comment = /(?:^|\n)(\/\*(?:[^*]|\*(?!\/))*\*\/[ \t]*\r?\n)$/.exec(before);
  return comment ? fn.start - comment[1].length : fn.start;
}
