/**
 * Answers to questions about single functions as plain data: why a place is atomic, why it may sleep, the lock contexts
 * around a function, and what lockctx made of its text. Offsets, as in findings; lines are made at the edge.
 */
import type { ChainStep, Finding, FindingContext, FindingPath, Site } from "./types.js";

/** A function that a question can be about. */
export interface FunctionRef {
  name: string;
  file: string;
  /** The whole definition. */
  start: number;
  end: number;
  /** Place of the name. */
  site: Site;
  kind: "function" | "macro";
}

/** What a question names: a function, or a place in one. */
export interface Subject {
  function: FunctionRef;
  /** Part of the function that is meant (a line's text); absent: all of it. */
  range?: { start: number; end: number };
}

/** A context that the function enters itself, or asserts. */
export interface OwnContext {
  context: FindingContext;
  /** The function says that it is held, it does not take it. */
  asserted: boolean;
  /** It holds on some ways to the place only. */
  maybe: boolean;
  /** Calls made while it holds, as written. */
  calls: { name: string; site: Site }[];
  /** What would make the place not atomic. */
  otherwise: string;
}

/** A context in which the function is called, or in which the kernel enters it. */
export interface CallerContext {
  context: FindingContext;
  from: "caller" | "callback";
  /** From the function that holds the lock (or the callback) down to the call of the function in question. */
  chain: ChainStep[];
  maybe: boolean;
  otherwise: string;
}

export interface ExplainedPath extends FindingPath {
  /** What would make this path not sleep, or not be a bug; empty: nothing does. */
  otherwise: string[];
}

export type UndecidedKind =
  | "unresolved-call"
  | "pointer-call"
  | "many-targets"
  | "given-function"
  | "condition"
  | "budget"
  | "not-read"
  | "not-reached";

export interface Undecided {
  kind: UndecidedKind;
  site: Site;
  /** What it is about: a callee, a condition. */
  text: string;
  why: string;
}

export interface Explanation {
  function: FunctionRef;
  /** The place asked about; absent: the whole function. */
  at?: Site;
  own: OwnContext[];
  callers: CallerContext[];
  /** Callers whose text was looked at, and those left out by the budget. */
  callersSeen: number;
  callersLeft: number;
  sleeps: {
    verdict: "may" | "never" | "unknown";
    paths: ExplainedPath[];
    morePaths: number;
  };
  undecided: Undecided[];
  /** Findings of this function (at this place). */
  findings: Finding[];
}

export interface GraphNode {
  /** `file:function`; `call:NAME` for a primitive, `kernel:HOW` for what enters a callback. */
  id: string;
  kind: "function" | "macro" | "primitive" | "kernel";
  function: string;
  file: string | null;
  site: Site | null;
  /** Contexts that it enters itself. */
  enters: string[];
  /** Contexts that it is known to be entered in: by registration, by assertion, or by a caller in this graph. */
  runsIn: string[];
  sleeps: "may" | "never" | "unknown";
}

export interface GraphEdge {
  from: string;
  to: string;
  kind: "call" | "macro" | "pointer" | "callback";
  /** Contexts that the caller holds at the call itself. */
  under: string[];
  site: Site;
}

export interface LockGraph {
  root: string;
  depth: number;
  nodes: GraphNode[];
  edges: GraphEdge[];
  /** Functions left out because the graph had become too large. */
  left: number;
}

/** A listing of what lockctx made of a text: `lines` are for people, `data` is the same for programs. */
export interface Dump {
  title: string;
  site: Site;
  lines: DumpLine[];
  data: unknown;
}

/** A line of a dump; with a place where it is about one. */
export interface DumpLine {
  depth: number;
  site?: Site;
  text: string;
}
