/**
 * The engine: the one entrance to the core for every adapter (CLI, language server, tests). It holds the program of one
 * tree, keeps it up to date as files change, and answers questions about it with plain data. No I/O, no LSP types.
 */
import type { CodeView } from "./code.js";
import type { FactsPort } from "./facts/ports.js";
import type { Dump, Explanation, FunctionRef, LockGraph, Subject } from "./findings/explain.js";
import type { LockIdentity, LockMatches, LockUsers } from "./findings/lockUsers.js";
import type { AnalysisStats, Confidence, Finding, FindingPath, Site } from "./findings/types.js";
import type { KernelTables } from "./kernel/types.js";

export interface EngineOptions {
  tables: KernelTables;
  facts: FactsPort;
  /** Kernel version of the tree, from its Makefile; null when unknown (newest assumed). */
  version: { major: number; minor: number } | null;
}

export interface Progress {
  phase: string;
  done: number;
  total: number;
}

export interface CheckOptions {
  /** Report findings with a step in these files; null: everything. */
  focus: ReadonlySet<string> | null;
  /** Only findings that stand in these files, not those that merely pass through them: what an editor shows. */
  inside?: boolean;
  /** With `inside`: only what stands in the functions at these places of the files. */
  within?: readonly { file: string; offset: number }[];
  /** With a focus: only paths of this confidence and above bring a finding into it. Default: any. */
  atLeast?: Confidence;
  /** Without a focus: those of low confidence, which are most of them, come apart from the others (`CheckResult.low`). */
  lowAside?: boolean;
  progress?: (p: Progress) => void;
  signal?: AbortSignal;
}

/** The findings of low confidence in one file, without what they say. */
export interface LowCount {
  file: string;
  /** First letter of the confidence of each finding in the file, in order: where these stand among the others. */
  levels: string;
  count: number;
  /** How many of these are suppressed. */
  suppressed: number;
}

/** With what they say as text: it costs more to read it than to keep it. */
export interface LowFindings extends LowCount {
  /** `PackedFindings` as JSON, a character a byte. */
  readonly json: string;
}

export interface CheckResult {
  /** All findings of every confidence, suppressed ones marked, in a total order (file, offset, rule, fingerprint). */
  findings: Finding[];
  /** Where they were wanted apart: those of low confidence, in order of files. `findings` has none then. */
  low?: readonly LowFindings[];
  /** `findings` then, as they are kept: `PackedFindings` as JSON, those of a file each. */
  sure?: readonly string[];
  stats: AnalysisStats;
}

/** What a function does by itself, whoever calls it. Always and sometimes are about its unconditional and conditional ways. */
export interface SleepVerdict extends Site {
  function: string;
  /** FnFlag bits of its record. */
  flags: number;
  /** `unknown`: its body could not be had. */
  sleeps: "always" | "sometimes" | "never" | "unknown";
  /** Shortest surest way to sleep. */
  path?: FindingPath;
}

/** What is known about the place under a cursor. */
export interface PointInfo {
  function: string;
  /** Contexts that hold here (`maybe`: on some ways), entered in this function or by how the function is called. */
  contexts: { kind: string; lock?: string; lockClass?: string; how: string; site: Site; maybe?: boolean }[];
  /** Lock primitive or guard here, if the point is on one. */
  lock?: { name: string; op: string; lock?: string; lockClass?: string };
  /** The call here, and whether it may sleep. */
  call?: { name: string; targets: Site[]; sleeps: "never" | "may" | "unknown"; paths: FindingPath[] };
}

/** A lock or context at a place; offsets are where it was taken. */
export interface HeldLock {
  lock: string;
  lockClass: string;
  kind: string;
  how: string;
  offset: number;
  endOffset: number;
  /** Makes code atomic. */
  atomic: boolean;
  /** Held on entry (asserted or annotated), not taken here. */
  onEntry: boolean;
  /** Given back at the end of a scope. */
  guard: boolean;
  /** On all ways to the place. */
  always: boolean;
}

export interface LocksAtCall {
  name: string;
  offset: number;
  endOffset: number;
  before: HeldLock[];
  after: HeldLock[];
  /** Some way goes on after the call. */
  returns: boolean;
}

/** The locks of one function: at its calls in the order of the text, and at its exits. */
export interface FunctionLocks {
  calls: LocksAtCall[];
  /** What is held or was given back, in words, with the places of those exits. */
  exits: { locks: string; offsets: number[] }[];
  /** Its text parsed cleanly. */
  parsed: boolean;
}

