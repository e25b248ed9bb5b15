/** The messages between the worker pool and its workers. */
import type { PackedHeads } from "../facts/heads.js";
import type { MacroClasses } from "../facts/outline.js";
import type { Hash } from "./cache/hash.js";
import type { FileVersion } from "./cache/manifest.js";

/** One file of a batch; `text` is an unsaved buffer in place of the file on disk. */
export interface WorkItem {
  file: string;
  /** Wanted functions; absent when the outline is wanted. */
  fns?: readonly number[];
  /** Heads of the wanted functions, when whoever asks has them: then only their parts of the file are read. */
  heads?: PackedHeads;
  /** The file as it was when its outline was made: while it is so on disk, the heads are right. */
  version?: FileVersion;
  text?: string;
  /** The outline is wanted also when the cache seems to have it. */
  always?: true;
}

/** Outlines that the cache has: `Store.sharedKeys`, and the stamp in their keys. */
export interface KnownOutlines {
  table: Int32Array;
  stamp: Hash;
}

export type ToWorker =
  | { type: "classes"; classes: MacroClasses }
  | { type: "known"; known: KnownOutlines }
  | { type: "batch"; id: number; items: WorkItem[] }
  /** Finish the file at hand and end. */
  | { type: "stop" };

/** Parallel to the batch's items. `version`, and what is kept under it, are there when the file on disk was
 * read, and versions are wanted. */
export type ItemResult =
  /** As `encodeOutline` writes them; bytes of a batch share one buffer. */
  | { outline: Uint8Array; version?: FileVersion }
  /** The cache has the outline of what was read. */
  | { cached: FileVersion }
  /** As `encodeFlows` wrote them. */
  | { flows: Uint8Array; packed?: Uint8Array; version?: FileVersion; problem?: string }
  | { problem: string };

export type FromWorker = { type: "ready" } | { type: "done"; id: number; results: ItemResult[] };

export interface WorkerData {
  root: string;
  registrations: ReadonlySet<string>;
  /** Hash what is read, for the cache. */
  versions: boolean;
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
