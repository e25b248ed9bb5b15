/**
 * A facts host over worker threads. What it gives is the same for any number of workers: a batch is only a way to carry
 * files, each file's facts depend on its text alone, and the core merges by path, not by arrival.
 *
 * A file that crashes a worker is tried once more alone in a fresh one, then skipped and counted; one that takes longer
 * than the time limit is skipped at once. The limit is a net under bugs, far above any honest file, not a budget.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { FlowFacts } from "../facts/flow.js";
import type { FileOutline, MacroClasses, OutlineOptions } from "../facts/outline.js";
import type { FlowRequest } from "../facts/ports.js";
import { decodeOutline } from "../outline/codec.js";
import { BufferFacts } from "./bufferFacts.js";
import type { FactsHost } from "./factsHost.js";
import { decodeFlows } from "./flowCodec.js";
import {
  type FromWorker,
  type ItemResult,
  type KnownOutlines,
  PROGRESS_SLOTS,
  Progress,
  type ToWorker,
  type WorkerData,
  type WorkItem,
} from "./protocol.js";
import { Sources } from "./sources.js";
import { byCodeUnit } from "./walk.js";

export interface PoolOptions {
  root: string;
  outline: OutlineOptions;
  /** Worker threads; `defaultJobs()` when absent. */
  jobs?: number;
  /** A file that takes longer is skipped. */
  fileTimeLimitMs?: number;
  /**
   * Workers that have had nothing to do for so long are ended, and started again when there is work: a worker holds a
   * hundred megabytes and more. Absent: they stay.
   */
  idleLimitMs?: number;
  /** Small facts of unsaved buffers are made at once, on this thread: see bufferFacts.ts. */
  buffersHere?: boolean;
  /** Results carry the versions of the files they were made from, for the cache. */
  versions?: boolean;
  /** Other worker code, in tests of the pool. */
  workerUrl?: URL;
}

export const defaultJobs = (): number => Math.max(1, Math.min(4, availableParallelism()));

const FILE_TIME_LIMIT_MS = 60_000;
const OUTLINE_BATCH_FILES = 48;
const FLOW_BATCH_FILES = 16;
const FLOW_BATCH_FUNCTIONS = 400;
/** Batches given to a worker ahead, so that it need not wait for a busy main thread. */
const BATCHES_AHEAD = 2;
/** A worker that does not end by itself within this is ended. */
const END_LIMIT_MS = 30_000;
/** Workers that may end in a row without a file to blame before the pool gives up. */
const START_ATTEMPTS = 3;

type Settle = { emit: (item: AskedItem, result: ItemResult) => void; finish: (error?: unknown) => void };

/** One call of `outlines` or `flows`: done when every item has been emitted. */
interface Call extends Settle {
  remaining: number;
  ended: boolean;
}

/** Work as it is asked for: the heads of functions are put together when the work is given out. */
export type AskedItem = Omit<WorkItem, "heads" | "text"> & Pick<FlowRequest, "heads">;

interface Batch {
  id: number;
  call: Call;
  items: AskedItem[];
  /** Its only file has crashed a worker before. */
  secondTry?: boolean;
}

interface Slot {
  worker: Worker;
  progress: Int32Array;
  batches: Batch[];
  ready: boolean;
  /** Last value of the progress counter, and when it was seen to change. */
  seen: number;
  seenAt: number;
  /** Why the pool ended it. */
  ending?: "hang" | "close";
}

/** The compiled worker, also when the pool itself runs from TypeScript sources (in tests). */
const defaultWorkerUrl = (): URL =>
  import.meta.url.endsWith(".ts")
    ? new URL("../../dist/host/worker.js", import.meta.url)
    : new URL("./worker.js", import.meta.url);

