/**
 * What is known about a function from the outside: under which conditions it may sleep, and what it does to the lock
 * context of its caller. Everything in terms of its parameters and of globals, in one pool of terms for the whole tree.
 * Offsets are relative to the start of the function that they stand in.
 */
import type { ContextKind } from "../kernel/types.js";
import type { Token } from "./state.js";

/** A lock as seen across functions. */
export interface LockRef {
  /** Term in the shared pool (over Param, globals, the return value), -1 if it cannot be said from outside. */
  term: number;
  adds: number;
  kind: ContextKind;
  /** Class for messages and lenient matching: `struct foo.lock`, `fs/super.c:sb_lock`, or "". */
  cls: string;
  /** Last name of the lock expression (`lock` of `&p->lock`), "" for none: the weakest thing to match by. */
  last: string;
}

/** One step of a chain to an acquire: a function number and the place of the call in it. */
export interface Step {
  fn: number;
  at: number;
  end: number;
}

export interface AcquireRef extends LockRef {
  /** Primitive that takes it. */
  how: string;
  /** Lock expression as written where it is taken. */
  text: string;
  /** Where it is taken, outermost call first. */
  chain: Step[];
}

export interface Effect {
  /** Results for which it holds. */
  ret: "any" | "zero" | "nonzero";
  acquires: readonly AcquireRef[];
  releases: readonly LockRef[];
}

/** A condition over parameters: the term is non-zero (or zero). */
export interface Atom {
  term: number;
  truth: boolean;
}

/** The sleeping call at the end of a chain; every entry on the way up shares it. */
export interface Sink {
  /** Entries with the same one compete. */
  readonly key: string;
  readonly fn: number;
  readonly at: number;
  readonly end: number;
  readonly name: string;
  readonly why: string;
  readonly allocation: boolean;
  /** It stands for whatever the parameter with this number, a function, does; -1 otherwise. */
  readonly viaParam: number;
}

export const sinkKey = (fn: number, at: number, name: string, viaParam: number): string =>
  `${fn}:${at}:${name}:${viaParam}`;

/** A way in which a function may sleep. The chain is the linked list through `next`. */
export interface SleepEntry {
  sink: Sink;
  /** The function that this is an entry of, and its call site on the way. */
  fn: number;
  at: number;
  end: number;
  /** The callee's name as written there. */
  written: string;
  via: "call" | "macro" | "pointer" | "callback";
  next: SleepEntry | null;
  /** gfp terms that must all allow blocking. */
  gfp: readonly number[];
  atoms: readonly Atom[];
  /** It does not sleep (or not illegally) where one of these context bits is set. */
  ctxNone: number;
  /** Locks of the caller that have been dropped when it sleeps. */
  dropped: readonly LockRef[];
  reasons: number;
  /** Extra words on the condition ("unless fast_io is set"). */
  note: string;
  /** Calls from here to the sleep. */
  length: number;
  /** Its number in the image that is being written, -1 in none: a map of a million entries would cost more than they do. */
  saved: number;
}

export interface HeldContext {
  kind: ContextKind;
  adds: number;
  lock: string;
  cls: string;
  how: string;
  /** Function-relative place of entering; the chain goes on in callees when one of them took the lock. */
  at: number;
  end: number;
  through: readonly Step[];
  reasons: number;
}

/** The context that a token stands for, without what only its path needs to know. */
export function heldContext(token: Token): HeldContext {
  const { kind, adds, lock, cls, how, at, end, through, reasons } = token;
  return { kind, adds, lock, cls, how, at, end, through, reasons };
}

/** A sleep under a context that this function entered. */
export interface RawFinding {
  at: number;
  end: number;
  callee: string;
  /** The callee's name as written at the call. */
  written: string;
  context: HeldContext;
  entries: SleepEntry[];
  /** Paths left out. */
  more: number;
  maybeHeld: boolean;
}

export interface Summary {
  sleeps: readonly SleepEntry[];
  /** Entries that did not fit. */
  more: number;
  effects: readonly Effect[];
  noReturn: boolean;
}

export const EMPTY: Summary = { sleeps: [], more: 0, effects: [], noReturn: false };

function sameSink(a: Sink, b: Sink): boolean {
  return (
    a === b ||
    (a.key === b.key &&
      a.fn === b.fn &&
      a.at === b.at &&
      a.end === b.end &&
      a.name === b.name &&
      a.why === b.why &&
      a.allocation === b.allocation &&
      a.viaParam === b.viaParam)
  );
}

/** Whether two entries say the same to a caller (the chain below counts: a reader sees it). */
export function sameEntry(a: SleepEntry, b: SleepEntry): boolean {
  return (
    a.at === b.at &&
    a.end === b.end &&
    a.written === b.written &&
    a.via === b.via &&
    sameSink(a.sink, b.sink) &&
    a.length === b.length &&
    a.reasons === b.reasons &&
    a.ctxNone === b.ctxNone &&
    a.note === b.note &&
    a.gfp.length === b.gfp.length &&
    a.gfp.every((g, i) => g === b.gfp[i]) &&
    a.atoms.length === b.atoms.length &&
    a.atoms.every((x, i) => x.term === b.atoms[i].term && x.truth === b.atoms[i].truth) &&
    sameLocks(a.dropped, b.dropped) &&
    (a.next === b.next ||
      (a.next !== null &&
        b.next !== null &&
        a.next.fn === b.next.fn &&
        a.next.at === b.next.at &&
        sameEntry(a.next, b.next)))
  );
}

function sameLocks(a: readonly LockRef[], b: readonly LockRef[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (x, i) =>
        x.term === b[i].term &&
        x.adds === b[i].adds &&
        x.kind === b[i].kind &&
        x.cls === b[i].cls &&
        x.last === b[i].last,
    )
  );
}

export function sameSummary(a: Summary, b: Summary): boolean {
  return (
    a.noReturn === b.noReturn &&
    a.more === b.more &&
    a.sleeps.length === b.sleeps.length &&
    a.sleeps.every((e, i) => sameEntry(e, b.sleeps[i])) &&
    sameEffects(a.effects, b.effects)
  );
}

export function sameEffects(a: readonly Effect[], b: readonly Effect[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (x, i) =>
        x.ret === b[i].ret &&
        sameLocks(x.acquires, b[i].acquires) &&
        sameLocks(x.releases, b[i].releases) &&
        x.acquires.every(
          (q, k) =>
            q.how === b[i].acquires[k].how &&
            q.text === b[i].acquires[k].text &&
            q.chain.length === b[i].acquires[k].chain.length &&
            q.chain.every((s, n) => {
              const other = b[i].acquires[k].chain[n];
              return s.fn === other.fn && s.at === other.at && s.end === other.end;
            }),
        ),
    )
  );
}
