/**
 * Which loop macros walk a list, and what their arguments are: those of the kernel's list headers by their names, those of
 * the tree by what they expand to.
 */
import { Fn, FnFlag } from "../../facts/outline.js";
import type { CallGraph } from "../../program/callgraph.js";
import type { Program, SourceFile } from "../../program/program.js";

/** Roles of a macro's arguments; -1: none of them. */
export interface WalkMacro {
  /** The element or node of this round. */
  pos: number;
  /** What holds the next one beforehand: `_safe` variants go on from it. */
  next: number;
  head: number;
  /** Argument with the list member's name, or that name itself. */
  member: number | string;
  rcu: boolean;
}

const KERNEL = /^(?:list|hlist|hlist_nulls|hlist_bl|llist|plist|sk|sk_nulls)_for_each(?:_[a-z_]+)?$/;
/** Takes the next element by a call that knows about removal. */
const NOT_A_LIST = /^list_for_each_(?:table|codec)/;
const DEEPEST = 4;

/** What a macro expands to: a walk of its own, or another macro with its parameters in the places of the arguments. */
type Expansion =
  | { walk: WalkMacro }
  | { inner: string; args: readonly string[]; roleOf: (arg: string | undefined) => number };

export class ListMacros {
  /** By macro; what the macro inside of it means depends on the file that is asked from, and is not kept. */
  private readonly memo = new Map<number, Expansion | null>();
  /** Names of macros that were found to walk lists. */
  private readonly walking = new Set<number>();

  constructor(
    private readonly program: Program,
    private readonly graph: CallGraph,
    private readonly read: (file: string) => string | null,
  ) {}

  /** The roles of a loop macro's arguments as seen from a file; null when it walks no list. */
  of(name: string, from: SourceFile, depth = 0): WalkMacro | null {
    const kernel = kernelMacro(name);
    if (kernel) return kernel;
    if (depth > DEEPEST || !/[a-z]/.test(name)) return null;
    const id = this.program.names.find(name);
    if (id < 0) return null;
    const fn = this.program.resolve(id, from).find((f) => this.program.fnFlags(f) & FnFlag.Macro);
    if (fn === undefined) return null;
    const expansion = this.expansion(fn);
    if (!expansion) return null;
    const made = "walk" in expansion ? expansion.walk : this.through(expansion, from, depth);
    if (made) this.walking.add(id);
    return made;
  }

  private through(
    { inner, args, roleOf }: Extract<Expansion, { inner: string }>,
    from: SourceFile,
    depth: number,
  ): WalkMacro | null {
    const target = this.of(inner, from, depth + 1);
    if (!target) return null;
    const pos = roleOf(args[target.pos]);
    if (pos < 0) return null;
    const next = target.next < 0 ? -1 : roleOf(args[target.next]);
    if (target.next >= 0 && next < 0) return null;
    const memberText = typeof target.member === "string" ? target.member : (args[target.member] ?? "");
    const member = roleOf(memberText);
    return {
      pos,
      next,
      head: target.head < 0 ? -1 : roleOf(args[target.head]),
      member: member >= 0 ? member : memberText.trim(),
      rcu: target.rcu,
    };
  }

  private expansion(fn: number): Expansion | null {
    let known = this.memo.get(fn);
    if (known === undefined) {
      known = this.expanded(fn);
      this.memo.set(fn, known);
    }
    return known;
  }

