/**
 * Follows one round of a list walk: where the lock that was held when it began is given up, what becomes of the variables
 * that hold elements meanwhile, and whether the step to the next element rests on one that nothing kept alive.
 */
import { E } from "../../facts/expr.js";
import { I } from "../../facts/flow.js";
import {
  type Dropped,
  excludes,
  type HeldLock,
  keyOf,
  type LockId,
  type LockState,
  sameLock,
} from "../held/held.js";
import type { LockEvents, LockFlow } from "../held/lockFlow.js";
import { callsByNumber, derivation, rootVar, type Walk } from "./walks.js";

export interface Stale {
  walk: Walk;
  lock: LockId;
  /** How it was held when the round began; absent when the caller holds it. */
  held: HeldLock | null;
  drop: Dropped;
  take: Dropped;
  /** The variable that the walk goes on from. */
  cursor: number;
  stepAt: number;
  stepText: string;
  /** Held without a break through the round. */
  kept: readonly HeldLock[];
  rechecked: boolean;
  marked: boolean;
  maybe: boolean;
}

interface Var {
  /** The drop that it did not survive, from 1; 0: good. */
  drop: number;
  /** References and locks that are held on it. */
  kept: number;
  marked: boolean;
  unlinked: boolean;
}

interface Drop {
  lock: LockId;
  held: HeldLock | null;
  drop: Dropped;
  take: Dropped | null;
  maybe: boolean;
}

interface Round {
  lock: LockState;
  vars: ReadonlyMap<number, Var>;
  /** Other names of the same element. */
  alias: ReadonlyMap<number, number>;
  /** Objects that were reached through an element: a reference on one is taken to keep it. */
  parts: ReadonlyMap<number, number>;
  /** Variables that hold what a call said that gave the lock up. */
  tells: ReadonlySet<number>;
  drops: readonly Drop[];
  rechecked: boolean;
}

const FRESH: Var = { drop: 0, kept: 0, marked: false, unlinked: false };
const MOST_STATES = 24;
const FUEL = 6000;

/** Takes a reference or a lock on what it is given: by custom, for a name is all that there is to go by. */
export const GET =
  /(?:^|_)(?:get|hold|ref|addref|reference|inc|pin|tryget|igrab|iget|acquire|use|busy|dup|lock|trylock|claim|retain|users?|active)(?:_|\d|$)|grab|_hold$|hold_|kref_get|refcount_(?:inc|add)|atomic\w*_(?:inc|add)/i;
export const NOT_GET =
  /(?:^|_)(?:unlock|put|unref|release|dec|free|unhold|drop|unpin|get_drvdata|get_name|get_count|get_state|get_info)(?:_|$)|drvdata|^rcu_|^list_|^hlist_/i;
const PUT =
  /(?:^|_)(?:put|unref|unhold|release|drop|unpin|iput|dec|dec_and_test|unlock)(?:_|\d|$)|(?:dev|sock)_put|kref_put/i;
/** Puts that are given a part of the object. */
const PUT_PART = /kref_put|refcount_|atomic|unlock|percpu_ref/;
const UNLINK =
  /^(?:__)?(?:list|hlist|llist|hlist_nulls|hlist_bl|plist|sk)_(?:\w*_)?(?:del|move|unhash|replace|remove)|_del(?:_init)?$|unlink/;
const MARK = /^(?:__)?(?:test_and_)?set_bit|^(?:__)?(?:test_and_)?clear_bit|_set_\w*(?:state|flag)|_mark_/;
const TELLING =
  /empty|dead|alive|valid|gone|changed|gen|seq|exist|unhashed|linked|removed|same|match|still|stop/i;

export interface CalleeQuestions {
  /** Whether a callee that gives a lock up takes a reference on this argument first. */
  keepsArgument(name: string, from: LockFlow, index: number): boolean;
}

export function trackWalk(f: LockFlow, walk: Walk, world: CalleeQuestions): Stale[] {
  return new Tracker(f, walk, world).run();
}