/** One way in which a function may sleep, as far as its callers are concerned: what has to hold for it. */
export interface SleepWay {
  /** In a form that stays comparable over edits: fewer conditions are met by more callers. */
  conditions: readonly string[];
  /** Context bits where it does not sleep. */
  ctxNone: number;
  confidence: Confidence;
}

/** Named arrays, each asked for once: see program/image.ts. */
export interface EngineImage {
  get(name: string): Int32Array | Uint8Array | undefined;
}

export interface WaysOptions {
  /**
   * Only those of its own text, those through calls of these names, and those through what is known already of what else it
   * calls. All that it calls can be most of the kernel.
   */
  through?: readonly string[];
  signal?: AbortSignal;
}

/** A question that is given a signal rejects with an AbortError soon after it fires, and leaves everything to be asked again. */
export interface Engine {
  /** Joins the outlines of these files into the program; `files` is the whole tree, root-relative, forward slashes. */
  load(
    files: readonly string[],
    options?: { progress?: (p: Progress) => void; signal?: AbortSignal },
  ): Promise<void>;
  /**
   * Gives `put` what it knows after a check of the whole tree, for another engine to go on from, part by part: all of it at
   * once is too much. False when it does not know enough, or more than the tree as it was loaded: what it gave is no image.
   */
  save(put: (name: string, part: Int32Array | Uint8Array) => void): boolean;
  /** Takes up what another engine saved, in the place of `load`; throws BadImage when that cannot be used. */
  restore(image: EngineImage): void;
  /** These files changed, appeared or vanished (the port reads the new text). Cheap; the next question re-analyses. */
  update(files: readonly string[]): Promise<void>;
  check(options: CheckOptions): Promise<CheckResult>;
  pointInfo(file: string, offset: number, signal?: AbortSignal): Promise<PointInfo | null>;
  /** Verdicts on the functions whose record has one of these FnFlag bits, in order of files. */
  sleepVerdicts(flags: number, signal?: AbortSignal): Promise<SleepVerdict[]>;
  /** Where functions and macros of this name have a body. */
  definitions(name: string): Site[];
  /** The locks of the function at a place; null where its facts cannot be had. */
  locksOf(file: string, offset: number, signal?: AbortSignal): Promise<FunctionLocks | null>;
  /** How the function at a place may sleep for its callers; null where its facts cannot be had. */
  waysToSleep(file: string, offset: number, options?: WaysOptions): Promise<SleepWay[] | null>;
  /** Whether the function at a place was seen to be entered where sleeping is forbidden; `unknown`: not all callers were looked at. */
  enteredAtomic(
    file: string,
    offset: number,
    mostCallers: number,
    signal?: AbortSignal,
  ): Promise<"yes" | "no" | "unknown">;
  /** In how many files functions name a lock and may take it, as far as texts tell; counts no further than one above `most`. */
  lockFiles(lock: LockIdentity, most: number): number;
  /** Symbols, callers and types of the program as it is now. */
  readonly code: CodeView;
  /** The function that contains the offset, with its extent. */
  functionAt(file: string, offset: number): { name: string; start: number; end: number } | null;
  /** Locks that a typed name can mean: a class, `FILE:NAME`, `struct NAME.FIELD`, or a bare name. */
  findLocks(typed: string): LockMatches;
  /** Locks that a place in a file is about: what the call there takes or asserts, or what the name there declares. */
  lockAt(file: string, offset: number): Promise<LockMatches>;
  /** Critical sections of a lock over the whole tree, and the functions that rely on it being held. */
  lockUsers(lock: LockIdentity, signal?: AbortSignal): Promise<LockUsers>;
}

/** What `lockctx dump` can show. */
export type DumpKind = "outline" | "facts" | "summary" | "calls";

/** An engine that also answers questions about single functions, without a check of the whole. */
export interface InspectingEngine extends Engine {
  /** Functions and function-like macros of this name, in the order of the files; of one file where it is given. */
  find(name: string, file?: string): FunctionRef[];
  /** Names of functions that are like this one, the nearest first. */
  similar(name: string): string[];
  /** The function that a place is in. */
  functionRefAt(file: string, offset: number): FunctionRef | null;
  explain(subject: Subject, signal?: AbortSignal): Promise<Explanation>;
  graph(subject: Subject, depth: number, signal?: AbortSignal): Promise<LockGraph>;
  /** Of all functions of a file, or of one. */
  dump(kind: DumpKind, of: { file: string } | Subject, signal?: AbortSignal): Promise<Dump>;
}

export type CreateEngine = (options: EngineOptions) => Engine;
export type { Confidence };
