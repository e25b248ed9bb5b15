/** How a callee sleeps, seen from a call of it: its summary in our terms, and what the callbacks do that are handed to it. */
import { E } from "../../facts/expr.js";
import { ATOMIC } from "../../kernel/types.js";
import type { SourceFile } from "../../program/program.js";
import { R, rankOf } from "../reasons.js";
import type { PathState } from "../state.js";
import type { SleepEntry } from "../summary.js";
import type { Terms } from "../terms.js";
import type { World } from "../world.js";
import { passes, relink } from "./entries.js";
import type { Frame } from "./frame.js";
import type { CallSite } from "./site.js";
import type { Sleep, Sleeping } from "./sleeping.js";

const NONE: readonly never[] = [];

/** Longest chain. */
const LONGEST = 16;

/** How a call gets to its callees: as a name or through a pointer, what it is called there, and the doubts about that. */
export interface Reached {
  readonly name: string;
  readonly via: SleepEntry["via"];
  readonly reasons: number;
}

export class CalleeSleeps {
  private readonly world: World;
  private readonly t: Terms;
  private readonly file: SourceFile;
  private readonly fn: number;

  constructor(
    private readonly frame: Frame,
    private readonly sleeping: Sleeping,
  ) {
    this.world = frame.world;
    this.t = frame.t;
    this.file = frame.file;
    this.fn = frame.fn;
  }

  calleeSleep(e: SleepEntry, site: CallSite, s: PathState, reached: Reached): void {
    const { number, at, end, args } = site;
    const { reasons, via, name: written } = reached;
    // A chain through ourselves only repeats a shorter one.
    if (e.length >= LONGEST || passes(e, this.fn)) return;
    if (e.sink.viaParam < 0 && s.tokens.length === 0) {
      // Known from here at least as well already: nothing to add.
      const old = this.sleeping.entries.get(e.sink.key);
      if (
        old &&
        old.length <= e.length + 1 &&
        old.gfp.length + old.atoms.length + old.dropped.length + old.ctxNone === 0 &&
        rankOf(old.reasons) >= rankOf(e.reasons | reasons)
      ) {
        this.sleeping.bareAt.add(at);
        return;
      }
      if (old && this.sleeping.bareAt.has(at) && this.sleeping.cannotBeat(old, e, reasons, s, at)) return;
    }
    if (e.sink.viaParam >= 0) {
      this.callbackSleep(e, site, s, reached);
      return;
    }
    const { shared } = this.world;
    const result = this.t.pool.make(E.Call, number);
    const raw = (term: number): number => this.t.fromShared(term, args, result);
    const sleep: Sleep = {
      written,
      next: e,
      via,
      sink: e.sink,
      gfp: e.gfp.length === 0 ? NONE : e.gfp.map(raw),
      // A condition on an object's state has been told as a doubt where it was met.
      atoms:
        e.atoms.length === 0
          ? NONE
          : e.atoms.map((a) => ({ term: raw(a.term), truth: a.truth, state: shared.readsState(a.term) })),
      ctxNone: e.ctxNone,
      dropped: e.dropped,
      droppedRaw: e.dropped.length === 0 ? NONE : e.dropped.map((d) => (d.term >= 0 ? raw(d.term) : 0)),
      reasons: e.reasons | reasons,
      note: e.note,
      length: e.length + 1,
    };
    this.sleeping.sleep(s, at, end, sleep);
  }

  /** The callee calls its parameter: what the function passed for it does. */
  private callbackSleep(e: SleepEntry, site: CallSite, s: PathState, reached: Reached): void {
    const { at, end, args } = site;
    const { reasons, via, name: written } = reached;
    const arg = args[e.sink.viaParam];
    if (arg === undefined) return;
    const p = this.t.pool;
    let v = this.t.value(arg, s);
    if (p.kind(v) === E.Addr) v = p.a(v);
    const dropped = {
      dropped: e.dropped,
      droppedRaw: e.dropped.map((d) => (d.term >= 0 ? this.t.fromShared(d.term, args, 0) : 0)),
    };
    if (p.kind(v) === E.Param) {
      this.sleeping.sleep(s, at, end, {
        ...this.sleeping.direct(e.sink.name, e.sink.why, e.sink.at, e.sink.end, {
          fn: e.sink.fn,
          viaParam: p.a(v),
        }),
        written,
        next: e,
        via,
        ctxNone: e.ctxNone,
        reasons: e.reasons | reasons,
        length: e.length + 1,
        ...dropped,
      });
      return;
    }
    if (p.kind(v) !== E.Var || this.t.isLocal(p.a(v))) return;
    const { program, tables } = this.world;
    const name = this.t.text(p.a(v));
    if (tables.neverSleeps.has(name) || tables.hardStops.has(name)) return;
    for (const f of program.resolve(this.t.global(p.a(v)), this.file)) {
      this.frame.callees.add(f);
      this.world.need(f, (s.bits & ATOMIC) !== 0, false);
      for (const inner of this.world.summaryOf(f).sleeps) {
        if (inner.sink.viaParam >= 0 || inner.gfp.length > 0) continue;
        const bottom = relink(e, inner);
        this.sleeping.sleep(s, at, end, {
          written,
          next: bottom,
          sink: bottom.sink,
          via,
          gfp: NONE,
          atoms: NONE,
          ctxNone: inner.ctxNone | e.ctxNone,
          reasons: e.reasons | inner.reasons | reasons | R["function-pointer"],
          note: inner.note,
          length: e.length + inner.length + 1,
          ...dropped,
        });
      }
    }
  }
}
