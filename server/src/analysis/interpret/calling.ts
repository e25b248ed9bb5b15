/** Runs a call: what the name or the pointer leads to, and the states after it. */
import { E } from "../../facts/expr.js";
import { FnFlag } from "../../facts/outline.js";
import { ATOMIC } from "../../kernel/types.js";
import type { SourceFile } from "../../program/program.js";
import { R } from "../reasons.js";
import type { PathState } from "../state.js";
import type { Effect } from "../summary.js";
import type { Terms } from "../terms.js";
import type { World } from "../world.js";
import type { CalleeSleeps, Reached } from "./calleeSleeps.js";
import type { FnResult, Frame } from "./frame.js";
import type { Locking } from "./locking.js";
import type { FlowShape } from "./shape.js";
import { type CallSite, CallSites } from "./site.js";
import type { Sleeping } from "./sleeping.js";
import type { TableSleeps } from "./tableSleeps.js";

/** Of so many targets of a pointer or more, one that sleeps is a few; likewise one in so many. */
const MANY_KINDS = 4;

const NONE: readonly never[] = [];

/** What a call of these functions means, whatever the path. */
interface Meaning {
  fns: readonly number[];
  live: readonly number[];
  /** Arguments that are functions. */
  handed: readonly number[];
  doubts: number;
}

export class Calling {
  private readonly world: World;
  private readonly t: Terms;
  private readonly file: SourceFile;
  private readonly fn: number;
  private readonly result: FnResult;
  private readonly sites: CallSites;
  private readonly meanings = new Map<CallSite, Meaning>();
  private aliasDepth = 0;

  constructor(
    private readonly frame: Frame,
    private readonly shape: FlowShape,
    private readonly locking: Locking,
    private readonly sleeping: Sleeping,
    private readonly tableSleeps: TableSleeps,
    private readonly calleeSleeps: CalleeSleeps,
  ) {
    this.world = frame.world;
    this.t = frame.t;
    this.file = frame.file;
    this.fn = frame.fn;
    this.result = frame.result;
    this.sites = new CallSites(frame.flow);
  }

  /** Runs the call at an index of the code; returns the states after it (none: it does not return). */
  call(q: number, s: PathState): PathState[] {
    const site = this.sites.at(q);
    const { callee } = site;
    this.forgetCall(site.number, s);
    this.forgetOuts(site, s);
    const p = this.t.pool;
    if (p.kind(callee) === E.Var && !this.t.isLocal(p.a(callee)))
      return this.namedCall(this.t.text(p.a(callee)), this.t.global(p.a(callee)), site, s);
    const v = this.t.value(callee, s);
    if (v > 0 && p.kind(v) === E.Var && !this.t.isLocal(p.a(v))) {
      const fns = this.world.program.resolve(this.t.global(p.a(v)), this.file);
      return this.functionCall(fns, site, s, {
        reasons: R["function-pointer"],
        via: "pointer",
        name: this.t.text(p.a(v)),
      });
    }
    return this.unknownPointer(v, site, s);
  }

  /** The result of a call that runs again is a new value. */
  private forgetCall(number: number, s: PathState): void {
    if (s.facts.length > 0) s.forget((f) => this.t.mentionsCall(f, number));
  }

  /** Variables whose address is passed have a new value. */
  private forgetOuts({ number, args }: CallSite, s: PathState): void {
    const p = this.t.pool;
    for (let i = 0; i < args.length; i++) {
      if (args[i] > 0 && p.kind(args[i]) === E.Addr) {
        const target = p.a(args[i]);
        if (p.kind(target) === E.Var && this.shape.isRelevant(target)) {
          if (s.facts.length > 0) s.forget((f) => this.t.mentions(f, target));
          s.setEnv(target, p.make(E.Out, number, i));
        }
      }
    }
  }

