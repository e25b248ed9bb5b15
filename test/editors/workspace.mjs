/** Workspaces for the editor tests: copies of the shipped example, as it is and as a small kernel tree. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository } from "./install.mjs";

/** Makes a workspace; with `kernelTree` the folder has what marks the top of a kernel tree. */
export function makeWorkspace({ kernelTree }) {
  const parent = mkdtempSync(join(tmpdir(), "lockctx-workspace-"));
  const root = join(parent, "put-super");
  cpSync(join(repository, "test-fixtures/put-super"), root, { recursive: true });
  if (kernelTree) {
    for (const name of ["Kconfig", "MAINTAINERS"]) writeFileSync(join(root, name), "");
    writeFileSync(join(root, "Makefile"), "VERSION = 4\nPATCHLEVEL = 13\n");
  }
  return { root, remove: () => rmSync(parent, { recursive: true, force: true, maxRetries: 3 }) };
}

/** What is to be seen in fs/super.c of the example. */
export const EXAMPLE = {
  file: "fs/super.c",
  rule: "sleep-in-atomic",
  message: "__put_super()",
  /** The finding is at the first such call behind such a line. */
  after: "void put_super(struct super_block *sb)",
  call: "__put_super(sb)",
  /** Words of each step, in order. */
  steps: [
    "sb_lock",
    "put_super() calls",
    "__put_super() calls",
    "destroy_super() calls",
    "list_lru_destroy() calls",
    "()",
  ],
  hover: ["sb_lock", "may sleep"],
};

/** Lines (from 1) of the example's calls that are found. */
export function exampleLines(root) {
  const lines = readFileSync(join(root, EXAMPLE.file), "utf8").split("\n");
  return lines.flatMap((line, i) => (/^\t+__put_super\(\w+\);/.test(line) ? [i + 1] : []));
}