class Tracker {
  private readonly calls: Map<number, number>;
  private readonly out = new Map<string, Stale>();
  private readonly seen = new Map<number, Map<string, Round>>();
  private readonly goesOn: Set<number>;
  private readonly setInside: Set<number>;
  private start: LockState = { held: [], dropped: [], facts: new Map() };

  constructor(
    private readonly f: LockFlow,
    private readonly walk: Walk,
    private readonly world: CalleeQuestions,
  ) {
    this.calls = callsByNumber(f);
    this.goesOn = this.reachesStep();
    this.setInside = this.assignedInside();
  }

  run(): Stale[] {
    const { walk, f } = this;
    for (const lock of f.statesAt(walk.inside).length > 0 ? f.statesAt(walk.inside) : f.statesAt(walk.from)) {
      this.start = lock;
      this.seen.clear();
      const vars = new Map<number, Var>([[walk.pos, FRESH]]);
      if (walk.next > 0) vars.set(walk.next, FRESH);
      this.round({
        lock,
        vars,
        alias: new Map(),
        parts: new Map(),
        tells: new Set(),
        drops: [],
        rechecked: false,
      });
    }
    return [...this.out.values()];
  }

  /** Variables that the loop sets. */
  private assignedInside(): Set<number> {
    const { flow, t } = this.f;
    const out = new Set<number>([this.walk.pos, this.walk.next]);
    for (let pc = this.walk.from; pc < this.walk.to && pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (flow.code[q] === I.Assign && t.pool.kind(flow.code[q + 1]) === E.Var) out.add(flow.code[q + 1]);
    }
    return out;
  }

  /** Whether a term is made of the result of a call in the loop. */
  private callsInside(term: number): boolean {
    for (const [number, q] of this.calls) {
      const pc = q - this.f.flow.base;
      if (pc >= this.walk.from && pc < this.walk.to && this.f.t.mentionsCall(term, number)) return true;
    }
    return false;
  }

  // ---- control flow ---------------------------------------------------------------------------------------------

  /** Places outside the loop that only carry a goto on are passed; -1 when the loop is left. */
  private landing(pc: number): number {
    const { flow } = this.f;
    const c = flow.code;
    for (let n = 0; n < 20; n++) {
      if (pc >= this.walk.from && pc < this.walk.to) return pc;
      if (pc >= flow.length) return -1;
      const q = flow.base + pc;
      if (c[q] === I.Jump) pc = c[q + 1];
      else if (c[q] === I.GuardExit) pc += 2;
      else return -1;
    }
    return -1;
  }

  private targets(pc: number): number[] {
    const { flow } = this.f;
    const q = flow.base + pc;
    const c = flow.code;
    switch (c[q]) {
      case I.Jump:
        return [c[q + 1]];
      case I.Branch:
        return [c[q + 2], c[q + 3]];
      case I.Switch:
        return Array.from({ length: c[q + 2] }, (_, i) => c[q + 4 + 2 * i]);
      case I.Return:
        return [];
      default:
        return [pc + flow.size(pc)];
    }
  }

  /** Places of the loop from which the step to the next element can be reached without a new start. */
  private reachesStep(): Set<number> {
    const { walk } = this;
    const { flow } = this.f;
    const before = new Map<number, number[]>();
    const good = new Set<number>();
    const queue: number[] = [];
    const stepPcs = new Set(walk.steps.map((s) => s.pc));
    for (let pc = walk.from; pc < walk.to && pc < flow.length; pc += flow.size(pc)) {
      if (stepPcs.has(pc)) {
        good.add(pc);
        queue.push(pc);
      }
      for (const t of this.targets(pc)) {
        const to = this.landing(t);
        if (to < 0) continue;
        if (walk.macro && to === walk.from) {
          good.add(pc);
          queue.push(pc);
          continue;
        }
        const list = before.get(to);
        if (list) list.push(pc);
        else before.set(to, [pc]);
      }
    }
    while (queue.length > 0) {
      for (const b of before.get(queue.pop()!) ?? []) {
        if (good.has(b)) continue;
        good.add(b);
        queue.push(b);
      }
    }
    return good;
  }

