/** A sleep met at a call: whether this path allows it, the finding under our contexts, the entry for our callers. */
import { ATOMIC } from "../../kernel/types.js";
import { CONTEXT_FLAG, type Conditions } from "../conditions.js";
import { findToken } from "../locks.js";
import { R, rankOf } from "../reasons.js";
import type { PathState, Token } from "../state.js";
import {
  type Atom,
  heldContext,
  type LockRef,
  type RawFinding,
  type Sink,
  type SleepEntry,
  sinkKey,
} from "../summary.js";
import type { Terms } from "../terms.js";
import type { World } from "../world.js";
import { Doubts } from "./doubts.js";
import { conditionsOf, dedupe, keep } from "./entries.js";
import type { FnResult, Frame } from "./frame.js";
import type { Locking } from "./locking.js";
import type { FlowShape } from "./shape.js";

/** A sleep met at a call, in terms of this function, before its conditions have been looked at. */
export interface Sleep {
  /** The callee's name as written at the call. */
  written: string;
  next: SleepEntry | null;
  via: SleepEntry["via"];
  sink: Sink;
  /** gfp and conditions as raw terms of this function. */
  gfp: readonly number[];
  atoms: readonly { term: number; truth: boolean; state?: boolean }[];
  ctxNone: number;
  dropped: readonly LockRef[];
  /** Parallel to `dropped`: the lock as a term of this function, 0 when it cannot be said. */
  droppedRaw: readonly number[];
  reasons: number;
  note: string;
  length: number;
}

/** A sleep on one path, its conditions decided as far as this function can and told in terms of its parameters. */
interface SleepHere {
  at: number;
  end: number;
  sleep: Sleep;
  reasons: number;
  gfp: readonly number[];
  atoms: readonly Atom[];
  ctxNone: number;
  dropped: readonly LockRef[];
}

/** Empty lists are most of all lists, and entries are kept: they share one. */
const NONE: readonly never[] = [];
const orNone = <T>(list: readonly T[]): readonly T[] => (list.length === 0 ? NONE : list);

/** Conditions of a sleep that this function cannot decide, in terms of its parameters. */
interface Needs {
  gfp: readonly number[];
  atoms: readonly Atom[];
  reasons: number;
  ctxNone: number;
}

const NO_NEEDS: Needs = { gfp: NONE, atoms: NONE, reasons: 0, ctxNone: 0 };

/** Most dropped locks of an entry. */
const MOST_DROPPED = 4;

export class Sleeping {
  readonly entries = new Map<string, SleepEntry>();
  readonly raw = new Map<string, RawFinding>();
  readonly rawEntries = new Map<RawFinding, Map<string, SleepEntry>>();
  /** Call sites reached without any atomic context of our own. */
  readonly bareAt = new Set<number>();
  private readonly world: World;
  private readonly t: Terms;
  private readonly cond: Conditions;
  private readonly fn: number;
  private readonly exportsSleeps: boolean;
  private readonly result: FnResult;
  private readonly doubts: Doubts;

  constructor(
    private readonly frame: Frame,
    shape: FlowShape,
    private readonly locking: Locking,
  ) {
    this.doubts = new Doubts(frame, shape);
    this.world = frame.world;
    this.t = frame.t;
    this.cond = frame.cond;
    this.fn = frame.fn;
    this.exportsSleeps = frame.exportsSleeps;
    this.result = frame.result;
  }

  /** A sleep of this function's own, here unless `other` says where. */
  direct(
    name: string,
    why: string,
    at: number,
    end: number,
    other: Partial<Pick<Sink, "fn" | "allocation" | "viaParam">> = {},
  ): Sleep {
    const { fn = this.fn, allocation = false, viaParam = -1 } = other;
    return {
      written: name,
      next: null,
      via: "call",
      sink: { key: sinkKey(fn, at, name, viaParam), fn, at, end, name, why, allocation, viaParam },
      gfp: NONE,
      atoms: NONE,
      ctxNone: 0,
      dropped: NONE,
      droppedRaw: NONE,
      reasons: 0,
      note: "",
      length: 1,
    };
  }

