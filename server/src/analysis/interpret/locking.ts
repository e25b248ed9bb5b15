/** What calls, guards and annotations do to the locks that a path holds. */
import { E } from "../../facts/expr.js";
import { I } from "../../facts/flow.js";
import { Fn } from "../../facts/outline.js";
import { Ctx, type LockPrimitive } from "../../kernel/types.js";
import type { SourceFile } from "../../program/program.js";
import { findToken, releaseToken, spins, tokenNumbers } from "../locks.js";
import { R } from "../reasons.js";
import type { PathState, Token } from "../state.js";
import type { AcquireRef, Effect, LockRef } from "../summary.js";
import { NONZERO, type Terms, ZERO } from "../terms.js";
import type { World } from "../world.js";
import type { FnResult, Frame } from "./frame.js";
import type { CallSite } from "./site.js";

/** Most locks of the caller that a path drops. */
const MOST_DROPPED = 6;

/** Names of functions that end a section which others began. */
const GIVES_BACK =
  /unlock|release|put|end|exit|leave|finish|done|restore|drop|stop|abort|commit|free|resume/i;

export class Locking {
  private readonly world: World;
  private readonly t: Terms;
  private readonly file: SourceFile;
  private readonly fn: number;
  private readonly result: FnResult;
  private readonly tokens = tokenNumbers();
  /** The values of locks that were dropped here: what they are in our own terms. */
  private readonly keys = new WeakMap<LockRef, number>();

  constructor(private readonly frame: Frame) {
    this.world = frame.world;
    this.t = frame.t;
    this.file = frame.file;
    this.fn = frame.fn;
    this.result = frame.result;
  }

  lockRef(raw: number, value: number, adds: number, kind: Token["kind"]): LockRef {
    const bare = this.bareLock(value);
    return {
      term: bare === 0 ? -1 : this.t.toShared(bare),
      adds,
      kind,
      cls: raw === 0 ? "" : this.t.lockClass(raw, value),
      last: raw === 0 ? "" : this.t.lastName(raw),
    };
  }

  /** `&lock` and `lock` name the same lock. */
  bareLock(v: number): number {
    return v > 0 && this.t.pool.kind(v) === E.Addr ? this.t.pool.a(v) : v;
  }

  makeToken(
    raw: number,
    s: PathState,
    adds: number,
    kind: Token["kind"],
    how: string,
    at: number,
    end: number,
  ): Token {
    const value = this.bareLock(raw === 0 ? 0 : this.t.value(raw, s));
    const shown = raw === 0 ? "" : this.t.show(raw).replace(/^&/, "");
    return {
      id: this.tokens(at, value, adds),
      key: value,
      raw: this.bareLock(raw),
      adds,
      kind,
      how,
      lock: shown,
      cls: raw === 0 ? "" : this.t.lockClass(raw, value),
      last: raw === 0 ? "" : this.t.lastName(raw),
      at,
      end,
      through: [],
      reasons: 0,
      entry: false,
      guard: -1,
    };
  }

  /** Takes a lock: pays back one that was dropped, or adds a token. */
  acquire(token: Token, s: PathState): void {
    this.frame.takenNames.add(token.last);
    const i = this.matchDropped(token, s);
    if (i >= 0) {
      s.dropped = s.dropped.filter((_, k) => k !== i);
      // The caller's, or one in its place: held from here on, and given back to the caller held.
      if (token.key <= 0 || s.tokens.length >= 12 || s.tokens.some((t) => t.id === token.id)) return;
      s.tokens = [...s.tokens, { ...token, entry: true }];
      return;
    }
    if (s.tokens.some((t) => t.id === token.id)) return;
    if (s.tokens.length >= 12) {
      this.result.capped++;
      return;
    }
    s.tokens = [...s.tokens, token];
  }

  private matchDropped(token: Token, s: PathState): number {
    if (s.dropped.length === 0) return -1;
    const term = token.key === 0 ? -1 : this.t.toShared(token.key);
    for (let i = s.dropped.length - 1; i >= 0; i--) {
      const d = s.dropped[i];
      if ((d.term >= 0 && d.term === term) || (token.key > 0 && this.keys.get(d) === token.key)) return i;
    }
    for (let i = s.dropped.length - 1; i >= 0; i--) {
      const d = s.dropped[i];
      if (d.last === token.last && (d.kind === token.kind || d.last === "")) return i;
    }
    return -1;
  }

  private release(raw: number, s: PathState, adds: number, kind: Token["kind"]): void {
    const value = raw === 0 ? 0 : this.bareLock(this.t.value(raw, s));
    const last = raw === 0 ? "" : this.t.lastName(raw);
    const left = releaseToken(s.tokens, {
      key: value,
      raw: this.bareLock(raw),
      last,
      cls: raw === 0 ? "" : this.t.lockClass(raw, value),
      adds,
      kind,
    });
    if (left) {
      const entry = s.tokens.find((t) => t.entry && !left.includes(t));
      s.tokens = left;
      if (entry) this.dropOwn(raw, value, adds, kind, s);
      return;
    }
    if (adds === 0) return;
    if (s.dropped.length < MOST_DROPPED) this.dropOwn(raw, value, adds, kind, s);
  }

