/** What a worker does: takes batches of files, makes facts, sends them back as transferable buffers. */
import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import type { FileOutline, MacroClasses } from "../facts/outline.js";
import { decodeOutline, encodeOutline } from "../outline/codec.js";
import { checksum, keyOf } from "./cache/hash.js";
import { mayHave } from "./cache/index.js";
import { pack, unpack } from "./cache/pack.js";
import { type FactTools, failureReason } from "./factTools.js";
import { encodeFlows } from "./flowCodec.js";
import {
  type FromWorker,
  type ItemResult,
  type KnownOutlines,
  Progress,
  type ToWorker,
  type WorkItem,
} from "./protocol.js";
import { Sources, type SourceText } from "./sources.js";

/** Reads outlines from the cache's files, so that asking for flow facts does not cost another look at the whole text. */
class OutlineReader {
  private path = "";
  private fd = -1;

  read({ path, offset, length, check }: NonNullable<WorkItem["outlineAt"]>): FileOutline | null {
    try {
      if (path !== this.path) {
        this.close();
        this.fd = openSync(path, "r");
        this.path = path;
      }
      const bytes = new Uint8Array(length);
      if (readSync(this.fd, bytes, 0, length, offset) !== length || checksum(bytes) !== check) return null;
      return decodeOutline(unpack(bytes));
    } catch {
      return null;
    }
  }

  private close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
    this.path = "";
  }
}

export function serveFacts(
  port: MessagePort,
  tools: FactTools,
  options: { root: string; progress: Int32Array; versions?: boolean },
): void {
  const sources = new Sources(options.root);
  const { progress, versions = false } = options;
  const outlines = new OutlineReader();
  let classes: MacroClasses | null = null;
  let known: KnownOutlines | null = null;

  const read = (item: WorkItem): SourceText => {
    if (item.text === undefined) return sources.read(item.file, versions);
    sources.setOverlay(item.file, item.text);
    const source = sources.read(item.file);
    sources.setOverlay(item.file, null);
    return source;
  };

  const work = (item: WorkItem, transfer: ArrayBuffer[]): ItemResult => {
    const source = read(item);
    if ("problem" in source) return { problem: source.problem };
    const { text, version } = source;
    try {
      if (item.fns === undefined) {
        if (version && known && !item.always && mayHave(known.table, keyOf(version.hash, known.stamp)))
          return { cached: version };
        const outline = encodeOutline(tools.outline(text, item.file));
        if (outline.byteLength === outline.buffer.byteLength) transfer.push(outline.buffer as ArrayBuffer);
        if (version === undefined) return { outline };
        const packed = pack(outline);
        transfer.push(packed.buffer as ArrayBuffer);
        return { outline, packed, version };
      }
      if (classes === null) throw new Error("flows were asked for before the macro classes were set");
      const at = item.outlineAt;
      const outline = at && at.content === version?.hash ? outlines.read(at) : null;
      const { facts, problem } = tools.flows(text, item.file, item.fns, classes, outline ?? undefined);
      const flows = encodeFlows(item.fns, facts);
      transfer.push(flows.buffer);
      return { flows, version, problem };
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
    if (message.type === "batch") {
      last = last.then(() => runBatch(message.id, message.items));
      return;
    }
    // Batches that came before were asked for under the old state.
    last = last.then(() => {
      if (message.type === "classes") classes = message.classes;
      else known = message.known;
    });
  });
  port.postMessage({ type: "ready" } satisfies FromWorker);
}
