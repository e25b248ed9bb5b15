/** Opens a tree for analysis: tables of its version, workers, and an engine over them. The batch side's composition root. */
import { createEngine } from "../analysis/createEngine.js";
import type { InspectingEngine } from "../engine.js";
import { loadKernelTables, registrationNames } from "../kernel/load.js";
import type { KernelVersion } from "../kernel/types.js";
import type { CacheSettings } from "./cache/folder.js";
import type { FactsHost } from "./factsHost.js";
import { createInProcessHost } from "./inProcess.js";
import { openFacts } from "./openFacts.js";
import { readKernelVersion } from "./root.js";

/** The batch side asks for facts in bulk; while it solves, nobody misses the workers. */
const IDLE_LIMIT_MS = 2000;

export interface OpenTreeOptions {
  root: string;
  /** Worker threads; 0 runs everything on this thread. */
  jobs?: number;
  /** Where facts are kept between runs; null or absent: nowhere. */
  cache?: CacheSettings | null;
}

export interface OpenTree {
  root: string;
  version: KernelVersion | null;
  engine: InspectingEngine;
  facts: FactsHost;
  close(): Promise<void>;
}

export function openTree({ root, jobs, cache }: OpenTreeOptions): OpenTree {
  const version = readKernelVersion(root);
  const tables = loadKernelTables(version);
  const outline = { registrations: registrationNames(tables) };
  const facts: FactsHost =
    jobs === 0
      ? createInProcessHost({ root, outline })
      : openFacts({ root, outline, jobs, cache, idleLimitMs: IDLE_LIMIT_MS });
  return {
    root,
    version,
    engine: createEngine({ tables, facts, version }),
    facts,
    close: () => facts.close(),
  };
}
