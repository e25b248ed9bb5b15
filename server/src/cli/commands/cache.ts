/** `lockctx cache info|clear`: what the cache holds, and its end. */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type CacheInfo, cacheInfo, clearCache } from "../../host/cache/admin.js";
import { BYTES_IN_ALL, BYTES_PER_TREE } from "../../host/cache/folder.js";
import { errorReason } from "../../host/walk.js";
import { addCacheDir, type CacheFlags, namedFolder } from "../cacheOptions.js";
import { ExitCode, UsageError } from "../errors.js";
import type { CommandContext } from "../main.js";

interface Flags extends CacheFlags {
  root?: string;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const number = (n: number): string => n.toLocaleString("en-US");

const HELP = `
Examples:
  lockctx cache info
  lockctx cache clear --root ~/linux     what the runs on one tree have left
  lockctx cache clear                    everything

The cache may be removed at any time, also while lockctx runs: what is missing is made anew. It keeps itself within
${megabytes(BYTES_PER_TREE)} a tree and ${megabytes(BYTES_IN_ALL)} in all; what was not used for the longest time goes first.
`;

export function registerCache(program: Command, context: CommandContext): void {
  const command = program
    .command("cache")
    .summary("look at the cache, or empty it")
    .description("Looks at the cache that checks and the language server share, or empties it.")
    .addHelpText("after", HELP);
  const root = "the tree whose part is meant (default: all trees)";
  addCacheDir(command.command("info").description("Says where the cache is, how large, and for which trees."))
    .option("--root <DIR>", root)
    .action((flags: Flags) => {
      process.stdout.write(describe(infoOf(flags, context), folderOf(flags, context)));
      context.setExitCode(ExitCode.Clean);
    });
  addCacheDir(command.command("clear").description("Removes what is in the cache."))
    .option("--root <DIR>", root)
    .action((flags: Flags) => {
      let gone: CacheInfo;
      const folder = folderOf(flags, context);
      try {
        gone = clearCache(folder, rootOf(flags, context));
      } catch (error) {
        throw new UsageError(`${folder}: cannot be emptied: ${errorReason(error)}`);
      }
      process.stdout.write(`${folder}: ${megabytes(gone.bytes)} removed\n`);
      context.setExitCode(ExitCode.Clean);
    });
}

const folderOf = (flags: Flags, { cwd }: CommandContext): string => namedFolder(flags, cwd);

/** The tree may be gone and have left something all the same. */
function rootOf(flags: Flags, { cwd }: CommandContext): string | null {
  if (flags.root === undefined) return null;
  const path = resolve(cwd, flags.root);
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

const infoOf = (flags: Flags, context: CommandContext): CacheInfo =>
  cacheInfo(folderOf(flags, context), rootOf(flags, context));

function describe(info: CacheInfo, folder: string): string {
  const rows = info.trees.map(
    (t) =>
      `  ${megabytes(t.bytes).padStart(9)}  ${number(t.files).padStart(7)} files  ${t.root ?? "(a tree without a list of files)"}\n`,
  );
  const of = `${megabytes(info.bytes)} of at most ${megabytes(BYTES_IN_ALL)}, ${number(info.segments)} segments`;
  const old =
    info.otherVersions > 0 ? `  ${megabytes(info.otherVersions)} of it by other versions of lockctx\n` : "";
  return `${folder}\n${of}\n${old}${rows.join("")}`;
}
