/** A facts host without workers: for tests and small runs. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MacroClasses, OutlineOptions } from "../facts/outline.js";
import type { FactsHost } from "./factsHost.js";
import type { FactTools, FlowResult } from "./factTools.js";
import { failureReason } from "./failure.js";
import { Sources } from "./sources.js";
import { byCodeUnit } from "./walk.js";

export interface InProcessOptions {
  root: string;
  outline: OutlineOptions;
  /** Replaces the real functions in tests of the hosts. */
  tools?: FactTools;
}

export function createInProcessHost(options: InProcessOptions): FactsHost {
  const sources = new Sources(options.root);
  let { tools } = options;
  /** A parser is loaded when it is wanted: whoever has workers never does. */
  const loadTools = async (): Promise<FactTools> => {
    tools ??= (await import("./factTools.js")).createFactTools(options.outline);
    return tools;
  };
  const problems = new Map<string, string>();
  let classes: MacroClasses | null = null;
  return {
    sources,
    async outlines(files, emit, signal) {
      const tools = await loadTools();
      for (const file of files) {
        signal?.throwIfAborted();
        const source = sources.read(file);
        if ("problem" in source) {
          emit(file, null, source.problem);
        } else {
          try {
            emit(file, tools.outline(source.text, file));
          } catch (error) {
            emit(file, null, failureReason(error));
          }
        }
        await nextTurn();
      }
    },
    setMacroClasses(next) {
      classes = next;
    },
    async flows(requests, emit, signal) {
      if (classes === null) throw new Error("flows were asked for before the macro classes were set");
      const tools = await loadTools();
      for (const { file, fns } of requests) {
        signal?.throwIfAborted();
        const source = sources.read(file);
        let result: FlowResult = { facts: fns.map(() => null) };
        if ("problem" in source) {
          problems.set(file, source.problem);
        } else {
          try {
            result = tools.flows(source.text, file, fns, classes);
            if (result.problem !== undefined) problems.set(file, result.problem);
          } catch (error) {
            problems.set(file, failureReason(error));
          }
        }
        emit(file, fns, result.facts);
        // tree-sitter's trees are only given back when the event loop turns.
        await nextTurn();
      }
    },
    read(file) {
      const source = sources.read(file);
      return "text" in source ? source.text : null;
    },
    problems: () =>
      [...problems].map(([path, reason]) => ({ path, reason })).sort((a, b) => byCodeUnit(a.path, b.path)),
    async close() {},
  };
}
