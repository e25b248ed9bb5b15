/**
 * From raw findings and callback roots to findings: absolute places, rules, confidence, messages, one finding for one call
 * site and context. Plain data comes out.
 */

import { Fn, FnFlag, Init, Reg } from "../facts/outline.js";
import { identify } from "../findings/fingerprint.js";
import type {
  ChainStep,
  Confidence,
  Finding,
  FindingContext,
  FindingPath,
  Reason,
  RuleId,
  Site,
} from "../findings/types.js";
import { contextWords } from "../findings/words.js";
import { ATOMIC, type ContextKind, Ctx } from "../kernel/types.js";
import type { CallbackRoot } from "../program/pointers.js";
import type { Program } from "../program/program.js";
import { MOST_PATHS } from "./interpret/finish.js";
import { confidenceOf, MOST_HOPS, R, rankOf, reasonNames, withDoubts } from "./reasons.js";
import type { Solver } from "./solver.js";
import type { HeldContext, RawFinding, Sink, SleepEntry } from "./summary.js";
import { TargetDoubts } from "./targetDoubts.js";

const MESSAGE_LOCKS = new Set<ContextKind>(["spinlock", "rwlock", "raw-spinlock", "bit-spinlock", "seqlock"]);

/** A finding that is complete but for its identity, which the name at its call goes into. */
export interface Draft {
  finding: Finding;
  callee: string;
}

export class Reporter {
  private readonly program: Program;
  private readonly targets: TargetDoubts;
  /** What chains share is told once: steps, ends and lists of reasons. */
  private readonly steps = new Map<SleepEntry, { step: ChainStep; reasons: number }>();
  private readonly sleeps = new Map<Sink, FindingPath["sleep"]>();
  private readonly reasons = new Map<number, Reason[]>();

  constructor(private readonly solver: Solver) {
    this.program = solver.program;
    this.targets = new TargetDoubts(solver);
  }

  /** All findings of these functions, in order of place. */
  findings(
    enter: readonly number[],
    callbacks: ReadonlySet<number>,
    focus: ReadonlySet<string> | null,
    atLeast: Confidence = "low",
    /** Findings of other rules, complete but for their identity. */
    others: readonly Draft[] = [],
  ): Finding[] {
    const all = new Set<number>([...enter, ...callbacks]);
    const ordered = [...all].sort((a, b) => a - b);
    const findings = this.findingsOf(ordered, callbacks, new Set(), others);
    return focus ? findings.filter((f) => hasStepIn(f, focus, atLeast)) : findings;
  }

  /**
   * The findings of all roots of some files, in order of place. `seen`: what entered findings of other files tell already
   * (keys of `throughKey`); those of these files are added.
   */
  findingsOf(
    ordered: readonly number[],
    callbacks: ReadonlySet<number>,
    seen: Set<string>,
    others: readonly Draft[],
  ): Finding[] {
    const drafts: Draft[] = [...others];
    // Contexts that were entered come first: an asserted one repeats what the callers' findings say.
    for (const pass of ["entered", "asserted"] as const) {
      for (const fn of ordered) {
        const r = this.solver.results.get(fn);
        if (!r || !this.program.alive(fn)) continue;
        for (const f of r.findings) {
          const asserted = isAsserted(f);
          if (asserted !== (pass === "asserted")) continue;
          if (asserted && f.entries.every((e) => seen.has(throughKey(fn, e.sink.fn, e.sink.at)))) continue;
          const made = this.fromRaw(fn, f);
          if (!made) continue;
          drafts.push(made);
          if (asserted) continue;
          for (const e of f.entries)
            for (let x = e.next; x; x = x.next) seen.add(throughKey(x.fn, e.sink.fn, e.sink.at));
        }
      }
    }
    this.callbackFindings(callbacks, drafts);
    drafts.sort(
      (a, b) =>
        compareText(a.finding.file, b.finding.file) ||
        a.finding.offset - b.finding.offset ||
        compareText(a.finding.rule, b.finding.rule) ||
        compareText(a.finding.context.lockClass ?? "", b.finding.context.lockClass ?? "") ||
        a.finding.context.site.offset - b.finding.context.site.offset,
    );
    // Before anything is left out: what a finding is called does not depend on what was asked for.
    const ids = identify(drafts.map((d) => ({ ...d.finding, callee: d.callee })));
    // Drafts of other rules are not ours to change.
    return drafts.map(({ finding }, i) => ({ ...finding, ...ids[i] }));
  }

  site(fn: number, at: number, end: number): Site {
    const start = this.program.fnColumn(fn, Fn.start);
    return {
      file: this.program.fnFile(fn).path,
      offset: start + at,
      endOffset: start + Math.max(end, at + 1),
    };
  }

  /** The name at a call, which is what is marked. */
  private nameSite(fn: number, at: number, end: number, name: string): Site {
    const s = this.site(fn, at, end);
    return { ...s, endOffset: Math.min(s.endOffset, s.offset + Math.max(1, name.length)) };
  }

