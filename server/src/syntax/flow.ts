/**
 * Flow facts of functions: normalise the text, parse it, lower every variant of it. Offsets in the facts are relative to
 * the function's start, so that they outlive edits elsewhere in the file.
 */
import type { FlowFacts } from "../facts/flow.js";
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
import { normaliseFunction, normaliseMacroBody } from "../text/normalise.js";
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
  return fns.map((fn) => extractFlow(text, outline, fn, classes, parser, switches));
}

function extractFlow(
  text: string,
  outline: FileOutline,
  fn: number,
  classes: MacroClasses,
  parser: CParser,
  switches: Switches,
): FlowFacts | null {
  const at = fn * FN_STRIDE;
  const flags = outline.fn[at + Fn.flags];
  if (flags & (FnFlag.Prototype | FnFlag.ObjectMacro)) return null;
  const start = outline.fn[at + Fn.start];
  const end = outline.fn[at + Fn.end];
  if (end <= start || end - start > LARGEST) return null;
  const params: { name: string; type: string; flags: number }[] = [];
  const first = outline.fn[at + Fn.paramFirst];
  for (let p = first; p < first + outline.fn[at + Fn.paramCount]; p++) {
    const q = p * TYPED_STRIDE;
    params.push({
      name: outline.names[outline.params[q + Typed.name]],
      type: outline.names[outline.params[q + Typed.type]],
      flags: outline.params[q + Typed.flags],
    });
  }
  const lowerer = new Lowerer();
  if (flags & FnFlag.Macro) {
    const m = normaliseMacroBody(text, outline, fn, classes);
    parseToAst(parser, m.text, ast);
    lowerer.add(
      { ast, original: m.original ?? m.text, base: m.bodyDelta - start, params, isMacro: true },
      false,
    );
    return lowerer.finish();
  }
  const original = text.slice(start, end);
  const one = normaliseFunction(text, start, end, classes, 0, switches);
  const two = one.variants > 1 ? normaliseFunction(text, start, end, classes, 1, switches) : null;
  parseToAst(parser, one.text, ast);
  lowerer.add({ ast, original, base: 0, params, isMacro: false }, two !== null);
  if (two) {
    parseToAst(parser, two.text, ast);
    lowerer.add({ ast, original, base: 0, params, isMacro: false }, false);
  }
  return lowerer.finish();
}
