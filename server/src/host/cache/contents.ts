/**
 * Contents of files by path. Lists of a whole tree are asked for in their own order, nearly always: as long as they are, no
 * map of them is made.
 */
import type { Hash } from "./hash.js";

/** Characters of a hash. */
const WIDTH = 16;

/** Where paths stand in a list. */
export class Places {
  private next = 0;
  private map: Map<string, number> | null = null;

  constructor(private readonly paths: readonly string[]) {}

  /** -1 when it is not there. */
  of(path: string): number {
    const { next, paths } = this;
    if (paths[next] === path) {
      this.next++;
      return next;
    }
    // The list begins anew.
    if (paths[0] === path) {
      this.next = 1;
      return 0;
    }
    const sorted = placeIn(paths, path);
    if (paths[sorted] === path) {
      this.next = sorted + 1;
      return sorted;
    }
    this.map ??= new Map(paths.map((p, i) => [p, i]));
    const place = this.map.get(path) ?? -1;
    if (place >= 0) this.next = place + 1;
    return place;
  }
}

/** Where a path stands, or would stand, if the list is in order. */
function placeIn(paths: readonly string[], path: string): number {
  let low = 0;
  for (let high = paths.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (paths[middle] < path) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Paths with their hashes, as they are kept: those one after another. */
export class HashList {
  private readonly places: Places;

  constructor(
    readonly paths: readonly string[],
    private readonly hashes: string,
  ) {
    this.places = new Places(paths);
  }

  get(path: string): Hash | undefined {
    const place = this.places.of(path);
    return place < 0 ? undefined : this.hashes.slice(place * WIDTH, place * WIDTH + WIDTH);
  }
}

/** What is known of files' contents: a list, and what was learned since. */
export class Contents {
  private base: HashList | null = null;
  private readonly own = new Map<string, Hash | null>();

  get(path: string): Hash | undefined {
    const own = this.own.size === 0 ? undefined : this.own.get(path);
    if (own !== undefined) return own ?? undefined;
    return this.base?.get(path);
  }

  set(path: string, hash: Hash): void {
    this.own.set(path, hash);
  }

  delete(path: string): void {
    if (this.base) this.own.set(path, null);
    else this.own.delete(path);
  }

  /** Says of all files what the list says, but for those that are known by themselves. */
  lay(base: HashList | null): void {
    this.base = base;
  }
}
