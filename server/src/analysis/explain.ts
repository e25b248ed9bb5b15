/** Why a function or a place in it is atomic, why it may sleep, what would change that, and what stayed undecided. */
import { Fn, FnFlag } from "../facts/outline.js";
import type {
  ExplainedPath,
  Explanation,
  FunctionRef,
  OwnContext,
  Subject,
  Undecided,
} from "../findings/explain.js";
import type { Program } from "../program/program.js";
import type { Demand } from "./demand.js";
import { type EnteredLimits, enteredIn, isAsserted } from "./entered.js";
import { otherwiseOfSleep, otherwiseOfToken } from "./otherwise.js";
import { instructions, statesIn } from "./places.js";
import type { Reporter } from "./report.js";
import { heldContext, type SleepEntry } from "./summary.js";
import { ownWording, termText } from "./termText.js";
import { type FunctionTrace, holdings, type TracedCall } from "./trace.js";

const LIMITS: EnteredLimits = { callers: 600, depth: 10, contexts: 24 };
/** Paths told; the rest is counted. */
const MOST_PATHS = 16;
/** Calls told under one context. */
const MOST_CALLS = 12;

export function functionRef(program: Program, fn: number): FunctionRef {
  const nameStart = program.fnColumn(fn, Fn.nameStart);
  const name = program.fnText(fn);
  const file = program.fnFile(fn).path;
  return {
    name,
    file,
    start: program.fnColumn(fn, Fn.start),
    end: program.fnColumn(fn, Fn.end),
    site: { file, offset: nameStart, endOffset: nameStart + name.length },
    kind: program.fnFlags(fn) & FnFlag.Macro ? "macro" : "function",
  };
}

export async function explain(
  demand: Demand,
  reporter: Reporter,
  fn: number,
  subject: Subject,
): Promise<Explanation> {
  const { solver } = demand;
  await demand.summarise([fn]);
  await demand.prepare([fn]);
  const trace = demand.trace(fn);
  const start = subject.function.start;
  const from = subject.range ? subject.range.start - start : 0;
  const to = subject.range ? subject.range.end - start : Number.POSITIVE_INFINITY;
  const inside = (at: number): boolean => at >= from && at < to;
  const entered = await enteredIn(demand, reporter, fn, LIMITS);
  const calls = trace ? trace.calls.filter((c) => inside(c.at)) : [];
  const entries = subject.range ? calls.flatMap((c) => c.sleeps) : [...(trace?.result.summary.sleeps ?? [])];
  const sleeping = entries.filter((e) => e.sink.viaParam < 0);
  const paths = sleeping.slice(0, MOST_PATHS).map((e) => explainedPath(demand, reporter, e));
  const undecided = trace ? undecidedIn(demand, reporter, trace, calls, inside) : [];
  const unread = demand.unread(fn);
  if (unread !== null) {
    undecided.unshift({
      kind: "not-read",
      site: subject.function.site,
      text: subject.function.name,
      why:
        unread === "missing"
          ? "its text could not be parsed: nothing is known of it"
          : "its text was parsed with errors: some of it may be missing",
    });
  }
  const open = undecided.some((u) => u.kind !== "condition" && u.kind !== "not-reached");
  const callbacks = new Set(solver.pointers.roots.filter((r) => r.fn === fn).map((r) => r.fn));
  const findings = reporter
    .findings([fn], callbacks, null)
    .filter((f) => !subject.range || (f.offset >= subject.range.start && f.offset < subject.range.end));
  return {
    function: subject.function,
    ...(subject.range
      ? {
          at: {
            file: subject.function.file,
            offset: subject.range.start,
            endOffset: subject.range.end,
          },
        }
      : {}),
    own: trace ? ownContexts(reporter, trace, subject.range ? { from, to } : null) : [],
    callers: entered.contexts,
    callersSeen: entered.seen,
    callersLeft: entered.left,
    sleeps: {
      verdict: paths.length > 0 ? "may" : open ? "unknown" : "never",
      paths,
      morePaths: sleeping.length - paths.length + (subject.range ? 0 : (trace?.result.summary.more ?? 0)),
    },
    undecided,
    findings,
  };
}

