/** What a worker does: takes batches of files, makes facts, sends them back as transferable buffers. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import type { MacroClasses } from "../facts/outline.js";
import { encodeOutline } from "../outline/codec.js";
import { type FactTools, failureReason } from "./factTools.js";
import { packFlows, transferOf } from "./flowCodec.js";
import { type FromWorker, type ItemResult, Progress, type ToWorker, type WorkItem } from "./protocol.js";
import { Sources } from "./sources.js";

export function serveFacts(
  port: MessagePort,
  tools: FactTools,
  options: { root: string; progress: Int32Array },
): void {
  const sources = new Sources(options.root);
  const { progress } = options;
  let classes: MacroClasses | null = null;

  const work = (item: WorkItem, transfer: ArrayBuffer[]): ItemResult => {
    if (item.text !== undefined) sources.setOverlay(item.file, item.text);
    const source = sources.read(item.file);
    if (item.text !== undefined) sources.setOverlay(item.file, null);
    if ("problem" in source) return { problem: source.problem };
    try {
      if (item.fns === undefined) {
        const outline = encodeOutline(tools.outline(source.text, item.file));
        if (outline.byteLength === outline.buffer.byteLength) transfer.push(outline.buffer as ArrayBuffer);
        return { outline };
      }
      if (classes === null) throw new Error("flows were asked for before the macro classes were set");
      const { facts, problem } = tools.flows(source.text, item.file, item.fns, classes);
      const flows = packFlows(facts);
      transfer.push(...transferOf(flows));
      return problem === undefined ? { flows } : { flows, problem };
    } catch (error) {
      return { problem: failureReason(error) };
    }
  };

  const runBatch = async (id: number, items: readonly WorkItem[]): Promise<void> => {
    const results: ItemResult[] = [];
    const transfer: ArrayBuffer[] = [];
    Atomics.store(progress, Progress.batch, id);
    for (let i = 0; i < items.length; i++) {
      Atomics.store(progress, Progress.item, i);
      Atomics.add(progress, Progress.begun, 1);
      results.push(work(items[i], transfer));
      // tree-sitter's trees are only given back when the event loop turns; outlines make none.
      if (items[i].fns !== undefined) await nextTurn();
    }
    port.postMessage({ type: "done", id, results } satisfies FromWorker, transfer);
  };

  let last: Promise<void> = Promise.resolve();
  port.on("message", (message: ToWorker) => {
    if (message.type === "classes") {
      // Batches that came before were asked for under the old classes.
      last = last.then(() => {
        classes = message.classes;
      });
    } else {
      last = last.then(() => runBatch(message.id, message.items));
    }
  });
  port.postMessage({ type: "ready" } satisfies FromWorker);
}
