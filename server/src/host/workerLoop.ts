/** What a worker does: takes batches of files, makes facts, sends them back as transferable buffers. */
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { unpackHeads } from "../facts/heads.js";
import type { MacroClasses } from "../facts/outline.js";
import { encodeOutline } from "../outline/codec.js";
import { keyOf } from "./cache/hash.js";
import { mayHave } from "./cache/index.js";
import type { FileVersion } from "./cache/manifest.js";
import { pack } from "./cache/pack.js";
import { type FactTools, type FlowResult, failureReason } from "./factTools.js";
import { encodeFlows } from "./flowCodec.js";
import { partsOfText, readParts } from "./parts.js";
import {
  type FromWorker,
  type ItemResult,
  type KnownOutlines,
  Progress,
  type ToWorker,
  type WorkItem,
} from "./protocol.js";
import { Sources, type SourceText } from "./sources.js";

/** Files done between two looks at whether to stop. */
const STOP_EVERY = 8;

function flowResult(
  fns: readonly number[],
  { facts, problem }: FlowResult,
  version: FileVersion | undefined,
  transfer: ArrayBuffer[],
): ItemResult {
  const flows = encodeFlows(fns, facts);
  transfer.push(flows.buffer);
  return { flows, version, problem };
}

export function serveFacts(
  port: MessagePort,
  tools: FactTools,
  options: { root: string; progress: Int32Array; versions?: boolean },
): void {
  const sources = new Sources(options.root);
  const { progress, versions = false } = options;
  let stopped = false;
  let classes: MacroClasses | null = null;
  let known: KnownOutlines | null = null;

  const read = (item: WorkItem): SourceText => {
    if (item.text === undefined) return sources.read(item.file, versions);
    sources.setOverlay(item.file, item.text);
    const source = sources.read(item.file);
    sources.setOverlay(item.file, null);
    return source;
  };

  /** Facts of functions whose file is on disk as it was; null where more of it must be looked at. */
  const workOnParts = (item: WorkItem, transfer: ArrayBuffer[]): ItemResult | null => {
    if (!item.fns || !item.heads || item.text !== undefined || classes === null) return null;
    if (versions && !item.version) return null;
    const heads = unpackHeads(item.heads);
    const partOf = readParts(join(options.root, item.file), heads, item.version);
    if (!partOf) return null;
    const wholeText = (): string => {
      const source = read(item);
      if ("problem" in source) throw new Error(source.problem);
      if (item.version && source.version?.hash !== item.version.hash)
        throw new Error("changed while it was read");
      return source.text;
    };
    return flowResult(
      item.fns,
      tools.flowsOfHeads(heads, partOf, classes, wholeText),
      item.version,
      transfer,
    );
  };

  const work = (item: WorkItem, transfer: ArrayBuffer[]): ItemResult => {
    const quick = workOnParts(item, transfer);
    if (quick) return quick;
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
      const heads = item.heads && unpackHeads(item.heads);
      // A text of the same content has the same outline; otherwise what can be seen of it decides.
      const same = version !== undefined && version.hash === item.version?.hash;
      const partOf = heads && (same || version === undefined) ? partsOfText(text, heads) : null;
      return flowResult(
        item.fns,
        heads && partOf
          ? tools.flowsOfHeads(heads, partOf, classes, () => text)
          : tools.flows(text, item.file, item.fns, classes),
        version,
        transfer,
      );
    } catch (error) {
      return { problem: failureReason(error) };
    }
  };

  const runBatch = async (id: number, items: readonly WorkItem[]): Promise<void> => {
    const results: ItemResult[] = [];
    const transfer: ArrayBuffer[] = [];
    Atomics.store(progress, Progress.batch, id);
    for (let i = 0; i < items.length && !stopped; i++) {
      Atomics.store(progress, Progress.item, i);
      Atomics.add(progress, Progress.begun, 1);
      results.push(work(items[i], transfer));
      // The native parser's trees are only given back when the event loop turns; outlines make none.
      if ((tools.turns && items[i].fns !== undefined) || i % STOP_EVERY === STOP_EVERY - 1) await nextTurn();
    }
    if (stopped) return;
    port.postMessage({ type: "done", id, results } satisfies FromWorker, transfer);
  };

  let last: Promise<void> = Promise.resolve();
  port.on("message", (message: ToWorker) => {
    if (message.type === "stop") {
      stopped = true;
      // Nothing keeps it alive any more but the file at hand.
      last.finally(() => port.close());
      return;
    }
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
