/** The rule stale-cursor as part of a check: from the functions in question to findings. */
import { I, LOCAL_STRIDE } from "../../facts/flow.js";
import { Fn, FnFlag } from "../../facts/outline.js";
import type { FactsPort } from "../../facts/ports.js";
import type { LockUsers } from "../../findings/lockUsers.js";
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
import { LockEffects } from "../held/lockEffects.js";
import { LockFlow } from "../held/lockFlow.js";
import { EntryLocks } from "../held/onEntry.js";
import { Pauses } from "../pauses.js";
import { confidenceOfNames } from "../reasons.js";
import type { Solver } from "../solver.js";
import { elementOf, isCandidate, isPrivate } from "./candidates.js";
import { ListMacros } from "./listMacros.js";
import { folderOf, type Removal, Removers } from "./removers.js";
import { type CalleeQuestions, GET, NOT_GET, type Stale, trackWalk } from "./track.js";
import { rootVar, type Walk, walksOf } from "./walks.js";

/** A function's text shows a walk of its own only by a pointer to the next one. */
const LINKED = /(?:->|\.)\s*(?:\w*next\w*|\w*link|forw|fwd|flink|sibling|chain|nxt)\b/i;
const MOST_PATHS = 16;

export interface CursorDraft {
  finding: Finding;
  callee: string;
}

/** A lock on the element is not a reference that outlives the callee. */
const solverLock = (solver: Solver, name: string): boolean => solver.tables.locks.has(name);

interface Raw {
  fn: number;
  f: LockFlow;
  walk: Walk;
  stale: Stale[];
  removals: Removal[];
}

export class CursorCheck implements CalleeQuestions {
  readonly effects: LockEffects;
  private readonly macros: ListMacros;
  private readonly program: Program;
  /** Parameters that functions take references on. */
  private readonly keeps = new Map<number, Set<number>>();
  private entry: EntryLocks | null = null;
  private removers: Removers | null = null;

  constructor(
    readonly solver: Solver,
    private readonly facts: FactsPort,
  ) {
    this.program = solver.program;
    this.effects = new LockEffects(solver.program, solver.tables, solver.shared, solver.flows);
    this.macros = new ListMacros(solver.program, (file) => facts.read(file));
  }

  private readonly users = new Map<string, Promise<LockUsers>>();

  /** The users of a lock as found since the last edit: several fixes of one finding ask for them. */
  remembered(cls: string, find: () => Promise<LockUsers>): Promise<LockUsers> {
    let known = this.users.get(cls);
    if (!known) {
      known = find();
      this.users.set(cls, known);
      // What was stopped or failed is asked again.
      known.catch(() => this.users.delete(cls));
    }
    return known;
  }

  /** Texts of functions changed, or what names mean. */
  edited(fns: Iterable<number>): void {
    this.effects.edited(fns);
    this.macros.edited();
    this.keeps.clear();
    this.users.clear();
    this.entry = null;
    this.removers = null;
  }

  async findings(
    focus: ReadonlySet<string> | null,
    inside: boolean,
    signal?: AbortSignal,
    within?: ReadonlySet<number>,
  ): Promise<CursorDraft[]> {
    const candidates = this.candidates(this.filesOf(focus, inside), within);
    await this.effects.prepare(candidates, signal);
    const raws: Raw[] = [];
    const pauses = new Pauses(signal);
    for (const fn of candidates) {
      raws.push(...this.follow(fn));
      if (pauses.due) await pauses.take();
    }
    if (raws.length === 0) return [];
    await this.seekRemovals(raws, signal);
    return raws.map((raw) => this.draft(raw)).filter((d): d is CursorDraft => d !== null);
  }

  /** Files whose walks can have a step in the files in focus: those, and for what merely passes through them the neighbours. */
  private filesOf(focus: ReadonlySet<string> | null, inside: boolean): string[] | null {
    if (focus === null) return null;
    if (inside) return [...focus].sort();
    const folders = new Set([...focus].map(folderOf));
    const out: string[] = [];
    for (const f of this.program.files)
      if (f && (focus.has(f.path) || folders.has(folderOf(f.path)))) out.push(f.path);
    return out;
  }

  private candidates(paths: string[] | null, within?: ReadonlySet<number>): number[] {
    const { program, solver } = this;
    const out: number[] = [];
    const files = paths ? paths.map((p) => program.file(p)) : program.files;
    for (const f of files) {
      if (!f) continue;
      let text: string | null | undefined;
      for (const fn of f.fns) {
        if (within && !within.has(fn)) continue;
        if (!isCandidate(program, this.effects, fn) || solver.tables.noReturn.has(program.fnText(fn)))
          continue;
        let walks = false;
        for (const c of program.calls(fn)) {
          if (c & 1) continue;
          const name = program.names.text(c >> 1);
          if (
            /for_each|list_entry|next_entry|container_of/.test(name) &&
            (!/for_each/.test(name) || this.macros.of(name, f))
          ) {
            walks = true;
            break;
          }
        }
        if (!walks) {
          text ??= this.facts.read(f.path);
          walks =
            text !== null &&
            LINKED.test(text.slice(program.fnColumn(fn, Fn.bodyStart), program.fnColumn(fn, Fn.end)));
        }
        if (walks) out.push(fn);
      }
    }
    return out;
  }

