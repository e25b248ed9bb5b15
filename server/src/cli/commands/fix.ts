/** `lockctx fix`: the alternatives for findings, as a list, as unified diffs that `git apply` takes, or applied. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { commitMessageText } from "../../findings/steps.js";
import type { Confidence, Finding, Site } from "../../findings/types.js";
import { unifiedDiff } from "../../fixes/diff.js";
import { applyFix } from "../../fixes/overlay.js";
import { offerFixes, type Workbench } from "../../fixes/proof.js";
import type { Fix } from "../../fixes/types.js";
import { fixId, renderAlternatives } from "../../report/fixText.js";
import { TreePositions } from "../../report/positions.js";
import { addCacheOptions } from "../cacheOptions.js";
import { ExitCode, UsageError } from "../errors.js";
import { addJobs } from "../jobs.js";
import type { CommandContext } from "../main.js";
import { writeChunk } from "../outputs.js";
import type { ProgressLine } from "../progress.js";
import { type QuestionFlags, showsColors } from "../question.js";
import type { Targets } from "../targets.js";
import { withProgram } from "../withTree.js";

interface FixFlags extends QuestionFlags {
  list?: boolean;
  diff?: string | true;
  apply?: string;
  commitMessage?: boolean;
  minConfidence: Confidence;
}

const HELP = `
Examples:
  lockctx fix fs/super.c                        the alternatives for every finding in a file, with their ids
  lockctx fix fs/super.c --diff                 each proved edit as a patch of its own
  lockctx fix fs/super.c --diff 1c9a77e2b0:sink | git apply
  lockctx fix fs/super.c --apply 1c9a77e2b0:sink
  lockctx fix fs/super.c --commit-message --diff 1c9a77e2b0:sink

A proved edit was applied to a copy in memory and analysed again: the finding is gone, none is new, and every function
leaves its locks as before. A sketch says what is missing for an edit. Alternatives exclude each other.

Exit codes:
  0  done, or nothing to repair     1  findings for which no edit was proved (with --diff)
  2  wrong use, no such id          3  internal error     130  stopped by Ctrl+C
`;

const RANK = { high: 2, medium: 1, low: 0 } as const;

export function registerFix(program: Command, context: CommandContext): void {
  const command = program
    .command("fix")
    .summary("show ways to repair findings, as checked patches")
    .description(
      "Shows for each finding the ways to repair it, side by side: edits that were proved by analysing the result, " +
        "and sketches that say what is missing.",
    )
    .argument("[PATH...]", "files and folders whose findings are meant (default: the whole root)")
    .option("--root <DIR>", "the kernel tree (default: found upwards from PATH)")
    .option(
      "--scope <SCOPE>",
      "files: read PATH alone; tree: the whole tree (default: tree, if there is one)",
    )
    .option("--list", "list the alternatives (the default)")
    .option("--diff [ID]", "print the edit of this id, or every proved edit, as unified diff")
    .option("--apply <ID>", "write the edit of this id to the files")
    .option("--commit-message", "print the chain in the form of kernel commit messages, before a diff")
    .option(
      "--min-confidence <LEVEL>",
      "findings of this confidence and above: high, medium or low",
      "medium",
    )
    .option("--no-color", "plain text, also on a terminal");
  addCacheOptions(addJobs(command))
    .addHelpText("after", HELP)
    .action(async (paths: string[], flags: FixFlags) => {
      context.setExitCode(await run(paths, flags, context));
    });
}

async function run(paths: string[], flags: FixFlags, context: CommandContext): Promise<number> {
  if (!(flags.minConfidence in RANK))
    throw new UsageError(`--min-confidence ${flags.minConfidence}: high, medium or low`);
  if (flags.scope !== undefined && flags.scope !== "files" && flags.scope !== "tree")
    throw new UsageError(`--scope ${flags.scope}: files or tree`);
  if (flags.apply !== undefined && flags.diff !== undefined)
    throw new UsageError("--apply and --diff: one of them");
  return withProgram(paths, flags, context, ({ bench, targets, line }) =>
    new FixRun(bench, targets, flags, line, context.signal).run(),
  );
}

class FixRun {
  private readonly positions: TreePositions;

  constructor(
    private readonly bench: Workbench,
    private readonly targets: Targets,
    private readonly flags: FixFlags,
    private readonly line: ProgressLine,
    private readonly signal: AbortSignal,
  ) {
    this.positions = new TreePositions((file) => bench.read(file));
  }

  async run(): Promise<number> {
    const { flags } = this;
    const wanted = flags.apply ?? (typeof flags.diff === "string" ? flags.diff : null);
    const findings = (await this.findings()).filter(
      (f) => wanted === null || f.fingerprint.startsWith(wanted.split(":")[0]),
    );
    if (wanted !== null) return this.one(wanted, findings);
    let unproved = 0;
    for (const [i, finding] of findings.entries()) {
      this.line.update({ phase: "proving fixes", done: i, total: findings.length });
      const fixes = await offerFixes(finding, this.bench, {
        signal: this.signal,
        editsOnly: flags.diff === true,
      });
      this.line.clear();
      const proved = fixes.filter((f) => f.applicability !== "sketch" && f.kind !== "suppress");
      if (proved.length === 0) unproved++;
      if (flags.commitMessage) await write(this.message(finding));
      if (flags.diff === true) for (const fix of proved) await write(this.patch(finding, fix));
      else if (!flags.commitMessage || flags.list)
        await writeChunk(renderAlternatives(finding, fixes, this.positions, { colors: showsColors(flags) }));
    }
    if (findings.length === 0) process.stderr.write("lockctx: no findings here\n");
    return flags.diff === true && unproved > 0 ? ExitCode.Findings : ExitCode.Clean;
  }

  private async findings(): Promise<Finding[]> {
    const { named } = this.targets;
    const { findings } = await this.bench.engine.check({
      focus: named,
      inside: named !== null,
      progress: this.line.update,
      signal: this.signal,
    });
    const least = RANK[this.flags.minConfidence];
    return findings.filter((f) => f.suppressed === null && RANK[f.confidence] >= least);
  }

  /** The fix with this id: as a diff, or applied. */
  private async one(id: string, findings: readonly Finding[]): Promise<number> {
    const name = id.slice(id.indexOf(":") + 1);
    for (const finding of findings) {
      const fixes = await offerFixes(finding, this.bench, { signal: this.signal });
      const fix = fixes.find((f) => f.id === name || fixId(finding, f) === id);
      this.line.clear();
      if (!fix) continue;
      if (fix.applicability === "sketch")
        throw new UsageError(
          `${id} is a sketch, not an edit: ${fix.missing?.join("; ") || "it is told in words"}\n${fix.sketch ?? ""}`,
        );
      if (this.flags.apply === undefined) {
        await write(
          this.flags.commitMessage
            ? `${this.message(finding)}\n${this.patch(finding, fix)}`
            : this.patch(finding, fix),
        );
        return ExitCode.Clean;
      }
      await this.apply(fix);
      if (this.flags.commitMessage) await write(this.message(finding));
      return ExitCode.Clean;
    }
    throw new UsageError(`${id}: no such fix here (lockctx fix --list shows the ids)`);
  }

  private async apply(fix: Fix): Promise<void> {
    const texts = applyFix(fix, (file) => this.bench.read(file));
    if (!texts) throw new UsageError("the files changed meanwhile");
    for (const [file, text] of texts) {
      writeFileSync(join(this.targets.root, file), Buffer.from(text, "latin1"));
      process.stderr.write(`lockctx: changed ${file}\n`);
    }
    for (const warning of fix.warnings) process.stderr.write(`lockctx: mind: ${warning}\n`);
  }

  /** What stands before the first `diff` line is a comment to git. */
  private patch(finding: Finding, fix: Fix): string {
    return `# ${fixId(finding, fix)}: ${fix.title}\n${unifiedDiff(fix.edits, (file) => this.bench.read(file))}`;
  }

  private message(finding: Finding): string {
    const lineOf = (site: Site): number => this.positions.of(site.file).line(site.offset);
    return commitMessageText(finding, lineOf);
  }
}

/** Texts of the core are latin1: each character a byte of the file. */
async function write(text: string): Promise<void> {
  await new Promise<void>((done, failed) => {
    process.stdout.write(Buffer.from(text, "latin1"), (error) => (error ? failed(error) : done()));
  });
}
