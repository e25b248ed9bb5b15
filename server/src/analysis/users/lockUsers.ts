/**
 * Who uses a lock: every critical section of the tree, and every function that relies on the lock being held. Candidates
 * come from outlines and from the texts that name the lock; flow facts decide.
 */
import { E } from "../../facts/expr.js";
import { I } from "../../facts/flow.js";
import { Fn, FnFlag } from "../../facts/outline.js";
import type {
  CriticalSection,
  LockIdentity,
  LockingFunction,
  LockMention,
  LockUsers,
  RelyingFunction,
} from "../../findings/lockUsers.js";
import type { ChainStep, Site } from "../../findings/types.js";
import { ATOMIC } from "../../kernel/types.js";
import type { Program } from "../../program/program.js";
import { hasBody } from "../callees.js";
import { functionRef } from "../explain.js";
import { type HeldLock, type LockId, type LockState, sameLock } from "../held/held.js";
import type { LockEffects } from "../held/lockEffects.js";
import type { LockFlow } from "../held/lockFlow.js";
import type { EntryLocks } from "../held/onEntry.js";
import { Pauses } from "../pauses.js";
import type { Step } from "../summary.js";
import { filesOf, lastName, mayLock } from "./lockFiles.js";
import { Touched } from "./touches.js";

/** Calls down from a section in which functions are looked for that rely on the lock. */
const DEEPEST = 4;

export interface UsersWorld {
  program: Program;
  effects: LockEffects;
  entry: EntryLocks;
  read(file: string): string | null;
}

export async function lockUsers(
  world: UsersWorld,
  lock: LockIdentity,
  signal?: AbortSignal,
): Promise<LockUsers> {
  return new Users(world, lock, signal).run();
}

class Users {
  private readonly program: Program;
  /** Last name of the lock, "" for one without an object. */
  private readonly name: string;
  private readonly functions: LockingFunction[] = [];
  private readonly relying = new Map<number, RelyingFunction>();
  private readonly called = new Map<number, (Site & { function: string })[]>();
  private readonly unread: number[] = [];
  private readonly mentions: LockMention[] = [];
  private readonly escapes: Site[] = [];

  constructor(
    private readonly world: UsersWorld,
    private readonly lock: LockIdentity,
    private readonly signal?: AbortSignal,
  ) {
    this.program = world.program;
    this.name = lastName(lock);
  }

  async run(): Promise<LockUsers> {
    const { effects, entry } = this.world;
    const candidates = await this.candidates();
    await effects.prepare(candidates, this.signal);
    const pauses = new Pauses(this.signal);
    for (const fn of candidates) {
      if (pauses.due) await pauses.take();
      const f = entry.follow(fn);
      if (!f) {
        this.unread.push(fn);
        continue;
      }
      this.sections(fn, f);
      this.asserted(fn, f);
      this.mentioned(fn, f);
    }
    const alsoCalled = await this.relyingByCallers();
    const ref = (fn: number) => functionRef(this.program, fn);
    return {
      lock: this.lock,
      functions: this.functions,
      relying: [...this.relying].sort((a, b) => this.order(a[0], b[0])).map(([, r]) => r),
      alsoCalled,
      mentions: this.mentions,
      escapes: this.escapes,
      unread: this.unread.map(ref),
    };
  }

  private order(a: number, b: number): number {
    const x = this.program.fnFile(a).path;
    const y = this.program.fnFile(b).path;
    return x < y ? -1 : x > y ? 1 : this.program.fnColumn(a, Fn.start) - this.program.fnColumn(b, Fn.start);
  }

  private is(l: LockId): boolean {
    return l.cls === this.lock.cls;
  }

  // ---- candidates -----------------------------------------------------------------------------------------------

