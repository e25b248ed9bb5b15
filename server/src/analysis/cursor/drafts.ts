/** From a walk that goes on from an old element to the finding: who removes elements, how sure it is, and the steps. */
import { Fn, FnFlag } from "../../facts/outline.js";
import type {
  ChainStep,
  Confidence,
  Finding,
  FindingContext,
  FindingPath,
  Reason,
  Site,
} from "../../findings/types.js";
import { contextWords } from "../../findings/words.js";
import type { Program } from "../../program/program.js";
import { type Dropped, type HeldLock, sameLock } from "../held/held.js";
import type { LockFlow } from "../held/lockFlow.js";
import { confidenceOfNames } from "../reasons.js";
import { isPrivate } from "./candidates.js";
import type { Removal } from "./removers.js";
import type { Stale } from "./track.js";
import type { Walk } from "./walks.js";

const MOST_PATHS = 16;

/** A finding before it has a fingerprint; plain data. */
export interface CursorDraft {
  finding: Finding;
  callee: string;
}

/** A walk with what speaks against it. */
export interface Raw {
  fn: number;
  f: LockFlow;
  walk: Walk;
  stale: Stale[];
  removals: readonly Removal[];
  /** Locks that callees of the walking function assert, and locks that all of its callers hold. */
  asserted: readonly HeldLock[];
  entered: readonly HeldLock[];
}

export class Drafter {
  constructor(private readonly program: Program) {}

  draft(raw: Raw): CursorDraft | null {
    const { program } = this;
    const paths: { path: FindingPath; stale: Stale; remover: Removal | null }[] = [];
    for (const stale of raw.stale) {
      const kept = [
        ...stale.kept,
        ...raw.asserted,
        ...raw.entered.filter(
          (h) =>
            !(
              h.family === stale.lock.family &&
              (h.cls !== "" ? h.cls === stale.lock.cls : sameLock(h, stale.lock))
            ),
        ),
      ];
      // A reader of an RCU list sees good pointers until it leaves.
      if (
        raw.walk.rcu &&
        stale.lock.family !== "rcu" &&
        kept.some((k) => k.family === "rcu" || k.family === "srcu")
      )
        continue;
      const free = raw.removals.filter(
        (r) =>
          !r.held.some((h) => kept.some((k) => h.cls !== "" && h.cls === k.cls && h.family === k.family)),
      );
      if (raw.removals.length > 0 && free.length === 0) continue;
      const others = free.filter((r) => r.fn !== raw.fn);
      const locked = others.filter((r) =>
        r.held.some((h) => h.family === stale.lock.family && h.cls !== "" && h.cls === stale.lock.cls),
      );
      const remover = locked[0] ?? others[0] ?? null;
      paths.push({
        path: this.path(raw, stale, this.reasons(raw, stale, kept, free, others, locked), remover),
        stale,
        remover,
      });
    }
    if (paths.length === 0) return null;
    const rank: Record<Confidence, number> = { high: 0, medium: 1, low: 2 };
    paths.sort(
      (a, b) => rank[a.path.confidence] - rank[b.path.confidence] || a.stale.drop.at - b.stale.drop.at,
    );
    const { stale, path, remover } = paths[0];
    const context = this.context(raw, stale);
    const step = this.site(raw.fn, stale.stepAt, stale.stepAt + this.stepLength(raw.walk, stale));
    const cursor = raw.f.t.show(stale.cursor);
    const who =
      remover && remover.fn !== raw.fn
        ? `${program.fnText(remover.fn)}() may have removed meanwhile`
        : "may be gone by then";
    const finding: Finding = {
      rule: "stale-cursor",
      confidence: path.confidence,
      reasons: path.reasons,
      ...step,
      function: program.fnText(raw.fn),
      message: `${program.fnText(raw.fn)}() drops ${contextWords(context)} in the walk and goes on from ${cursor}, which ${who}`,
      context,
      paths: paths.slice(0, MOST_PATHS).map((p) => p.path),
      morePaths: Math.max(0, paths.length - MOST_PATHS),
      fingerprint: "",
      cluster: "",
      suppressed: null,
    };
    return { finding, callee: `${raw.walk.name} ${cursor}` };
  }

