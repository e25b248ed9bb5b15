/**
 * Runs one function's flow program over abstract path states and collects what it does to locks, where it may sleep under
 * a context that it entered itself (raw findings), and how it may sleep for its callers (summary entries).
 *
 * Paths that hold the same locks are joined where they meet; paths that hold different ones are followed separately up to
 * a cap. A loop is run until nothing new comes out of it.
 */
import { E, Op } from "../../facts/expr.js";
import { type Flow, I } from "../../facts/flow.js";
import type { Conditions } from "../conditions.js";
import type { Exit } from "../effects.js";
import type { Observer } from "../observer.js";
import { PathState } from "../state.js";
import { NONZERO, type Terms, ZERO } from "../terms.js";
import type { World } from "../world.js";
import { CalleeSleeps } from "./calleeSleeps.js";
import { Calling } from "./calling.js";
import { finish } from "./finish.js";
import { type FnResult, Frame } from "./frame.js";
import { Joining } from "./joining.js";
import { Locking } from "./locking.js";
import { FlowShape } from "./shape.js";
import { Sleeping } from "./sleeping.js";
import { TableSleeps } from "./tableSleeps.js";

/** Most paths that are kept apart at one place. */
const MOST_STATES = 16;
/** Most times that paths which hold the same locks are joined at one place: beyond it, knowledge is thrown away to end. */
const MOST_JOINS = 60;

export class Interpreter {
  private readonly frame: Frame;
  readonly t: Terms;
  private readonly cond: Conditions;
  private readonly result: FnResult;
  private readonly shape: FlowShape;
  private readonly locking: Locking;
  private readonly sleeping: Sleeping;
  private readonly tableSleeps: TableSleeps;
  private readonly calling: Calling;
  private readonly joining: Joining;
  private readonly states = new Map<number, PathState[]>();
  private readonly queue: number[] = [];
  private readonly queued = new Set<number>();
  private readonly exits: Exit[] = [];

  constructor(
    readonly world: World,
    fn: number,
    private readonly flow: Flow,
    exportsSleeps: boolean,
    withoutSleeps = false,
  ) {
    const frame = new Frame(world, fn, flow, exportsSleeps, withoutSleeps);
    this.frame = frame;
    this.t = frame.t;
    this.cond = frame.cond;
    this.result = frame.result;
    this.shape = new FlowShape(flow, frame.t, exportsSleeps);
    this.joining = new Joining(frame, (value, holder, state) => this.forgetValue(value, holder, state));
    this.locking = new Locking(frame);
    this.sleeping = new Sleeping(frame, this.shape, this.locking);
    this.tableSleeps = new TableSleeps(frame, this.locking, this.sleeping);
    this.calling = new Calling(
      frame,
      this.shape,
      this.locking,
      this.sleeping,
      this.tableSleeps,
      new CalleeSleeps(frame, this.sleeping),
    );
  }

  /** Sets who is told what happens on the way; before `run`. */
  set observer(observer: Observer | null) {
    this.frame.observer = observer;
  }

  run(): FnResult {
    const entry = PathState.entry();
    this.locking.entryAnnotations(entry);
    this.arrive(0, entry);
    while (this.queue.length > 0) {
      // Lowest place first: the order of the text is nearly topological, and it makes the run deterministic.
      let best = 0;
      for (let i = 1; i < this.queue.length; i++) if (this.queue[i] < this.queue[best]) best = i;
      const pc = this.queue[best];
      this.queue[best] = this.queue[this.queue.length - 1];
      this.queue.pop();
      this.queued.delete(pc);
      const here = this.states.get(pc)!;
      for (const s of here.slice()) {
        // What has not changed since it was run from here has nothing new to say.
        if (s.ran === s.version) continue;
        s.ran = s.version;
        this.runFrom(pc, s.clone());
      }
    }
    return finish(this.frame, this.sleeping, this.exits);
  }

  private arrive(pc: number, s: PathState): void {
    let here = this.states.get(pc);
    if (!here) {
      here = [];
      this.states.set(pc, here);
    }
    const key = s.lockKey;
    const same = withKey(here, key);
    if (same) {
      if (++same.joins > MOST_JOINS) {
        if (!same.forgetAll()) return;
      } else {
        const changed = same.joinKnowledge(s, this.joining.at(pc, same, s));
        if (!changed) return;
      }
      same.version++;
    } else {
      if (here.length >= MOST_STATES) {
        this.result.capped++;
        return;
      }
      here.push(s);
    }
    if (!this.queued.has(pc)) {
      this.queued.add(pc);
      this.queue.push(pc);
    }
  }

  /** Goes on at a place: at once where nothing else can arrive there, else by way of the join. */
  private go(pc: number, s: PathState, work: { pc: number; s: PathState }[]): void {
    if (this.shape.isJoin(pc)) this.arrive(pc, s);
    else work.push({ pc, s });
  }