export class WorkerPool implements FactsHost {
  readonly sources: Sources;
  private readonly jobs: number;
  private readonly limit: number;
  private readonly workerUrl: URL;
  /** Where small facts of unsaved buffers are made; null: by workers, like all. */
  private readonly buffers: BufferFacts | null;
  private readonly slots: Slot[] = [];
  private queue: Batch[] = [];
  private nextBatchId = 1;
  private classes: MacroClasses | null = null;
  private known: KnownOutlines | null = null;
  private readonly flowProblems = new Map<string, string>();
  private watchdog: NodeJS.Timeout | null = null;
  private idleSince = 0;
  private failedEnds = 0;
  private closed = false;

  constructor(private readonly options: PoolOptions) {
    this.sources = new Sources(options.root);
    this.buffers = options.buffersHere ? new BufferFacts(this.sources, options.outline) : null;
    this.jobs = Math.max(1, options.jobs ?? defaultJobs());
    this.limit = options.fileTimeLimitMs ?? FILE_TIME_LIMIT_MS;
    this.workerUrl = options.workerUrl ?? defaultWorkerUrl();
  }

  outlines(
    files: readonly string[],
    emit: (file: string, outline: FileOutline | null, problem?: string) => void,
    signal?: AbortSignal,
    packed = false,
  ): Promise<void> {
    return this.makeOutlines(
      files.map((file) => ({ file })),
      ({ file }, result) => {
        if ("outline" in result) emit(file, decodeOutline(result.outline, packed));
        else emit(file, null, "problem" in result ? result.problem : "no outline");
      },
      signal,
    );
  }

  /** Outlines as workers give them, for those who keep them. */
  async makeOutlines(
    items: readonly AskedItem[],
    emit: (item: AskedItem, result: ItemResult) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const others = this.withoutBuffers(items, emit, ({ file }) => this.buffers?.outline(file), signal);
    const batches: AskedItem[][] = [];
    for (let i = 0; i < others.length; i += OUTLINE_BATCH_FILES) {
      batches.push(others.slice(i, i + OUTLINE_BATCH_FILES));
    }
    return this.run(batches, emit, signal);
  }

  /** Tells the workers which outlines need not be made. */
  setKnown(known: KnownOutlines): void {
    this.known = known;
    for (const slot of this.slots) this.post(slot, { type: "known", known });
  }

  setMacroClasses(classes: MacroClasses): void {
    this.classes = classes;
    for (const slot of this.slots) this.post(slot, { type: "classes", classes });
  }

  flows(
    requests: readonly FlowRequest[],
    emit: (file: string, fns: readonly number[], facts: (FlowFacts | null)[]) => void,
    signal?: AbortSignal,
    packed = false,
  ): Promise<void> {
    return this.makeFlows(
      requests,
      ({ file, fns = [] }, result) => {
        emit(
          file,
          fns,
          "flows" in result ? decodeFlows(result.flows, null, packed).facts : fns.map(() => null),
        );
      },
      signal,
    );
  }

  /** Flow facts as workers give them, for those who keep them. */
  async makeFlows(
    items: readonly (AskedItem & FlowRequest)[],
    emit: (item: AskedItem, result: ItemResult) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const take = (item: AskedItem, result: ItemResult): void => {
      if ("problem" in result && result.problem !== undefined)
        this.flowProblems.set(item.file, result.problem);
      emit(item, result);
    };
    const parse = ({ file, fns, heads }: AskedItem & FlowRequest): ItemResult | null | undefined =>
      this.classes && this.buffers?.flows(file, fns, heads?.(fns), this.classes);
    const others = this.withoutBuffers(items, take, parse, signal);
    const batches: AskedItem[][] = [];
    let batch: AskedItem[] = [];
    let functions = 0;
    for (const item of others) {
      batch.push(item);
      functions += item.fns.length;
      if (batch.length >= FLOW_BATCH_FILES || functions >= FLOW_BATCH_FUNCTIONS) {
        batches.push(batch);
        batch = [];
        functions = 0;
      }
    }
    if (batch.length > 0) batches.push(batch);
    return this.run(batches, take, signal);
  }

