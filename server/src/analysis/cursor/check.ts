/** The rule stale-cursor as part of a check: from the functions in question to findings. */
import { I, LOCAL_STRIDE } from "../../facts/flow.js";
import { Fn, FnFlag } from "../../facts/outline.js";
import type { FactsPort } from "../../facts/ports.js";
import type { LockUsers } from "../../findings/lockUsers.js";
import type { Program, SourceFile } from "../../program/program.js";
import type { HeldLock } from "../held/held.js";
import { LockEffects } from "../held/lockEffects.js";
import { LockFlow } from "../held/lockFlow.js";
import { type LockOpsImage, Op } from "../held/lockOps.js";
import { EntryLocks, type Grounds } from "../held/onEntry.js";
import { Pauses } from "../pauses.js";
import type { ProgramChange, Solver } from "../solver.js";
import { elementOf, isCandidate } from "./candidates.js";
import { type CursorDraft, Drafter, type Raw } from "./drafts.js";
import { type KeptWalk, KeptWalks, type WalksImage } from "./kept.js";
import { ListMacros } from "./listMacros.js";
import { folderOf, Removers } from "./removers.js";
import { type CalleeQuestions, GET, NOT_GET, trackWalk } from "./track.js";
import { rootVar, walksOf } from "./walks.js";

/** A function's text shows a walk of its own only by a pointer to the next one. */
const LINKED = /(?:->|\.)\s*(?:\w*next\w*|\w*link|forw|fwd|flink|sibling|chain|nxt)\b/i;

/** A lock on the element is not a reference that outlives the callee. */
const solverLock = (solver: Solver, name: string): boolean => solver.tables.locks.has(name);

/**
 * What is known after a check of the whole tree, as plain data and columns. Numbers of functions and names are those of
 * the program that it was made with.
 */
export interface CursorImage {
  ops: LockOpsImage;
  /** Names of macros that walk lists. */
  listMacros: Int32Array;
  walks: WalksImage;
}

export class CursorCheck implements CalleeQuestions {
  readonly effects: LockEffects;
  private readonly macros: ListMacros;
  private readonly program: Program;
  /** Parameters that functions take references on. */
  private readonly keeps = new Map<number, Set<number>>();
  private entry: EntryLocks | null = null;
  private removers: Removers | null = null;
  private readonly kept: KeptWalks;
  private readonly drafter: Drafter;

  constructor(
    readonly solver: Solver,
    private readonly facts: FactsPort,
  ) {
    this.program = solver.program;
    const { program, tables, shared, flows, graph } = solver;
    this.effects = new LockEffects(program, tables, shared, flows, graph);
    this.macros = new ListMacros(program, graph, (file) => facts.read(file));
    this.kept = new KeptWalks(program);
    this.drafter = new Drafter(program);
  }

  /** As it was when the image was made: nothing is looked at before an edit asks for it. */
  static restore(solver: Solver, facts: FactsPort, image: CursorImage): CursorCheck {
    const check = new CursorCheck(solver, facts);
    check.effects.ops.restore(image.ops);
    check.macros.restore(image.listMacros);
    check.kept.restore(image.walks);
    return check;
  }