  private round(first: Round): void {
    const { walk, f } = this;
    const queue: { pc: number; s: Round }[] = [{ pc: walk.inside, s: first }];
    let fuel = FUEL;
    let begun = false;
    while (queue.length > 0 && fuel-- > 0) {
      const { pc, s } = queue.pop()!;
      if (begun && pc === walk.from) {
        if (walk.macro) this.check(walk.next > 0 ? walk.next : walk.pos, s, walk.at, walk.name);
        continue;
      }
      begun = true;
      let here = this.seen.get(pc);
      if (!here) {
        here = new Map();
        this.seen.set(pc, here);
      }
      const key = this.keyOf(s);
      if (here.has(key) || here.size >= MOST_STATES) continue;
      here.set(key, s);
      const step = walk.steps.find((x) => x.pc === pc);
      if (step) this.check(step.from, s, step.at, step.text);
      let drops: Drop[] = [...s.drops];
      let vars = s.vars;
      this.keptByCallee = this.keptAt(pc, s);
      const events = this.events(drops, (v) => {
        vars = v(vars);
      });
      const before = { ...s };
      const next = f.step(pc, s.lock, events);
      drops =
        drops.length === s.drops.length && drops.every((d, i) => d === s.drops[i])
          ? (s.drops as Drop[])
          : drops;
      const after = this.effects(pc, { ...before, drops, vars });
      for (const n of next) {
        const to = this.landing(n.pc);
        if (to < 0) continue;
        let way = n.retaken ? this.retake(after, n.retaken, s.lock) : after;
        way = this.lastElement(pc, n.pc, way);
        queue.push({
          pc: to,
          s: { ...way, lock: n.state, rechecked: way.rechecked || this.rechecks(pc, n.pc, way) },
        });
      }
    }
  }

  /** After `list_is_last(pos)` the next one is the head, which stays; a null pointer is no element at all. */
  private lastElement(pc: number, to: number, s: Round): Round {
    const { flow, t } = this.f;
    const q = flow.base + pc;
    if (flow.code[q] !== I.Branch || this.walk.next <= 0) return s;
    const cond = flow.code[q + 1];
    if (cond === this.walk.next && flow.code[q + 3] === to) return this.set(s, this.walk.next, { kept: 1 });
    if (flow.code[q + 2] !== to) return s;
    if (cond <= 0 || t.pool.kind(cond) !== E.Call) return s;
    const call = this.calls.get(t.pool.a(cond));
    if (call === undefined || this.f.calledName(call) !== "list_is_last") return s;
    return this.set(s, this.walk.next, { kept: 1 });
  }

  private keptByCallee: ReadonlySet<number> = new Set();

  /** Elements that the callee at a place takes references on before it gives the lock up. */
  private keptAt(pc: number, s: Round): ReadonlySet<number> {
    const { f } = this;
    const q = f.flow.base + pc;
    const out = new Set<number>();
    if (f.flow.code[q] !== I.Call || f.primitiveAt(q)) return out;
    const name = f.calledName(q);
    f.argsOf(q).forEach((arg, i) => {
      const v = arg > 0 ? this.tracked(s, arg) : 0;
      if (v > 0 && this.world.keepsArgument(name, f, i)) out.add(v);
    });
    return out;
  }

  private keyOf(s: Round): string {
    let key = keyOf(s.lock);
    for (const [v, i] of s.vars)
      key += `;${v}:${i.drop}k${i.kept}${i.marked ? "m" : ""}${i.unlinked ? "u" : ""}`;
    for (const [a, b] of s.alias) key += `;${a}=${b}`;
    for (const [a, b] of s.parts) key += `;${a}<${b}`;
    for (const t of s.tells) key += `;${t}?`;
    for (const d of s.drops) key += `;${d.drop.at}-${d.take?.at ?? ""}`;
    return `${key}${s.rechecked}`;
  }