  /** Settles the items whose facts can be made here; gives back the others. */
  private withoutBuffers<Item extends AskedItem>(
    items: readonly Item[],
    take: (item: AskedItem, result: ItemResult) => void,
    make: (item: Item) => ItemResult | null | undefined,
    signal?: AbortSignal,
  ): readonly Item[] {
    if (!this.buffers || signal?.aborted || this.closed) return items;
    return items.filter((item) => {
      const result = this.sources.overlay(item.file) === undefined ? null : make(item);
      if (result) take(item, result);
      return !result;
    });
  }

  /** Loads what facts of unsaved buffers need. */
  async prepareBuffers(): Promise<void> {
    await this.buffers?.prepare();
  }

  read(file: string): string | null {
    const source = this.sources.read(file);
    return "text" in source ? source.text : null;
  }

  problems(): { path: string; reason: string }[] {
    return [...this.flowProblems]
      .map(([path, reason]) => ({ path, reason }))
      .sort((a, b) => byCodeUnit(a.path, b.path));
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.watchdog) clearInterval(this.watchdog);
    this.watchdog = null;
    this.fail(new Error("the worker pool was closed"));
    await Promise.all(this.slots.splice(0).map((slot) => this.end(slot)));
  }

  private run(
    batches: AskedItem[][],
    emit: (item: AskedItem, result: ItemResult) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.closed) return Promise.reject(new Error("the worker pool was closed"));
    const remaining = batches.reduce((n, b) => n + b.length, 0);
    if (remaining === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = () => call.finish(signal?.reason);
      const call: Call = {
        remaining,
        ended: false,
        emit,
        finish: (error) => {
          if (call.ended) return;
          call.ended = true;
          signal?.removeEventListener("abort", abort);
          this.queue = this.queue.filter((b) => b.call !== call);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      for (const items of batches) this.queue.push({ id: this.nextBatchId++, call, items });
      this.watchdog ??= setInterval(() => this.findHangs(), 1000).unref();
      this.dispatch();
    });
  }

  /** Gives waiting batches to workers, starting workers while there is more work than they have. */
  private dispatch(): void {
    const idle = this.slots.filter((s) => s.batches.length === 0).length;
    for (let wanted = this.queue.length - idle; wanted > 0 && this.slots.length < this.jobs; wanted--)
      this.start();
    for (let ahead = 1; ahead <= BATCHES_AHEAD; ahead++) {
      for (const slot of this.slots) {
        if (slot.batches.length >= ahead || slot.ending !== undefined) continue;
        const batch = this.queue.shift();
        if (!batch) return;
        if (slot.batches.length === 0) slot.seenAt = Date.now();
        slot.batches.push(batch);
        // Buffers are attached now: the text as it is when the work is given out.
        const items = batch.items.map((item) => {
          const text = this.sources.overlay(item.file);
          const { heads, ...rest } = item;
          return { ...rest, text, heads: item.fns && heads?.(item.fns) };
        });
        this.post(slot, { type: "batch", id: batch.id, items });
      }
    }
  }

  private post(slot: Slot, message: ToWorker): void {
    slot.worker.postMessage(message);
  }

  private start(): void {
    const progress = new Int32Array(new SharedArrayBuffer(PROGRESS_SLOTS * Int32Array.BYTES_PER_ELEMENT));
    const workerData: WorkerData = {
      root: this.options.root,
      registrations: this.options.outline.registrations,
      versions: this.options.versions ?? false,
      progress,
    };
    const worker = new Worker(this.workerUrl, { workerData, name: "lockctx-facts" });
    const slot: Slot = { worker, progress, batches: [], ready: false, seen: 0, seenAt: Date.now() };
    let failure: unknown;
    worker.on("message", (message: FromWorker) => {
      if (message.type === "ready") {
        slot.ready = true;
      } else {
        this.failedEnds = 0;
        this.finishBatch(slot, message.id, message.results);
      }
    });
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("exit", () => this.workerEnded(slot, failure));
    this.slots.push(slot);
    if (this.classes) this.post(slot, { type: "classes", classes: this.classes });
    if (this.known) this.post(slot, { type: "known", known: this.known });
  }

  private finishBatch(slot: Slot, id: number, results: ItemResult[]): void {
    const at = slot.batches.findIndex((b) => b.id === id);
    if (at < 0) return;
    const [batch] = slot.batches.splice(at, 1);
    // The next batch goes out before the results are taken in: the worker need not wait for that.
    this.dispatch();
    batch.items.forEach((item, i) => {
      this.settle(batch.call, item, results[i]);
    });
  }

  private settle(call: Call, item: AskedItem, result: ItemResult): void {
    if (call.ended) return;
    try {
      call.emit(item, result);
    } catch (error) {
      call.finish(error);
      return;
    }
    if (--call.remaining === 0) call.finish();
  }

  /** A worker is gone: find the file that it was at, give the rest to others. */
  private workerEnded(slot: Slot, failure: unknown): void {
    const place = this.slots.indexOf(slot);
    if (place >= 0) this.slots.splice(place, 1);
    if (slot.ending === "close" || this.closed) return;
    const at = slot.ready ? Atomics.load(slot.progress, Progress.batch) : -1;
    if (!slot.batches.some((b) => b.id === at) && ++this.failedEnds >= START_ATTEMPTS) {
      this.fail(
        new Error(`workers could not be started: ${failure instanceof Error ? failure.message : failure}`),
      );
      return;
    }
    const again: Batch[] = [];
    for (const batch of slot.batches) {
      if (batch.call.ended) continue;
      if (batch.id !== at) {
        again.push(batch);
        continue;
      }
      const index = Atomics.load(slot.progress, Progress.item);
      const culprit = batch.items[index];
      const others = batch.items.filter((_, i) => i !== index);
      if (others.length > 0) again.push({ id: this.nextBatchId++, call: batch.call, items: others });
      if (slot.ending === "hang") {
        const seconds = Math.round(this.limit / 1000);
        this.settle(batch.call, culprit, { problem: `took longer than ${seconds} seconds` });
      } else if (batch.secondTry) {
        const why = failure instanceof Error ? `: ${failure.message}` : "";
        this.settle(batch.call, culprit, { problem: `ended its worker${why}` });
      } else {
        again.push({ id: this.nextBatchId++, call: batch.call, items: [culprit], secondTry: true });
      }
    }
    this.queue.unshift(...again);
    this.dispatch();
  }

  private findHangs(): void {
    const now = Date.now();
    let busy = false;
    for (const slot of this.slots) {
      if (slot.batches.length === 0) continue;
      busy = true;
      const begun = Atomics.load(slot.progress, Progress.begun);
      if (begun !== slot.seen || !slot.ready) {
        slot.seen = begun;
        slot.seenAt = now;
      } else if (now - slot.seenAt > this.limit && slot.ending === undefined) {
        slot.ending = "hang";
        void slot.worker.terminate();
      }
    }
    if (busy || this.queue.length > 0) {
      this.idleSince = 0;
      return;
    }
    this.idleSince ||= now;
    const { idleLimitMs = null } = this.options;
    if (idleLimitMs !== null && now - this.idleSince < idleLimitMs) return;
    this.idleSince = 0;
    if (idleLimitMs !== null) for (const slot of this.slots.splice(0)) this.end(slot);
    if (this.watchdog) clearInterval(this.watchdog);
    this.watchdog = null;
  }

  /** Lets a worker end by itself: one that is ended within the native parser takes the whole process with it. */
  private end(slot: Slot): Promise<unknown> {
    slot.ending = "close";
    const { worker } = slot;
    // It ended by itself, and its event has been.
    if (worker.threadId === -1) return Promise.resolve();
    return new Promise((ended) => {
      const timer = setTimeout(() => void worker.terminate(), END_LIMIT_MS).unref();
      worker.once("exit", () => {
        clearTimeout(timer);
        ended(undefined);
      });
      this.post(slot, { type: "stop" });
    });
  }

  /** Ends every call with the error. */
  private fail(error: unknown): void {
    const calls = new Set([...this.queue, ...this.slots.flatMap((s) => s.batches)].map((b) => b.call));
    this.queue = [];
    for (const call of calls) call.finish(error);
  }
}
