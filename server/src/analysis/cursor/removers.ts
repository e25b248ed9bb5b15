/**
 * Who takes elements off a list: calls of `list_del` and its kind on the same member of the same struct, near the walk,
 * and the locks that they hold. A walk that keeps one of them is safe whatever else it lets go of.
 */
import { E } from "../../facts/expr.js";
import { I } from "../../facts/flow.js";
import { FnFlag } from "../../facts/outline.js";
import type { CallGraph } from "../../program/callgraph.js";
import { closeness } from "../../program/places.js";
import type { Program } from "../../program/program.js";
import { excludes, type HeldLock } from "../held/held.js";
import type { LockEffects } from "../held/lockEffects.js";
import type { LockFlow } from "../held/lockFlow.js";
import type { EntryLocks } from "../held/onEntry.js";
import { rootVar } from "./walks.js";

export interface Removal {
  fn: number;
  at: number;
  end: number;
  /** Held on every way there, by the callers too. */
  held: readonly HeldLock[];
  /** What is taken off the list stays what it is: it is only moved. */
  moved: boolean;
  /** Runs when nothing else does any more: module exit, boot. */
  atExit: boolean;
  /** The element is one that was just allocated here, or the removal undoes an addition. */
  name: string;
}

const DELETERS = [
  "list_del",
  "list_del_init",
  "list_del_init_careful",
  "list_del_rcu",
  "list_move",
  "list_move_tail",
  "list_replace",
  "list_replace_init",
  "list_replace_rcu",
  "__list_del_entry",
  "hlist_del",
  "hlist_del_init",
  "hlist_del_rcu",
  "hlist_del_init_rcu",
  "hlist_bl_del",
  "hlist_bl_del_init",
  "hlist_bl_del_rcu",
  "hlist_nulls_del",
  "hlist_nulls_del_rcu",
  "hlist_nulls_del_init_rcu",
  "plist_del",
  "sk_del_node_init",
  "sk_del_node_init_rcu",
  "__sk_del_node_init",
  "__hlist_del",
];

const deleters: ReadonlySet<string> = new Set(DELETERS);

/** Whether a call of this name takes its first argument off a list. */
export const isDeleter = (name: string): boolean => deleters.has(name);

/** Whether what one folder's functions remove may be walked in the other. */
export function isNear(folder: string, own: string): boolean {
  return (
    folder === own ||
    ((folder.startsWith(own) || own.startsWith(folder)) &&
      closeness(`${folder}/x`, `${own}/x`) >= Math.max(2, own.split("/").length - 1))
  );
}

export class Removers {
  /** Functions that take something off some list, by directory. */
  private byFolder: Map<string, number[]> | null = null;

  constructor(
    private readonly effects: LockEffects,
    private readonly entry: EntryLocks,
    private readonly program: Program,
    private readonly graph: CallGraph,
  ) {}

  private index(): Map<string, number[]> {
    if (this.byFolder) return this.byFolder;
    const { program } = this;
    const map = new Map<string, number[]>();
    const seen = new Set<number>();
    for (const name of DELETERS) {
      const id = program.names.find(name);
      if (id <= 0) continue;
      this.graph.callersOf(id, (fn) => {
        if (seen.has(fn) || program.fnFlags(fn) & (FnFlag.Dead | FnFlag.Prototype | FnFlag.ObjectMacro))
          return;
        seen.add(fn);
        const folder = folderOf(program.fnFile(fn).path);
        const list = map.get(folder);
        if (list) list.push(fn);
        else map.set(folder, [fn]);
      });
    }
    this.byFolder = map;
    return map;
  }

  /** Functions near a file that take something off a list. */
  near(path: string): readonly number[] {
    const own = folderOf(path);
    let out = this.byNearness.get(own);
    if (!out) {
      out = [];
      for (const [folder, fns] of this.index()) if (isNear(folder, own)) out.push(...fns);
      // The order is that of the tree, whatever was edited when.
      out = out.sort((a, b) => this.program.comparePlaces(a, b)).slice(0, 2500);
      this.byNearness.set(own, out);
    }
    return out;
  }
  private readonly byNearness = new Map<string, number[]>();

  /** Gets what `of` needs for these walks; answers the functions that may take elements off their lists. */
  async prepare(
    wanted: readonly { path: string; member: string }[],
    signal?: AbortSignal,
  ): Promise<number[]> {
    const near = new Set<number>();
    for (const w of wanted) if (w.member !== "") for (const fn of this.near(w.path)) near.add(fn);
    // Most do not name the member: what they call is not looked at.
    await this.effects.fetch(near, signal);
    const holding = [...new Set(wanted.flatMap((w) => this.holding(w.path, w.member)))];
    await this.effects.prepare(holding, signal);
    return holding;
  }

  /** Those of them whose text names the member. */
  holding(path: string, member: string): number[] {
    const id = member === "" ? -1 : this.program.names.find(member);
    return id < 0 ? [] : this.near(path).filter((fn) => this.effects.flowOf(fn)?.names.includes(id));
  }

  /** Removals of elements of this type by this member. `type` 0: by the member's name alone, in the walk's own file. */
  of(path: string, type: number, member: string): Removal[] {
    const { program } = this;
    const out: Removal[] = [];
    const file = program.file(path);
    if (!file || member === "") return out;
    const tag = type > 0 ? program.structName(type, file) : 0;
    for (const fn of this.holding(path, member)) {
      const f = this.entry.follow(fn);
      if (!f) continue;
      const { flow } = f;
      for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
        const q = flow.base + pc;
        if (flow.code[q] !== I.Call || flow.code[q + 6] === 0) continue;
        const name = f.calledName(q);
        if (!isDeleter(name) || !this.isMember(f, flow.code[q + 7], member, tag, fn, path)) continue;
        const states = f.statesAt(pc);
        if (states.length === 0) continue;
        const inherited = this.entry.of(fn);
        const held = states[0].held
          .filter(
            (h) =>
              excludes(h) && states.every((s) => s.held.some((k) => k.cls === h.cls && k.last === h.last)),
          )
          .concat(
            inherited.filter(
              (h) => !states.some((s) => s.dropped.some((d) => d.lock.cls === h.cls && d.lock.cls !== "")),
            ),
          );
        out.push({
          fn,
          at: flow.code[q + 4],
          end: flow.code[q + 5],
          held,
          moved: /move/.test(name),
          atExit: (program.fnFlags(fn) & FnFlag.Init) !== 0,
          name,
        });
      }
    }
    return out;
  }

  private isMember(f: LockFlow, arg: number, member: string, tag: number, fn: number, path: string): boolean {
    const p = f.t.pool;
    let e = arg;
    if (p.kind(e) === E.Addr) e = p.a(e);
    if (p.kind(e) !== E.Field || f.t.text(p.b(e)) !== member) return false;
    if (tag === 0) return this.program.fnFile(fn).path === path;
    let base = p.a(e);
    while (p.kind(base) === E.Deref || p.kind(base) === E.Index) base = p.a(base);
    const t = f.t.typeOf(base);
    if (!t) return rootVar(f, arg) > 0 && this.program.fnFile(fn).path === path;
    return this.program.structName(t.name, f.file) === tag;
  }
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
