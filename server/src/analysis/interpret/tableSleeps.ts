/** Sleeps that the tables know: primitives and guards, with the conditions under which they sleep. */
import { E, Op } from "../../facts/expr.js";
import { Ctx, IN_INTERRUPT, type SleepCondition, type Sleeper } from "../../kernel/types.js";
import type { SourceFile } from "../../program/program.js";
import { R } from "../reasons.js";
import type { PathState } from "../state.js";
import type { Terms } from "../terms.js";
import type { World } from "../world.js";
import type { Frame } from "./frame.js";
import type { Locking } from "./locking.js";
import type { CallSite } from "./site.js";
import type { Sleeping } from "./sleeping.js";

export class TableSleeps {
  private readonly world: World;
  private readonly t: Terms;
  private readonly file: SourceFile;

  constructor(
    private readonly frame: Frame,
    private readonly locking: Locking,
    private readonly sleeping: Sleeping,
  ) {
    this.world = frame.world;
    this.t = frame.t;
    this.file = frame.file;
  }

  tableSleep(sl: Sleeper, { at, end, args, conditional }: CallSite, s: PathState): void {
    if (this.frame.withoutSleeps) return;
    const e = this.sleeping.direct(sl.name, whyOf(sl), at, end, { allocation: sl.allocation });
    const c: SleepCondition = sl.condition;
    switch (c.kind) {
      case "always":
        break;
      case "gfp": {
        const g = args[c.arg];
        if (g === undefined) return;
        e.gfp = [g];
        break;
      }
      case "arg": {
        const a = args[c.arg];
        if (a === undefined) return;
        if (c.above !== undefined) {
          const v = this.t.value(a, s);
          if (this.t.pool.kind(v) === E.Int) {
            if (this.t.pool.a(v) <= c.above) return;
          } else e.note = `if more than ${c.above}`;
          break;
        }
        e.atoms = [{ term: a, truth: !c.negate }];
        break;
      }
      case "flag-absent": {
        const a = args[c.arg];
        if (a !== undefined && this.hasFlag(this.t.value(a, s), c.flags)) return;
        if (a !== undefined && this.t.pool.kind(this.t.value(a, s)) === E.Param)
          e.reasons |= R["flag-undecided"];
        break;
      }
      case "pagefault":
        e.ctxNone |= Ctx.PagefaultOff;
        break;
      case "unless-in-interrupt":
        e.ctxNone |= IN_INTERRUPT;
        if (/kv/.test(sl.name)) {
          e.reasons |= R["maybe-vmalloc"];
          e.note = "if the memory came from vmalloc";
        }
        break;
      case "last-reference":
        e.reasons |= R["last-reference"];
        e.note = "when the last reference goes";
        break;
      case "object": {
        const known = c.property ? this.world.propertyHolds(c.property, this.file) : null;
        // With `only` the property makes it sleep; otherwise the property makes it not sleep.
        if (c.property?.only ? known === false : known === true) return;
        if (known === null) e.reasons |= R["object-property"];
        e.note = `if ${c.what}`;
        break;
      }
      case "state":
        e.reasons |= R["state-guarded"];
        e.note = c.what;
        break;
      case "argc":
        if (args.length !== c.count) return;
        break;
      case "drops-lock": {
        if (c.gfp !== undefined && args[c.gfp] !== undefined) e.gfp = [args[c.gfp]];
        if (c.lock.arg !== undefined && args[c.lock.arg] !== undefined) {
          let raw = args[c.lock.arg];
          if (c.lock.field !== undefined && raw > 0) {
            const p = this.t.pool;
            raw = p.make(E.Field, p.kind(raw) === E.Addr ? p.a(raw) : raw, this.t.indexOf(c.lock.field));
          }
          const value = this.t.value(raw, s);
          const ref = this.locking.lockRef(raw, value, Ctx.Preempt | Ctx.Irq | Ctx.Bh, "spinlock");
          e.dropped = [ref];
          e.droppedRaw = [raw];
        } else if (c.lock.rcu) {
          e.dropped = [{ term: -1, adds: Ctx.Rcu, kind: "rcu", cls: "", last: "" }];
          e.droppedRaw = [0];
        } else if (c.lock.preempt) {
          e.dropped = [{ term: -1, adds: Ctx.Preempt, kind: "preempt-off", cls: "", last: "" }];
          e.droppedRaw = [0];
        } else {
          // A named global, or whatever a command argument releases: the latest spinlock.
          e.dropped = [{ term: -1, adds: Ctx.Preempt, kind: "spinlock", cls: "", last: c.lock.global ?? "" }];
          e.droppedRaw = [0];
        }
        break;
      }
    }
    if (conditional) e.reasons |= R["config-dependent"];
    this.sleeping.sleep(s, at, end, e);
  }

  private hasFlag(v: number, flags: readonly string[]): boolean {
    const p = this.t.pool;
    if (p.kind(v) === E.Var) return flags.includes(this.t.text(p.a(v)));
    if (p.kind(v) === E.Binary && p.c(v) === Op.Or)
      return this.hasFlag(p.a(v), flags) || this.hasFlag(p.b(v), flags);
    return false;
  }

  guardEnter(q: number, s: PathState): void {
    const c = this.frame.flow.code;
    const cls = this.t.text(c[q + 2]);
    const guard = this.world.tables.guards.get(cls);
    const at = c[q + 4];
    const end = c[q + 5];
    const args: number[] = [];
    for (let i = 0; i < c[q + 6]; i++) args.push(c[q + 7 + i]);
    if (!guard) return;
    if (guard.sleeps) {
      this.sleeping.sleep(
        s,
        at,
        end,
        this.sleeping.direct(`guard(${cls})`, `the ${cls} guard may sleep`, at, end),
      );
    }
    if (guard.adds === 0) return;
    const token = this.locking.makeToken(args[0] ?? 0, s, guard.adds, guard.kind, `guard(${cls})`, at, end);
    token.guard = c[q + 1];
    this.locking.acquire(token, s);
  }
}

/** Why a primitive sleeps, for the message. */
function whyOf(s: Sleeper): string {
  switch (s.group) {
    case "locks-sleeping":
      return "takes a sleeping lock";
    case "sleep-delay":
      return "sleeps for a time";
    case "wait":
      return "waits for an event";
    case "slab":
    case "page-alloc":
      return s.condition.kind === "gfp" ? "may block to reclaim memory" : "may block";
    case "vmalloc":
      return "may sleep to map or unmap memory";
    case "uaccess":
      return "may fault on user memory";
    case "rcu-sync":
      return "waits for a grace period";
    case "irq":
      return "may wait for running handlers or take a mutex";
    case "workqueue-timer-kthread":
      return "may wait for work or a thread";
    case "clk-regulator-pm":
      return "may sleep";
    default:
      return s.condition.kind === "gfp" ? "may block to reclaim memory" : "may sleep";
  }
}
