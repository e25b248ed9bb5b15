/**
 * How the core asks the outside for facts. The core does no I/O: a host (worker pool, in-process test host, server with
 * unsaved buffers) implements `FactsPort` over the pure functions of text/, outline/ and syntax/.
 */
import type { FlowFacts } from "./flow.js";
import type { PackedHeads } from "./heads.js";
import type { FileOutline, MacroClasses } from "./outline.js";

/** Flow facts wanted: function indices of one file's outline (index into its function records). */
export interface FlowRequest {
  file: string;
  fns: readonly number[];
  /** Heads of some of these functions, from the outline that they are numbered by; a host may do without. */
  heads?(fns: readonly number[]): PackedHeads;
}

export interface FactsPort {
  /**
   * Outlines of the files; `emit` may be called in any order, once a file; null when it could not be read (with why).
   * Rejects with an AbortError when the signal fires. With `packed` names may stay as they were written down.
   */
  outlines(
    files: readonly string[],
    emit: (file: string, outline: FileOutline | null, problem?: string) => void,
    signal?: AbortSignal,
    packed?: boolean,
  ): Promise<void>;
  /** The outline that a file had when an image was made of the tree, at once; null where it is not to be had any more. */
  imageOutline?(file: string): FileOutline | null;
  /** Called once the macro classes are known (and again when they change), before any `flows`. */
  setMacroClasses(classes: MacroClasses): void;
  /**
   * Flow facts; one `emit` a request, its array parallel to `fns`; null for a function that could not be had. With `packed`
   * names may stay as they were written down.
   */
  flows(
    requests: readonly FlowRequest[],
    emit: (file: string, fns: readonly number[], facts: (FlowFacts | null)[]) => void,
    signal?: AbortSignal,
    packed?: boolean,
  ): Promise<void>;
  /** The text of a file as latin1 (unsaved buffers in place of the disk), or null. */
  read(file: string): string | null;
}
