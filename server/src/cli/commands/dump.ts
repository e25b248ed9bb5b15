/** `lockctx dump`: what lockctx made of a file or function, for its makers and for bug reports. */
import { Argument, type Command, Option } from "commander";
import type { DumpKind } from "../../engine.js";
import { renderDump } from "../../report/dumpText.js";
import { renderJson } from "../../report/located.js";
import { ExitCode } from "../errors.js";
import type { CommandContext } from "../main.js";
import { writeChunk } from "../outputs.js";
import { ask, parseQuery, type QuestionFlags, questionOptions } from "../question.js";

interface DumpFlags extends QuestionFlags {
  format: "text" | "json";
}

const KINDS: readonly DumpKind[] = ["outline", "facts", "summary", "calls"];

const HELP = `
What can be shown:
  outline   what the lexer alone tells of the text: functions, parameters, calls, structs, initialisers, #if branches
  facts     the control-flow program of each function, as the analysis runs it
  summary   what callers are told of a function: when it may sleep, which locks it takes and releases for them
  calls     each call with the functions it resolves to, the locks held there, and whether it may sleep

Examples:
  lockctx dump outline fs/super.c               a whole file
  lockctx dump facts fs/super.c:put_super       one function
  lockctx dump summary put_super --format json

An outline is made of the file alone; the others look at the whole tree unless --scope files is given. The listing shows
lockctx's own view and may change between versions.

Exit codes:
  0  printed              2  wrong use, no such file or function, or several of that name
  3  internal error     130  stopped by Ctrl+C
`;

export function registerDump(program: Command, context: CommandContext): void {
  const command = program
    .command("dump")
    .summary("show what lockctx made of a file or function")
    .description(
      "Shows what lockctx made of a file or function: for finding out why it says something, or does not.",
    )
    .addArgument(new Argument("<WHAT>", "what to show").choices(KINDS))
    .argument("<FILE|FUNCTION>", "a file, a function's name, FILE:FUNCTION, or FILE:LINE")
    .argument("[PATH...]", "with --scope files: further files and folders to look at");
  questionOptions(command)
    .addOption(new Option("--format <FORMAT>", "text or JSON").choices(["text", "json"]).default("text"))
    .addHelpText("after", HELP)
    .action(async (kind: DumpKind, typed: string, paths: string[], flags: DumpFlags) => {
      const query = parseQuery(typed);
      // Nothing of another file is in an outline.
      const scoped =
        kind === "outline" && query.file !== undefined && flags.scope === undefined
          ? { ...flags, scope: "files" as const }
          : flags;
      const text = await ask(query, paths, scoped, context, async (q) => {
        const file = q.file();
        const dump = await q.engine.dump(kind, file === null ? functionOf(q.subject()) : { file }, q.signal);
        return flags.format === "json" ? renderJson(dump.data, q.positions) : renderDump(dump, q.positions);
      });
      await writeChunk(text);
      context.setExitCode(ExitCode.Clean);
    });
}

/** A line stands for the function that it is in. */
function functionOf<T extends { function: unknown }>(subject: T): Pick<T, "function"> {
  return { function: subject.function };
}
