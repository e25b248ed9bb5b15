/** A sleep met at a call: whether this path allows it, the finding under our contexts, the entry for our callers. */
import { E } from "../../facts/expr.js";
import { TypeFlag } from "../../facts/outline.js";
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
import { NONZERO, NOTHING_KNOWN, type Terms } from "../terms.js";
import type { World } from "../world.js";
import { conditionsOf, dedupe, keep } from "./entries.js";
import type { FnResult, Frame } from "./frame.js";
import type { Locking } from "./locking.js";
import type { FlowShape } from "./shape.js";

/** Names of parameters and fields that say in which context something is used. */
const FLAG_NAMES = /sleep|atomic|block|wait|sync\b|can_|locked|in_irq|polled|nowait|gfp|oops/i;

/** A sleep met at a call, in terms of this function, before its conditions have been looked at. */
export interface Sleep {
  /** The callee's name as written at the call. */
  written: string;
  next: SleepEntry | null;
  via: SleepEntry["via"];
  sink: Sink;
  /** gfp and conditions as raw terms of this function. */
  gfp: number[];
  atoms: { term: number; truth: boolean; state?: boolean }[];
  ctxNone: number;
  dropped: LockRef[];
  droppedRaw: number[];
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

/** What a path has learnt that decides what goes to our callers. */
interface PathConditions {
  atoms: Atom[];
  gfp: number[];
  reasons: number;
  /** Context bits that cannot be set. */
  absent: number;
}

/** Empty lists are most of all lists, and entries are kept: they share one. */
const NONE: readonly never[] = [];
const orNone = <T>(list: readonly T[]): readonly T[] => (list.length === 0 ? NONE : list);

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