  /** A call that may sleep, on this path: looks at its conditions, reports it under our contexts, exports it. */
  sleep(s: PathState, at: number, end: number, e: Sleep): void {
    if (this.frame.withoutSleeps) return;
    // Most ways of sleeping have no conditions.
    const needs = e.gfp.length + e.atoms.length === 0 ? NO_NEEDS : this.needsOf(e, s, at);
    if (needs === null) return;
    const { gfp, atoms } = needs;
    let reasons = e.reasons | needs.reasons;
    let ctxNone = e.ctxNone | needs.ctxNone;
    // Locks of ours that are dropped around the sleep do not count; others are our caller's.
    let held = s.tokens;
    let dropped: readonly LockRef[] = s.dropped;
    e.dropped.forEach((d, i) => {
      const raw = e.droppedRaw[i];
      const value = raw > 0 ? this.locking.bareLock(this.t.value(raw, s)) : 0;
      const last = raw > 0 ? this.t.lastName(raw) || d.last : d.last;
      const k = findToken(held, {
        key: value,
        raw: raw > 0 ? this.locking.bareLock(raw) : 0,
        last,
        adds: d.adds,
        kind: d.kind,
      });
      const entered = k >= 0 && held[k].entry;
      if (k >= 0) held = held.filter((_, n) => n !== k);
      // A lock that we only know to be held is our caller's: it is dropped for the caller too.
      if (k < 0 || entered)
        dropped = [...dropped, { ...d, term: value > 0 ? this.t.toShared(value) : -1, last }];
    });
    let context = 0;
    for (const t of held) context |= t.adds;
    if ((context & ctxNone) !== 0) return;
    const { absent } = this.doubts.ofPath(s);
    if (absent !== 0) reasons |= R["context-test"];
    ctxNone |= absent;
    const here: SleepHere = { at, end, sleep: e, reasons, gfp, atoms, ctxNone, dropped };
    if ((context & ATOMIC) !== 0) this.report(here, held);
    else this.bareAt.add(at);
    if (this.exportsSleeps) this.exportEntry(here, s);
  }

  /** What must hold on this path for a sleep to happen, in terms of our parameters; null: it does not happen. */
  private needsOf(e: Sleep, s: PathState, at: number): Needs | null {
    const { bits } = s;
    const gfp: number[] = [];
    const atoms: Atom[] = [];
    let reasons = 0;
    let ctxNone = 0;
    for (const raw of e.gfp) {
      const g = this.cond.gfp(raw === 0 ? 0 : this.t.value(raw, s), s, bits);
      if (g.kind === "not") return null;
      if (g.kind === "parameter") gfp.push(...g.terms!);
      else if (g.kind === "unknown") reasons |= R["gfp-undecided"];
      else if (g.kind === "mixed") reasons |= R["gfp-mixed"];
      if (g.ctxNone) {
        ctxNone |= g.ctxNone;
        reasons |= R["context-test"];
      }
    }
    for (const a of e.atoms) {
      const v = a.term === 0 ? 0 : this.t.value(a.term, s);
      const need = this.cond.require(v, a.truth, s, bits);
      if (need === null) return null;
      for (const n of need.atoms) {
        atoms.push(n);
        // A caller may know that an object is in another state; it does not decide that it is in this one.
        if (!a.state && this.world.shared.readsState(n.term))
          reasons |= this.doubts.flagLike(n.term) ? R["flag-undecided"] : this.doubts.stateDoubt(a);
      }
      gfp.push(...need.gfp);
      if (need.undecided) {
        this.result.undecided++;
        this.frame.observer?.undecided(at, a.term);
        // What a caller passes and nobody can see decides: a doubt about the context, or like one about an object's state.
        if (a.state) continue;
        if (a.term !== 0 && CONTEXT_FLAG.test(this.t.lastName(a.term))) reasons |= R["flag-undecided"];
        else reasons |= this.doubts.stateDoubt(a);
      }
    }
    return { gfp, atoms, reasons, ctxNone };
  }

