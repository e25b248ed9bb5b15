/** What would make a place not atomic, or a path not sleep: conditions and contexts turned round, in words. */
import { Ctx } from "../kernel/types.js";
import type { CallbackRoot } from "../program/pointers.js";
import type { Program } from "../program/program.js";
import { R } from "./reasons.js";
import type { Token } from "./state.js";
import type { SleepEntry } from "./summary.js";
import type { SharedTerms } from "./terms.js";
import { sharedWording, termText } from "./termText.js";

/** How to leave a context that was entered in code. */
export function otherwiseOfToken(t: Pick<Token, "kind" | "lock" | "how" | "entry">): string {
  // A lock that is found by a call has no name that says which it is.
  const lock = t.lock === "" || t.lock.includes("…") ? "the lock" : t.lock;
  switch (t.kind) {
    case "rcu":
      return "not after the matching rcu_read_unlock(), nor under srcu_read_lock()";
    case "preempt-off":
      return t.entry
        ? `not where ${t.how}() is wrong: it says that preemption is off`
        : `not after what ${t.how}() began is ended (preempt_enable(), put_cpu() …)`;
    case "irq-off":
      return t.entry
        ? `not where ${t.how}() is wrong: it says that interrupts are off`
        : "not after interrupts are enabled again";
    case "softirq-off":
      return "not after local_bh_enable()";
    default:
      return t.entry
        ? `not where ${lock} is not held: ${t.how} says that it is`
        : `not after ${lock} is released, nor if it were a mutex`;
  }
}

/** How a callback would run in a context that may sleep. */
export function otherwiseOfCallback(r: Pick<CallbackRoot, "kind" | "how" | "byOps">): string {
  if (r.byOps) return `not if ${r.how} only queued work that does the rest`;
  switch (r.kind) {
    case "hardirq":
      return "not in the threaded half of request_threaded_irq(), nor in work that it queues";
    case "softirq":
      return "not in work that it queues";
    default:
      return "not in work that it queues";
  }
}

/** What would keep one path from sleeping, or make the sleep legal. */
export function otherwiseOfSleep(program: Program, shared: SharedTerms, e: SleepEntry): string[] {
  const w = sharedWording(program, shared, e.fn);
  const out: string[] = [];
  for (const g of e.gfp)
    out.push(`not where ${termText(w, g)} does not allow blocking (GFP_ATOMIC, GFP_NOWAIT)`);
  if (e.gfp.length === 0 && e.sink.allocation && e.reasons & R["gfp-undecided"])
    out.push("not if the gfp flags do not allow blocking: their value was not decided");
  for (const a of e.atoms) out.push(`not where ${termText(w, a.term)} is ${a.truth ? "zero" : "not zero"}`);
  for (const d of e.dropped) {
    const lock = d.term >= 0 ? termText(w, d.term) : d.last;
    const name = lock === "" || lock.includes("…") ? d.last || "the caller's lock" : lock;
    out.push(`no bug under ${name} alone, which is released before the sleep`);
  }
  if (e.ctxNone & Ctx.PagefaultOff) out.push("not while page faults are disabled");
  if (e.ctxNone & Ctx.Preempt) out.push("not where the context test on the way sees that it is atomic");
  else if (e.ctxNone & Ctx.Bh) out.push("no bug where in_interrupt() is true");
  if (e.note.startsWith("unless ")) out.push(`not if ${e.note.slice("unless ".length)}`);
  else if (e.note !== "")
    out.push(/^(?:if|when|where) /.test(e.note) ? `only ${e.note}` : `only under a condition: ${e.note}`);
  if (e.reasons & R["state-guarded"] && e.note === "")
    out.push("not where an earlier return on the way is taken: it depends on the object's state");
  if (e.reasons & R["config-dependent"]) out.push("not in configurations that leave it out");
  return out;
}
