/** Findings out of an image: those of the check that left it, as long as the files that they speak of are what they were. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Finding } from "../../src/findings/types.js";
import { checkTree } from "../../src/host/checkTree.js";
import { ImageFindings } from "../../src/host/imageFindings.js";
import { filesOf } from "../../src/host/keptFindings.js";
import { questionOf, wholeQuestion } from "../../src/host/loadTree.js";
import { openTree } from "../../src/host/tree.js";
import { walkTree } from "../../src/host/walk.js";
import { loadKernelTables, registrationNames } from "../../src/kernel/load.js";
import { fixturesFolder } from "../fixtures/harness.js";

const FILE = "fs/super.c";
const outline = { registrations: registrationNames(loadKernelTables(null)) };

let base: string;
let root: string;
let cache: { folder: string };
/** What the check found in the file. */
let found: Finding[];
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "lockctx-image-findings-"));
  root = join(base, "tree");
  cache = { folder: join(base, "cache") };
  cpSync(join(fixturesFolder, "put-super"), root, { recursive: true });
  const tree = openTree({ root, jobs: 1, cache });
  const { files } = await walkTree(root);
  const { findings } = await checkTree(tree, { files, focus: null, atLeast: "medium" });
  await tree.close();
  found = findings.filter((f) => f.file === FILE && f.confidence !== "low");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const text = (file = FILE): string => readFileSync(join(root, file), "latin1");
const open = (question = wholeQuestion(null)): ImageFindings =>
  new ImageFindings(cache, root, outline, question);

it("are those that the check told", () => {
  expect(found.length).toBeGreaterThan(0);
  expect(open().recall(FILE, text())).toEqual(found);
});

it("are none for another text, and only those that still stand when another file has changed", () => {
  expect(open().recall(FILE, `\n${text()}`)).toBeNull();
  const other = found.flatMap((f) => [...filesOf(f)]).find((file) => file !== FILE)!;
  const left = found.filter((f) => !filesOf(f).has(other));
  expect(left.length).toBeLessThan(found.length);
  writeFileSync(join(root, other), `\n${text(other)}`);
  expect(open().recall(FILE, text())).toEqual(left);
});

it("are none where the image answers another question, is damaged or not there, or was closed", () => {
  expect(open(questionOf("another")).recall(FILE, text())).toBeNull();
  const closed = open();
  closed.close();
  expect(closed.recall(FILE, text())).toBeNull();
  const folder = join(cache.folder, "v1/trees");
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith(".image"))!);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length - 100));
  expect(open().recall(FILE, text())).toBeNull();
  rmSync(path);
  expect(open().recall(FILE, text())).toBeNull();
});