  /** Drops a lock whose value is known here. */
  private dropOwn(raw: number, value: number, adds: number, kind: Token["kind"], s: PathState): void {
    const lock = this.lockRef(raw, value, adds, kind);
    this.keys.set(lock, value);
    this.drop(lock, s);
  }

  /** Notes that a lock of the caller's is dropped; one that is dropped already cannot be dropped again. */
  private drop(lock: LockRef, s: PathState): void {
    const again = s.dropped.some(
      (d) => d.term === lock.term && d.last === lock.last && d.kind === lock.kind && d.adds === lock.adds,
    );
    if (!again) s.dropped = [...s.dropped, lock];
  }

  guardExit(number: number, s: PathState): void {
    s.tokens = s.tokens.filter((t) => t.guard !== number);
  }

  /** Locks that annotations say are held on entry. */
  entryAnnotations(s: PathState): void {
    const { program } = this.world;
    const o = this.file.outline;
    const fns = [
      this.fn,
      ...program.prototypesOf(program.fnName(this.fn)).filter((f) => program.fnFile(f) === this.file),
    ];
    for (const fn of fns) {
      const first = program.fnColumn(fn, Fn.annotFirst);
      const count = program.fnColumn(fn, Fn.annotCount);
      let held = "";
      let releases = "";
      for (let i = first; i < first + count; i++) {
        const kind = o.annots[i * 2];
        const text = program.names.text(o.annots[i * 2 + 1]);
        if (kind === 3) held = text;
        if (kind === 2) releases = text;
      }
      const text = held || releases;
      // A socket's slock stands for lock_sock() in annotations as often as for the spinlock.
      if (!text || /^(local|RCU|rcu|bitlock)$|slock$/.test(text)) continue;
      const term = this.parseLockText(text);
      if (term === 0) continue;
      const type = this.t.typeOf(term);
      const lt = type ? this.world.tables.lockTypes.get(program.names.text(type.name)) : undefined;
      if (!lt?.atomic || this.takenFirst(term)) continue;
      const start = 0;
      const token = this.makeToken(
        term,
        s,
        Ctx.Preempt,
        lt.kind as Token["kind"],
        held ? "__must_hold" : "__releases",
        start,
        start + 1,
      );
      token.entry = true;
      token.reasons = R.annotation;
      s.tokens = [...s.tokens, token];
      return;
    }
  }