  constructor(
    private readonly frame: Frame,
    private readonly shape: FlowShape,
    private readonly locking: Locking,
  ) {
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
      gfp: [],
      atoms: [],
      ctxNone: 0,
      dropped: [],
      droppedRaw: [],
      reasons: 0,
      note: "",
      length: 1,
    };
  }

  /** A call that may sleep, on this path: looks at its conditions, reports it under our contexts, exports it. */
  sleep(s: PathState, at: number, end: number, e: Sleep): void {
    if (this.frame.withoutSleeps) return;
    let reasons = e.reasons;
    const bits = s.bits;
    const gfp: number[] = [];
    const atoms: Atom[] = [];
    let ctxNone = e.ctxNone;
    for (const raw of e.gfp) {
      const g = this.cond.gfp(raw === 0 ? 0 : this.t.value(raw, s), s, bits);
      if (g.kind === "not") return;
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
      if (need === null) return;
      for (const n of need.atoms) {
        atoms.push(n);
        // A caller may know that an object is in another state; it does not decide that it is in this one.
        if (!a.state && this.world.shared.readsState(n.term))
          reasons |= this.flagLike(n.term) ? R["flag-undecided"] : this.stateDoubt(a);
      }
      gfp.push(...need.gfp);
      if (need.undecided) {
        this.result.undecided++;
        this.frame.observer?.undecided(at, a.term);
        // What a caller passes and nobody can see decides: a doubt about the context, or like one about an object's state.
        if (a.state) continue;
        if (a.term !== 0 && CONTEXT_FLAG.test(this.t.lastName(a.term))) reasons |= R["flag-undecided"];
        else reasons |= this.stateDoubt(a);
      }
    }
    // Locks of ours that are dropped around the sleep do not count; others are our caller's.
    let held = s.tokens;
    const dropped: LockRef[] = [...s.dropped];
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
      if (k < 0 || entered) dropped.push({ ...d, term: value > 0 ? this.t.toShared(value) : -1, last });
    });
    let context = 0;
    for (const t of held) context |= t.adds;
    if ((context & ctxNone) !== 0) return;
    const { absent } = this.pathConditions(s);
    if (absent !== 0) reasons |= R["context-test"];
    ctxNone |= absent;
    const here: SleepHere = { at, end, sleep: e, reasons, gfp, atoms, ctxNone, dropped };
    if ((context & ATOMIC) !== 0) this.report(here, held);
    else this.bareAt.add(at);
    if (this.exportsSleeps) this.exportEntry(here, s);
  }

  /**
   * Whether no entry that a callee's way of sleeping makes on this path, where no lock is held, can be better than one that
   * is there: its conditions can only come on top of what is counted here.
   */
  cannotBeat(old: SleepEntry, e: SleepEntry, reasons: number, s: PathState, at: number): boolean {
    if (this.frame.observer) return false;
    const here = this.pathConditions(s);
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

  /** The doubt about a condition that nothing decides; that a pointer which is passed is NULL is the lesser chance. */
  private stateDoubt(a: { term: number; truth: boolean }): number {
    return !a.truth && this.isPointer(a.term) ? R["null-argument"] : R["state-guarded"];
  }

  /** Whether a plain variable or field is declared as a pointer. */
  private isPointer(term: number): boolean {
    if (term <= 0) return false;
    const kind = this.t.pool.kind(term);
    if (kind !== E.Var && kind !== E.Param && kind !== E.Field) return false;
    return ((this.t.typeOf(term)?.flags ?? 0) & TypeFlag.Pointer) !== 0;
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
      reasons |= this.flagLike(a.term) ? R["flag-undecided"] : R["state-guarded"];
    }
    keep(this.rawEntries.get(f)!, this.entry({ ...here, reasons }));
  }

  /** Whether a condition on parameters is about the context that the function is used in. */
  private flagLike(term: number): boolean {
    let known = this.flags.get(term);
    if (known === undefined) {
      known = this.isFlagLike(term);
      this.flags.set(term, known);
    }
    return known;
  }
  private readonly flags = new Map<number, boolean>();

  private isFlagLike(term: number): boolean {
    const p = this.world.shared.pool;
    const name = (t: number): string => {
      switch (p.kind(t)) {
        case E.Param:
          return this.t.show(this.t.pool.make(E.Param, p.a(t)));
        case E.Field:
          return this.world.program.names.text(p.b(t));
        case E.Unary:
        case E.Deref:
        case E.Addr:
          return name(p.a(t));
        case E.Binary:
          return `${name(p.a(t))} ${name(p.b(t))}`;
        case E.Var:
          return this.world.program.names.text(p.a(t));
        case E.Pure:
          return p.b(t) >= 0 ? name(p.b(t)) : "";
        default:
          return "";
      }
    };
    return FLAG_NAMES.test(name(term));
  }

  /** What a path says about parameters and contexts, for our callers: the same for every sleep on it. */
  private pathConditions(s: PathState): PathConditions {
    if (this.loopsSeen !== this.frame.loopConditions.size) {
      this.loopsSeen = this.frame.loopConditions.size;
      this.conditions.clear();
    }
    let c = this.conditions.get(s.facts);
    if (!c) {
      c = this.conditionsOfFacts(s.facts);
      c.absent = this.cond.provenAbsent(s);
      this.conditions.set(s.facts, c);
    }
    return c;
  }
  private readonly conditions = new Map<readonly number[], PathConditions>();
  private loopsSeen = 0;

  private conditionsOfFacts(facts: readonly number[]): PathConditions {
    const value: PathConditions = { atoms: [], gfp: [], reasons: 0, absent: 0 };
    const { shared } = this.world;
    for (let i = 0; i < facts.length; i += 2) {
      const term = facts[i];
      const f = facts[i + 1];
      if (value.atoms.length >= 6) break;
      const tested = this.cond.blockingFlagsOf(term, f);
      if (tested !== 0) {
        const g = this.cond.gfp(tested, NOTHING_KNOWN, 0);
        if (g.kind === "parameter") {
          value.gfp.push(...g.terms!);
          continue;
        }
      }
      const t = this.t.toShared(term);
      if (t < 0 || !shared.hasParam(t)) {
        value.reasons |= this.localDoubt(term, f);
        continue;
      }
      if (shared.readsState(t)) {
        // A flag of the object that is about sleeping decides, and cannot be seen; any other state is a condition.
        if (this.flagLike(t)) value.reasons |= R["flag-undecided"];
        else if (!this.frame.loopConditions.has(term)) value.reasons |= R["state-guarded"];
        else continue;
      }
      if (!value.atoms.some((a) => a.term === t)) value.atoms.push({ term: t, truth: f === NONZERO });
    }
    return value;
  }

  /** What a condition that our callers know nothing of makes of a sleep behind it. */
  private localDoubt(term: number, f: number): number {
    const p = this.t.pool;
    if (p.kind(term) === E.Call) {
      return this.shape.puts.get(p.a(term)) === (f === NONZERO) ? R["last-reference"] : 0;
    }
    if (this.frame.loopConditions.has(term) || !this.t.readsMemory(term)) return 0;
    return FLAG_NAMES.test(this.t.lastName(term)) ? R["flag-undecided"] : R["state-guarded"];
  }

  private exportEntry(here: SleepHere, s: PathState): void {
    const { gfp, atoms, dropped } = here;
    const path = this.pathConditions(s);
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
