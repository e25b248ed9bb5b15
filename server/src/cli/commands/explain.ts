/** `lockctx explain`: why a function or a place is atomic, why it may sleep, and what was not decided. */
import { type Command, Option } from "commander";
import type { Finding } from "../../findings/types.js";
import { offerFixes } from "../../fixes/proof.js";
import { renderExplanation } from "../../report/explainText.js";
import { renderAlternatives } from "../../report/fixText.js";
import { renderJson } from "../../report/located.js";
import { ExitCode } from "../errors.js";
import type { CommandContext } from "../main.js";
import { writeChunk } from "../outputs.js";
import {
  ask,
  parseQuery,
  type Question,
  type QuestionFlags,
  questionOptions,
  showsColors,
} from "../question.js";

interface ExplainFlags extends QuestionFlags {
  format: "text" | "json";
}

/** Findings whose alternatives are shown. */
const MOST_FINDINGS = 4;

/** Ways to repair what was found there, side by side. */
async function alternatives(q: Question, findings: readonly Finding[], colors: boolean): Promise<string> {
  const shown = findings
    .filter((f) => f.suppressed === null && f.confidence !== "low")
    .slice(0, MOST_FINDINGS);
  if (shown.length === 0) return "";
  let text = "\nHow can it be repaired?\n";
  for (const finding of shown) {
    const fixes = await offerFixes(finding, q.bench, { signal: q.signal });
    text += renderAlternatives(finding, fixes, q.positions, { colors });
  }
  return text;
}

const HELP = `
Examples:
  lockctx explain put_super                     a function, in the kernel tree that you stand in
  lockctx explain fs/super.c:put_super          the one of this file, where there are several
  lockctx explain fs/super.c:171                a line: what holds there, what is called there
  lockctx explain --scope files a.c:f           in this file alone: fast, knows nothing of the rest
  lockctx explain --scope files f a.c b.c       in these files
  lockctx explain --root ~/linux kfree --format json

What it says:
  why it is atomic      locks and contexts that it takes, callers that hold one when they call it (with the
                        chain of calls), and where it is registered as a callback that the kernel runs atomic
  why it may sleep      each call that sleeps, with the chain to it and its conditions
  what would change it  under each answer: when it would not be atomic, or would not sleep
  how to repair it      the alternatives, side by side; "lockctx fix" has them as patches
  what is not decided   calls and conditions that lockctx could not follow

Exit codes:
  0  answered             2  wrong use, no such function, or several of that name
  3  internal error     130  stopped by Ctrl+C
`;

export function registerExplain(program: Command, context: CommandContext): void {
  const command = program
    .command("explain")
    .summary("say why a function or a line is atomic and why it may sleep")
    .description(
      "Answers for one function or one line: why is this atomic, why may this sleep, what would make it not so, and " +
        "what could not be decided.",
    )
    .argument("<FUNCTION|FILE:LINE>", "a function's name, FILE:FUNCTION, or FILE:LINE")
    .argument("[PATH...]", "with --scope files: further files and folders to look at");
  questionOptions(command)
    .addOption(new Option("--format <FORMAT>", "text or JSON").choices(["text", "json"]).default("text"))
    .addHelpText("after", HELP)
    .action(async (typed: string, paths: string[], flags: ExplainFlags) => {
      const text = await ask(parseQuery(typed), paths, flags, context, async (q) => {
        const explanation = await q.engine.explain(q.subject(), q.signal);
        if (flags.format === "json") return renderJson(explanation, q.positions);
        const text = renderExplanation(explanation, q.positions, { colors: showsColors(flags) });
        return text + (await alternatives(q, explanation.findings, showsColors(flags)));
      });
      await writeChunk(text);
      context.setExitCode(ExitCode.Clean);
    });
}