  /**
   * Whether no entry that a callee's way of sleeping makes on this path, where no lock is held, can be better than one that
   * is there: its conditions can only come on top of what is counted here.
   */
  cannotBeat(old: SleepEntry, e: SleepEntry, reasons: number, s: PathState, at: number): boolean {
    if (this.frame.observer) return false;
    const here = this.doubts.ofPath(s);
    const tested = here.absent !== 0 ? R["context-test"] : 0;
    const rank = rankOf(old.reasons) - rankOf(e.reasons | reasons | here.reasons | tested);
    if (rank !== 0) return rank > 0;
    const dropped = old.dropped.length - Math.min(s.dropped.length, MOST_DROPPED);
    if (dropped !== 0) return dropped < 0;
    const least =
      here.atoms.length +
      dedupe(here.gfp).length * 2 +
      old.dropped.length * 2 +
      ((e.ctxNone | here.absent) !== 0 ? 1 : 0);
    const conditions = conditionsOf(old) - least;
    if (conditions !== 0) return conditions < 0;
    const length = old.length - (e.length + 1);
    return length !== 0 ? length < 0 : old.at <= at;
  }

  private entry({ at, end, sleep: e, reasons, gfp, atoms, ctxNone, dropped }: SleepHere): SleepEntry {
    return {
      sink: e.sink,
      fn: this.fn,
      at,
      end,
      written: e.written,
      via: e.via,
      next: e.next,
      gfp: orNone(gfp),
      atoms: orNone(atoms),
      ctxNone,
      dropped: orNone(dropped),
      reasons,
      note: e.note,
      length: e.length,
      saved: -1,
    };
  }

  private report(here: SleepHere, held: readonly Token[]): void {
    const { at, end, sleep: e, gfp, atoms } = here;
    if (e.sink.viaParam >= 0) return;
    // The context is the outermost one that we entered ourselves, else an asserted one.
    const own = held.filter((t) => (t.adds & ATOMIC) !== 0);
    const token = own.find((t) => !t.entry) ?? own[0];
    const key = `${at}|${e.sink.allocation && e.gfp.length > 0 ? "gfp" : "any"}|${token.id}|${e.next ? e.next.fn : e.sink.name}`;
    let f = this.raw.get(key);
    if (!f) {
      f = {
        at,
        end,
        callee: e.next ? this.world.program.fnText(e.next.fn) : e.sink.name,
        written: e.written,
        context: heldContext(token),
        entries: [],
        more: 0,
        maybeHeld: false,
      };
      this.raw.set(key, f);
      this.rawEntries.set(f, new Map());
    }
    // What depends on our own parameters is decided by our callers: unknown here.
    const undecidedGfp = gfp.length > 0 ? R["gfp-undecided"] : 0;
    let reasons = here.reasons | token.reasons | undecidedGfp;
    for (const a of atoms) {
      if (this.world.shared.readsState(a.term)) continue;
      reasons |= this.doubts.flagLike(a.term) ? R["flag-undecided"] : R["state-guarded"];
    }
    keep(this.rawEntries.get(f)!, this.entry({ ...here, reasons }));
  }

  private exportEntry(here: SleepHere, s: PathState): void {
    const { gfp, atoms, dropped } = here;
    const path = this.doubts.ofPath(s);
    const entry = this.entry({
      ...here,
      reasons: here.reasons | path.reasons,
      gfp: dedupe(path.gfp.length > 0 ? [...gfp, ...path.gfp] : gfp),
      atoms:
        path.atoms.length === 0
          ? atoms
          : [...atoms, ...path.atoms.filter((a) => !atoms.some((b) => b.term === a.term))],
      dropped: dropped.length > MOST_DROPPED ? dropped.slice(0, MOST_DROPPED) : dropped,
    });
    this.frame.observer?.sleep(entry);
    keep(this.entries, entry);
  }
}
