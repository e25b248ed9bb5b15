/**
 * Whether the function that a pointer leads to fits the code that the chain comes from. A pointer's targets are known by
 * the type and field they are put into; which of them an object has, nothing says. Where the chain starts tells something.
 */
import type { Program } from "../program/program.js";
import { R } from "./reasons.js";
import type { Solver } from "./solver.js";
import type { SleepEntry } from "./summary.js";

export class TargetDoubts {
  private readonly program: Program;
  private readonly rivalsOf = new Map<number, readonly number[]>();

  constructor(private readonly solver: Solver) {
    this.program = solver.program;
  }

  /** Reason bits for a way to sleep as seen from its first function. */
  doubts(e: SleepEntry): number {
    const files = new Set<string>();
    const folders = new Set<string>();
    const head = this.path(e.fn);
    const startsIn = this.program.fnFile(e.fn).arch;
    let reasons = 0;
    for (let x: SleepEntry | null = e; x?.next; x = x.next) {
      if (!this.program.alive(x.next.fn)) break;
      const path = this.path(x.fn);
      if (x.via === "pointer") {
        if (this.isAnothers(x.next.fn, path, files, folders)) reasons |= R["unlikely-target"];
        // Core code that calls a driver under its lock has all of them to answer for; a driver only those that it can meet.
        const elsewhere = head !== path && this.path(x.next.fn) !== head;
        if (e.reasons & R["few-targets-sleep"] && head.startsWith("drivers/") && elsewhere)
          reasons |= R["many-targets"];
      }
      const { arch } = this.program.fnFile(x.next.fn);
      // Common code has been taken to call x86's function: not on a way that comes from another architecture.
      if (arch !== null && startsIn !== null && arch !== startsIn) reasons |= R["unlikely-target"];
      if (!this.program.fnFile(x.fn).header) {
        files.add(path);
        folders.add(folderOf(path));
      }
    }
    return reasons;
  }

  private path(fn: number): string {
    return this.program.fnFile(fn).path;
  }

  /** The other functions that can stand where this one does. */
  private rivals(fn: number): readonly number[] {
    let found = this.rivalsOf.get(fn);
    if (!found) {
      found = [...this.solver.pointers.rivals(fn)].filter((r) => this.program.alive(r));
      this.rivalsOf.set(fn, found);
    }
    return found;
  }

  /**
   * The target is another driver's, although one that the chain comes from has its own for that field: a PCI front end that
   * seems to call what the USB one put there.
   */
  private isAnothers(
    target: number,
    from: string,
    files: ReadonlySet<string>,
    folders: ReadonlySet<string>,
  ): boolean {
    const path = this.path(target);
    if (files.has(path) || path === from) return false;
    const beside = folders.has(folderOf(path)) || path.startsWith(folderOf(from));
    return this.rivals(target).some((r) => {
      const rival = this.path(r);
      return files.has(rival) || (!beside && (rival === from || folders.has(folderOf(rival))));
    });
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}
