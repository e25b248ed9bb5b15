/** `lockctx rule`: the list of rules, or the page of one. */
import type { Command } from "commander";
import { RULES } from "../../analysis/rules/index.js";
import { renderRulePage } from "../../report/rulePage.js";
import { ExitCode, UsageError } from "../errors.js";
import type { CommandContext } from "../main.js";
import { writeChunk } from "../outputs.js";

const HELP = `
Examples:
  lockctx rule                    all rules, a line each
  lockctx rule sleep-in-atomic    what it finds, why that is bad, how to repair it, its limits

The pages are those of docs/rules/.

Exit codes:
  0  printed        2  no such rule
`;

export function registerRule(program: Command, context: CommandContext): void {
  program
    .command("rule")
    .summary("list the rules, or explain one")
    .description("Prints what a rule finds, why that is bad, an example, how to repair it, and its limits.")
    .argument("[ID]", "the rule, as in brackets at the end of a finding")
    .addHelpText("after", HELP)
    .action(async (id: string | undefined) => {
      await writeChunk(id === undefined ? list() : page(id));
      context.setExitCode(ExitCode.Clean);
    });
}

function list(): string {
  const width = Math.max(...RULES.map((r) => r.id.length));
  return `${RULES.map((r) => `${r.id.padEnd(width)}  ${r.severity.padEnd(7)}  ${r.title}`).join("\n")}\n`;
}

function page(id: string): string {
  const rule = RULES.find((r) => r.id === id);
  if (!rule) throw new UsageError(`${id}: no such rule (there are ${RULES.map((r) => r.id).join(", ")})`);
  return renderRulePage(rule);
}
