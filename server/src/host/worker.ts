/** Entry of a worker thread of the pool. */
import { parentPort, workerData } from "node:worker_threads";
import { outlineBytes } from "../outline/outline.js";
import { loadParser } from "./loadParser.js";
import type { WorkerData } from "./protocol.js";
import { serveFacts } from "./workerLoop.js";

const data = workerData as WorkerData;
if (parentPort === null) throw new Error("worker.js is started by the pool, not by itself");
const options = { registrations: data.registrations };
serveFacts(
  parentPort,
  {
    outline: (text, path) => outlineBytes(text, path, options),
    async flowTools() {
      const { createFactTools } = await import("./factTools.js");
      return createFactTools(options, await loadParser());
    },
  },
  data,
);