  /** Null before the whole tree was checked, or with edits since. */
  save(): CursorImage | null {
    const walks = this.kept.save();
    return walks && { ops: this.effects.ops.save(), listMacros: this.macros.save(), walks };
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

  /** The file gets another text or goes; called before the program has the new one. */
  leaving(file: SourceFile | null): void {
    if (file) this.kept.leaving(file);
  }

  /** The program changed, in these files at least by where things stand in them. */
  edited(change: Omit<ProgramChange, "pointers">, files: readonly string[]): void {
    const { program, kept, solver } = this;
    this.keeps.clear();
    this.users.clear();
    this.entry = null;
    this.removers = null;
    const { fns, again, names } = change;
    // Object-like macros are not followed here: what they are called is among the names.
    if (change.tables) kept.forget();
    // Of names that fields and variables have, only what mentions them is touched.
    const means = new Set(kept.complete ? [...names, ...change.mentioned] : []);
    const touched = new Set([...fns, ...again, ...solver.flows.mentioning(means)]);
    for (const name of means) solver.graph.callersOf(name, (fn) => touched.add(fn));
    const defined = new Set(names);
    for (const fn of fns) if (program.alive(fn)) defined.add(program.fnName(fn));
    const affected = this.effects.edited(touched, fns, defined);
    for (const fn of this.macros.edited(touched)) affected.add(fn);
    if (kept.complete) kept.edited({ fns, again, names, files }, affected);
  }

  async findings(
    focus: ReadonlySet<string> | null,
    inside: boolean,
    signal?: AbortSignal,
    within?: ReadonlySet<number>,
  ): Promise<CursorDraft[]> {
    if (focus !== null || within) {
      const files = this.filesOf(focus, inside)?.map((path) => this.program.file(path));
      const walks = await this.walks(everyFunction(files ?? this.program.files, within), signal);
      return walks.flatMap((w) => w.drafts);
    }
    const pending = this.kept.pending(this.entryLocks());
    const found = await this.walks(pending ?? everyFunction(this.program.files), signal);
    this.kept.take(pending, found, this.entryLocks());
    return this.kept.drafts();
  }

  /** The walks of these functions that go on from an old element, with their findings. */
  private async walks(fns: Iterable<number>, signal?: AbortSignal): Promise<KeptWalk[]> {
    const candidates = this.candidates(fns);
    await this.effects.prepare(candidates, signal);
    const raws: Raw[] = [];
    const pauses = new Pauses(signal);
    for (const fn of candidates) {
      raws.push(...this.follow(fn));
      if (pauses.due) await pauses.take();
    }
    return raws.length === 0 ? [] : this.judge(raws, signal);
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

  private candidates(fns: Iterable<number>): number[] {
    const { program, solver } = this;
    const out: number[] = [];
    let file: SourceFile | null = null;
    let text: string | null | undefined;
    for (const fn of fns) {
      if (!isCandidate(program, this.effects, fn) || solver.tables.noReturn.has(program.fnText(fn))) continue;
      const f = program.fnFile(fn);
      if (f !== file) text = undefined;
      file = f;
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
      else out.push({ fn, f, walk, stale, removals: [], asserted: [], entered: [] });
    }
    return out;
  }

  keepsArgument(name: string, from: LockFlow, index: number): boolean {
    // Who does nothing to locks is not asked, and its facts need not be there.
    if (this.effects.ops.of(this.program.names.find(name)) === Op.None) return false;
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

  /** What speaks against each walk, and what of them is left; walks of one function follow each other. */
  private async judge(raws: readonly Raw[], signal?: AbortSignal): Promise<KeptWalk[]> {
    const { program } = this;
    const entry = this.entryLocks();
    this.removers ??= new Removers(this.effects, entry, program, this.solver.graph);
    const { removers } = this;
    const wanted = raws.map((raw) => ({ path: program.fnFile(raw.fn).path, ...elementOf(raw.f, raw.walk) }));
    const holding = await removers.prepare(wanted, signal);
    await entry.prepare([...raws.map((r) => r.fn), ...holding], signal);
    // What functions called in the walk assert is held through it.
    await this.effects.prepare(
      raws.flatMap((r) => this.calledIn(r.fn)),
      signal,
    );
    const out = new Map<number, { fn: number; drafts: CursorDraft[]; grounds: Grounds }>();
    for (const [i, raw] of raws.entries()) {
      const { path, type, member } = wanted[i];
      raw.removals = removers.of(path, type, member);
      raw.asserted = this.asserted(raw);
      raw.entered = entry.of(raw.fn);
      let walk = out.get(raw.fn);
      if (!walk) {
        walk = {
          fn: raw.fn,
          drafts: [],
          grounds: { followed: new Set(this.calledIn(raw.fn)), asked: new Set() },
        };
        out.set(raw.fn, walk);
        entry.addGrounds(raw.fn, walk.grounds);
      }
      for (const fn of removers.holding(path, member)) {
        walk.grounds.followed.add(fn);
        entry.addGrounds(fn, walk.grounds);
      }
      const draft = this.drafter.draft(raw);
      if (draft) walk.drafts.push(draft);
    }
    return [...out.values()];
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
      const f = this.entryLocks().follow(g);
      if (!f) continue;
      for (const x of f.exits)
        for (const h of x.state.held)
          if (h.entry && h.how !== "annotation" && h.cls !== "" && !out.some((o) => o.cls === h.cls))
            out.push(h);
    }
    return out.filter((h) => !raw.stale.some((s) => s.lock.cls === h.cls));
  }
}

function* everyFunction(
  files: readonly (SourceFile | null)[],
  within?: ReadonlySet<number>,
): Generator<number> {
  for (const f of files) if (f) for (const fn of f.fns) if (!within || within.has(fn)) yield fn;
}
