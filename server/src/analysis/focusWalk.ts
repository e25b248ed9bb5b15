/**
 * Which functions can have a path through some files: those files' functions, and upwards everything that can call them,
 * by the same targets as the analysis itself follows. Too many rather than too few; functions are not parsed for it.
 */
import { FN_STRIDE, Fn, FnFlag } from "../facts/outline.js";
import type { CallGraph } from "../program/callgraph.js";
import type { Pointers } from "../program/pointers.js";
import type { Program, SourceFile } from "../program/program.js";

export interface FocusLimits {
  /** Most targets of a pointer call that are followed. */
  targets: number;
  /** Most calls of a path that leave their file or go through a pointer; null: any number. */
  hops: number | null;
}

/** Functions that can reach a function of these files, themselves included. */
export function canReach(
  focus: ReadonlySet<string>,
  limits: FocusLimits,
  about: {
    program: Program;
    graph: CallGraph;
    pointers: Pointers;
    read: (file: string) => string | null;
  },
): Set<number> {
  const { program, graph, pointers } = about;
  const most = limits.hops ?? Number.POSITIVE_INFINITY;
  const hops = new Map<number, number>();
  // By distance: callers in the same file, and of macros, are at no distance.
  const levels: number[][] = [[]];
  const arrive = (fn: number, at: number): void => {
    if (at > most || (hops.get(fn) ?? Number.POSITIVE_INFINITY) <= at) return;
    hops.set(fn, at);
    levels[at] ??= [];
    levels[at].push(fn);
  };
  for (const path of focus) for (const fn of program.file(path)?.fns ?? []) arrive(fn, 0);
  const placed = pointers.placements(limits.targets);
  const mentions = new Mentions(program, about.read);
  for (let at = 0; at < levels.length; at++) {
    for (let i = 0; i < (levels[at]?.length ?? 0); i++) {
      const fn = levels[at][i];
      if (hops.get(fn)! < at) continue;
      const file = program.fnFile(fn);
      const macro = (program.fnFlags(fn) & (FnFlag.Macro | FnFlag.ObjectMacro)) !== 0;
      const names = [program.fnName(fn)];
      for (let k = 0; k < names.length; k++) {
        graph.callersOf(names[k], (caller) => {
          if (caller === fn || !calls(program, caller, names[k], false)) return;
          // `#define foo bar`: who calls foo calls bar.
          if (program.fnFlags(caller) & FnFlag.ObjectMacro) {
            if (!names.includes(program.fnName(caller))) names.push(program.fnName(caller));
            return;
          }
          const from = program.fnFile(caller);
          if (k === 0 && !program.resolve(names[0], from).includes(fn)) return;
          arrive(caller, from === file || macro ? at : at + 1);
        });
      }
      for (const { field, near, member } of placed.get(fn) ?? []) {
        graph.callersOf(field, (caller) => {
          if (caller === fn || !calls(program, caller, field, member)) return;
          if (near && !pointers.isNear(near, program.fnFile(caller))) return;
          arrive(caller, at + 1);
        });
      }
      if (!macro) for (const user of mentions.of(fn)) if (user !== fn) arrive(user, at + 1);
    }
  }
  return new Set(hops.keys());
}

/** Whether a function's outline has a call of this name: plainly, or through a member of this name. */
function calls(program: Program, fn: number, name: number, member: boolean): boolean {
  const word = name * 2 + (member ? 1 : 0);
  return program.calls(fn).includes(word);
}

/** Finds the functions that hand a function on by its name, in its own file. */
class Mentions {
  private readonly texts = new Map<SourceFile, string | null>();

  constructor(
    private readonly program: Program,
    private readonly read: (file: string) => string | null,
  ) {}

  of(fn: number): Set<number> {
    const { program } = this;
    const out = new Set<number>();
    const file = program.fnFile(fn);
    if (file.header) return out;
    let text = this.texts.get(file);
    if (text === undefined) {
      text = this.read(file.path);
      this.texts.set(file, text);
    }
    if (text === null) return out;
    const name = program.fnText(fn);
    for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
      const end = at + name.length;
      if (isWord(text.charCodeAt(at - 1)) || isWord(text.charCodeAt(end))) continue;
      if (/^\s*\(/.test(text.slice(end, end + 16))) continue;
      const user = functionAround(file, at);
      if (user >= 0) out.add(user);
    }
    return out;
  }
}

function isWord(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c === 95 || (c >= 97 && c <= 122);
}

function functionAround(file: SourceFile, offset: number): number {
  const { fn } = file.outline;
  for (let i = 0; i < file.fns.length; i++) {
    const q = i * FN_STRIDE;
    if (fn[q + Fn.bodyStart] <= offset && offset < fn[q + Fn.end]) return file.fns[i];
  }
  return -1;
}