  /** Whether the function takes a lock of this name before it gives one back: it was not held on entry then. */
  private takenFirst(lock: number): boolean {
    const { flow } = this.frame;
    const c = flow.code;
    const p = this.t.pool;
    const last = this.t.lastName(lock);
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] !== I.Call || p.kind(c[q + 2]) !== E.Var) continue;
      const primitive = this.world.tables.locks.get(this.t.text(p.a(c[q + 2])));
      const arg = primitive?.lock?.from === "arg" ? primitive.lock.index : -1;
      if (!primitive || arg < 0 || arg >= c[q + 6] || this.t.lastName(c[q + 7 + arg]) !== last) continue;
      return primitive.op === "acquire";
    }
    return false;
  }

  /** `&foo->bar.lock` as a term. */
  private parseLockText(text: string): number {
    const m = /^\s*&?\(?\s*([A-Za-z_]\w*)((?:\s*(?:->|\.)\s*[A-Za-z_]\w*)*)\s*\)?\s*$/.exec(text);
    if (!m) return 0;
    const p = this.t.pool;
    let e = p.make(E.Var, this.t.indexOf(m[1]));
    for (const f of m[2].match(/[A-Za-z_]\w*/g) ?? []) e = p.make(E.Field, e, this.t.indexOf(f));
    return e;
  }

  primitive(lock: LockPrimitive, { number, at, end, args }: CallSite, s: PathState): PathState[] {
    const p = this.t.pool;
    const raw = !lock.lock
      ? 0
      : lock.lock.from === "return"
        ? p.make(E.Call, number)
        : lock.lock.from === "out"
          ? this.outPlace(args[lock.lock.index])
          : (args[lock.lock.index] ?? 0);
    const make = (st: PathState): Token => {
      const token = this.makeToken(raw, st, lock.adds, lock.kind, lock.name, at, end);
      if (lock.lock?.from === "return") {
        token.lock = lock.name;
        token.last = "ptl";
      }
      return token;
    };
    switch (lock.op) {
      case "acquire":
        if (lock.adds !== 0) this.acquire(make(s), s);
        return [s];
      case "release":
        this.release(raw, s, lock.adds, lock.kind);
        return [s];
      case "try":
      case "conditional": {
        if (lock.adds === 0) return [s];
        const result = p.make(E.Call, number);
        const heldNonzero =
          lock.heldWhen === undefined || lock.heldWhen === "nonzero" || lock.heldWhen === "nonnull";
        const held = s.clone();
        const token = make(held);
        this.acquire(token, held);
        // Called again in a loop and not held now: what its last round took is gone.
        s.tokens = s.tokens.filter((t) => t.id !== token.id);
        held.setFact(result, heldNonzero ? NONZERO : ZERO);
        s.setFact(result, heldNonzero ? ZERO : NONZERO);
        return [held, s];
      }
      case "conditional-release":
        this.release(raw, s, lock.adds, lock.kind);
        return [s];
      default:
        return [s];
    }
  }

  private outPlace(arg: number | undefined): number {
    if (arg === undefined) return 0;
    const p = this.t.pool;
    return p.kind(arg) === E.Addr ? p.a(arg) : p.make(E.Deref, arg);
  }

  assertion(
    name: string,
    a: { says: string; arg?: number },
    { at, end, args }: CallSite,
    s: PathState,
  ): void {
    const raw = args[a.arg ?? 0] ?? 0;
    let adds = 0;
    let kind: Token["kind"] = "spinlock";
    switch (a.says) {
      case "spinlock-held":
        adds = Ctx.Preempt;
        break;
      case "lock-held-by-type": {
        const type = this.t.typeOf(raw);
        const lt = type
          ? this.world.tables.lockTypes.get(this.world.program.names.text(type.name))
          : undefined;
        if (!lt?.atomic) return;
        adds = Ctx.Preempt;
        kind = lt.kind as Token["kind"];
        break;
      }
      case "irq-off":
        adds = Ctx.Irq;
        kind = "irq-off";
        break;
      case "preempt-off":
        adds = Ctx.Preempt;
        kind = "preempt-off";
        break;
      case "softirq":
        adds = Ctx.Softirq;
        kind = "softirq";
        break;
      default:
        return;
    }
    const lockArg = a.says === "spinlock-held" || a.says === "lock-held-by-type" ? raw : 0;
    const token = this.makeToken(lockArg, s, adds, kind, name, at, end);
    if (findToken(s.tokens, { key: token.key, raw: token.raw, last: token.last, adds, kind }) >= 0) return;
    // Asserted in the middle of a function that dropped it: the assertion is about another moment.
    if (s.dropped.length > 0) return;
    token.entry = true;
    token.reasons = R.assertion;
    if (!s.tokens.some((t) => t.id === token.id)) s.tokens = [...s.tokens, token];
  }

  applyEffects(effects: readonly Effect[], site: CallSite, s: PathState): PathState[] {
    const result = this.t.pool.make(E.Call, site.number);
    const out: PathState[] = [];
    effects.forEach((ef, i) => {
      const st = i === effects.length - 1 ? s : s.clone();
      for (const r of ef.releases) {
        const raw = r.term >= 0 ? this.t.fromShared(r.term, site.args, result) : 0;
        if (raw === 0) this.releaseLoose(r, st);
        else this.release(raw, st, r.adds, r.kind);
      }
      for (const a of ef.acquires) this.acquire(this.calleeToken(a, site, result, st), st);
      if (ef.ret !== "any") st.setFact(result, ef.ret === "zero" ? ZERO : NONZERO);
      out.push(st);
    });
    return out;
  }

  /** A release of a lock that cannot be named here: the latest of its kind and last name, else of its kind. */
  private releaseLoose(r: LockRef, s: PathState): void {
    const wanted = { key: 0, raw: 0, last: r.last, adds: r.adds, kind: r.kind };
    if (r.last === "" && spins(r.kind)) {
      // Nothing says which lock it is: not ours if interrupts would stay off after it, and nobody's further up.
      const i = findToken(s.tokens, wanted);
      if (i >= 0 && (s.tokens[i].adds & ~r.adds & (Ctx.Irq | Ctx.Bh)) === 0)
        s.tokens = s.tokens.filter((_, k) => k !== i);
      return;
    }
    const left = releaseToken(s.tokens, wanted);
    if (left) s.tokens = left;
    // A lock that a callee found by itself and that nobody here holds: the caller's only if giving back is what we are for,
    // else it would be somebody's further and further up, by its name alone.
    else if (spins(r.kind) && !GIVES_BACK.test(this.world.program.fnText(this.fn))) return;
    else if (s.dropped.length < MOST_DROPPED) this.drop({ ...r, term: -1 }, s);
  }

  private calleeToken(a: AcquireRef, { at, end, args }: CallSite, result: number, s: PathState): Token {
    const raw = a.term >= 0 ? this.t.fromShared(a.term, args, result) : 0;
    const token = this.makeToken(raw, s, a.adds, a.kind, a.how, at, end);
    if (token.cls === "") token.cls = a.cls;
    if (token.lock === "" || token.lock.includes("…")) token.lock = a.text;
    if (token.last === "") token.last = a.last;
    token.through = a.chain;
    return token;
  }
}