  /** Runs a state from a place to the next joins. */
  private runFrom(start: number, first: PathState): void {
    const work: { pc: number; s: PathState }[] = [{ pc: start, s: first }];
    const { flow } = this;
    const c = flow.code;
    let fuel = 2000;
    while (work.length > 0) {
      let { pc, s } = work.pop()!;
      for (;;) {
        if (pc >= flow.length || fuel-- <= 0) break;
        const q = flow.base + pc;
        const op = c[q];
        this.frame.observer?.step(pc, s);
        if (op === I.Jump) {
          this.go(c[q + 1], s, work);
          break;
        }
        if (op === I.Branch) {
          this.branch(pc, c[q + 1], c[q + 2], c[q + 3], s, work);
          break;
        }
        if (op === I.Switch) {
          this.switch(q, s, work);
          break;
        }
        if (op === I.Return) {
          this.exits.push({ state: s, value: c[q + 1] < 0 ? -1 : this.t.value(c[q + 1], s) });
          break;
        }
        if (op === I.Call) {
          const out = this.calling.call(q, s);
          pc += 7 + c[q + 6];
          if (out.length === 0) break;
          for (let i = 1; i < out.length; i++) work.push({ pc, s: out[i] });
          s = out[0];
          continue;
        }
        if (op === I.Assign) this.assign(pc, c[q + 1], c[q + 2], s);
        else if (op === I.GuardEnter) this.tableSleeps.guardEnter(q, s);
        else if (op === I.GuardExit) this.locking.guardExit(c[q + 1], s);
        pc += flow.size(pc);
      }
    }
  }

  private branch(
    pc: number,
    cond: number,
    yes: number,
    no: number,
    s: PathState,
    work: { pc: number; s: PathState }[],
  ): void {
    const v = cond === 0 ? 0 : this.t.value(cond, s);
    if (this.shape.loopBranches.has(pc)) this.frame.loopConditions.add(v);
    const truth = this.cond.truth(v, s, s.bits);
    if (truth !== ZERO) {
      const a = truth === NONZERO ? s : s.clone();
      if (this.shape.worthKnowing(cond)) this.cond.assume(v, true, a);
      this.go(yes, a, work);
    }
    if (truth !== NONZERO) {
      if (this.shape.worthKnowing(cond)) this.cond.assume(v, false, s);
      this.go(no, s, work);
    }
  }

  private switch(q: number, s: PathState, work: { pc: number; s: PathState }[]): void {
    const c = this.flow.code;
    const p = this.t.pool;
    const v = this.t.value(c[q + 1], s);
    const n = c[q + 2];
    if (p.kind(v) === E.Int) {
      let fallback = -1;
      for (let i = 0; i < n; i++) {
        const e = c[q + 3 + 2 * i];
        if (e === -1) fallback = c[q + 4 + 2 * i];
        else {
          const ce = this.t.value(e, s);
          if (p.kind(ce) !== E.Int) fallback = -2;
          else if (p.a(ce) === p.a(v)) {
            this.go(c[q + 4 + 2 * i], s, work);
            return;
          }
        }
      }
      if (fallback >= 0) {
        this.go(fallback, s, work);
        return;
      }
    }
    // A constant by name goes to its own case and no other.
    for (let i = 0; i < n; i++) {
      const e = c[q + 3 + 2 * i];
      if (
        e >= 0 &&
        v !== 0 &&
        v === this.t.value(e, s) &&
        p.kind(v) === E.Var &&
        this.t.isConstantName(p.a(v))
      ) {
        this.go(c[q + 4 + 2 * i], s, work);
        return;
      }
    }
    for (let i = 0; i < n; i++) {
      const e = c[q + 3 + 2 * i];
      const a = s.clone();
      if (e >= 0 && v !== 0) {
        const test = p.make(E.Binary, v, this.t.value(e, s), Op.Eq);
        const truth = this.cond.truth(test, s, s.bits);
        if (truth === ZERO) continue;
        this.cond.assume(test, true, a);
      }
      this.go(c[q + 4 + 2 * i], a, work);
    }
  }

  /** The value that an assignment gives when it runs this time; what was known of the last time's is forgotten. */
  private unknownAt(pc: number, s: PathState): number {
    const e = this.t.pool.make(E.Unknown, -1 - pc);
    this.forgetValue(e, 0, s);
    return e;
  }

  /** Facts about a value, and what other places than its holder have of it, are about an earlier round. */
  private forgetValue(e: number, holder: number, s: PathState): void {
    if (s.facts.length > 0) s.forget((f) => this.t.mentions(f, e));
    s.eachStored((place, v) => {
      if (v > 0 && place !== holder && this.t.mentions(v, e)) s.setEnv(place, 0);
    });
  }

  /** `p = p->next` in a loop. */
  private walks(pc: number, place: number, v: number, s: PathState): boolean {
    const kind = this.t.pool.kind(v);
    if (kind !== E.Field && kind !== E.Deref) return false;
    const old = s.stored(place) ?? 0;
    return old > 0 && this.t.mentions(v, old) && this.shape.inLoop(pc);
  }

  private assign(pc: number, target: number, value: number, s: PathState): void {
    const place = this.t.place(target, s);
    if (place === 0) return;
    if (!this.shape.isRelevant(target) && this.t.pool.kind(target) === E.Var) return;
    let v = this.t.value(value, s);
    // A value that cannot be said still is one: what a branch proves of it holds until this place is run again.
    // So is the next element of a walk in a loop, whichever round it is.
    if (v === 0 || this.t.mentions(v, place) || this.walks(pc, place, v, s)) v = this.unknownAt(pc, s);
    // Facts about what the place held before do not speak of its new value.
    if (s.facts.length > 0) {
      if (this.t.pool.kind(value) === E.Unknown) s.forget((f) => this.t.mentions(f, value));
      s.forget((f) => this.t.mentions(f, place));
    }
    s.setEnv(place, v);
  }
}

/** The state that holds the same locks, if one has come here. */
function withKey(states: readonly PathState[], key: string): PathState | null {
  for (let i = 0; i < states.length; i++) if (states[i].lockKey === key) return states[i];
  return null;
}
