/**
 * The walks of the whole tree with their findings, kept from one check to the next, and what an edit can have changed of
 * them. A function without a walk that goes on from an old element rests on itself and on what its callees do to locks;
 * one with such a walk also on who removes elements nearby and on what callers hold: those are kept with it.
 */
import type { Program, SourceFile } from "../../program/program.js";
import type { EntryLocks, Grounds } from "../held/onEntry.js";
import type { CursorDraft } from "./drafts.js";
import { folderOf, isDeleter, isNear } from "./removers.js";

/** A function with at least one walk that goes on from an old element; all of them may be excused. */
export interface KeptWalk {
  fn: number;
  drafts: readonly CursorDraft[];
  grounds: Grounds;
}

/** Kept walks as columns. Lists of functions stand one after another; `…Ends` says where each walk's end. */
export interface WalksImage {
  fns: Int32Array;
  drafts: (readonly CursorDraft[])[];
  followed: Int32Array;
  followedEnds: Int32Array;
  asked: Int32Array;
  askedEnds: Int32Array;
  /** Of each function asked for: whether something may have called it otherwise than by name. */
  pointed: Uint8Array;
}

/** An edit as far as walks are concerned. */
export interface WalkEdit {
  /** Functions whose texts are others, are new or are gone. */
  fns: readonly number[];
  /** Those whose texts are as they were, and which may mean something else. */
  again: readonly number[];
  /** Names that mean something else. */
  names: readonly number[];
  files: Iterable<string>;
}

interface Kept {
  drafts: readonly CursorDraft[];
  followed: Iterable<number>;
  asked: readonly number[];
  pointed: readonly boolean[];
}

export class KeptWalks {
  private walks: Map<number, Kept> | null = null;
  /** What edits since the last check touched: functions whose locks may be others, files, names called, folders. */
  private readonly redo = new Set<number>();
  private readonly files = new Set<string>();
  private readonly called = new Set<number>();
  private readonly folders = new Set<string>();
  /** What the functions of files that are about to be replaced call, and where. */
  private readonly before = new Map<number, { path: string; calls: Int32Array }>();

  constructor(private readonly program: Program) {}

  /** Whether the whole tree was looked at. */
  get complete(): boolean {
    return this.walks !== null;
  }

  private get settled(): boolean {
    return this.redo.size + this.files.size + this.called.size + this.folders.size === 0;
  }

  forget(): void {
    this.walks = null;
    this.settle();
  }

  private settle(): void {
    for (const set of [this.redo, this.files, this.called, this.folders]) set.clear();
    this.before.clear();
  }

  /** A file gets another text, or goes: who its functions called tells later whom that concerns. */
  leaving(file: SourceFile): void {
    if (!this.walks) return;
    for (const fn of file.fns)
      this.before.set(fn, { path: file.path, calls: this.program.calls(fn).slice() });
  }

  /** `affected`: every function whose locks may be others, or whose loops. */
  edited(edit: WalkEdit, affected: Iterable<number>): void {
    const { program } = this;
    for (const fn of affected) this.redo.add(fn);
    for (const path of edit.files) this.files.add(path);
    for (const name of edit.names) this.called.add(name);
    for (const fn of edit.fns) {
      const was = this.before.get(fn);
      if (was) this.addCalls(was.calls, was.path);
      if (program.alive(fn)) this.addCalls(program.calls(fn), program.fnFile(fn).path);
    }
    for (const fn of edit.again)
      if (program.alive(fn)) this.addCalls(program.calls(fn), program.fnFile(fn).path);
    this.before.clear();
  }

  private addCalls(calls: Int32Array, path: string): void {
    for (const c of calls) {
      this.called.add(c >> 1);
      if (isDeleter(this.program.names.text(c >> 1))) this.folders.add(folderOf(path));
    }
  }

