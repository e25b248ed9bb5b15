/** Opens a tree for analysis: tables of its version, workers, and an engine over them. The batch side's composition root. */
import { createEngine } from "../analysis/createEngine.js";
import type { InspectingEngine } from "../engine.js";
import { loadKernelTables } from "../kernel/load.js";
import type { FactsHost } from "./factsHost.js";
import { createInProcessHost } from "./inProcess.js";
import { WorkerPool } from "./pool.js";
import { readKernelVersion } from "./root.js";

export interface OpenTreeOptions {
  root: string;
  /** Worker threads; 0 runs everything on this thread. */
  jobs?: number;
}

export interface OpenTree {
  root: string;
  engine: InspectingEngine;
  facts: FactsHost;
  close(): Promise<void>;
}

export function openTree({ root, jobs }: OpenTreeOptions): OpenTree {
  const version = readKernelVersion(root);
  const tables = loadKernelTables(version);
  const outline = { registrations: new Set(tables.registrations.keys()) };
  const facts: FactsHost =
    jobs === 0 ? createInProcessHost({ root, outline }) : new WorkerPool({ root, outline, jobs });
  return { root, engine: createEngine({ tables, facts, version }), facts, close: () => facts.close() };
}
