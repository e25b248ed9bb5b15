// What the evaluation uses of the built server, in one place.
export { createEngine } from "../../server/dist/analysis/createEngine.js";
export { unifiedDiff } from "../../server/dist/fixes/diff.js";
export { applyFix } from "../../server/dist/fixes/overlay.js";
export { offerFixes } from "../../server/dist/fixes/proof.js";
export { createInProcessHost } from "../../server/dist/host/inProcess.js";
export { WorkerPool } from "../../server/dist/host/pool.js";
export { readKernelVersion } from "../../server/dist/host/root.js";
export { openTree } from "../../server/dist/host/tree.js";
export { walkTree } from "../../server/dist/host/walk.js";
export { loadKernelTables } from "../../server/dist/kernel/load.js";
