/** The server goes on from the image that a check has left: it is ready without reading the tree, and says what the tree says. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkTree } from "../../src/host/checkTree.js";
import { openTree } from "../../src/host/tree.js";
import { walkTree } from "../../src/host/walk.js";
import { fixturesFolder } from "../fixtures/harness.js";
import { ServerProcess } from "./process.js";

let base: string;
let root: string;
let folder: string;
let server: ServerProcess;
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "lockctx-lsp-image-"));
  root = join(base, "tree");
  folder = join(base, "cache");
  cpSync(join(fixturesFolder, "put-super"), root, { recursive: true });
  for (const name of ["Kconfig", "Makefile", "MAINTAINERS"]) writeFileSync(join(root, name), "");
  // The compiled command, as a person runs it: an image is of one build of the tool.
  const { lockctx } = await import("../cli/lockctx.js");
  await lockctx(["check", "--root", root, "--cache-dir", folder, "--exit-zero"], {
    env: { LOCKCTX_NO_CACHE: "" },
  });
});
afterEach(async () => {
  await server?.stop();
  rmSync(base, { recursive: true, force: true });
});

const text = (file: string): string => readFileSync(join(root, file), "latin1");

/** What a check without cache finds in a file as it is on disk, by line. */
async function linesOnDisk(file: string): Promise<number[]> {
  const tree = openTree({ root, jobs: 0, cache: null });
  try {
    const { files } = await walkTree(root);
    const { findings } = await checkTree(tree, { files, focus: null, atLeast: "medium" });
    const own = findings.filter((f) => f.file === file && f.confidence !== "low");
    return own.map((f) => text(file).slice(0, f.offset).split("\n").length - 1);
  } finally {
    await tree.close();
  }
}

const lines = (file: string): number[] =>
  server
    .diagnosticsOf(file)
    .map((d) => d.range.start.line)
    .sort((a, b) => a - b);

it("shows the tree's findings, follows edits and undo, and notices what changed on disk before", async () => {
  const file = "fs/super.c";
  // One more function than when the image was made.
  writeFileSync(
    join(root, file),
    `/* new */\n${text(file)}\nvoid more(void)\n{\n\tspin_lock(&sb_lock);\n\tmsleep(1);\n\tspin_unlock(&sb_lock);\n}\n`,
  );
  server = await new ServerProcess(root, { LOCKCTX_CACHE_DIR: folder, LOCKCTX_NO_CACHE: "" }).start();
  const original = text(file);
  server.open(file, original);
  await server.settle([file]);
  expect(lines(file)).toEqual(await linesOnDisk(file));
  expect(lines(file).length).toBeGreaterThan(3);
  const before = lines(file).length;
  server.change(file, [{ text: original.replace("msleep(1);", "udelay(1);") }]);
  await server.settle([file]);
  expect(lines(file).length).toBe(before - 1);
  server.change(file, [{ text: original }]);
  await server.settle([file]);
  expect(lines(file).length).toBe(before);
}, 60_000);

it("reads the tree when an edit makes types mean something else throughout", async () => {
  const header = "include/linux/made.h";
  mkdirSync(dirname(join(root, header)), { recursive: true });
  server = await new ServerProcess(root, { LOCKCTX_CACHE_DIR: folder, LOCKCTX_NO_CACHE: "" }).start();
  server.open("fs/super.c", text("fs/super.c"));
  server.open(header, "struct made { int x; };\n");
  await server.settle(["fs/super.c"]);
  expect(lines("fs/super.c")).toEqual(await linesOnDisk("fs/super.c"));
  server.change(header, [{ text: "struct made { int x; };\nstruct other { struct made m; };\n" }]);
  await server.settle(["fs/super.c"]);
  await server.until("ready again", () => server.status?.health === "ready");
  expect(lines("fs/super.c")).toEqual(await linesOnDisk("fs/super.c"));
}, 60_000);
