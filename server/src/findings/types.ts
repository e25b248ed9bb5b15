/**
 * What a finding is (DESIGN §5): plain serialisable data, the same for the command line, the language server and tests.
 * Positions are byte offsets into the original text; lines and columns are made at the edge (`report/`, `lsp/`).
 */
import type { ContextKind } from "../kernel/types.js";

export type Confidence = "high" | "medium" | "low";
export type RuleId = "sleep-in-atomic" | "sleep-in-atomic-callback" | "gfp-in-atomic" | "stale-cursor";

/** Why a finding is less than certain. Named values, listed in the findings schema. */
export type Reason =
  | "registered-callback"
  | "ops-callback"
  | "annotation"
  | "assertion"
  | "function-pointer"
  | "many-targets"
  | "null-argument"
  | "unlikely-target"
  | "few-targets-sleep"
  | "several-definitions"
  | "state-guarded"
  | "last-reference"
  | "maybe-vmalloc"
  | "object-property"
  | "flag-undecided"
  | "gfp-undecided"
  | "gfp-mixed"
  | "long-chain"
  | "several-doubts"
  | "config-dependent"
  | "arch-dependent"
  | "maybe-held"
  | "context-test"
  | "boot-only"
  | "table"
  | "put-super-path"
  | "no-removal-seen"
  | "removal-lock-unknown"
  | "sole-remover"
  | "private-list"
  | "checked-again"
  | "element-marked"
  | "rcu-walk"
  | "dropped-by-callee"
  | "other-lock-kept";

/** A place in a file. */
export interface Site {
  file: string;
  offset: number;
  endOffset: number;
}

/** A step of a chain: a function and the place in it of its call to the next. */
export interface ChainStep extends Site {
  function: string;
  /** How the next function is reached from here. */
  via?: "call" | "macro" | "pointer" | "callback";
  /** What happens here, in words, where it is not a call of the next step. */
  does?: string;
}

export interface SleepSite extends Site {
  /** Bare name of the callee that may sleep. */
  call: string;
  /** Why it may sleep, in words ("takes a mutex", "GFP_KERNEL may block"). */
  reason: string;
}

export interface FindingPath {
  confidence: Confidence;
  reasons: Reason[];
  /** When it sleeps, in words; absent when always. */
  condition?: string;
  chain: ChainStep[];
  sleep: SleepSite;
}

export interface FindingContext {
  kind: ContextKind;
  /** Text of the lock expression as in the source (`sb_lock`, `&port->lock`, without the &). */
  lock?: string;
  /** `fs/super.c:sb_lock` or `struct foo.lock`. */
  lockClass?: string;
  /** Where the context was entered. */
  site: Site;
  /** How, in words ("spin_lock", "request_irq", "net_device_ops.ndo_start_xmit", "lockdep_assert_held"). */
  how: string;
  /** When a callee of the finding's function took the lock: the chain to the acquire. */
  through?: ChainStep[];
}

export interface Finding extends Site {
  rule: RuleId;
  confidence: Confidence;
  reasons: Reason[];
  /** The function that made the context atomic, or the callback. */
  function: string;
  message: string;
  context: FindingContext;
  /** Shortest first, at most 16. */
  paths: FindingPath[];
  morePaths: number;
  fingerprint: string;
  cluster: string;
  suppressed: { reason: string } | null;
}

/** Counts that `--stats` prints and the findings file carries (I6). */
export interface AnalysisStats {
  files: number;
  skippedFiles: { path: string; reason: string }[];
  bytes: number;
  functions: number;
  macros: number;
  calls: number;
  /** Of the calls in analysed functions. */
  resolvedCalls: number;
  unresolvedCalls: number;
  analysedFunctions: number;
  /** Functions whose text could not be parsed without ERROR or MISSING nodes. */
  unparsedFunctions: number;
  undecidedConditions: number;
  cappedStates: number;
  findings: number;
  hiddenFindings: number;
  suppressedFindings: number;
  phases: { name: string; wallMs: number; cpuMs: number; rssMb: number }[];
}
