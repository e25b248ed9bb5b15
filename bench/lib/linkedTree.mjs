// A copy of a tree made of hard links: cheap, on the same file system, and safe to edit because an edit breaks its link.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

const MARKS = ["Kconfig", "MAINTAINERS", "Makefile"];

/** What makes a part that is worth measuring and quick: file systems, memory, and the headers they include. */
export const SHORT_PART = ["fs", "mm", "include/linux"];

export class LinkedTree {
  constructor(tree, { part = null, keep = () => true, files = [] } = {}) {
    this.root = mkdtempSync(join(dirname(tree), ".lockctx-bench-"));
    this.originals = new Map();
    if (files.length > 0) {
      for (const file of [...files.filter(keep), ...MARKS]) {
        mkdirSync(dirname(join(this.root, file)), { recursive: true });
        linkSync(join(tree, file), join(this.root, file));
      }
      return;
    }
    for (const name of part ? [...part, ...MARKS] : ["."]) {
      const from = join(tree, name);
      if (!existsSync(from)) continue;
      mkdirSync(dirname(join(this.root, name)), { recursive: true });
      const to = name === "." ? this.root : dirname(join(this.root, name));
      const { status } = spawnSync("cp", ["-al", name === "." ? `${from}/.` : from, to]);
      // Another file system, or no GNU cp.
      if (status !== 0) cpSync(from, join(this.root, name), { recursive: true });
    }
  }

  has(file) {
    return existsSync(join(this.root, file));
  }

  /** Replaces a file's text; the original in the other tree stays as it is. */
  edit(file, change) {
    const path = join(this.root, file);
    const text = readFileSync(path, "latin1");
    if (!this.originals.has(file)) this.originals.set(file, text);
    writeFileSync(`${path}.new`, change(this.originals.get(file)), "latin1");
    renameSync(`${path}.new`, path);
  }

  remove() {
    rmSync(this.root, { recursive: true, force: true });
  }
}
