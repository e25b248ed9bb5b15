/**
 * Follows one round of a list walk: where the lock that was held when it began is given up, what becomes of the variables
 * that hold elements meanwhile, and whether the step to the next element rests on one that nothing kept alive.
 */
import { E } from "../../facts/expr.js";
import { I } from "../../facts/flow.js";
import { type Dropped, excludes, type HeldLock, keyOf, type LockId, type LockState, sameLock } from "../held/held.js";
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
  drops: readonly Drop[];
  rechecked: boolean;
}

const FRESH: Var = { drop: 0, kept: 0, marked: false, unlinked: false };
const MOST_STATES = 24;
const FUEL = 6000;

const GET = /(?:^|_)(?:get|hold|grab|ref|addref|reference|inc|pin|tryget|igrab|iget|acquire|use|busy|dup|lock|claim|retain|users?)(?:_|\d|$)|_hold$|hold_|kref_get|refcount_(?:inc|add)|atomic\w*_(?:inc|add)/i;
const NOT_GET = /(?:^|_)(?:unlock|put|unref|release|dec|free|unhold|drop|unpin|get_drvdata|get_name|get_count|get_state|get_info)(?:_|$)|drvdata|^rcu_|^list_|^hlist_/i;
const PUT = /(?:^|_)(?:put|unref|unhold|release|drop|unpin|iput|free|destroy|dec_and_test|unlock)(?:_|\d|$)|(?:dev|sock)_put|kref_put/i;
const UNLINK = /^(?:__)?(?:list|hlist|llist|hlist_nulls|hlist_bl|plist|sk)_(?:\w*_)?(?:del|move|unhash|replace|remove)|_del(?:_init)?$|unlink/;
const MARK = /^(?:__)?(?:test_and_)?set_bit|^(?:__)?(?:test_and_)?clear_bit/;
const TELLING = /empty|dead|alive|valid|gone|changed|gen|seq|exist|unhashed|linked|removed|same|match|still|stop/i;

export function trackWalk(f: LockFlow, walk: Walk): Stale[] {
  return new Tracker(f, walk).run();
}

class Tracker {
  private readonly calls: Map<number, number>;
  private readonly out = new Map<string, Stale>();
  private readonly seen = new Map<number, Map<string, Round>>();
  private readonly goesOn: Set<number>;
  private start: LockState = { held: [], dropped: [], facts: new Map() };

  constructor(
    private readonly f: LockFlow,
    private readonly walk: Walk,
  ) {
    this.calls = callsByNumber(f);
    this.goesOn = this.reachesStep();
  }

