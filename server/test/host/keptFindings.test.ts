/** Findings kept from one start of the server to the next are used only where what they speak of still stands. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Finding } from "../../src/findings/types.js";
import { clearCache } from "../../src/host/cache/admin.js";
import { keptFolder } from "../../src/host/cache/folder.js";
import { KeptFindingsFolder } from "../../src/host/keptFindings.js";

let scratch: string;
let root: string;
let cache: { folder: string };
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "lockctx-kept-"));
  root = join(scratch, "tree");
  cache = { folder: join(scratch, "cache") };
  mkdirSync(root);
  for (const file of ["a.c", "b.c", "c.c"]) writeFileSync(join(root, file), `text of ${file}`);
});
afterEach(() => rmSync(scratch, { recursive: true }));

const site = (file: string) => ({ file, offset: 1, endOffset: 2 });
function finding(fingerprint: string, ...through: string[]): Finding {
  return {
    rule: "sleep-in-atomic",
    ...site("a.c"),
    confidence: "high",
    reasons: [],
    function: "f",
    message: "",
    context: { kind: "spinlock", how: "spin_lock", site: site("a.c") },
    paths: [
      {
        confidence: "high",
        reasons: [],
        chain: through.map((file) => ({ ...site(file), function: "g" })),
        sleep: { ...site(through.at(-1)!), call: "msleep", reason: "sleeps" },
      },
    ],
    morePaths: 0,
    fingerprint,
    cluster: "",
    suppressed: null,
  } as Finding;
}
const open = (question: unknown = 1): KeptFindingsFolder => new KeptFindingsFolder(cache, root, question);
const A = "text of a.c";
const names = (findings: Finding[] | null): string[] | null => findings?.map((f) => f.fingerprint);

it("are given back for the same text", () => {
  open().keep("a.c", A, [finding("one", "a.c", "b.c"), finding("two", "a.c")]);
  expect(open().recall("a.c", A)).toEqual([finding("one", "a.c", "b.c"), finding("two", "a.c")]);
  open().keep("b.c", "text of b.c", []);
  expect(open().recall("b.c", "text of b.c")).toEqual([]);
});

it("are not given for another text, another question, another file, or none", () => {
  open().keep("a.c", A, [finding("one", "a.c")]);
  expect(open().recall("a.c", `${A} `)).toBeNull();
  expect(open(2).recall("a.c", A)).toBeNull();
  expect(open().recall("c.c", A)).toBeNull();
});

it("leave out what goes through a file that changed or is gone", () => {
  open().keep("a.c", A, [
    finding("through b", "a.c", "b.c"),
    finding("through c", "c.c"),
    finding("own", "a.c"),
  ]);
  writeFileSync(join(root, "b.c"), "other");
  expect(names(open().recall("a.c", A))).toEqual(["through c", "own"]);
  rmSync(join(root, "c.c"));
  expect(names(open().recall("a.c", A))).toEqual(["own"]);
});

it("are replaced by newer ones, and nothing else is left in the folder", () => {
  const kept = open();
  kept.keep("a.c", A, [finding("one", "a.c")]);
  kept.keep("a.c", A, []);
  expect(open().recall("a.c", A)).toEqual([]);
  expect(readdirSync(keptFolder(cache.folder, root))).toHaveLength(1);
});

it("are nothing when damaged, and a folder that cannot be written is no error", () => {
  open().keep("a.c", A, [finding("one", "a.c")]);
  const [record] = readdirSync(keptFolder(cache.folder, root));
  writeFileSync(join(keptFolder(cache.folder, root), record!), "no deflated record");
  expect(open().recall("a.c", A)).toBeNull();
  writeFileSync(join(scratch, "file"), "");
  const blocked = new KeptFindingsFolder({ folder: join(scratch, "file") }, root, 1);
  blocked.keep("a.c", A, []);
  expect(blocked.recall("a.c", A)).toBeNull();
});

it("go with the cache", () => {
  open().keep("a.c", A, [finding("one", "a.c")]);
  clearCache(cache.folder, root);
  expect(open().recall("a.c", A)).toBeNull();
});

it("know whether a text is the one on disk", () => {
  expect(open().isOnDisk("a.c", A)).toBe(true);
  expect(open().isOnDisk("a.c", "unsaved")).toBe(false);
  expect(open().isOnDisk("none.c", "")).toBe(false);
});
