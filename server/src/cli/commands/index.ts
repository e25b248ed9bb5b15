/** `lockctx index`: reads a whole tree into the cache ahead of time, so that the first check or editor need not. */
import type { Command } from "commander";
import { openFacts } from "../../host/openFacts.js";
import { outlineOptions } from "../../host/outlineOptions.js";
import { addCacheOptions, type CacheFlags, cacheFromFlags, reportCache } from "../cacheOptions.js";
import { ExitCode } from "../errors.js";
import { addJobs } from "../jobs.js";
import type { CommandContext } from "../main.js";
import { ProgressLine } from "../progress.js";
import { resolveTargets } from "../targets.js";

interface IndexFlags extends CacheFlags {
  root?: string;
  jobs: number;
}

const HELP = `
Examples:
  lockctx index                    the kernel tree that you stand in
  lockctx index --root ~/linux     a tree elsewhere
  lockctx cache info               what is in the cache

The index has the outline of every file: functions, calls, types, macros. What single functions do with locks is added
by the first check, which needs the rules for it. Nothing is ever stale: files are compared with what was read, and
their content counts. Without an index everything works, only the first check takes longer.
`;

export function registerIndex(program: Command, context: CommandContext): void {
  const command = program
    .command("index")
    .summary("read a whole tree into the cache ahead of time")
    .description(
      "Reads every C file of a tree into the cache that `lockctx check` and the language server share.",
    )
    .option(
      "--root <DIR>",
      "the tree (default: found upwards from here by Kconfig, Makefile, MAINTAINERS; else this folder)",
    );
  addJobs(command);
  addCacheOptions(command)
    .addHelpText("after", HELP)
    .action(async (flags: IndexFlags) => {
      context.setExitCode(await index(flags, context));
    });
}

async function index(flags: IndexFlags, { cwd, signal }: CommandContext): Promise<number> {
  const line = new ProgressLine(process.stderr);
  const began = performance.now();
  let summary: string;
  try {
    const targets = await resolveTargets({
      paths: [],
      root: flags.root,
      cwd,
      signal,
      onProgress: (files) => line.update({ phase: "listing files", done: files, total: 0 }),
    });
    const { root, files } = targets;
    const cache = cacheFromFlags(flags, cwd);
    const facts = openFacts({ root, outline: outlineOptions(root), jobs: flags.jobs, cache });
    let done = 0;
    const skipped = [...targets.skipped];
    try {
      const take = (path: string, reason?: string): void => {
        done++;
        if (reason !== undefined) skipped.push({ path, reason });
        line.update({ phase: "indexing", done, total: files.length });
      };
      if (facts.keepOutlines) await facts.keepOutlines(files, take, signal);
      else await facts.outlines(files, (path, _, reason) => take(path, reason), signal);
    } finally {
      line.clear();
      await facts.close();
      reportCache(facts);
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    // Not by locale: loading those takes longer than the rest of this function.
    const number = (n: number): string => String(n).replace(/\B(?=(?:\d{3})+$)/g, ",");
    const counts = facts.cacheCounts;
    const found = counts ? `, ${number(counts.outlinesFound)} of them in the cache` : "";
    summary = `${number(files.length)} files${found}, ${number(skipped.length)} skipped, ${seconds} s\n`;
    if (cache) summary += `${cache.folder}\n`;
  } finally {
    line.clear();
  }
  process.stdout.write(summary);
  return ExitCode.Clean;
}