  private async candidates(): Promise<number[]> {
    const { program, world } = this;
    const out = new Set<number>();
    const wrappers = new Set<number>();
    const pauses = new Pauses(this.signal);
    const word = this.name === "" ? null : new RegExp(`\\b${this.name}\\b`);
    const primitive = this.name === "" ? program.names.find(this.lock.cls) : -1;
    for (const f of filesOf(program, this.lock)) {
      if (pauses.due) await pauses.take();
      if (!mayLock(f, world)) continue;
      if (word) {
        const text = world.read(f.path);
        if (text === null || !text.includes(this.name)) continue;
        for (const fn of f.fns)
          if (
            hasBody(program, fn) &&
            word.test(text.slice(program.fnColumn(fn, Fn.start), program.fnColumn(fn, Fn.end)))
          )
            out.add(fn);
      } else {
        for (const fn of f.fns)
          if (hasBody(program, fn) && program.calls(fn).some((c) => c >> 1 === primitive)) out.add(fn);
      }
    }
    // Wrappers of the lock's own: who calls them takes it without naming it.
    await world.effects.prepare([...out], this.signal);
    for (const fn of out) if (world.effects.effectsOf(fn).some((e) => this.is(e.lock))) wrappers.add(fn);
    for (let round = 0; round < 3 && wrappers.size > 0; round++) {
      const callers = new Set<number>();
      for (const w of wrappers)
        world.entry.eachCaller(w, (caller) => {
          if (!out.has(caller)) callers.add(caller);
        });
      wrappers.clear();
      for (const c of callers) out.add(c);
      await world.effects.prepare([...callers], this.signal);
      for (const fn of callers)
        if (world.effects.effectsOf(fn).some((e) => this.is(e.lock))) wrappers.add(fn);
    }
    return [...out].sort((a, b) => this.order(a, b));
  }

  // ---- sections -------------------------------------------------------------------------------------------------

  private site(fn: number, at: number, end: number): Site {
    const start = this.program.fnColumn(fn, Fn.start);
    return {
      file: this.program.fnFile(fn).path,
      offset: start + at,
      endOffset: start + Math.max(end, at + 1),
    };
  }

  private chain(steps: readonly Step[]): ChainStep[] {
    return steps.map((s) => ({ ...this.site(s.fn, s.at, s.end), function: this.program.fnText(s.fn) }));
  }

  private heldBy(s: LockState): HeldLock | undefined {
    return s.held.find((h) => this.is(h));
  }

  private touched(fn: number, f: LockFlow): Touched {
    const { tables } = this.world.effects;
    return new Touched(
      f,
      (at, end) => this.site(fn, at, end),
      (name) => name === this.name || this.lock.cls === `struct ${name}`,
      (name) =>
        tables.hardStops.has(name) ||
        tables.assertions.has(name) ||
        /^(?:WARN|BUG|lockdep_|IS_ERR|likely)/.test(name),
    );
  }

