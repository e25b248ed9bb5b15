/** The options that say where the cache is, for every command that uses one. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { type CacheSettings, cacheFolder } from "../host/cache/folder.js";
import type { FactsHost } from "../host/factsHost.js";

export interface CacheFlags {
  /** A folder, or false for --no-cache. */
  cacheDir?: string;
  cache?: boolean;
}

const WHERE =
  "folder of the cache (default: $LOCKCTX_CACHE_DIR, $XDG_CACHE_HOME/lockctx or ~/.cache/lockctx)";

export function addCacheDir(command: Command): Command {
  return command.option("--cache-dir <DIR>", WHERE);
}

export function addCacheOptions(command: Command): Command {
  return addCacheDir(command).option("--no-cache", "use no cache and keep nothing; findings are the same");
}

/** The folder that the flags or the environment name. */
export const namedFolder = (flags: CacheFlags, cwd: string): string =>
  resolve(cwd, flags.cacheDir ?? cacheFolder());

/** The cache that the flags ask for; null for none. */
export function cacheFromFlags(flags: CacheFlags, cwd: string): CacheSettings | null {
  if (flags.cache === false || (process.env.LOCKCTX_NO_CACHE && flags.cacheDir === undefined)) return null;
  return { folder: namedFolder(flags, cwd) };
}

/** Says on standard error what the cache has to say: each thing in one line. */
export function reportCache(facts: FactsHost): void {
  for (const line of facts.messages ?? []) process.stderr.write(`lockctx: ${line}\n`);
}
