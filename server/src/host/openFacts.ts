/** Makes the host of facts over worker threads that the options ask for: with a cache, or without. */
import type { CacheSettings } from "./cache/folder.js";
import { CachedFacts } from "./cachedFacts.js";
import type { FactsHost } from "./factsHost.js";
import { type PoolOptions, WorkerPool } from "./pool.js";

export function openFacts(options: PoolOptions & { cache?: CacheSettings | null }): FactsHost {
  const { cache, ...pool } = options;
  return cache ? new CachedFacts({ ...pool, cache }) : new WorkerPool(pool);
}
