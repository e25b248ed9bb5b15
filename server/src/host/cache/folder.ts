/** Where the cache is: --cache-dir, LOCKCTX_CACHE_DIR, $XDG_CACHE_HOME/lockctx, ~/.cache/lockctx. */
import { homedir, tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { contentHash, hexOf } from "./hash.js";
import { LAYOUT } from "./segment.js";

export interface CacheSettings {
  /** The cache's folder, as `cacheFolder` gives it. */
  folder: string;
  /** Bytes that the runs on one tree may leave. */
  bytesPerTree?: number;
  /** Bytes in all. */
  bytes?: number;
}

export const BYTES_PER_TREE = 250e6;
export const BYTES_IN_ALL = 1e9;

/** The folder to use when none is named. As the XDG specification says, a relative path there is no path. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.LOCKCTX_CACHE_DIR) return env.LOCKCTX_CACHE_DIR;
  const xdg = env.XDG_CACHE_HOME;
  if (xdg && isAbsolute(xdg)) return join(xdg, "lockctx");
  return join(homedir() || tmpdir(), ".cache", "lockctx");
}

/** The cache to use when nothing is said on a command line; LOCKCTX_NO_CACHE=1 is for none. */
export function cacheSettings(env: NodeJS.ProcessEnv = process.env): CacheSettings | null {
  return env.LOCKCTX_NO_CACHE ? null : { folder: cacheFolder(env) };
}

/** Segments of all trees: what one tree's run has made serves every tree with the same contents. */
export const segmentsFolder = (folder: string): string => join(folder, `v${LAYOUT}`, "segments");
/** What an image's name ends with; it is the tree's, like the name of a manifest. */
export const IMAGE_SUFFIX = ".image";
/** A tree may keep an image that takes up to this part of its room. */
export const IMAGE_SHARE = 0.4;
/** One manifest a tree, and one image. */
export const manifestsFolder = (folder: string): string => join(folder, `v${LAYOUT}`, "trees");
/** What the last analysis of a tree found, a file each. */
export const keptFolder = (folder: string, root: string): string =>
  join(folder, `v${LAYOUT}`, "findings", hexOf(contentHash(Buffer.from(root, "utf8"))));
