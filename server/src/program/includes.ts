/**
 * Which headers of its own driver a file includes, directly or through each other. Headers under include/ are everybody's
 * and not followed; -I options of Makefiles are not read: a header that is not beside its includer is searched by name.
 */
import { closeness } from "./places.js";
import type { SourceFile } from "./program.js";

/** Most headers of one closure: beyond it nothing more is followed. */
const MOST_HEADERS = 400;

/** What of a file's includes decides which names it sees: those in quotes. */
export function ownIncludes(o: { includes: Int32Array }, names: { text(id: number): string }): string {
  return [...o.includes].filter((id) => names.text(id).charCodeAt(0) === QUOTE).join();
}
const QUOTE = 34;

export interface IncludeClosure {
  /** Indices of the files. */
  files: ReadonlySet<number>;
  /** Every quoted include was found: a header that is not in `files` is not included. */
  complete: boolean;
}

/** What the closures need of the program. */
export interface IncludeSource {
  file(path: string): SourceFile | null;
  readonly files: readonly (SourceFile | null)[];
  names: { text(id: number): string };
}

export class Includes {
  private readonly closures = new Map<number, IncludeClosure>();
  /** Bare name → indices of the private headers of that name. */
  private byName: Map<string, number[]> | null = null;

  constructor(private readonly program: IncludeSource) {}

  /** A file changed; `new`: it came or went. */
  forget(isNew: boolean): void {
    this.closures.clear();
    if (isNew) this.byName = null;
  }

  of(from: SourceFile): IncludeClosure {
    const hit = this.closures.get(from.index);
    if (hit) return hit;
    const files = new Set<number>();
    const work = [from];
    let complete = true;
    for (let f = work.pop(); f && files.size < MOST_HEADERS; f = work.pop()) {
      for (const id of f.outline.includes) {
        const text = this.program.names.text(id);
        if (text.charCodeAt(0) !== QUOTE) continue;
        const header = this.find(text.slice(1), f);
        if (!header) complete = false;
        else if (!files.has(header.index) && header !== from) {
          files.add(header.index);
          work.push(header);
        }
      }
    }
    const closure = { files, complete: complete && files.size < MOST_HEADERS };
    this.closures.set(from.index, closure);
    return closure;
  }

  /** The file that `#include "text"` means in a file. */
  private find(text: string, from: SourceFile): SourceFile | null {
    const beside = this.program.file(joined(from.path, text));
    if (beside) return beside;
    const tail = text.replace(/^(?:\.\.?\/)+/, "");
    let best: SourceFile | null = null;
    let score = 1;
    for (const index of this.named(tail.slice(tail.lastIndexOf("/") + 1))) {
      const f = this.program.files[index];
      if (!f) continue;
      if (f.path !== tail && !f.path.endsWith(`/${tail}`)) continue;
      const s = closeness(f.path, from.path);
      if (s > score) {
        score = s;
        best = f;
      }
    }
    return best;
  }

  private named(name: string): readonly number[] {
    if (!this.byName) {
      this.byName = new Map();
      for (const f of this.program.files) {
        if (!f?.header || f.path.startsWith("include/")) continue;
        const bare = f.path.slice(f.path.lastIndexOf("/") + 1);
        const list = this.byName.get(bare);
        if (list) list.push(f.index);
        else this.byName.set(bare, [f.index]);
      }
    }
    return this.byName.get(name) ?? [];
  }
}

/** A path relative to the folder of a file, without `.` and `..`. */
function joined(from: string, text: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of text.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