  private expanded(fn: number): Expansion | null {
    const { program } = this;
    const file = program.fnFile(fn);
    const text = this.read(file.path);
    if (text === null) return null;
    const start = program.fnColumn(fn, Fn.start);
    const body = text
      .slice(program.fnColumn(fn, Fn.bodyStart), program.fnColumn(fn, Fn.end))
      .replace(/\\\r?\n/g, " ")
      .replace(/\/\*.*?\*\//gs, " ");
    const header = /^[^(]*\(([^)]*)\)/.exec(
      text.slice(program.fnColumn(fn, Fn.nameStart), program.fnColumn(fn, Fn.bodyStart)),
    );
    if (!header || start < 0) return null;
    const params = header[1].split(",").map((p) => p.trim());
    const roleOf = (arg: string | undefined): number => {
      const bare = arg?.replace(/^[\s(]+|[\s)]+$/g, "") ?? "";
      return params.indexOf(bare);
    };
    const inner = /\b(\w*for_each\w*)\s*\(/.exec(body);
    if (inner) return { inner: inner[1], args: splitArgs(body, inner.index + inner[0].length), roleOf };
    const walk = writtenFor(body, params, roleOf);
    return walk && { walk };
  }

  /**
   * These functions and macros mean something else now. Answers those in which a loop macro may, because one of them is
   * what it stands for.
   */
  edited(touched: Iterable<number>): Set<number> {
    const { program } = this;
    this.memo.clear();
    const out = new Set<number>();
    const seen = new Set<number>();
    let level: number[] = [];
    for (const fn of touched) {
      // Who uses one that is gone is touched by its name.
      if (!program.alive(fn) || !(program.fnFlags(fn) & FnFlag.Macro)) continue;
      const name = program.fnName(fn);
      if (seen.has(name) || kernelMacro(program.names.text(name))) continue;
      if (this.walking.has(name) || this.expansion(fn)) level.push(name);
    }
    for (let n = 0; n <= DEEPEST + 1 && level.length > 0; n++) {
      const next: number[] = [];
      for (const name of level) {
        if (seen.has(name)) continue;
        seen.add(name);
        this.graph.callersOf(name, (fn) => {
          out.add(fn);
          if (program.fnFlags(fn) & FnFlag.Macro) next.push(program.fnName(fn));
        });
      }
      level = next;
    }
    return out;
  }

  /** Names of macros that walk lists, for an image. */
  save(): Int32Array {
    return Int32Array.from(this.walking);
  }

  restore(walking: Int32Array): void {
    for (const name of walking) this.walking.add(name);
  }
}

function kernelMacro(name: string): WalkMacro | null {
  if (!KERNEL.test(name) || NOT_A_LIST.test(name)) return null;
  const rcu = /_rcu|_lockless/.test(name);
  const safe = /_safe/.test(name);
  const sk = name.startsWith("sk_");
  const entry = /_entry/.test(name) || sk;
  // Two variables for one element: the node is what the walk goes on from.
  if (/^(?:hlist_nulls|hlist_bl)_for_each_entry|^sk_nulls_for_each/.test(name)) {
    const nulls = /^hlist_nulls/.test(name);
    return {
      pos: 1,
      next: safe && !nulls ? 2 : -1,
      head: safe && !nulls ? 3 : 2,
      member: safe && !nulls ? 4 : 3,
      rcu,
    };
  }
  if (/^hlist_for_each_entry_(?:continue|from)/.test(name))
    return { pos: 0, next: -1, head: -1, member: 1, rcu };
  const at = safe ? 2 : 1;
  return { pos: 0, next: safe ? 1 : -1, head: at, member: entry ? (sk ? "sk_node" : at + 1) : -1, rcu };
}

/** The arguments from an opening parenthesis on (its inside starts at `from`). */
export function splitArgs(text: string, from: number): string[] {
  const out: string[] = [];
  let depth = 0;
  let start = from;
  for (let i = from; i < text.length; i++) {
    const ch = text[i];
    if (ch === "(" || ch === "[" || ch === "{") depth++;
    else if (ch === ")" || ch === "]" || ch === "}") {
      if (depth === 0) {
        out.push(text.slice(start, i).trim());
        return out;
      }
      depth--;
    } else if (ch === "," && depth === 0) {
      out.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return out;
}

/** A `for` of the macro's own that goes from element to element by a pointer in it. */
function writtenFor(
  body: string,
  params: readonly string[],
  roleOf: (arg: string) => number,
): WalkMacro | null {
  const open = /\bfor\s*\(/.exec(body);
  if (!open) return null;
  const inside = body.slice(open.index + open[0].length);
  let depth = 0;
  const clauses: string[] = [""];
  for (const ch of inside) {
    if (ch === "(") depth++;
    else if (ch === ")" && depth-- === 0) break;
    if (ch === ";" && depth === 0) clauses.push("");
    else clauses[clauses.length - 1] += ch;
  }
  if (clauses.length !== 3) return null;
  const step = clauses[2];
  const m = /^\s*\(?\s*(\w+)\s*\)?\s*=\s*(.*)$/s.exec(step);
  if (!m) return null;
  const pos = params.indexOf(m[1]);
  if (pos < 0) return null;
  const next = roleOf(m[2].split(",")[0]);
  const whole = clauses.join(";");
  if (!/->\s*\w*next\b|\.next\b|list_next_entry|list_entry/.test(next >= 0 ? whole : step)) return null;
  if (next < 0 && !new RegExp(`\\b${m[1]}\\b`).test(m[2])) return null;
  const entry = /list_entry\w*\s*\(/.exec(whole);
  const args = entry ? splitArgs(whole, entry.index + entry[0].length) : [];
  const nextEntry = /list_next_entry\s*\(/.exec(whole);
  const memberText = nextEntry
    ? (splitArgs(whole, nextEntry.index + nextEntry[0].length)[1] ?? "")
    : (args[2] ?? "");
  return { pos, next, head: -1, member: memberText, rcu: /rcu_dereference|_rcu\b/.test(whole) };
}
