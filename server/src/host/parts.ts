/** Reads the parts of a file in which some functions stand, as long as the file still is what their heads were made of. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { FunctionHead } from "../facts/heads.js";
import { FnFlag } from "../facts/outline.js";
import { type FileVersion, isUnchanged } from "./cache/manifest.js";
import type { TextPart } from "./factTools.js";

/** Functions that stand no further apart are read at once: a system call costs as much as reading this. */
const GAP = 1 << 15;

let scratch = Buffer.allocUnsafe(1 << 18);

/** Finds the part that a head is in; parts are in the order of the heads. */
export type PartOf = (head: FunctionHead) => TextPart;

/** The parts of a file on disk, or null when they cannot be had so: it changed, or cannot be read. */
export function readParts(
  path: string,
  heads: readonly FunctionHead[],
  version?: FileVersion,
): PartOf | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || (version && !isUnchanged(version, stat))) return null;
    const sorted = [...heads].sort((a, b) => a.start - b.start);
    const parts: TextPart[] = [];
    for (let i = 0; i < sorted.length; ) {
      const from = sorted[i].start;
      let to = sorted[i].end;
      while (++i < sorted.length && sorted[i].start <= to + GAP) to = Math.max(to, sorted[i].end);
      if (to > stat.size) return null;
      if (to - from > scratch.length) scratch = Buffer.allocUnsafe((to - from) * 2);
      if (readSync(fd, scratch, 0, to - from, from) !== to - from) return null;
      parts.push({ text: scratch.toString("latin1", 0, to - from), from });
    }
    const partOf: PartOf = (head) => {
      for (const p of parts) if (head.start >= p.from && head.end <= p.from + p.text.length) return p;
      throw new Error("a function outside of what was read of its file");
    };
    return heads.every((h) => stands(h, partOf(h))) ? partOf : null;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** The same of a text at hand. */
export function partsOfText(text: string, heads: readonly FunctionHead[]): PartOf | null {
  const part = { text, from: 0 };
  return heads.every((h) => stands(h, part)) ? () => part : null;
}

/** Whether a function stands where its head says. A version proves it; without one this is what can be seen. */
function stands(head: FunctionHead, { text, from }: TextPart): boolean {
  if (head.end > from + text.length) return false;
  if (head.flags & (FnFlag.Prototype | FnFlag.ObjectMacro)) return true;
  const { name } = head;
  // A system call's function has another name than the one that is written.
  const written = head.flags & FnFlag.Syscall ? name.slice(name.lastIndexOf("_") + 1) : name;
  const at = text.indexOf(written, head.start - from);
  return at >= 0 && at + from + written.length <= head.bodyStart;
}