  /** One way to sleep as a chain of places. */
  path(e: SleepEntry, extra: number): FindingPath {
    const chain: ChainStep[] = [];
    let reasons = e.reasons | extra;
    for (let x: SleepEntry | null = e; x; x = x.next) {
      let told = this.steps.get(x);
      if (!told) {
        told = this.step(x);
        this.steps.set(x, told);
      }
      chain.push(told.step);
      reasons |= told.reasons;
    }
    reasons |= this.targets.doubts(e);
    const hops = hopsOf(chain);
    if (hops > MOST_HOPS) reasons |= R["long-chain"];
    reasons = withDoubts(reasons, hops);
    const condition = this.condition(e);
    return {
      confidence: confidenceOf(reasons),
      reasons: this.reasonNames(reasons),
      ...(condition ? { condition } : {}),
      chain,
      sleep: this.sleep(e.sink),
    };
  }

  /** One step of a chain, with the doubts that the function it stands in brings. */
  private step(e: SleepEntry): { step: ChainStep; reasons: number } {
    const { program } = this;
    const site = this.site(e.fn, e.at, e.end);
    const name = program.fnText(e.fn);
    let reasons = 0;
    if (this.solver.pointers.putSuper.has(e.fn) || (/^_*put_super$/.test(name) && site.file === "fs/super.c"))
      reasons |= R["put-super-path"];
    if (program.fnFlags(e.fn) & FnFlag.Init) reasons |= R["boot-only"];
    return { step: { ...site, function: name, via: e.via }, reasons };
  }

  private sleep(sink: Sink): FindingPath["sleep"] {
    let told = this.sleeps.get(sink);
    if (!told) {
      const site = this.nameSite(sink.fn, sink.at, sink.end, sink.name);
      told = { ...site, call: sink.name, reason: sink.why };
      this.sleeps.set(sink, told);
    }
    return told;
  }

  private reasonNames(bits: number): Reason[] {
    let names = this.reasons.get(bits);
    if (!names) {
      names = reasonNames(bits);
      this.reasons.set(bits, names);
    }
    return names;
  }

  private condition(e: SleepEntry): string {
    const parts: string[] = [];
    if (e.note) parts.push(e.note);
    if (e.gfp.length > 0 || e.reasons & R["gfp-undecided"]) parts.push("if the gfp flags allow blocking");
    if (e.ctxNone & Ctx.Preempt) parts.push("if the context test does not see it");
    else if (e.ctxNone & Ctx.Bh) parts.push("where in_interrupt() is false");
    if (e.reasons & R["state-guarded"] && !e.note) parts.push("depending on the object's state");
    if (e.reasons & R["flag-undecided"]) parts.push("depending on a flag");
    return parts.join(", ");
  }

  private fromRaw(fn: number, f: RawFinding): Draft | null {
    const extra =
      (f.maybeHeld ? R["maybe-held"] : 0) | (this.program.fnFlags(fn) & FnFlag.Init ? R["boot-only"] : 0);
    const paths = f.entries.map((e) => this.path(e, extra));
    if (paths.length === 0) return null;
    return this.make(fn, f.at, f.end, f.callee, this.context(fn, f.context), paths, f.more, false, f.entries);
  }

  context(fn: number, c: HeldContext): FindingContext {
    // A lock that a callee took is said to be taken at our call of it; the chain to the acquire follows.
    const through = c.through.map((s) => ({
      ...this.site(s.fn, s.at, s.end),
      function: this.program.fnText(s.fn),
    }));
    return {
      kind: c.kind,
      ...(c.lock ? { lock: c.lock } : {}),
      ...(c.cls ? { lockClass: c.cls } : {}),
      site: this.site(fn, c.at, c.end),
      how: c.how,
      ...(through.length > 0 ? { through } : {}),
    };
  }

  private make(
    fn: number,
    at: number,
    end: number,
    callee: string,
    context: FindingContext,
    paths: FindingPath[],
    more: number,
    callback: boolean,
    entries: readonly SleepEntry[],
  ): Draft {
    const rank = { high: 2, medium: 1, low: 0 } as const;
    const best = paths.reduce((a, b) => (rank[b.confidence] > rank[a.confidence] ? b : a));
    const gfp = entries.length > 0 && entries.every((e) => e.sink.allocation && isGfp(e));
    const rule: RuleId = gfp ? "gfp-in-atomic" : callback ? "sleep-in-atomic-callback" : "sleep-in-atomic";
    const name = this.program.fnText(fn);
    const site = this.nameSite(fn, at, end, entries[0]?.written ?? callee);
    const finding: Finding = {
      rule,
      confidence: best.confidence,
      reasons: best.reasons,
      ...site,
      function: name,
      message: message(name, callee, context, best, callback),
      context,
      paths,
      morePaths: more,
      fingerprint: "",
      cluster: "",
      suppressed: null,
    };
    return { finding, callee };
  }

