/** `lockctx check`: analyses a tree or some files and reports what it finds. */
import { type Command, Option } from "commander";
import type { Confidence } from "../../findings/types.js";
import { checkTree } from "../../host/checkTree.js";
import { FORMATS } from "../../report/formats.js";
import { makeReport, outstanding, type Report } from "../../report/report.js";
import { renderStats } from "../../report/stats.js";
import { addCacheOptions } from "../cacheOptions.js";
import { ExitCode } from "../errors.js";
import { addJobs } from "../jobs.js";
import type { CommandContext } from "../main.js";
import { type Output, parseOutputs, writeOutput } from "../outputs.js";
import { type TreeFlags, withTree } from "../withTree.js";

interface CheckFlags extends TreeFlags {
  format?: string[];
  output?: string;
  minConfidence: Confidence;
  stats?: boolean;
  exitZero?: boolean;
  color: boolean;
}

const HELP = `
Examples:
  lockctx check                              the kernel tree that you stand in
  lockctx check fs/super.c drivers/usb       findings with a step in these, resolved over the whole tree
  lockctx check --scope files my_driver.c    this file alone: fast, knows nothing of the rest
  lockctx check --root ~/linux fs            a tree elsewhere; paths are as seen from here
  lockctx check --format text --format json=findings.json
  lockctx check --min-confidence high        only what is certain
  lockctx check --stats --exit-zero          what was analysed and what it cost; never fails a build

Confidence:
  high     every step is resolved and the sleep is unconditional
  medium   rests on a condition (a state, a last reference) or on a declared context (a callback)
  low      depends on something that was not seen; hidden unless asked for

Exit codes:
  0  nothing found        1  findings
  2  wrong use, or an input that was named cannot be read
  3  internal error     130  stopped by Ctrl+C
`;

export function registerCheck(program: Command, context: CommandContext): void {
  const collect = (value: string, all: string[] | undefined) => [...(all ?? []), value];
  const command = program
    .command("check")
    .summary("find calls that may sleep where sleeping is a bug")
    .description(
      "Finds calls that may sleep while a spinlock is held, interrupts or preemption are off, in RCU sections and " +
        "in callbacks that the kernel runs in atomic context, and shows the chain from the lock to the sleep.",
    )
    .argument("[PATH...]", "files and folders to report on (default: the whole root)")
    .option(
      "--root <DIR>",
      "the kernel tree (default: found upwards from PATH by Kconfig, Makefile, MAINTAINERS)",
    )
    .addOption(
      new Option(
        "--scope <SCOPE>",
        "resolve calls over the whole tree, or read PATH alone (default: tree, if there is one)",
      ).choices(["files", "tree"]),
    )
    .option(
      "--format <FORMAT[=FILE]>",
      `report format, may be given several times: ${FORMATS.map((f) => f.name).join(", ")} (default: text)`,
      collect,
    )
    .option("--output <FILE>", "file of the last format");
  addJobs(command);
  addCacheOptions(command)
    .addOption(
      new Option("--min-confidence <LEVEL>", "report findings of this confidence and above")
        .choices(["high", "medium", "low"])
        .default("medium"),
    )
    .option("--stats", "say on standard error what was analysed, what was not, and time and memory by phase")
    .option("--exit-zero", "exit 0 also when there are findings")
    .option("--no-color", "plain text, also on a terminal")
    .addHelpText("after", HELP)
    .action(async (paths: string[], flags: CheckFlags) => {
      context.setExitCode(await check(paths, flags, context));
    });
}

async function check(paths: string[], flags: CheckFlags, context: CommandContext): Promise<number> {
  const { cwd, signal } = context;
  const outputs = parseOutputs(flags.format ?? [], flags.output, cwd);
  const report = await withTree(paths, flags, context, async ({ tree, targets, line }) => {
    const result = await checkTree(tree, {
      files: targets.files,
      // What was named is reported on even where it is test code.
      focus: targets.named,
      atLeast: flags.minConfidence,
      progress: line.update,
      signal,
    });
    return makeReport(result, {
      root: targets.root,
      minConfidence: flags.minConfidence,
      read: (file) => tree.facts.read(file),
      named: targets.named,
      skipped: [...targets.skipped, ...tree.facts.problems()],
    });
  });
  for (const output of outputs) await write(output, report, flags, cwd);
  if (flags.stats) process.stderr.write(renderStats(report));
  return outstanding(report).length > 0 && !flags.exitZero ? ExitCode.Findings : ExitCode.Clean;
}

async function write(output: Output, report: Report, flags: CheckFlags, cwd: string): Promise<void> {
  const onStdout = output.file === null;
  const pieces = output.format.render(report, {
    colors: onStdout && flags.color && showsColors(process.stdout),
    phases: flags.stats === true,
  });
  // As make does it: editors that read a build's output then find the files.
  const enter =
    onStdout && output.format.name === "text" && report.root !== cwd && report.findings.length > 0;
  if (enter) await writeOutput(output, [`lockctx: Entering directory '${report.root}'\n`]);
  await writeOutput(output, pieces);
}

function showsColors(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0";
  return stream.isTTY === true && TERM !== "dumb";
}