  /** A condition on something that others change, one side of which does not go on to the next element. */
  private rechecks(pc: number, to: number, s: Round): boolean {
    const { flow, t } = this.f;
    const q = flow.base + pc;
    if (flow.code[q] !== I.Branch || !s.drops.some((d) => d.take)) return false;
    const [yes, no] = [flow.code[q + 2], flow.code[q + 3]].map((x) => this.landing(x));
    const onYes = yes >= 0 && this.goesOn.has(yes);
    const onNo = no >= 0 && this.goesOn.has(no);
    if (onYes === onNo || this.landing(to) !== (onYes ? yes : no)) return false;
    const p = t.pool;
    const shared = (e: number, depth: number): boolean => {
      if (e <= 0 || depth > 8) return false;
      switch (p.kind(e)) {
        case E.Field:
        case E.Deref:
        case E.Index:
          return true;
        case E.Pure:
          return p.b(e) >= 0 && (TELLING.test(t.text(p.a(e))) || shared(p.b(e), depth + 1));
        case E.Var:
          // What the callee said about it counts where the other way begins anew; an error that ends it all does not.
          if (s.tells.has(e)) return this.beginsAnew(onYes ? flow.code[q + 3] : flow.code[q + 2]);
          return (
            !t.isLocal(p.a(e)) && !t.isParam(e) && t.program.globalVar(t.global(p.a(e)), this.f.file) !== null
          );
        case E.Unary:
          return shared(p.a(e), depth + 1);
        case E.Binary:
          return shared(p.a(e), depth + 1) || shared(p.b(e), depth + 1);
        case E.Call: {
          // What gave the lock up says so, or the call asks about the state.
          const call = this.calls.get(p.a(e));
          if (call === undefined) return false;
          return (
            s.drops.some((d) => d.drop.at === flow.code[call + 4]) || TELLING.test(this.f.calledName(call))
          );
        }
        default:
          return false;
      }
    };
    return shared(flow.code[q + 1], 0);
  }

  /** Whether a way out of the loop comes back to its beginning: `goto restart`. */
  private beginsAnew(pc: number): boolean {
    const { flow } = this.f;
    const seen = new Set<number>();
    const queue = [pc];
    while (queue.length > 0 && seen.size < 200) {
      const at = queue.pop()!;
      if (seen.has(at) || at >= flow.length) continue;
      if (at === this.walk.from || at === this.walk.inside) return true;
      seen.add(at);
      queue.push(...this.targets(at));
    }
    return false;
  }

  // ---- locks ----------------------------------------------------------------------------------------------------

  /** Whether a lock was held when the round began, and how. */
  private atStart(
    lock: LockId,
    drops: readonly Drop[],
    state: LockState,
    byCallee: boolean,
  ): { held: HeldLock | null } | null {
    if (!excludes(lock) || lock.family === "srcu") return null;
    // A lock in the element is not what keeps the list.
    const root = lock.term > 0 ? rootVar(this.f, lock.term) : 0;
    if (lock.term > 0 && (root === 0 ? this.callsInside(lock.term) : this.setInside.has(root))) return null;
    const again = drops.find((d) => d.take && sameLock(d.lock, lock));
    if (again) return { held: again.held };
    const now = state.held.find((h) => sameLock(h, lock));
    const began = this.start.held.find((h) => sameLock(h, lock));
    if (began && now && began.at === now.at) return { held: began };
    // A callee that only releases may release what was taken where it could not be seen.
    if (!now && !began && !byCallee) return { held: null };
    return null;
  }

  private retake(
    s: Round,
    { lock, drop, retake }: { lock: LockId; drop: Dropped; retake: Dropped },
    state: LockState,
  ): Round {
    const drops = [...s.drops];
    let { vars } = s;
    this.events(drops, (f) => {
      vars = f(vars);
    }).retaken?.(lock, drop, retake, state, false);
    return { ...s, drops, vars };
  }