export function explainedPath(demand: Demand, reporter: Reporter, e: SleepEntry): ExplainedPath {
  const { program, shared } = demand.solver;
  return { ...reporter.path(e, 0), otherwise: otherwiseOfSleep(program, shared, e) };
}

/** The contexts that the function enters or asserts, in the order of the text; within a stretch of it, those that hold there. */
function ownContexts(
  reporter: Reporter,
  trace: FunctionTrace,
  range: { from: number; to: number } | null,
): OwnContext[] {
  const everywhere = range
    ? statesIn(trace, range.from, range.to)
    : [...instructions(trace.flow)].flatMap((pc) => [...trace.states(pc)]);
  return holdings(everywhere).map((h) => {
    const under = trace.calls.filter(
      (c) =>
        c.at !== h.token.at &&
        holdings(trace.states(c.pc)).some(
          (o) => o.token.at === h.token.at && o.token.adds === h.token.adds && o.token.lock === h.token.lock,
        ),
    );
    return {
      context: reporter.context(trace.fn, heldContext(h.token)),
      asserted: isAsserted(h.token),
      maybe: range !== null && !h.always,
      calls: under.slice(0, MOST_CALLS).map((c) => ({
        name: c.name,
        site: reporter.site(trace.fn, c.at, c.at + c.name.length),
      })),
      otherwise: otherwiseOfToken(h.token),
    };
  });
}

/** Everything in the function that the analysis did not decide. */
function undecidedIn(
  demand: Demand,
  reporter: Reporter,
  trace: FunctionTrace,
  calls: readonly TracedCall[],
  inside: (at: number) => boolean,
): Undecided[] {
  const { program } = demand.solver;
  const out: Undecided[] = [];
  const site = (at: number, length: number) => reporter.site(trace.fn, at, at + length);
  for (const c of calls) {
    if (c.unresolved) out.push(unresolvedCall(c, site(c.at, c.name.length)));
    else if (trace.states(c.pc).length === 0)
      out.push({
        kind: "not-reached",
        site: site(c.at, c.name.length),
        text: c.name,
        why: "no way leads here: a call before it does not return, or a condition is known",
      });
    for (const e of c.sleeps) {
      if (e.sink.viaParam < 0) continue;
      out.push({
        kind: "given-function",
        site: site(c.at, c.name.length),
        text: c.name,
        why: "calls a function that the caller gives: it sleeps if that does",
      });
      break;
    }
  }
  const wording = ownWording(trace.terms, program, trace.fn);
  const seen = new Set<string>();
  for (const u of trace.undecided) {
    const text = termText(wording, u.term);
    if (!inside(u.at) || seen.has(`${u.at}${text}`)) continue;
    seen.add(`${u.at}${text}`);
    out.push({
      kind: "condition",
      site: site(u.at, 1),
      text: text === "…" ? "a value that is not followed" : text,
      why: "a sleep of this call depends on it: it is taken to be possible",
    });
  }
  out.sort((a, b) => a.site.offset - b.site.offset);
  if (trace.result.capped > 0)
    out.push({
      kind: "budget",
      site: site(0, 1),
      text: program.fnText(trace.fn),
      why: "has more ways through it, with different locks, than are told apart: some were left out",
    });
  return out;
}

function unresolvedCall(c: TracedCall, site: Undecided["site"]): Undecided {
  if (c.manyTargets > 0)
    return {
      kind: "many-targets",
      site,
      text: c.name,
      why: `the pointer can hold ${c.manyTargets} functions: too many to follow`,
    };
  if (c.pointer)
    return {
      kind: "pointer-call",
      site,
      text: c.name,
      why: "no function is known that is stored in this pointer",
    };
  return { kind: "unresolved-call", site, text: c.name, why: "no definition of it was read" };
}
