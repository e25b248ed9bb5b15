/** Finds the kernel tree that a path belongs to, and its version. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { KernelVersion } from "../kernel/types.js";

/** Files that stand together only at the top of a kernel tree. */
const MARKS = ["Kconfig", "Makefile", "MAINTAINERS"];

/** Whether the folder is the top of a kernel tree. */
export function isKernelRoot(folder: string): boolean {
  return MARKS.every((name) => existsSync(join(folder, name)));
}

/** The nearest folder at or above `start` that is the top of a kernel tree, or null. */
export function findKernelRoot(start: string): string | null {
  let folder = resolve(start);
  try {
    if (!statSync(folder).isDirectory()) folder = dirname(folder);
  } catch {
    folder = dirname(folder);
  }
  for (;;) {
    if (isKernelRoot(folder)) return folder;
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

/** VERSION and PATCHLEVEL of the tree's Makefile; null where there are none. */
export function readKernelVersion(root: string): KernelVersion | null {
  let text: string;
  try {
    text = readFileSync(join(root, "Makefile"), "utf8");
  } catch {
    return null;
  }
  const major = /^VERSION\s*=\s*(\d+)\s*$/m.exec(text);
  const minor = /^PATCHLEVEL\s*=\s*(\d+)\s*$/m.exec(text);
  return major && minor ? { major: Number(major[1]), minor: Number(minor[1]) } : null;
}
