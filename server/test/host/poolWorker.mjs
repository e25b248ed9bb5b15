// A worker with the real message loop and made-up facts: file names say how it shall misbehave.
import { parentPort, workerData } from "node:worker_threads";
import { serveFacts } from "../../dist/host/workerLoop.js";
import { encodeOutline } from "../../dist/outline/codec.js";

const none = () => new Int32Array(0);

function misbehave(path) {
  if (path.includes("hang")) for (;;);
  if (path.includes("exit")) process.exit(1);
  if (path.includes("throw")) throw new Error("cannot do this");
}

const tools = {
  outline(text, path) {
    misbehave(path);
    return encodeOutline({
      names: ["", path, text],
      size: text.length,
      fn: none(),
      params: none(),
      calls: none(),
      annots: none(),
      structs: none(),
      fields: none(),
      globals: none(),
      inits: none(),
      regs: none(),
      regArgs: none(),
      conds: none(),
      includes: none(),
      macros: none(),
      problems: [],
    });
  },
  flowTools: async () => tools,
  flows(text, path, fns, classes) {
    misbehave(path);
    return { facts: fns.map((fn) => ({ names: [path, text, classes.digest], code: Int32Array.of(fn) })) };
  },
};

if (workerData.root.includes("no-start")) throw new Error("no start");
serveFacts(parentPort, tools, workerData);
