/**
 * What the language server needs from outside: a way to find and open trees. The real one is made in `backend.ts`;
 * tests bring their own.
 */
import type { Engine } from "../engine.js";
import type { Finding } from "../findings/types.js";
import type { ContextRoot } from "./config.js";

/** How much is analysed: a kernel tree, a folder that is none, or single files. */
export type TreeScope = "kernel" | "folder" | "files";

/** An engine and the texts that it reads. */
export interface EngineBackend {
  readonly engine: Engine;
  /** Makes the engine know these files in a quicker way than by reading them, if there is one. */
  recall?(files: readonly string[], options: Parameters<Engine["load"]>[1]): Promise<boolean>;
  /** Puts a text (latin1) in place of the file on disk, or takes it away again (null). */
  setOverlay(file: string, text: string | null): void;
  /** Text of a file as latin1, overlays in place of the disk; null when it cannot be read. */
  read(file: string): string | null;
  dispose(): Promise<void>;
}

/** Findings in one file, as an earlier analysis of the whole tree left them. */
export interface KeptFindings {
  /** Of a file of this text; null where nothing is known about it. */
  recall(file: string, text: string): Finding[] | null;
  isOnDisk(file: string, text: string): boolean;
  /** Call while no open text differs from its file on disk. */
  keep(file: string, text: string, findings: readonly Finding[]): void;
  /** The whole tree has answered: what is only needed before that can go. */
  close?(): void;
}

/** One open tree. */
export interface TreeBackend extends EngineBackend {
  /** Root-relative paths of the C files to load, forward slashes. May reject with what is wrong. */
  listFiles(signal?: AbortSignal): Promise<string[]>;
  /** Whether a file that appears on disk belongs to the tree, as `listFiles` sees it. Absent: all do. */
  belongs?(file: string): boolean;
  /**
   * A second engine, for the time until the first one has the whole tree. Absent: the tree is small, or there is no use.
   */
  openNear?(): EngineBackend;
  /** Those of all files that matter most for these open ones. */
  nearFiles?(open: Iterable<string>, all: readonly string[]): string[];
  kept?: KeptFindings | null;
  /** Loads what the first edit would have to wait for. */
  prepareBuffers?(): void;
}

export interface OpenTreeOptions {
  /** Absolute path. */
  root: string;
  scope: TreeScope;
  contextRoots: readonly ContextRoot[];
}

export interface ServerDeps {
  version: string;
  /** Root of the kernel tree that the absolute path lies in, or null. */
  findRoot(path: string): string | null;
  openTree(options: OpenTreeOptions): Promise<TreeBackend>;
  /** Address of the page that describes a rule. */
  rulePage(rule: string): string | undefined;
}

/** Folders that are no kernel tree are analysed as a whole up to this many C files; beyond it only open files are. */
export const MAX_FOLDER_FILES = 2000;