  run(): Stale[] {
    const { walk, f } = this;
    for (const lock of f.statesAt(walk.inside).length > 0 ? f.statesAt(walk.inside) : f.statesAt(walk.from)) {
      this.start = lock;
      this.seen.clear();
      const vars = new Map<number, Var>([[walk.pos, FRESH]]);
      if (walk.next > 0) vars.set(walk.next, FRESH);
      this.round({ lock, vars, alias: new Map(), drops: [], rechecked: false });
    }
    return [...this.out.values()];
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
      const events = this.events(drops, (v) => {
        vars = v(vars);
      });
      const before = { ...s };
      const next = f.step(pc, s.lock, events);
      drops = drops.length === s.drops.length && drops.every((d, i) => d === s.drops[i]) ? (s.drops as Drop[]) : drops;
      const after = this.effects(pc, { ...before, drops, vars });
      for (const n of next) {
        const to = this.landing(n.pc);
        if (to < 0) continue;
        const way = n.retaken ? this.retake(after, n.retaken, s.lock) : after;
        queue.push({
          pc: to,
          s: { ...way, lock: n.state, rechecked: way.rechecked || this.rechecks(pc, n.pc, way) },
        });
      }
    }
  }

  private keyOf(s: Round): string {
    let key = keyOf(s.lock);
    for (const [v, i] of s.vars) key += `;${v}:${i.drop}k${i.kept}${i.marked ? "m" : ""}${i.unlinked ? "u" : ""}`;
    for (const [a, b] of s.alias) key += `;${a}=${b}`;
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
          return !t.isLocal(p.a(e)) && !t.isParam(e) && t.program.globalVar(t.global(p.a(e)), this.f.file) !== null;
        case E.Unary:
          return shared(p.a(e), depth + 1);
        case E.Binary:
          return shared(p.a(e), depth + 1) || shared(p.b(e), depth + 1);
        case E.Call: {
          // What gave the lock up says so, or the call asks about the state.
          const call = this.calls.get(p.a(e));
          if (call === undefined) return false;
          return s.drops.some((d) => d.drop.at === flow.code[call + 4]) || TELLING.test(this.f.calledName(call));
        }
        default:
          return false;
      }
    };
    return shared(flow.code[q + 1], 0);
  }

  // ---- locks ----------------------------------------------------------------------------------------------------

  /** Whether a lock was held when the round began, and how. */
  private atStart(lock: LockId, drops: readonly Drop[], state: LockState): { held: HeldLock | null } | null {
    if (!excludes(lock) || lock.family === "srcu") return null;
    // A lock in the element is not what keeps the list.
    const root = lock.term > 0 ? rootVar(this.f, lock.term) : 0;
    if (root > 0 && (root === this.walk.pos || root === this.walk.next)) return null;
    const again = drops.find((d) => d.take && sameLock(d.lock, lock));
    if (again) return { held: again.held };
    const now = state.held.find((h) => sameLock(h, lock));
    const began = this.start.held.find((h) => sameLock(h, lock));
    if (began && now && began.at === now.at) return { held: began };
    if (!now && !began) return { held: null };
    return null;
  }

  private retake(s: Round, { lock, drop, retake }: { lock: LockId; drop: Dropped; retake: Dropped }, state: LockState): Round {
    const drops = [...s.drops];
    let { vars } = s;
    this.events(drops, (f) => {
      vars = f(vars);
    }).retaken?.(lock, drop, retake, state, false);
    return { ...s, drops, vars };
  }

  private events(drops: Drop[], change: (f: (v: ReadonlyMap<number, Var>) => ReadonlyMap<number, Var>) => void): LockEvents {
    const give = (lock: LockId, drop: Dropped, take: Dropped | null, state: LockState, maybe: boolean): void => {
      const found = this.atStart(lock, drops, state);
      if (!found || drops.length >= 4) return;
      drops.push({ lock, held: found.held, drop, take, maybe });
      const number = drops.length;
      change((vars) => {
        const out = new Map(vars);
        for (const [v, info] of vars) if (info.drop === 0 && info.kept === 0 && !info.unlinked) out.set(v, { ...info, drop: number });
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
    if (d && known && !d.step && target !== this.walk.pos && target !== this.walk.next) {
      if (target !== from) alias.set(target, from);
      return { ...s, alias };
    }
    if (d && known) {
      // Reached through a stale element it is as stale; else it is good now.
      const stale = known.drop !== 0 && known.kept === 0 && !known.unlinked;
      vars.set(target, d.step ? { ...FRESH, drop: stale ? known.drop : 0 } : known);
    } else if (vars.has(target)) vars.set(target, FRESH);
    return { ...s, vars, alias };
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
      if (s.vars.has(args[1])) out = this.set(out, args[1], { ...FRESH, drop: info.drop !== 0 && info.kept === 0 ? info.drop : 0 });
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
      if (v === 0) return;
      const info = out.vars.get(v)!;
      const open = out.drops.findIndex((d) => !d.take);
      if (UNLINK.test(name)) {
        if (i === 0 && info.drop === 0) out = this.set(out, v, { unlinked: true });
      } else if (MARK.test(name)) {
        if (info.drop === 0) out = this.set(out, v, { marked: true });
      } else if (PUT.test(name)) {
        if (info.kept > 0) out = this.set(out, v, { kept: info.kept - 1, ...(info.kept === 1 && open >= 0 ? { drop: open + 1 } : {}) });
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
      (h) => excludes(h) && this.start.held.some((b) => b.at === h.at && sameLock(b, h)) && !s.drops.some((x) => sameLock(x.lock, h)),
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
