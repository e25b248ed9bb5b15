/**
 * What the language server needs from outside: a way to find and open trees. The real one is made in `backend.ts`;
 * tests bring their own.
 */
import type { Engine } from "../engine.js";
import type { ContextRoot } from "./config.js";

/** How much is analysed: a kernel tree, a folder that is none, or single files. */
export type TreeScope = "kernel" | "folder" | "files";

/** One open tree: its engine and the texts that it reads. */
export interface TreeBackend {
  engine: Engine;
  /** Root-relative paths of the C files to load, forward slashes. May reject with what is wrong. */
  listFiles(signal?: AbortSignal): Promise<string[]>;
  /** Puts a text (latin1) in place of the file on disk, or takes it away again (null). */
  setOverlay(file: string, text: string | null): void;
  /** Text of a file as latin1, overlays in place of the disk; null when it cannot be read. */
  read(file: string): string | null;
  dispose(): Promise<void>;
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