  private callbackFindings(callbacks: ReadonlySet<number>, drafts: Draft[]): void {
    const byFn = new Map<number, CallbackRoot[]>();
    for (const r of this.solver.pointers.roots) {
      if (!callbacks.has(r.fn) || !this.program.alive(r.fn)) continue;
      const list = byFn.get(r.fn);
      if (list) list.push(r);
      else byFn.set(r.fn, [r]);
    }
    for (const fn of [...byFn.keys()].sort((a, b) => a - b)) {
      const result = this.solver.results.get(fn);
      if (!result) continue;
      // One finding a call site: the surest registration speaks.
      const roots = byFn
        .get(fn)!
        .sort((a, b) => levelOf(b) - levelOf(a) || a.bits - b.bits || compareText(a.how, b.how));
      const bySite = new Map<string, { root: CallbackRoot; entries: SleepEntry[] }>();
      for (const e of result.summary.sleeps) {
        if (e.sink.viaParam >= 0 || e.dropped.length > 0) continue;
        const root = roots.find((r) => (r.bits & e.ctxNone) === 0);
        if (!root) continue;
        const gfp = isGfp(e) && e.sink.allocation;
        const key = `${e.at}|${gfp}|${e.next ? e.next.fn : e.sink.name}`;
        const s = bySite.get(key);
        if (s) s.entries.push(e);
        else bySite.set(key, { root, entries: [e] });
      }
      const own = new Set(result.findings.map((f) => f.at));
      for (const { root, entries } of bySite.values()) {
        const first = entries[0];
        if (own.has(first.at)) continue;
        const reason = root.byOps ? R["ops-callback"] : R["registered-callback"];
        const undecided = (e: SleepEntry): number =>
          (e.gfp.length > 0 ? R["gfp-undecided"] : 0) |
          (root.confidence === "low" ? R["config-dependent"] | R["flag-undecided"] : 0);
        const paths = entries.slice(0, MOST_PATHS).map((e) => this.path(e, reason | undecided(e)));
        const context: FindingContext = { kind: root.kind, site: this.registered(root), how: root.how };
        const callee = first.next ? this.program.fnText(first.next.fn) : first.sink.name;
        drafts.push(
          this.make(
            fn,
            first.at,
            first.end,
            callee,
            context,
            paths,
            Math.max(0, entries.length - MOST_PATHS),
            true,
            entries,
          ),
        );
      }
    }
  }

  registered(r: CallbackRoot): Site {
    const o = this.program.file(r.file)?.outline;
    const offset = !o
      ? 0
      : r.record.table === "inits"
        ? o.inits[r.record.index + Init.offset]
        : o.regs[r.record.index + Reg.offset];
    return { file: r.file, offset, endOffset: offset + 1 };
  }
}

/**
 * Calls of a chain that leave the file or go through a pointer, and one for the sleep. Helpers of the same file and macros
 * do not count: splitting a function in two or wrapping a call makes nothing less certain.
 */
function hopsOf(chain: readonly ChainStep[]): number {
  let hops = 1;
  for (let i = 1; i < chain.length; i++) {
    const { via, file } = chain[i - 1];
    const near = via === "macro" || (file === chain[i].file && (via === undefined || via === "call"));
    if (!near) hops++;
  }
  return hops;
}

function isGfp(e: SleepEntry): boolean {
  return e.sink.allocation;
}

function levelOf(r: CallbackRoot): number {
  return r.confidence === "high" ? 2 : r.confidence === "medium" ? 1 : 0;
}

/** What an entered finding tells of a function that one of its chains goes through, and an asserted one asks about. */
export const throughKey = (fn: number, sinkFn: number, sinkAt: number): string => `${fn}:${sinkFn}:${sinkAt}`;

/** The function does not make the context: it says that its callers do. */
export const isAsserted = (f: RawFinding): boolean =>
  (f.context.reasons & (R.assertion | R.annotation)) !== 0;

const RANK: Record<Confidence, number> = { high: 2, medium: 1, low: 0 };

/** Whether a finding stands in these files, or a path of it that is sure enough passes through them. */
export function hasStepIn(f: Finding, focus: ReadonlySet<string>, atLeast: Confidence = "low"): boolean {
  if (focus.has(f.file)) return true;
  return f.paths.some(
    (p) =>
      RANK[p.confidence] >= RANK[atLeast] &&
      (focus.has(p.sleep.file) || p.chain.some((s) => focus.has(s.file))),
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The sentence that a maintainer would write. */
function message(
  fn: string,
  callee: string,
  context: FindingContext,
  best: FindingPath,
  callback: boolean,
): string {
  const sleep = best.sleep.call;
  const verb = best.confidence === "high" ? "sleeps" : "may sleep";
  const where = callback
    ? `in ${contextWords(context)} (entered by ${context.how})`
    : MESSAGE_LOCKS.has(context.kind)
      ? `while holding ${contextWords(context)}`
      : context.kind === "rcu"
        ? "inside an RCU read-side section"
        : `with ${contextWords(context)}`;
  const what = callee === sleep ? `${sleep}(), which ${verb}` : `${callee}(), which ${verb} in ${sleep}()`;
  const when = best.condition ? ` (${best.condition})` : "";
  return `${fn}() calls ${what}${when}, ${where}`;
}

export { ATOMIC, rankOf };