  private sections(fn: number, f: LockFlow): void {
    const { flow } = f;
    const byAt = new Map<
      number,
      { section: CriticalSection; touched: Touched; releases: Map<number, string> }
    >();
    const open = (h: HeldLock, before: LockState) => {
      let s = byAt.get(h.at);
      if (!s) {
        const others = before.held.filter((o) => !sameLock(o, h)).map((o) => o.cls || o.text || o.kind);
        s = {
          section: {
            acquire: this.site(fn, h.at, h.at + Math.max(1, h.how.replace(/^guard.*/, "guard").length)),
            how: h.how,
            lock: h.text,
            through: this.chain(h.through),
            releases: [],
            shared: h.shared,
            under: [...new Set(others)],
            atomic: before.held.some((o) => !sameLock(o, h) && (o.adds & ATOMIC) !== 0),
            leaks: false,
            reads: [],
            writes: [],
            calls: [],
          },
          touched: this.touched(fn, f),
          releases: new Map(),
        };
        byAt.set(h.at, s);
      }
      return s;
    };
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      for (const state of f.statesAt(pc)) {
        const held = this.heldBy(state);
        if (held && !held.entry)
          open(held, { ...state, held: state.held.filter((h) => h.at < held.at) }).touched.add(pc);
        f.step(pc, state, {
          acquired: (h, before) => {
            if (this.is(h)) open(h, before);
          },
          released: (l, at) => {
            const h = this.heldBy(state);
            if (!h || h.entry || !this.is(l)) return;
            const q = flow.base + pc;
            byAt.get(h.at)?.releases.set(at, flow.code[q] === I.Call ? f.calledName(q) : "end of scope");
          },
        });
        if (flow.code[flow.base + pc] === I.Call && held) this.noteCall(fn, f, pc);
      }
    }
    for (const x of f.exits) {
      const h = this.heldBy(x.state);
      if (h && !h.entry && h.guard < 0) {
        const s = byAt.get(h.at);
        if (s) s.section.leaks = true;
      }
    }
    if (byAt.size === 0) return;
    const sections = [...byAt.values()].map(({ section, touched, releases }) => ({
      ...section,
      ...touched.result(),
      releases: [...releases]
        .sort((a, b) => a[0] - b[0])
        .map(([at, how]) => ({
          site: this.site(fn, at, at + Math.max(1, how === "end of scope" ? 1 : how.length)),
          how,
        })),
    }));
    sections.sort((a, b) => a.acquire.offset - b.acquire.offset);
    this.functions.push({ function: functionRef(this.program, fn), sections });
  }

  /** Calls that are given the lock, and places where its address goes elsewhere. */
  private mentioned(fn: number, f: LockFlow): void {
    const { flow, t } = f;
    const isLock = (e: number): boolean => {
      const p = t.pool;
      const bare = e > 0 && p.kind(e) === E.Addr ? p.a(e) : e;
      return bare > 0 && t.lastName(bare) === this.name && t.lockClass(e, e) === this.lock.cls;
    };
    const seen = new Set<number>();
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      const c = flow.code;
      if (c[q] === I.Call && f.argsOf(q).some(isLock) && !seen.has(c[q + 4])) {
        seen.add(c[q + 4]);
        const call = f.calledName(q);
        this.mentions.push({
          ...this.site(fn, c[q + 4], c[q + 4] + Math.max(1, call.length)),
          function: this.program.fnText(fn),
          call,
          callEnd: this.site(fn, c[q + 5], c[q + 5]).offset,
        });
      } else if (c[q] === I.GuardEnter && c[q + 6] > 0 && isLock(c[q + 7]) && !seen.has(c[q + 4])) {
        seen.add(c[q + 4]);
        this.mentions.push({
          ...this.site(fn, c[q + 4], c[q + 4] + 1),
          function: this.program.fnText(fn),
          call: `guard(${t.text(c[q + 2])})`,
          callEnd: this.site(fn, c[q + 5], c[q + 5]).offset,
        });
      } else if (
        (c[q] === I.Assign && t.pool.kind(c[q + 2]) === E.Addr && isLock(c[q + 2])) ||
        (c[q] === I.Return && c[q + 1] > 0 && t.pool.kind(c[q + 1]) === E.Addr && isLock(c[q + 1]))
      ) {
        const at = Math.max(0, c[q] === I.Assign ? c[q + 3] : c[q + 2]);
        this.escapes.push(this.site(fn, at, at + 1));
      }
    }
  }

  // ---- who relies on it -----------------------------------------------------------------------------------------

  /** A call made with the lock held. */
  private noteCall(fn: number, f: LockFlow, pc: number): void {
    const q = f.flow.base + pc;
    if (f.t.pool.kind(f.flow.code[q + 2]) !== E.Var || f.primitiveAt(q)) return;
    const name = f.calledName(q);
    const site = {
      ...this.site(fn, f.flow.code[q + 4], f.flow.code[q + 4] + name.length),
      function: this.program.fnText(fn),
    };
    for (const g of this.world.effects.bodies(name, f.file)) {
      if (g === fn || this.program.fnFlags(g) & FnFlag.Macro) continue;
      // Helpers of the whole kernel rely on nobody's lock.
      if (this.program.fnFile(g).path.startsWith("include/") && !this.lock.file.startsWith("include/"))
        continue;
      const list = this.called.get(g);
      if (!list) this.called.set(g, [site]);
      else if (!list.some((s) => s.file === site.file && s.offset === site.offset)) list.push(site);
    }
  }

  private asserted(fn: number, f: LockFlow): void {
    const { flow } = f;
    let found: HeldLock | null = null;
    let drops = false;
    const touched = this.touched(fn, f);
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      for (const state of f.statesAt(pc)) {
        const h = this.heldBy(state);
        if (h?.entry) {
          found ??= h;
          touched.add(pc);
          if (flow.code[flow.base + pc] === I.Call) this.noteCall(fn, f, pc);
        }
        if (state.dropped.some((d) => this.is(d.lock))) drops = true;
      }
    }
    if (!found && !drops) return;
    const h = found;
    const annotated = h === null || h.how === "annotation";
    const at = annotated
      ? this.program.fnColumn(fn, Fn.nameStart) - this.program.fnColumn(fn, Fn.start)
      : h.at;
    const name = this.program.fnText(fn);
    this.relying.set(fn, {
      function: functionRef(this.program, fn),
      why: h === null ? "callers" : annotated ? "annotation" : "assertion",
      sites: [{ ...this.site(fn, at, annotated ? at + name.length : h.end), function: name }],
      drops,
      ...touched.result(),
    });
  }

  /** Functions that are called with the lock held: those that are never called otherwise rely on it. */
  private async relyingByCallers(): Promise<LockUsers["alsoCalled"]> {
    const { effects, entry } = this.world;
    const also = new Map<string, Site[]>();
    const seen = new Set<number>();
    for (let level = 0; level < DEEPEST; level++) {
      const fresh = [...this.called.keys()].filter((g) => !seen.has(g)).sort((a, b) => this.order(a, b));
      if (fresh.length === 0) break;
      await entry.prepare(fresh, this.signal);
      await effects.prepare(fresh, this.signal);
      for (const g of fresh) {
        seen.add(g);
        if (
          this.relying.has(g) ||
          this.functions.some(
            (x) =>
              x.function.start === this.program.fnColumn(g, Fn.start) &&
              x.function.file === this.program.fnFile(g).path,
          )
        )
          continue;
        const sites = this.called.get(g)!;
        if (!entry.of(g).some((h) => this.is(h))) {
          const name = this.program.fnText(g);
          if (!effects.tables.hardStops.has(name) && !effects.tables.neverSleeps.has(name))
            also.set(name, [
              ...(also.get(name) ?? []),
              ...sites.filter(
                (x) => !also.get(name)?.some((y) => y.file === x.file && y.offset === x.offset),
              ),
            ]);
          continue;
        }
        const f = entry.follow(g);
        const touched = f ? this.touched(g, f) : null;
        let drops = false;
        if (f && touched) {
          const { flow } = f;
          for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
            const states = f.statesAt(pc);
            const dropped = states.length > 0 && states.every((s) => s.dropped.some((d) => this.is(d.lock)));
            if (states.some((s) => s.dropped.some((d) => this.is(d.lock)))) drops = true;
            if (states.length === 0 || dropped) continue;
            touched.add(pc);
            if (flow.code[flow.base + pc] === I.Call) this.noteCall(g, f, pc);
          }
        }
        this.relying.set(g, {
          function: functionRef(this.program, g),
          why: "callers",
          sites,
          drops,
          ...(touched?.result() ?? { reads: [], writes: [], calls: [] }),
        });
      }
    }
    return [...also]
      .map(([name, sites]) => ({
        function: name,
        sites: sites.map(({ file, offset, endOffset }) => ({ file, offset, endOffset })),
      }))
      .sort((a, b) => (a.function < b.function ? -1 : 1));
  }
}