  private namedCall(name: string, global: number, site: CallSite, s: PathState): PathState[] {
    const { at, end } = site;
    const { tables, program } = this.world;
    const own = program.resolve(global, this.file);
    if (this.world.tableNames.has(global) && !this.isHidden(own)) {
      const lock = tables.locks.get(name);
      if (lock) {
        this.frame.count(at, true);
        const sleeper = tables.sleepers.get(name);
        if (sleeper) this.tableSleeps.tableSleep(sleeper, site, s);
        else if (lock.sleeps && lock.op !== "release" && lock.op !== "try")
          this.sleeping.sleep(s, at, end, this.sleeping.direct(name, "takes a sleeping lock", at, end));
        return this.locking.primitive(lock, site, s);
      }
      if (tables.noReturn.has(name)) return [];
      if (tables.hardStops.has(name) || tables.neverSleeps.has(name)) {
        this.frame.count(at, true);
        return [s];
      }
      const assertion = tables.assertions.get(name);
      if (assertion) {
        this.frame.count(at, true);
        this.locking.assertion(name, assertion, site, s);
        return [s];
      }
      const sleeper = tables.sleepers.get(name);
      if (sleeper) {
        this.frame.count(at, true);
        if (sleeper.boundary || own.length === 0) {
          this.tableSleeps.tableSleep(sleeper, site, s);
          return [s];
        }
        // The source says it better than the table, where it says anything.
        const derived = own.some(
          (f) => this.world.summaryOf(f).sleeps.length > 0 || this.world.summaryOf(f).effects.length > 0,
        );
        if (!derived) this.tableSleeps.tableSleep(sleeper, site, s);
      }
    }
    if (own.length === 0) {
      const hook = this.world.variableTargets(global, this.file);
      if (hook.fns.length > 0)
        return this.functionCall(hook.fns, site, s, { reasons: hook.reasons, via: "pointer", name });
    }
    return this.functionCall(own, site, s, { reasons: 0, via: "call", name });
  }

  /** A static function of this file hides a primitive of the same name. */
  private isHidden(own: readonly number[]): boolean {
    const { program } = this.world;
    return (
      own.length > 0 &&
      program.fnFile(own[0]) === this.file &&
      own[0] !== this.fn &&
      (program.fnFlags(own[0]) & FnFlag.Static) !== 0 &&
      !this.file.header
    );
  }

  private unknownPointer(v: number, site: CallSite, s: PathState): PathState[] {
    const { callee: raw, at, end } = site;
    const p = this.t.pool;
    if (v > 0 && p.kind(v) === E.Param) {
      this.frame.count(at, true);
      const e = this.sleeping.direct(this.t.show(raw), "calls the function that it is given", at, end, {
        viaParam: p.a(v),
      });
      e.via = "pointer";
      this.sleeping.sleep(s, at, end, e);
      return [s];
    }
    if (p.kind(raw) === E.Field) {
      const type = this.t.typeOf(p.a(raw));
      if (type) {
        const { program } = this.world;
        const targets = this.world.pointerTargets(
          program.structName(type.name, this.file),
          this.t.global(p.b(raw)),
          this.file,
        );
        if (targets.fns.length > 0) {
          return this.functionCall(targets.fns, site, s, {
            reasons: targets.reasons,
            via: "pointer",
            name: this.t.show(raw),
          });
        }
        if (targets.total > 0) {
          this.result.undecided++;
          this.frame.observer?.manyTargets(at, targets.total);
        }
      }
    }
    this.frame.count(at, false);
    return [s];
  }

