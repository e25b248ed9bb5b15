/** `lockctx graph`: the lock-context call graph around a function. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { GRAPH_FORMATS, type GraphFormat, renderDot, renderMermaid } from "../../report/graphText.js";
import { renderJson } from "../../report/located.js";
import { ExitCode } from "../errors.js";
import type { CommandContext } from "../main.js";
import { writeChunk } from "../outputs.js";
import { ask, parseQuery, type QuestionFlags, questionOptions } from "../question.js";

interface GraphFlags extends QuestionFlags {
  format: GraphFormat;
  depth: number;
}

const DEFAULT_DEPTH = 2;
const MOST_DEPTH = 12;

const HELP = `
Examples:
  lockctx graph put_super | dot -Tsvg > put_super.svg
  lockctx graph put_super --depth 4 --format mermaid
  lockctx graph fs/super.c:put_super --format json

Nodes are functions: yellow ones run in a context that is not allowed to sleep, blue ones may sleep, red ones both;
ellipses are calls that sleep by themselves, plain text is what enters a callback. Red edges are calls made while a lock
or context is held (the label says which); dashed ones go into a macro, dotted ones through a function pointer, bold ones
are callbacks. "runs in" tells what is known within this graph: explain asks all callers.

Exit codes:
  0  printed              2  wrong use, no such function, or several of that name
  3  internal error     130  stopped by Ctrl+C
`;

function parseDepth(value: string): number {
  const depth = Number(value);
  if (!Number.isInteger(depth) || depth < 0 || depth > MOST_DEPTH)
    throw new InvalidArgumentError(`a whole number from 0 to ${MOST_DEPTH} is needed.`);
  return depth;
}

export function registerGraph(program: Command, context: CommandContext): void {
  const command = program
    .command("graph")
    .summary("print the calls around a function with their lock contexts")
    .description(
      "Prints who calls a function and what it calls, under which lock or context, and what may sleep.",
    )
    .argument("<FUNCTION>", "a function's name, FILE:FUNCTION, or FILE:LINE")
    .argument("[PATH...]", "with --scope files: further files and folders to look at")
    .option("--depth <N>", "calls up and down from the function", parseDepth, DEFAULT_DEPTH)
    .addOption(
      new Option("--format <FORMAT>", "Graphviz, Mermaid or JSON").choices([...GRAPH_FORMATS]).default("dot"),
    );
  questionOptions(command)
    .addHelpText("after", HELP)
    .action(async (typed: string, paths: string[], flags: GraphFlags) => {
      const text = await ask(parseQuery(typed), paths, flags, context, async (q) => {
        const graph = await q.engine.graph(q.subject(), flags.depth, q.signal);
        if (flags.format === "json") return renderJson(graph, q.positions);
        return flags.format === "dot" ? renderDot(graph) : renderMermaid(graph);
      });
      await writeChunk(text);
      context.setExitCode(ExitCode.Clean);
    });
}
