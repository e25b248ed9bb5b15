/** Keeps the cache within its bounds: what other versions left goes first, then what was not used for the longest time. */
import { closeSync, openSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import {
  BYTES_IN_ALL,
  BYTES_PER_TREE,
  type CacheSettings,
  IMAGE_SUFFIX,
  manifestsFolder,
  segmentsFolder,
} from "./folder.js";
import type { Hash } from "./hash.js";
import { readSegmentHead, SEGMENT_SUFFIX, type Segment, type SegmentHead } from "./segment.js";

/** The heads of all segments in the folder; unreadable ones are left out. */
export function segmentHeads(folder: string): SegmentHead[] {
  let names: string[];
  try {
    names = readdirSync(segmentsFolder(folder));
  } catch {
    return [];
  }
  const heads: SegmentHead[] = [];
  for (const name of names) {
    if (!name.endsWith(SEGMENT_SUFFIX)) continue;
    const path = join(segmentsFolder(folder), name);
    try {
      const fd = openSync(path, "r");
      try {
        const head = readSegmentHead(path, fd);
        if (!("damage" in head)) heads.push(head);
      } finally {
        closeSync(fd);
      }
    } catch {
      // Gone meanwhile.
    }
  }
  return heads;
}

/** The images of all trees, as heads of segments of no stamp. */
export function imageHeads(folder: string): SegmentHead[] {
  let names: string[];
  try {
    names = readdirSync(manifestsFolder(folder));
  } catch {
    return [];
  }
  const heads: SegmentHead[] = [];
  for (const name of names) {
    if (!name.endsWith(IMAGE_SUFFIX)) continue;
    const path = join(manifestsFolder(folder), name);
    const stat = statSync(path, { throwIfNoEntry: false });
    const owner = Buffer.from(name.slice(0, -IMAGE_SUFFIX.length), "hex").toString("latin1");
    if (stat) heads.push({ path, stamp: "", owner, bytes: stat.size, usedMs: stat.mtimeMs });
  }
  return heads;
}

const total = (heads: readonly SegmentHead[]): number => heads.reduce((n, h) => n + h.bytes, 0);

/** Unlinks heads from the front of the list until the sum of all is within the bound; gives back those that stay. */
function shrink(heads: SegmentHead[], order: readonly SegmentHead[], bound: number): SegmentHead[] {
  let sum = total(heads);
  const gone = new Set<SegmentHead>();
  for (const head of order) {
    if (sum <= bound) break;
    try {
      unlinkSync(head.path);
    } catch {
      // Gone already, or not ours to remove.
    }
    gone.add(head);
    sum -= head.bytes;
  }
  return heads.filter((h) => !gone.has(h));
}

/** `compact` rewrites segments to the records that this run has used, and gives back the open segments after it. */
export function enforceBounds(
  settings: CacheSettings,
  stamp: Hash,
  owner: Hash,
  open: readonly Segment[],
  compact: (segments: Segment[]) => readonly Segment[],
): void {
  const images = imageHeads(settings.folder);
  const perTree = (settings.bytesPerTree ?? BYTES_PER_TREE) - total(images.filter((h) => h.owner === owner));
  const inAll = settings.bytes ?? BYTES_IN_ALL;
  const used = new Set(open.filter((s) => s.used).map((s) => s.head.path));
  const byAge = (a: SegmentHead, b: SegmentHead): number =>
    Number(a.stamp === stamp) - Number(b.stamp === stamp) || a.usedMs - b.usedMs;

  /** What this version can use goes last; images are of no stamp that is known here. */
  const usable = (h: SegmentHead): boolean => h.stamp === stamp || h.stamp === "";
  let heads = segmentHeads(settings.folder);
  const own = (): SegmentHead[] => heads.filter((h) => h.owner === owner);
  const dropOwn = (order: SegmentHead[]): void => {
    const kept = new Set(shrink(own(), order, perTree));
    heads = heads.filter((h) => h.owner !== owner || kept.has(h));
  };
  dropOwn(
    own()
      .filter((h) => !used.has(h.path))
      .sort(byAge),
  );
  if (total(own()) > perTree) {
    const paths = new Set(heads.map((h) => h.path));
    compact(open.filter((s) => s.head.owner === owner && paths.has(s.head.path)));
    heads = segmentHeads(settings.folder);
    dropOwn(own().sort(byAge));
  }
  const all = [...heads, ...images];
  shrink(
    all,
    [...all].sort((a, b) => Number(usable(a)) - Number(usable(b)) || a.usedMs - b.usedMs),
    inAll,
  );
}
