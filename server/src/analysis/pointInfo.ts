/** What is known about one place: the contexts that hold there, the lock taken or released, and what the call may do. */

import type { PointInfo } from "../engine.js";
import { E } from "../facts/expr.js";
import { I } from "../facts/flow.js";
import type { FindingPath } from "../findings/types.js";
import type { Demand } from "./demand.js";
import { type EnteredLimits, enteredIn } from "./entered.js";
import { functionRef } from "./explain.js";
import { instructions, statesIn } from "./places.js";
import type { Reporter } from "./report.js";
import { heldContext } from "./summary.js";
import { type FunctionTrace, holdings, type TracedCall } from "./trace.js";

/** A reader waits for the answer: near callers only. */
const LIMITS: EnteredLimits = { callers: 60, depth: 3, contexts: 6 };
const MOST_PATHS = 8;

export async function pointInfo(
  demand: Demand,
  reporter: Reporter,
  fn: number,
  offset: number,
): Promise<PointInfo> {
  const { program } = demand.solver;
  const ref = functionRef(program, fn);
  await demand.summarise([fn]);
  await demand.prepare([fn]);
  const trace = demand.trace(fn);
  const info: PointInfo = { function: ref.name, contexts: [] };
  if (!trace) return info;
  const at = offset - ref.start;
  // The whole signature stands for the function: what it is entered in.
  const call = trace.calls.find((c) => c.at <= at && at < c.at + Math.max(1, c.name.length));
  const here = call ? trace.states(call.pc) : statesIn(trace, at, at + 1);
  const onSignature = offset < ref.site.endOffset;
  for (const h of onSignature ? [] : holdings(here)) {
    const c = reporter.context(fn, heldContext(h.token));
    info.contexts.push({
      kind: c.kind,
      ...(c.lock === undefined ? {} : { lock: c.lock }),
      ...(c.lockClass === undefined ? {} : { lockClass: c.lockClass }),
      how: c.how,
      site: c.site,
      ...(h.always ? {} : { maybe: true }),
    });
  }
  const entered = await enteredIn(demand, reporter, fn, LIMITS);
  for (const { context: c, from, chain, maybe } of entered.contexts) {
    info.contexts.push({
      kind: c.kind,
      ...(c.lock === undefined ? {} : { lock: c.lock }),
      ...(c.lockClass === undefined ? {} : { lockClass: c.lockClass }),
      how: from === "callback" || chain.length === 0 ? c.how : `${c.how} in ${chain[0].function}()`,
      site: c.site,
      ...(maybe || from === "caller" ? { maybe: true } : {}),
    });
  }
  if (call) {
    info.call = callInfo(demand, reporter, call);
    const lock = lockOfCall(demand, trace, call);
    if (lock) info.lock = lock;
  } else {
    const lock = lockOfGuard(demand, trace, at);
    if (lock) info.lock = lock;
  }
  return info;
}

function callInfo(demand: Demand, reporter: Reporter, call: TracedCall): NonNullable<PointInfo["call"]> {
  const { program } = demand.solver;
  const targets = [...call.targets].map((t) => functionRef(program, t).site);
  const paths: FindingPath[] = call.sleeps
    .filter((e) => e.sink.viaParam < 0)
    .slice(0, MOST_PATHS)
    .map((e) => reporter.path(e, 0));
  const given = call.sleeps.some((e) => e.sink.viaParam >= 0);
  return {
    name: /\w+$/.exec(call.name)?.[0] ?? call.name,
    targets,
    sleeps: paths.length > 0 ? "may" : call.unresolved || given ? "unknown" : "never",
    paths,
  };
}

/** The lock that a primitive or a wrapper at this call takes or releases. */
function lockOfCall(demand: Demand, trace: FunctionTrace, call: TracedCall): PointInfo["lock"] {
  const { tables } = demand.solver;
  const primitive = tables.locks.get(call.name);
  if (primitive && call.targets.size === 0) {
    const { flow, terms } = trace;
    const q = flow.base + call.pc;
    const index = primitive.lock?.from === "arg" ? primitive.lock.index : -1;
    const raw = index >= 0 && index < flow.code[q + 6] ? flow.code[q + 7 + index] : 0;
    const cls = raw > 0 ? terms.lockClass(raw, raw) : "";
    return {
      name: call.name,
      op: primitive.op,
      ...(raw > 0 ? { lock: terms.show(raw).replace(/^&/, "") } : {}),
      ...(cls === "" ? {} : { lockClass: cls }),
    };
  }
  const taken = takenAt(trace, call.at);
  if (taken)
    return {
      name: call.name,
      op: "acquire",
      ...(taken.lock === "" ? {} : { lock: taken.lock }),
      ...(taken.cls === "" ? {} : { lockClass: taken.cls }),
    };
  for (const t of call.targets) {
    const released = demand.solver.summaryOf(t).effects.flatMap((e) => e.releases)[0];
    if (released)
      return {
        name: call.name,
        op: "release",
        ...(released.last === "" ? {} : { lock: released.last }),
        ...(released.cls === "" ? {} : { lockClass: released.cls }),
      };
  }
  return undefined;
}

function takenAt(trace: FunctionTrace, at: number): { lock: string; cls: string } | null {
  for (const pc of instructions(trace.flow))
    for (const s of trace.states(pc)) for (const t of s.tokens) if (t.at === at && !t.entry) return t;
  return null;
}

function lockOfGuard(demand: Demand, trace: FunctionTrace, at: number): PointInfo["lock"] {
  const { flow, terms } = trace;
  const c = flow.code;
  for (const pc of instructions(flow)) {
    const q = flow.base + pc;
    if (c[q] !== I.GuardEnter || at < c[q + 4] || at >= c[q + 5]) continue;
    const name = terms.text(c[q + 2]);
    const raw = c[q + 6] > 0 ? c[q + 7] : 0;
    const cls = raw > 0 ? terms.lockClass(raw, raw) : "";
    const guard = demand.solver.tables.guards.get(name);
    return {
      name: `guard(${name})`,
      op: guard?.conditional ? "try" : "acquire",
      ...(raw > 0 && terms.pool.kind(raw) !== E.Unknown ? { lock: terms.show(raw).replace(/^&/, "") } : {}),
      ...(cls === "" ? {} : { lockClass: cls }),
    };
  }
  return undefined;
}
