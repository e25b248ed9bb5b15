/** Entry of a worker thread of the pool. */
import { parentPort, workerData } from "node:worker_threads";
import { createParser } from "../syntax/parser.js";
import { createFactTools } from "./factTools.js";
import type { WorkerData } from "./protocol.js";
import { serveFacts } from "./workerLoop.js";

const data = workerData as WorkerData;
if (parentPort === null) throw new Error("worker.js is started by the pool, not by itself");
// WebAssembly, or the native parser where that does not load; the variable forces one.
const forced = process.env.LOCKCTX_PARSER;
const parser = await createParser(forced === "native" || forced === "wasm" ? forced : "auto");
serveFacts(parentPort, createFactTools({ registrations: data.registrations }, parser), data);
