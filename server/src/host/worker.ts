/** Entry of a worker thread of the pool. */
import { parentPort, workerData } from "node:worker_threads";
import { createFactTools } from "./factTools.js";
import type { WorkerData } from "./protocol.js";
import { serveFacts } from "./workerLoop.js";

const data = workerData as WorkerData;
if (parentPort === null) throw new Error("worker.js is started by the pool, not by itself");
serveFacts(parentPort, createFactTools({ registrations: data.registrations }), data);
