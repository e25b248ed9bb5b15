/**
 * Flow facts of functions: normalise the text, parse it, lower every variant of it. Offsets in the facts are relative to
 * the function's start, so that they outlive edits elsewhere in the file.
 */
import type { FlowFacts } from "../facts/flow.js";
import type { FunctionHead } from "../facts/heads.js";
import {
  type FileOutline,
  FN_STRIDE,
  Fn,
  FnFlag,
  type MacroClasses,
  TYPED_STRIDE,
  Typed,
} from "../facts/outline.js";
import { fileSwitches, type Switches } from "../text/branches.js";
import { normaliseFunction, normaliseMacro } from "../text/normalise.js";
import { Ast, parseToAst } from "./ast.js";
import { Lowerer } from "./lower.js";
import type { CParser } from "./parser.js";

/** Functions longer than this are not parsed: generated tables and the like (bytes). */
const LARGEST = 400_000;

const ast = new Ast();

/** The flow facts of the functions with these indices in the outline; null where there is no body to speak of. */
export function extractFlows(
  text: string,
  outline: FileOutline,
  fns: readonly number[],
  classes: MacroClasses,
  parser: CParser,
): (FlowFacts | null)[] {
  const switches = fileSwitches(text);
  return fns.map((fn) => extractFlow(text, 0, headOf(outline, fn), classes, parser, switches));
}

/** The head of the function with this index in the outline. */
export function headOf(outline: FileOutline, fn: number): FunctionHead {
  const at = fn * FN_STRIDE;
  const params: FunctionHead["params"] = [];
  const first = outline.fn[at + Fn.paramFirst];
  for (let p = first; p < first + outline.fn[at + Fn.paramCount]; p++) {
    const q = p * TYPED_STRIDE;
    params.push({
      name: outline.names[outline.params[q + Typed.name]],
      type: outline.names[outline.params[q + Typed.type]],
      flags: outline.params[q + Typed.flags],
    });
  }
  return {
    name: outline.names[outline.fn[at + Fn.name]],
    flags: outline.fn[at + Fn.flags],
    start: outline.fn[at + Fn.start],
    bodyStart: outline.fn[at + Fn.bodyStart],
    end: outline.fn[at + Fn.end],
    params,
  };
}

/** The flow facts of one function; `text` is the part of its file from `from` on, as far as its end at least. */
export function extractFlow(
  text: string,
  from: number,
  head: FunctionHead,
  classes: MacroClasses,
  parser: CParser,
  switches: Switches,
): FlowFacts | null {
  const { flags, start, end, params } = head;
  if (flags & (FnFlag.Prototype | FnFlag.ObjectMacro)) return null;
  if (end <= start || end - start > LARGEST) return null;
  const lowerer = new Lowerer();
  if (flags & FnFlag.Macro) {
    const m = normaliseMacro(text.slice(head.bodyStart - from, end - from), head, classes);
    parseToAst(parser, m.text, ast);
    lowerer.add(
      { ast, original: m.original ?? m.text, base: m.bodyDelta - start, params, isMacro: true },
      false,
    );
    return lowerer.finish();
  }
  const original = text.slice(start - from, end - from);
  const one = normaliseFunction(original, 0, original.length, classes, 0, switches);
  const two = one.variants > 1 ? normaliseFunction(original, 0, original.length, classes, 1, switches) : null;
  parseToAst(parser, one.text, ast);
  lowerer.add({ ast, original, base: 0, params, isMacro: false }, two !== null);
  if (two) {
    parseToAst(parser, two.text, ast);
    lowerer.add({ ast, original, base: 0, params, isMacro: false }, false);
  }
  return lowerer.finish();
}
