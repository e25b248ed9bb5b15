/**
 * A fix: a plain edit with what it needs and what it costs. Fixes are data; an adapter shows them, and only after each
 * was applied to a copy and analysed again (`proof.ts`).
 */
import type { Finding, Site } from "../findings/types.js";

/** Replaces the bytes [offset, endOffset) of a file. The texts are latin1, as everything inside. */
export interface FixEdit extends Site {
  text: string;
  /** Part of `text` that the user is to write anew, for editors that can put the cursor there. */
  placeholder?: { start: number; end: number };
}

export type Applicability = "safe" | "needs-review" | "sketch";

export interface Fix {
  /** Stable name of the way of repair, such as `gfp-atomic`. */
  id: string;
  kind: "gfp" | "suppress";
  title: string;
  applicability: Applicability;
  /** Sorted by file and offset, not overlapping. */
  edits: FixEdit[];
  /** What was checked before this fix was proposed. */
  preconditions: string[];
  /** What is lost, and what the author still has to think of. */
  warnings: string[];
}

/** What a fix may look at. */
export interface FixSource {
  /** Text of a file as latin1, unsaved buffers in place of the disk; null when it cannot be read. */
  read(file: string): string | null;
  functionAt(file: string, offset: number): { name: string; start: number; end: number } | null;
}

/** Proposes fixes of one kind for a finding; pure. */
export type FixProvider = (finding: Finding, source: FixSource) => Fix[];