  private reasons(
    raw: Raw,
    stale: Stale,
    kept: readonly HeldLock[],
    free: readonly Removal[],
    others: readonly Removal[],
    locked: readonly Removal[],
  ): Reason[] {
    const out: Reason[] = [];
    if (this.program.fnFlags(raw.fn) & FnFlag.Init) out.push("boot-only");
    if (stale.rechecked) out.push("checked-again");
    if (stale.marked) out.push("element-marked");
    if (isPrivate(raw.f, raw.walk)) out.push("private-list");
    if (stale.maybe || stale.drop.through.length > 0) out.push("dropped-by-callee");
    if (raw.walk.rcu && stale.lock.family !== "rcu") out.push("rcu-walk");
    if (free.length === 0) out.push("no-removal-seen");
    else if (others.length === 0) out.push("sole-remover");
    else if (others.every((r) => r.atExit)) out.push("boot-only");
    else if (locked.length === 0 && stale.lock.family !== "rcu") {
      out.push("removal-lock-unknown");
      // Another lock is held, and nobody was seen to remove under this one: that other one may be the list's.
      if (kept.some((k) => k.family !== "rcu" && k.family !== "srcu")) out.push("other-lock-kept");
    }
    // Each is tolerable alone.
    if (out.length > 1 && confidenceOfNames(out) === "medium") out.push("several-doubts");
    return out;
  }

  private path(raw: Raw, stale: Stale, reasons: readonly Reason[], remover: Removal | null): FindingPath {
    const fn = this.program.fnText(raw.fn);
    const lock = this.lockText(stale);
    const cursor = raw.f.t.show(stale.cursor);
    const chain: ChainStep[] = [
      ...this.through(raw.fn, stale.drop, `drops ${lock}`),
      ...(remover
        ? [
            {
              ...this.site(remover.fn, remover.at, remover.at + remover.name.length),
              function: this.program.fnText(remover.fn),
              does: "may take the element off the list meanwhile",
            },
          ]
        : []),
      ...this.through(raw.fn, stale.take, `takes ${lock} again`),
      {
        ...this.site(raw.fn, stale.stepAt, stale.stepAt + this.stepLength(raw.walk, stale)),
        function: fn,
        does: `goes on from ${cursor}`,
      },
    ];
    return {
      confidence: confidenceOfNames(reasons),
      reasons: [...reasons],
      chain,
      sleep: {
        ...this.site(raw.fn, stale.stepAt, stale.stepAt + this.stepLength(raw.walk, stale)),
        call: raw.walk.name,
        reason:
          stale.walk.next === stale.cursor && stale.walk.next > 0 && stale.walk.macro
            ? "it was read before the lock was dropped; nothing keeps it"
            : "nothing keeps it, and it was not looked up again",
      },
    };
  }

  private lockText(stale: Stale): string {
    return stale.held?.text || stale.lock.last || stale.lock.cls || "the lock";
  }

  private stepLength(walk: Walk, stale: Stale): number {
    return walk.macro ? walk.name.length : Math.max(1, stale.stepText.split(/\s|->/)[0].length);
  }

  /** A place in the function, and on into the callees that do it. */
  private through(fn: number, d: Dropped, does: string): ChainStep[] {
    const out: ChainStep[] = [];
    const steps = [{ fn, at: d.at, end: d.end }, ...d.through];
    steps.forEach((s, i) => {
      const next = steps[i + 1];
      out.push({
        ...this.site(s.fn, s.at, s.at + 1),
        function: this.program.fnText(s.fn),
        does: next ? `calls ${this.program.fnText(next.fn)}()` : does,
      });
    });
    return out;
  }

  private context(raw: Raw, stale: Stale): FindingContext {
    const { held, lock } = stale;
    const kind =
      held?.kind ?? (lock.family === "spin" ? "spinlock" : lock.family === "rcu" ? "rcu" : "other");
    const text = this.lockText(stale);
    const at =
      held && !(held.entry && held.at === 0)
        ? held.at
        : this.program.fnColumn(raw.fn, Fn.nameStart) - this.program.fnColumn(raw.fn, Fn.start);
    return {
      kind,
      ...(kind === "rcu" ? {} : { lock: text }),
      ...(lock.cls ? { lockClass: lock.cls } : {}),
      site: this.site(raw.fn, at, held ? held.end : at + 1),
      how: held?.how ?? (lock.family === "mutex" ? "mutex of the caller" : "lock of the caller"),
    };
  }

  private site(fn: number, at: number, end: number): Site {
    const start = this.program.fnColumn(fn, Fn.start);
    return {
      file: this.program.fnFile(fn).path,
      offset: start + at,
      endOffset: start + Math.max(end, at + 1),
    };
  }
}
