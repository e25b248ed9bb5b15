/** Entry of a worker thread of the pool. */
import { parentPort, workerData } from "node:worker_threads";
import { outlineBytes } from "../outline/outline.js";
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
      const { createParser } = await import("../syntax/parser.js");
      const { createFactTools } = await import("./factTools.js");
      // WebAssembly, or the native parser where that does not load; the variable forces one.
      const forced = process.env.LOCKCTX_PARSER;
      const parser = await createParser(forced === "native" || forced === "wasm" ? forced : "auto");
      return createFactTools(options, parser);
    },
  },
  data,
);