  /** A call of one of these functions. */
  private functionCall(
    fns: readonly number[],
    site: CallSite,
    s: PathState,
    { reasons, via, name }: Reached,
  ): PathState[] {
    const { at, end } = site;
    const { world, frame } = this;
    const { live, handed, doubts: own } = this.meantBy(site, fns);
    if (live.length === 0) {
      const alias = this.aliasOf(fns, site, s);
      if (alias) return alias;
      frame.count(at, false);
      return [s];
    }
    frame.count(at, true);
    frame.observer?.call(at, end, name, live, via);
    const atomic = (s.bits & ATOMIC) !== 0;
    for (const a of handed) this.needFunction(a, atomic);
    const pointer = via === "pointer";
    let doubts = reasons | own;
    if (live.length > 1 && !pointer) doubts |= R["several-definitions"];
    if (pointer && live.length >= MANY_KINDS) {
      let sleeping = 0;
      for (const f of live) if (world.summaryOf(f).sleeps.length > 0) sleeping++;
      if (sleeping * MANY_KINDS <= live.length) doubts |= R["few-targets-sleep"];
    }
    const written = pointer ? (/\w+$/.exec(name)?.[0] ?? name) : name;
    let returns = false;
    let effects: readonly Effect[] = NONE;
    let withEffects = 0;
    for (let i = 0; i < live.length; i++) {
      const f = live[i];
      frame.callees.add(f);
      if (f === this.fn) {
        returns = true;
        continue;
      }
      world.need(f, atomic, handed.length > 0);
      const sum = world.summaryOf(f);
      if (!sum.noReturn) returns = true;
      if (sum.effects.length > 0 && withEffects++ === 0) effects = sum.effects;
      const { sleeps } = sum;
      if (frame.withoutSleeps || sleeps.length === 0) continue;
      // Also where no lock is held and nobody asks: a finding says whether its call is reached without the lock too.
      const isMacro = via === "call" && (world.program.fnFlags(f) & FnFlag.Macro) !== 0;
      const reached: Reached = { reasons: doubts, via: isMacro ? "macro" : via, name: written };
      for (let k = 0; k < sleeps.length; k++) this.calleeSleeps.calleeSleep(sleeps[k], site, s, reached);
    }
    if (!returns) return live.length === 1 || !pointer ? [] : [s];
    // Several targets: what they do to locks is believed only when it is the same function or all of them do something.
    if (withEffects === 0 || (pointer && withEffects < live.length)) return [s];
    return this.locking.applyEffects(effects, site, s);
  }

  /** What a call means that is the same on every path: the functions that have a body, and those in its arguments. */
  private meantBy(site: CallSite, fns: readonly number[]): Meaning {
    const known = this.meanings.get(site);
    if (known?.fns === fns) return known;
    const { program } = this.world;
    const isMacro = (f: number): boolean => (program.fnFlags(f) & FnFlag.ObjectMacro) !== 0;
    const live = fns.some(isMacro) ? fns.filter((f) => !isMacro(f)) : fns;
    const isConfig =
      live.length > 0 && (site.conditional || program.hasStub(program.fnName(live[0]), this.file));
    const meaning: Meaning = {
      fns,
      live,
      handed: site.args.some((a) => this.isFunction(a)) ? site.args.filter((a) => this.isFunction(a)) : NONE,
      doubts: isConfig ? R["config-dependent"] : 0,
    };
    this.meanings.set(site, meaning);
    return meaning;
  }

  /** A function that is handed on where it matters is called there, as far as we know. */
  private needFunction(arg: number, atomic: boolean): void {
    const p = this.t.pool;
    const e = p.kind(arg) === E.Addr ? p.a(arg) : arg;
    for (const f of this.world.program.resolve(this.t.global(p.a(e)), this.file))
      this.world.need(f, atomic, false);
  }

  /** Whether an argument is a function's name. */
  private isFunction(arg: number): boolean {
    const p = this.t.pool;
    const e = arg > 0 && p.kind(arg) === E.Addr ? p.a(arg) : arg;
    if (e <= 0 || p.kind(e) !== E.Var || this.t.isLocal(p.a(e))) return false;
    return this.world.program
      .definitionsOf(this.t.global(p.a(e)))
      .some((f) => (this.world.program.fnFlags(f) & (FnFlag.Macro | FnFlag.ObjectMacro)) === 0);
  }

  /** `#define foo bar`: a call of foo is one of bar. */
  private aliasOf(fns: readonly number[], site: CallSite, s: PathState): PathState[] | null {
    const { program } = this.world;
    for (const f of fns) {
      const calls = program.calls(f);
      if (calls.length === 1 && (calls[0] & 1) === 0) {
        const target = calls[0] >> 1;
        const name = program.names.text(target);
        if (target === program.fnName(f) || this.aliasDepth > 3) continue;
        this.aliasDepth++;
        try {
          return this.namedCall(name, target, site, s);
        } finally {
          this.aliasDepth--;
        }
      }
    }
    return null;
  }
}
