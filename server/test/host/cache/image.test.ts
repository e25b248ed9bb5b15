/** The image of a tree on disk: a check goes on from it, and whatever happens to it the findings are those of the tree. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { cacheInfo, clearCache } from "../../../src/host/cache/admin.js";
import { imageHeads } from "../../../src/host/cache/evict.js";
import { checkTree } from "../../../src/host/checkTree.js";
import { openTree } from "../../../src/host/tree.js";
import { walkTree } from "../../../src/host/walk.js";
import { fixturesFolder } from "../../fixtures/harness.js";

let base: string;
let root: string;
let folder: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "lockctx-image-"));
  root = join(base, "tree");
  folder = join(base, "cache");
  cpSync(join(fixturesFolder, "put-super"), root, { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** What a check says, the user's lines about the cache, and whether it went on from an image. */
async function check(cache: { folder: string; bytesPerTree?: number } | null = { folder }) {
  const tree = openTree({ root, jobs: 1, cache });
  try {
    const { files } = await walkTree(root);
    const { findings, stats } = await checkTree(tree, { files, focus: null });
    const phases = stats.phases.map((p) => p.name);
    return {
      findings,
      fromImage: phases.includes("image") && !phases.includes("outline"),
      messages: [...(tree.facts.messages ?? [])],
    };
  } finally {
    await tree.close();
  }
}

const imagePath = (): string => imageHeads(folder)[0]?.path;

/** Another function that sleeps under the lock, and one more line before all others. */
function edit(n: number): void {
  const path = join(root, "fs/super.c");
  const text = readFileSync(path, "latin1");
  writeFileSync(
    path,
    `/* ${n} */\n${text}\nvoid edited_${n}(struct super_block *sb)\n{\n\tspin_lock(&sb_lock);\n\tmsleep(${n});\n\tspin_unlock(&sb_lock);\n}\n`,
  );
}

it("is what the next check goes on from, and finds what a check without cache finds", async () => {
  const first = await check();
  expect(first).toMatchObject({ fromImage: false, messages: [] });
  for (let n = 1; n <= 3; n++) {
    edit(n);
    const next = await check();
    expect(next).toMatchObject({ fromImage: true, messages: [] });
    expect(next.findings).toEqual((await check(null)).findings);
    expect(next.findings.length).toBe(first.findings.length + n);
  }
});

it("is taken up with files that came and went", async () => {
  await check();
  mkdirSync(join(root, "drivers"));
  writeFileSync(
    join(root, "drivers/new.c"),
    "void f(void)\n{\n\trcu_read_lock();\n\tlist_lru_destroy(0);\n\trcu_read_unlock();\n}\n",
  );
  const more = await check();
  expect(more.fromImage).toBe(true);
  expect(more.findings).toEqual((await check(null)).findings);
  unlinkSync(join(root, "mm/list_lru.c"));
  const less = await check();
  expect(less.fromImage).toBe(true);
  expect(less.findings).toEqual((await check(null)).findings);
});

it("with any one bit wrong, or cut anywhere, gives right findings and one line at most, and is made anew", async () => {
  let n = 0;
  const spoil = async (how: (path: string, size: number) => void): Promise<void> => {
    clearCache(folder, null);
    await check();
    how(imagePath(), statSync(imagePath()).size);
    edit(++n);
    const hurt = await check();
    expect(hurt.findings).toEqual((await check(null)).findings);
    expect(hurt.messages.length).toBeLessThanOrEqual(1);
    if (!hurt.fromImage)
      expect(hurt.messages).toEqual([expect.stringMatching(/damaged|truncated|not an image/)]);
    edit(++n);
    expect(await check()).toMatchObject({ fromImage: true, messages: [] });
  };
  for (let step = 0; step < 8; step++)
    await spoil((path, size) => {
      const bytes = readFileSync(path);
      bytes[Math.min(size - 1, Math.floor((size * step) / 7))] ^= 1 << (step % 8);
      writeFileSync(path, bytes);
    });
  for (const share of [0, 0.5, 0.99])
    await spoil((path, size) => truncateSync(path, Math.floor(size * share)));
  await spoil((path) => writeFileSync(path, "something else entirely\n".repeat(20)));
}, 120_000);

it("is of no use where types or macros mean something else throughout", async () => {
  await check();
  const header = join(root, "include/linux/fs.h");
  mkdirSync(join(root, "include/linux"), { recursive: true });
  writeFileSync(
    header,
    `${existsSync(header) ? readFileSync(header, "latin1") : ""}\nstruct quite_new { int x; };\n`,
  );
  const next = await check();
  expect(next).toMatchObject({ fromImage: false, messages: [] });
  expect(next.findings).toEqual((await check(null)).findings);
});

it("counts for the cache, goes with it, and is not kept where there is too little room", async () => {
  await check();
  const { size } = statSync(imagePath());
  const before = cacheInfo(folder, root).bytes;
  clearCache(folder, root);
  expect(imagePath()).toBeUndefined();
  expect(before).toBeGreaterThan(size);
  await check({ folder, bytesPerTree: size });
  expect(imagePath()).toBeUndefined();
});

it("that cannot be written is said, and the findings are right", async () => {
  await check();
  const path = imagePath();
  unlinkSync(path);
  // Root may write anywhere: a folder in its place stops everybody.
  mkdirSync(join(path, "in the way"), { recursive: true });
  edit(1);
  const next = await check();
  expect(next.findings).toEqual((await check(null)).findings);
  expect(next.messages).toContainEqual(expect.stringMatching(/cannot be written/));
});