  private follow(fn: number): Raw[] {
    const flow = this.effects.flowOf(fn);
    if (!flow) return [];
    // Most candidates turn out to have no walk: the fixpoint is for those that do.
    const f = new LockFlow(this.effects, fn, flow);
    const walks = walksOf(f, this.macros);
    if (walks.length === 0) return [];
    f.run();
    const out: Raw[] = [];
    for (const walk of walks) {
      const stale = trackWalk(f, walk, this);
      if (stale.length === 0) continue;
      // The variants of a function by #if have a walk each for the same text.
      const same = out.find((r) => r.walk.at === walk.at && r.walk.name === walk.name);
      if (same) same.stale.push(...stale.filter((x) => !same.stale.some((y) => y.drop.at === x.drop.at)));
      else out.push({ fn, f, walk, stale, removals: [] });
    }
    return out;
  }

  keepsArgument(name: string, from: LockFlow, index: number): boolean {
    for (const fn of this.effects.bodies(name, from.file)) {
      const flow = this.effects.flowOf(fn);
      if (!flow || index >= flow.paramCount) continue;
      let kept = this.keeps.get(fn);
      if (!kept) {
        kept = new Set();
        this.keeps.set(fn, kept);
        const f = new LockFlow(this.effects, fn, flow);
        for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
          const q = flow.base + pc;
          if (flow.code[q] !== I.Call) continue;
          const called = f.calledName(q);
          if (!GET.test(called) || NOT_GET.test(called) || solverLock(this.solver, called)) continue;
          for (const arg of f.argsOf(q)) {
            const root = arg > 0 ? rootVar(f, arg) : 0;
            for (let i = 0; i < flow.paramCount; i++)
              if (root > 0 && f.t.pool.a(root) === flow.code[flow.localsAt + i * LOCAL_STRIDE]) kept.add(i);
          }
        }
      }
      if (kept.has(index)) return true;
    }
    return false;
  }

  /** Locks that callers hold, for whoever asks about locks between two edits. */
  entryLocks(): EntryLocks {
    this.entry ??= new EntryLocks(this.effects, this.program, this.solver.graph, this.solver.pointers);
    return this.entry;
  }

  private async seekRemovals(raws: Raw[], signal?: AbortSignal): Promise<void> {
    const { solver, program } = this;
    this.entryLocks();
    this.removers ??= new Removers(this.effects, this.entryLocks(), program, solver.graph);
    const { removers } = this;
    const entry = this.entryLocks();
    const wanted = raws.map((raw) => ({ raw, ...elementOf(raw.f, raw.walk) }));
    await removers.prepare(
      wanted.map((w) => ({ path: program.fnFile(w.raw.fn).path, member: w.member })),
      signal,
    );
    await entry.prepare(
      [
        ...raws.map((r) => r.fn),
        ...wanted.flatMap((w) => removers.holding(program.fnFile(w.raw.fn).path, w.member)),
      ],
      signal,
    );
    // What functions called in the walk assert is held through it.
    await this.effects.prepare(
      raws.flatMap((r) => this.calledIn(r.fn)),
      signal,
    );
    for (const { raw, type, member } of wanted)
      raw.removals = removers.of(program.fnFile(raw.fn).path, type, member);
  }

  private calledIn(fn: number): number[] {
    const file = this.program.fnFile(fn);
    const out = new Set<number>();
    for (const c of this.program.calls(fn)) {
      if (c & 1 || this.solver.tables.locks.has(this.program.names.text(c >> 1))) continue;
      for (const g of this.effects.bodies(this.program.names.text(c >> 1), file))
        if (!(this.program.fnFlags(g) & FnFlag.Macro)) out.add(g);
    }
    return [...out].slice(0, 60);
  }

  /** Locks that callees of the walking function assert and that it does not take itself: its callers hold them. */
  private asserted(raw: Raw): HeldLock[] {
    const out: HeldLock[] = [];
    for (const g of this.calledIn(raw.fn)) {
      const f = this.entry!.follow(g);
      if (!f) continue;
      for (const x of f.exits)
        for (const h of x.state.held)
          if (h.entry && h.how !== "annotation" && h.cls !== "" && !out.some((o) => o.cls === h.cls))
            out.push(h);
    }
    return out.filter((h) => !raw.stale.some((s) => s.lock.cls === h.cls));
  }

  // ---- findings -------------------------------------------------------------------------------------------------

  private draft(raw: Raw): CursorDraft | null {
    const { program } = this;
    const entry = this.entry!;
    const asserted = this.asserted(raw);
    const paths: { path: FindingPath; stale: Stale; remover: Removal | null }[] = [];
    for (const stale of raw.stale) {
      const kept = [
        ...stale.kept,
        ...asserted,
        ...entry
          .of(raw.fn)
          .filter(
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