  /** The functions to look at again, in the order of the files; null for all. */
  pending(entry: EntryLocks): number[] | null {
    if (!this.walks) return null;
    const { program } = this;
    const out = [...this.redo].filter((fn) => program.alive(fn));
    for (const [fn, walk] of this.walks)
      if (program.alive(fn) && !this.redo.has(fn) && this.concerns(fn, walk, entry)) out.push(fn);
    return out.sort((a, b) => this.order(a, b));
  }

  private concerns(fn: number, walk: Kept, entry: EntryLocks): boolean {
    const { program } = this;
    const { path } = program.fnFile(fn);
    for (const f of walk.followed) if (this.redo.has(f)) return true;
    for (const [i, f] of walk.asked.entries())
      if (!program.alive(f) || this.called.has(program.fnName(f)) || entry.isPointed(f) !== walk.pointed[i])
        return true;
    for (const folder of this.folders) if (isNear(folder, folderOf(path))) return true;
    // Places in other files move with what stands before them.
    return this.files.size > 0 && walk.drafts.some((d) => filesOf(d).some((file) => this.files.has(file)));
  }

  private order(a: number, b: number): number {
    const { program } = this;
    return program.fnFile(a).index - program.fnFile(b).index || program.fnIndex(a) - program.fnIndex(b);
  }

  /** Takes what was found of the functions that were pending. */
  take(done: readonly number[] | null, found: readonly KeptWalk[], entry: EntryLocks): void {
    this.walks ??= new Map();
    for (const fn of done ?? []) this.walks.delete(fn);
    for (const fn of [...this.walks.keys()]) if (!this.program.alive(fn)) this.walks.delete(fn);
    for (const { fn, drafts, grounds } of found) {
      const asked = [...grounds.asked];
      this.walks.set(fn, {
        drafts,
        followed: grounds.followed,
        asked,
        pointed: asked.map((f) => entry.isPointed(f)),
      });
    }
    this.settle();
  }

  /** All findings in the order of the files. Copies: whoever reports them completes them. */
  drafts(): CursorDraft[] {
    const { walks } = this;
    if (!walks) return [];
    const fns = [...walks.keys()].sort((a, b) => this.order(a, b));
    return fns.flatMap((fn) => structuredClone(walks.get(fn)!.drafts) as CursorDraft[]);
  }

  // ---- image ----------------------------------------------------------------------------------------------------

  /** Null before the whole tree was looked at, or with edits since. */
  save(): WalksImage | null {
    if (!this.walks || !this.settled) return null;
    const walks = [...this.walks.values()];
    const followed = walks.map((w) => [...w.followed]);
    return {
      fns: Int32Array.from(this.walks.keys()),
      drafts: walks.map((w) => w.drafts),
      followed: Int32Array.from(followed.flat()),
      followedEnds: ends(followed),
      asked: Int32Array.from(walks.flatMap((w) => w.asked)),
      askedEnds: ends(walks.map((w) => w.asked)),
      pointed: Uint8Array.from(walks.flatMap((w) => w.pointed.map(Number))),
    };
  }

  restore(image: WalksImage): void {
    this.walks = new Map();
    let followed = 0;
    let asked = 0;
    for (const [i, fn] of image.fns.entries()) {
      this.walks.set(fn, {
        drafts: image.drafts[i],
        followed: image.followed.subarray(followed, image.followedEnds[i]),
        asked: [...image.asked.subarray(asked, image.askedEnds[i])],
        pointed: [...image.pointed.subarray(asked, image.askedEnds[i])].map((bit) => bit !== 0),
      });
      followed = image.followedEnds[i];
      asked = image.askedEnds[i];
    }
  }
}

function ends(lists: readonly (readonly number[])[]): Int32Array {
  let end = 0;
  return Int32Array.from(lists, (list) => {
    end += list.length;
    return end;
  });
}

/** The files in which a finding names places. */
function filesOf({ finding }: CursorDraft): string[] {
  return [
    finding.file,
    finding.context.site.file,
    ...finding.paths.flatMap((p) => [p.sleep.file, ...p.chain.map((s) => s.file)]),
  ];
}
