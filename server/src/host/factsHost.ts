/** What every host of facts offers beyond the core's port: unsaved buffers, what went wrong, and an end. */
import type { EngineImage } from "../engine.js";
import type { FactsPort } from "../facts/ports.js";
import type { SectionSink } from "../program/image.js";
import type { Hash } from "./cache/hash.js";
import type { Sources } from "./sources.js";

export interface CacheCounts {
  outlinesFound: number;
  outlinesMade: number;
  flowsFound: number;
  flowsMade: number;
}

/** Keeps results of whole checks: what a tree's contents lead to. */
export interface ResultStore {
  /** Stands for the paths and contents of the files if all of them are surely as they were, else null. */
  unchangedContents(files: readonly string[], signal?: AbortSignal): Promise<Hash | null>;
  /** Stands for the paths and contents that outlines and flow facts were given of; null when some are not known. */
  loadedContents(files: readonly string[]): Hash | null;
  recall(key: Int32Array): Promise<Uint8Array | null>;
  keep(key: Int32Array, bytes: Uint8Array): void;
}

/** Keeps what an engine knew after a check of the whole tree: see engine.ts. */
export interface ImageStore {
  /**
   * The last image of the tree that was saved under this question, and the files that have changed, come or gone since;
   * null when there is none, or when so much has changed that it is of no use.
   */
  openImage(
    files: readonly string[],
    question: Hash,
    signal?: AbortSignal,
  ): Promise<{ image: EngineImage; changed: string[] } | null>;
  /** Keeps the image that `save` gives of the files that outlines were given of; whether it is kept. */
  saveImage(files: readonly string[], question: Hash, save: (put: SectionSink) => boolean): boolean;
}

export interface FactsHost extends FactsPort {
  readonly sources: Sources;
  /** Files whose facts could not be had after they were read (a crash, a time limit), in path order. */
  problems(): { path: string; reason: string }[];
  /** Sees to it that the cache has the outlines of the files; `done` once a file, with why where it cannot be read. */
  keepOutlines?(
    files: readonly string[],
    done: (file: string, problem?: string) => void,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Loads what facts of unsaved buffers need, so that the first edit need not wait for it. */
  prepareBuffers?(): Promise<void>;
  /** What came from the cache and what had to be made, where there is a cache. */
  readonly cacheCounts?: CacheCounts;
  readonly results?: ResultStore;
  readonly images?: ImageStore;
  /** What the user should know about the cache, a line each. */
  readonly messages?: readonly string[];
  close(): Promise<void>;
}
