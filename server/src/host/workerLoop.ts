/** What a worker does: takes batches of files, makes facts, sends them back as transferable buffers. */
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { unpackHeads } from "../facts/heads.js";
import type { MacroClasses } from "../facts/outline.js";
import { keyOf } from "./cache/hash.js";
import { mayHave } from "./cache/index.js";
import type { FileVersion } from "./cache/manifest.js";
import { pack } from "./cache/pack.js";
import type { FactTools, FlowResult } from "./factTools.js";
import { failureReason } from "./failure.js";
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

/** What a worker works with. */
export interface WorkerTools {
  /** Encoded, in memory that the next call may take back. */
  outline(text: string, path: string): Uint8Array;
  /** What makes flow facts: loaded when some are wanted, for a parser takes longer than a thousand outlines. */
  flowTools(): Promise<FlowTools>;
}

export type FlowTools = Pick<FactTools, "turns" | "flows" | "flowsOfHeads">;

/** What a batch sends, in one buffer: many small ones would cost more to hand over than to make. */
class BatchBuffer {
  private bytes = new Uint8Array(1 << 18);
  private used = 0;
  private readonly places: { from: number; to: number; take: (bytes: Uint8Array) => void }[] = [];

  /** Copies bytes; `take` is given them as they are sent, when the batch is closed. */
  add(bytes: Uint8Array, take: (bytes: Uint8Array) => void): void {
    // Checksums read whole words.
    const from = (this.used + 3) & ~3;
    const to = from + bytes.length;
    if (to > this.bytes.length) {
      const wider = new Uint8Array(Math.max(this.bytes.length * 2, to));
      wider.set(this.bytes.subarray(0, this.used));
      this.bytes = wider;
    }
    this.bytes.set(bytes, from);
    this.used = to;
    this.places.push({ from, to, take });
  }

  close(transfer: ArrayBuffer[]): void {
    if (this.places.length === 0) return;
    const { buffer } = this.bytes.slice(0, this.used);
    for (const { from, to, take } of this.places) take(new Uint8Array(buffer, from, to - from));
    transfer.push(buffer);
    this.places.length = 0;
    this.used = 0;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

function outlineResult(bytes: Uint8Array, version: FileVersion | undefined, buffer: BatchBuffer): ItemResult {
  const result = { outline: NOTHING, ...(version && { version }) };
  buffer.add(bytes, (sent) => {
    result.outline = sent;
  });
  return result;
}

function flowResult(
  fns: readonly number[],
  { facts, problem }: FlowResult,
  version: FileVersion | undefined,
  buffer: BatchBuffer,
): ItemResult {
  const bytes = encodeFlows(fns, facts);
  const result = { flows: NOTHING, packed: version && NOTHING, version, problem };
  buffer.add(bytes, (sent) => {
    result.flows = sent;
  });
  if (version)
    buffer.add(pack(bytes), (sent) => {
      result.packed = sent;
    });
  return result;
}

export function serveFacts(
  port: MessagePort,
  { outline, flowTools }: WorkerTools,
  options: { root: string; progress: Int32Array; versions?: boolean },
): void {
  const sources = new Sources(options.root);
  const { progress, versions = false } = options;
  let stopped = false;
  let classes: MacroClasses | null = null;
  let known: KnownOutlines | null = null;
  let tools: FlowTools | null = null;
  const buffer = new BatchBuffer();

  const read = (item: WorkItem): SourceText => {
    if (item.text === undefined) return sources.read(item.file, versions);
    sources.setOverlay(item.file, item.text);
    const source = sources.read(item.file);
    sources.setOverlay(item.file, null);
    return source;
  };

  /** Facts of functions whose file is on disk as it was; null where more of it must be looked at. */
  const workOnParts = (item: WorkItem): ItemResult | null => {
    if (!item.fns || !item.heads || item.text !== undefined || classes === null || tools === null)
      return null;
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
    return flowResult(item.fns, tools.flowsOfHeads(heads, partOf, classes, wholeText), item.version, buffer);
  };

  const work = (item: WorkItem): ItemResult => {
    const quick = workOnParts(item);
    if (quick) return quick;
    const source = read(item);
    if ("problem" in source) return { problem: source.problem };
    const { text, version } = source;
    try {
      if (item.fns === undefined) {
        if (version && known && !item.always && mayHave(known.table, keyOf(version.hash, known.stamp)))
          return { cached: version };
        return outlineResult(outline(text, item.file), version, buffer);
      }
      if (classes === null || tools === null)
        throw new Error("flows were asked for before the macro classes were set");
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
        buffer,
      );
    } catch (error) {
      return { problem: failureReason(error) };
    }
  };

  const runBatch = async (id: number, items: readonly WorkItem[]): Promise<void> => {
    // Before a file is at work: that it cannot be loaded is no file's fault.
    if (tools === null && items.some((item) => item.fns !== undefined)) tools = await flowTools();
    const results: ItemResult[] = [];
    Atomics.store(progress, Progress.batch, id);
    for (let i = 0; i < items.length && !stopped; i++) {
      Atomics.store(progress, Progress.item, i);
      Atomics.add(progress, Progress.begun, 1);
      results.push(work(items[i]));
      // The native parser's trees are only given back when the event loop turns; outlines make none.
      if ((tools?.turns && items[i].fns !== undefined) || i % STOP_EVERY === STOP_EVERY - 1) await nextTurn();
    }
    if (stopped) return;
    const transfer: ArrayBuffer[] = [];
    buffer.close(transfer);
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
