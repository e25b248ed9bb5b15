/** Looks at a cache from outside, and empties it. */
import { readdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { imageHeads, segmentHeads } from "./evict.js";
import { IMAGE_SUFFIX, keptFolder, manifestsFolder, segmentsFolder } from "./folder.js";
import { hexOf, ownerOf } from "./hash.js";
import { readManifest } from "./manifest.js";
import { toolStamp } from "./stamps.js";

export interface CacheInfo {
  /** Segments, manifests and images. */
  bytes: number;
  segments: number;
  /** Bytes of segments that another version of the tool wrote. */
  otherVersions: number;
  trees: { root: string | null; files: number; bytes: number }[];
}

function manifestNames(folder: string): string[] {
  try {
    return readdirSync(manifestsFolder(folder)).filter((name) => name.endsWith(".tree"));
  } catch {
    return [];
  }
}

/** What is in the cache, of one tree or of all. */
export function cacheInfo(folder: string, root: string | null): CacheInfo {
  const wanted = root === null ? null : hexOf(ownerOf(root));
  const trees = new Map<string, { root: string | null; files: number; bytes: number }>();
  const tree = (owner: string) => {
    let t = trees.get(owner);
    if (!t) {
      t = { root: null, files: 0, bytes: 0 };
      trees.set(owner, t);
    }
    return t;
  };
  let segments = 0;
  let otherVersions = 0;
  for (const head of segmentHeads(folder)) {
    const owner = hexOf(head.owner);
    if (wanted !== null && owner !== wanted) continue;
    tree(owner).bytes += head.bytes;
    segments++;
    if (head.stamp !== toolStamp()) otherVersions += head.bytes;
  }
  for (const head of imageHeads(folder)) {
    const owner = hexOf(head.owner);
    if (wanted === null || owner === wanted) tree(owner).bytes += head.bytes;
  }
  for (const name of manifestNames(folder)) {
    const owner = name.slice(0, -".tree".length);
    if (wanted !== null && owner !== wanted) continue;
    const path = join(manifestsFolder(folder), name);
    try {
      const t = tree(owner);
      t.bytes += statSync(path).size;
      const manifest = readManifest(path);
      t.root = manifest?.root ?? null;
      t.files = manifest?.paths.length ?? 0;
    } catch {
      // Damaged or gone: its bytes count, its list does not.
    }
  }
  const rows = [...trees.values()].sort(
    (a, b) => b.bytes - a.bytes || ((a.root ?? "") < (b.root ?? "") ? -1 : 1),
  );
  return { bytes: rows.reduce((n, t) => n + t.bytes, 0), segments, otherVersions, trees: rows };
}

/** Removes what one tree's runs have left, or everything that is ours in the folder; says what went. */
export function clearCache(folder: string, root: string | null): CacheInfo {
  const gone = cacheInfo(folder, root);
  if (root === null) {
    // Other layouts have folders beside ours; nothing else in the folder is touched.
    rmSync(dirname(segmentsFolder(folder)), { recursive: true, force: true });
    return gone;
  }
  const owner = ownerOf(root);
  for (const head of segmentHeads(folder)) if (head.owner === owner) remove(head.path);
  for (const suffix of [".tree", IMAGE_SUFFIX])
    remove(join(manifestsFolder(folder), `${hexOf(owner)}${suffix}`));
  rmSync(keptFolder(folder, root), { recursive: true, force: true });
  return gone;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
