/** What every host of facts offers beyond the core's port: unsaved buffers, what went wrong, and an end. */
import type { FactsPort } from "../facts/ports.js";
import type { Sources } from "./sources.js";

export interface CacheCounts {
  outlinesFound: number;
  outlinesMade: number;
  flowsFound: number;
  flowsMade: number;
}

export interface FactsHost extends FactsPort {
  readonly sources: Sources;
  /** Files whose facts could not be had after they were read (a crash, a time limit), in path order. */
  problems(): { path: string; reason: string }[];
  /** What came from the cache and what had to be made, where there is a cache. */
  readonly cacheCounts?: CacheCounts;
  /** What the user should know about the cache, a line each. */
  readonly messages?: readonly string[];
  close(): Promise<void>;
}
