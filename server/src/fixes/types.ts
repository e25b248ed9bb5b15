/**
 * What a fix is: plain data with what it needs, what it costs and where the kernel does the same; and what a provider may
 * ask about the program. An adapter shows a fix with edits only after it was applied to a copy and analysed again
 * (`proof.ts`); what cannot be an edit is a sketch, which says what is missing.
 */
import type { CodeView, Definition } from "../code.js";
import type { Engine, FunctionLocks } from "../engine.js";
import type { Finding, Site } from "../findings/types.js";
import type { FunctionSyntax } from "./syntax.js";

/** Replaces the bytes [offset, endOffset) of a file. The texts are latin1, as everything inside. */
export interface FixEdit extends Site {
  text: string;
  /** Part of `text` that the user is to write anew, for editors that can put the cursor there. */
  placeholder?: { start: number; end: number };
}

/** `safe`: keeps the meaning. `needs-review`: proved to remove the finding, and changes what the code guarantees. */
export type Applicability = "safe" | "needs-review" | "sketch";

/** Ways of repair; each has a page in docs/fixes/ (see `catalogue.ts`). */
export type FixKind =
  | "gfp"
  | "gfp-parameter"
  | "hoist"
  | "sink"
  | "dispose-list"
  | "drop-retake"
  | "defer-work"
  | "defer-rcu"
  | "variant"
  | "delay"
  | "earlier"
  | "lock-type"
  | "threaded-irq"
  | "mark-dead"
  | "one-allocation"
  | "cursor"
  | "remove"
  | "annotate"
  | "suppress";

export interface Fix {
  /** Names the fix among those of its finding: the way of repair, such as `gfp-atomic`; for --apply and for tests. */
  id: string;
  kind: FixKind;
  /** A verb phrase in the imperative. */
  title: string;
  applicability: Applicability;
  /** Not overlapping, in any order (`proof.ts` sorts). Empty for a sketch that is told in words. */
  edits: FixEdit[];
  /** What a sketch would change: kernel C with tabs, or prose with code in it. */
  sketch?: string;
  /** What was checked before this fix was proposed. */
  preconditions: string[];
  /** Guarantees that the old code gave and the new one does not. */
  losses?: string[];
  /** What the author still has to think of. */
  warnings: string[];
  /** Where the kernel does the same, as facts: files and functions, no code. */
  precedent?: string[];
  /** For a sketch: what keeps it from being an edit. */
  missing?: string[];
}

/** What a provider may look at. Everything is of the texts as they are now, unsaved buffers in place of the disk. */
export interface FixSource {
  /** Text of a file as latin1; null when it cannot be read. */
  read(file: string): string | null;
  /** Symbols: definitions, callers, types. */
  readonly code: CodeView;
  /** The engine itself, for questions that it answers (`explain`, lock users …). Never update or check it here. */
  readonly engine: Engine;
  functionAt(file: string, offset: number): Definition | null;
  /** Statements and expressions of a function's body; null when it does not parse. Cached. */
  syntaxOf(fn: Definition): FunctionSyntax | null;
  /** Locks at the calls and exits of a function; null when its facts cannot be had. Cached. */
  locksOf(fn: Definition): Promise<FunctionLocks | null>;
  /** Whether the tree has (or the tables for its version know) a function or macro of this name. */
  has(name: string): boolean;
  /** To be handed to every question to the engine that takes one. */
  readonly signal?: AbortSignal;
  /** Asked for between two keystrokes: locks with users in many files are not looked through. */
  readonly quick: boolean;
  /** Kernel version of the tree; null: unknown, newest assumed. */
  readonly version: { major: number; minor: number } | null;
  /** All findings of the finding's file as they stand, for fixes that would repair several at once. */
  readonly findings: readonly Finding[];
}

/** Proposes fixes of one kind for a finding. Reads only; the same source gives the same fixes (I5). */
export type FixProvider = (finding: Finding, source: FixSource) => Fix[] | Promise<Fix[]>;
