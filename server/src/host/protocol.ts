/** The messages between the worker pool and its workers. */
import type { MacroClasses } from "../facts/outline.js";
import type { PackedFlows } from "./flowCodec.js";

/** One file of a batch; `text` is an unsaved buffer in place of the file on disk. */
export interface WorkItem {
  file: string;
  /** Wanted functions; absent when the outline is wanted. */
  fns?: readonly number[];
  text?: string;
}

export type ToWorker =
  | { type: "classes"; classes: MacroClasses }
  | { type: "batch"; id: number; items: WorkItem[] };

/** Parallel to the batch's items. */
export type ItemResult =
  | { outline: Uint8Array }
  | { flows: PackedFlows; problem?: string }
  | { problem: string };

export type FromWorker = { type: "ready" } | { type: "done"; id: number; results: ItemResult[] };

export interface WorkerData {
  root: string;
  registrations: ReadonlySet<string>;
  /** Slots below, shared: tells the pool which file a worker is at without a message. */
  progress: Int32Array;
}

export const Progress = {
  /** Id of the batch being worked on. */
  batch: 0,
  /** Index in it of the file being worked on. */
  item: 1,
  /** Counts files begun; a value that stands still while there is work means a hang. */
  begun: 2,
} as const;
export const PROGRESS_SLOTS = 3;
