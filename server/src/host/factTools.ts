/** The pure functions that turn a text into facts, bundled so that a worker and the in-process host run the same ones. */
import type { FlowFacts } from "../facts/flow.js";
import type { FunctionHead } from "../facts/heads.js";
import type { FileOutline, MacroClasses, OutlineOptions } from "../facts/outline.js";
import { outlineFile } from "../outline/outline.js";
import { extractFlow, extractFlows } from "../syntax/flow.js";
import { CParser } from "../syntax/parser.js";
import { fileSwitches, type Switches } from "../text/branches.js";
import { failureReason } from "./failure.js";

export interface FactTools {
  /** The event loop must turn now and then, or the parser's trees are never given back. */
  readonly turns: boolean;
  outline(text: string, path: string): FileOutline;
  /** `outline` is that of the text, where the caller has it. */
  flows(
    text: string,
    path: string,
    fns: readonly number[],
    classes: MacroClasses,
    outline?: FileOutline,
  ): FlowResult;
  /** The same of functions whose heads are known, each with the part of the file that it stands in. */
  flowsOfHeads(
    heads: readonly FunctionHead[],
    partOf: (head: FunctionHead) => TextPart,
    classes: MacroClasses,
    /** The text of the whole file, for the few functions that need to know what it defines. */
    wholeText: () => string,
  ): FlowResult;
}

/** A part of a file's text and the offset at which it begins. */
export interface TextPart {
  text: string;
  from: number;
}

export interface FlowResult {
  /** Parallel to the functions asked for; null for one that could not be had. */
  facts: (FlowFacts | null)[];
  /** What went wrong with some of them; the others are good. */
  problem?: string;
}

/** Without a parser: the native one, loaded at once. */
export function createFactTools(options: OutlineOptions, parser: CParser = new CParser()): FactTools {
  return {
    turns: parser.kind === "native",
    outline: (text, path) => outlineFile(text, path, options),
    flows(text, path, fns, classes, outline = outlineFile(text, path, options)) {
      let problem: string | undefined;
      // One at a time: a function that cannot be had must not take its file with it.
      const facts = fns.map((fn) => {
        try {
          return extractFlows(text, outline, [fn], classes, parser)[0];
        } catch (error) {
          problem ??= failureReason(error);
          return null;
        }
      });
      return problem === undefined ? { facts } : { facts, problem };
    },
    flowsOfHeads(heads, partOf, classes, wholeText) {
      let problem: string | undefined;
      let ofFile: Switches | null = null;
      const switches: Switches = (name) => {
        ofFile ??= fileSwitches(wholeText());
        return ofFile(name);
      };
      const facts = heads.map((head) => {
        try {
          const { text, from } = partOf(head);
          return extractFlow(text, from, head, classes, parser, switches);
        } catch (error) {
          problem ??= failureReason(error);
          return null;
        }
      });
      return problem === undefined ? { facts } : { facts, problem };
    },
  };
}