  private events(
    drops: Drop[],
    change: (f: (v: ReadonlyMap<number, Var>) => ReadonlyMap<number, Var>) => void,
  ): LockEvents {
    const give = (
      lock: LockId,
      drop: Dropped,
      take: Dropped | null,
      state: LockState,
      maybe: boolean,
    ): void => {
      const found = this.atStart(lock, drops, state, take === null && drop.through.length > 0);
      if (!found || drops.length >= 4) return;
      drops.push({ lock, held: found.held, drop, take, maybe });
      const number = drops.length;
      change((vars) => {
        const out = new Map(vars);
        for (const [v, info] of vars)
          if (!this.keptByCallee.has(v) && info.drop === 0 && info.kept === 0 && !info.unlinked)
            out.set(v, { ...info, drop: number });
        return out;
      });
    };
    return {
      released: (lock, at, end, through, state) => give(lock, { lock, at, end, through }, null, state, false),
      acquired: (lock) => {
        for (let i = 0; i < drops.length; i++)
          if (!drops[i].take && sameLock(drops[i].lock, lock))
            drops[i] = { ...drops[i], take: { lock, at: lock.at, end: lock.end, through: lock.through } };
      },
      retaken: (lock, drop, take, state, maybe) => give(lock, drop, take, state, maybe),
    };
  }

  // ---- elements -------------------------------------------------------------------------------------------------

  private repOf(s: Round, v: number): number {
    return s.alias.get(v) ?? v;
  }

  private tracked(s: Round, e: number): number {
    const root = rootVar(this.f, e);
    if (root === 0) return 0;
    const rep = this.repOf(s, root);
    return s.vars.has(rep) ? rep : 0;
  }

  private effects(pc: number, s: Round): Round {
    const { flow } = this.f;
    const q = flow.base + pc;
    const c = flow.code;
    if (c[q] === I.Assign) return this.assign(c[q + 1], c[q + 2], s);
    if (c[q] === I.Call) return this.called(q, s);
    return s;
  }

  private set(s: Round, v: number, change: Partial<Var>): Round {
    const vars = new Map(s.vars);
    vars.set(v, { ...(vars.get(v) ?? FRESH), ...change });
    return { ...s, vars };
  }

  private assign(target: number, value: number, s: Round): Round {
    const p = this.f.t.pool;
    if (p.kind(target) !== E.Var) {
      // A count or a mark in the element, made while the lock is held.
      const v = p.kind(target) === E.Field ? this.tracked(s, target) : 0;
      if (v === 0 || s.vars.get(v)!.drop !== 0) return s;
      const counts = p.kind(value) === E.Unknown || (p.kind(value) === E.Binary && p.a(value) === target);
      return this.set(s, v, counts ? { kept: s.vars.get(v)!.kept + 1 } : { marked: true });
    }
    const alias = new Map(s.alias);
    alias.delete(target);
    const d = derivation(this.f, value, this.calls);
    const from = d ? this.repOf(s, d.from) : 0;
    const known = d ? s.vars.get(from) : undefined;
    const vars = new Map(s.vars);
    const parts = new Map(s.parts);
    parts.delete(target);
    const tells = this.tellsAfter(target, value, s);
    s = { ...s, tells };
    if (d && known && !d.step && target !== this.walk.pos && target !== this.walk.next) {
      if (target !== from) alias.set(target, from);
      return { ...s, alias, parts };
    }
    if (!d) {
      const whole = this.wholeOf(value, s);
      if (whole > 0 && target !== this.walk.pos && target !== this.walk.next) parts.set(target, whole);
    }
    if (d && known) {
      // Reached through a stale element it is as stale; else it is good now.
      const stale = known.drop !== 0 && known.kept === 0 && !known.unlinked;
      vars.set(target, d.step ? { ...FRESH, drop: stale ? known.drop : 0 } : known);
    } else if (vars.has(target)) vars.set(target, FRESH);
    return { ...s, vars, alias, parts };
  }

  private tellsAfter(target: number, value: number, s: Round): ReadonlySet<number> {
    const p = this.f.t.pool;
    const q = p.kind(value) === E.Call ? this.calls.get(p.a(value)) : undefined;
    const tells = q !== undefined && s.drops.some((d) => d.drop.at === this.f.flow.code[q + 4]);
    if (tells === s.tells.has(target)) return s.tells;
    const out = new Set(s.tells);
    if (tells) out.add(target);
    else out.delete(target);
    return out;
  }

  /** The element that a value was reached through: `e->inode`, `inode_of(e)`. */
  private wholeOf(value: number, s: Round): number {
    const p = this.f.t.pool;
    const k = p.kind(value);
    if (k === E.Field || k === E.Addr || k === E.Index) return this.tracked(s, value);
    if (k !== E.Call) return 0;
    const q = this.calls.get(p.a(value));
    const args = q === undefined ? [] : this.f.argsOf(q);
    return args.length === 1 && args[0] > 0 ? this.tracked(s, args[0]) : 0;
  }

  private called(q: number, s: Round): Round {
    const { f } = this;
    const name = f.calledName(q);
    const args = f.argsOf(q);
    const p = f.t.pool;
    let out = s;
    if (name === "list_safe_reset_next" && args.length >= 2) {
      const from = this.tracked(s, args[0]);
      const info = from ? s.vars.get(from)! : FRESH;
      if (s.vars.has(args[1]))
        out = this.set(out, args[1], { ...FRESH, drop: info.drop !== 0 && info.kept === 0 ? info.drop : 0 });
      // Whoever writes this knows that the lock was given up.
      return { ...out, rechecked: true };
    }
    args.forEach((arg, i) => {
      if (arg <= 0) return;
      // The callee sets the variable.
      if (p.kind(arg) === E.Addr && p.kind(p.a(arg)) === E.Var && out.vars.has(p.a(arg))) {
        out = this.set(out, p.a(arg), FRESH);
        return;
      }
      const v = this.tracked(out, arg);
      if (v === 0) {
        const whole = out.parts.get(rootVar(f, arg)) ?? 0;
        const w = whole > 0 ? out.vars.get(whole) : undefined;
        if (w && w.drop === 0 && GET.test(name) && !NOT_GET.test(name))
          out = this.set(out, whole, { kept: w.kept + 1 });
        return;
      }
      const info = out.vars.get(v)!;
      const open = out.drops.findIndex((d) => !d.take);
      if (UNLINK.test(name)) {
        if (i === 0 && info.drop === 0) out = this.set(out, v, { unlinked: true });
      } else if (MARK.test(name)) {
        if (info.drop === 0) out = this.set(out, v, { marked: true });
      } else if (PUT.test(name)) {
        if (info.kept > 0 && (p.kind(arg) === E.Var || PUT_PART.test(name)))
          out = this.set(out, v, {
            kept: info.kept - 1,
            ...(info.kept === 1 && open >= 0 ? { drop: open + 1 } : {}),
          });
      } else if (GET.test(name) && !NOT_GET.test(name)) {
        if (info.drop === 0) out = this.set(out, v, { kept: info.kept + 1 });
      }
    });
    return out;
  }

  private check(cursor: number, s: Round, stepAt: number, stepText: string): void {
    const v = s.vars.get(this.repOf(s, cursor));
    if (!v || v.drop === 0 || v.kept > 0 || v.unlinked) return;
    const d = s.drops[v.drop - 1];
    if (!d?.take) return;
    const key = `${d.drop.at}:${d.lock.cls}:${d.lock.last}`;
    const old = this.out.get(key);
    const kept = s.lock.held.filter(
      (h) =>
        excludes(h) &&
        this.start.held.some((b) => b.at === h.at && sameLock(b, h)) &&
        !s.drops.some((x) => sameLock(x.lock, h)),
    );
    const pos = s.vars.get(this.walk.pos);
    const found: Stale = {
      walk: this.walk,
      lock: d.lock,
      held: d.held,
      drop: d.drop,
      take: d.take,
      cursor,
      stepAt,
      stepText,
      kept,
      rechecked: s.rechecked,
      marked: v.marked || (pos?.marked ?? false),
      maybe: d.maybe,
    };
    // The way that speaks most for a bug.
    if (!old || doubts(found) < doubts(old)) this.out.set(key, found);
  }
}

const doubts = (s: Stale): number => Number(s.rechecked) * 2 + Number(s.marked) + s.kept.length;
