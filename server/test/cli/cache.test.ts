/** `lockctx index` and `lockctx cache`: what they say, what they leave, and what they take away. */
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buggy, lockctx, TempTree } from "./lockctx.js";

const tree = new TempTree();
let cache: string;

beforeAll(() => {
  tree
    .asKernel()
    .put("fs/a.c", buggy("a_stop"))
    .put("fs/b.c", buggy("b_stop"))
    .put("bin.c", Buffer.alloc(50));
});
beforeEach(() => {
  cache = join(mkdtempSync(join(tmpdir(), "lockctx-cli-cache-")), "c");
  return () => rmSync(join(cache, ".."), { recursive: true, force: true });
});
afterAll(() => tree.remove());

const index = (...args: string[]) => lockctx(["index", "--cache-dir", cache, ...args], { cwd: tree.root });
const check = (...args: string[]) =>
  lockctx(["check", "--cache-dir", cache, "--format", "json", ...args], { cwd: tree.root });

describe("lockctx index", () => {
  it("reads the tree around the current folder, and a second time finds it read", async () => {
    expect(await index()).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(/^3 files, 0 of them in the cache, 1 skipped, .* s\n.*\/c\n$/),
    });
    expect((await index("--root", tree.root)).stdout).toContain("3 files, 2 of them in the cache");
  });

  it("serves a check, whose report is the same without", async () => {
    await index();
    expect((await check()).stdout).toBe((await check("--no-cache")).stdout);
  });

  it.each([
    ["--jobs", "none"],
    ["--root", "nowhere"],
  ])("refuses %s %s", async (...args) => {
    expect((await index(...args)).code).toBe(2);
  });

  it("explains itself", async () => {
    const { stdout, code } = await lockctx(["index", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:");
  });
});

describe("the folder of the cache", () => {
  it("is named by the option, the environment, XDG, or nobody", async () => {
    const named = async (env: Record<string, string>, ...args: string[]) =>
      (await lockctx(["cache", "info", ...args], { env, cwd: tree.root })).stdout.split("\n")[0];
    const xdg = { LOCKCTX_CACHE_DIR: "", XDG_CACHE_HOME: "/x/cache", HOME: "/home/me" };
    expect(await named({ ...xdg, LOCKCTX_CACHE_DIR: "/e" }, "--cache-dir", "/o")).toBe("/o");
    expect(await named({ ...xdg, LOCKCTX_CACHE_DIR: "/e" })).toBe("/e");
    expect(await named(xdg)).toBe("/x/cache/lockctx");
    expect(await named({ ...xdg, XDG_CACHE_HOME: "relative" })).toBe("/home/me/.cache/lockctx");
  });

  it("is not even made with --no-cache", async () => {
    await check("--no-cache");
    expect(existsSync(cache)).toBe(false);
    await check();
    expect(existsSync(cache)).toBe(true);
  });
});

describe("lockctx cache", () => {
  it("says what is there, and takes away one tree or all", async () => {
    const other = new TempTree().asKernel().put("fs/other.c", buggy("other"));
    await index();
    await index("--root", other.root);
    const run = (...args: string[]) => lockctx(["cache", ...args, "--cache-dir", cache], { cwd: tree.root });
    const both = (await run("info")).stdout;
    expect(both).toContain(tree.root);
    expect(both).toContain(other.root);
    expect(both).toMatch(/2 segments/);
    expect((await run("info", "--root", other.root)).stdout).not.toContain(tree.root);

    expect((await run("clear", "--root", other.root)).stdout).toMatch(/ MB removed\n$/);
    expect((await run("info")).stdout).toContain("1 segments");
    other.remove();
    await run("clear");
    expect(readdirSync(cache)).toEqual([]);
    expect((await run("info")).stdout).toContain("0 segments");
  });
});

describe("a check of a tree that has not changed", () => {
  const phases = async (...args: string[]) => (await check("--stats", "--exit-zero", ...args)).stderr;

  it("is read back, for what was asked and nothing else", async () => {
    // Files changed just now stay in doubt and are read; what they lead to is read back all the same.
    expect(await phases()).not.toContain("from the cache");
    expect(await phases()).not.toContain("from the cache");
    rmSync(tree.path("bin.c"));
    expect(await phases()).not.toContain("from the cache");
    expect(await phases()).toContain("from the cache");
    expect((await check()).stdout).toBe((await check("--no-cache")).stdout);
  });

  it("answers for a part of it what a check of that part says", async () => {
    const part = async (...args: string[]) =>
      (await check("--min-confidence", "low", ...args, "fs/a.c")).stdout;
    expect(await phases("fs/a.c")).not.toContain("from the cache");
    expect(await phases("fs/a.c")).toContain("from the cache");
    const asked = await part();
    await phases();
    expect(await phases("fs/a.c", "fs/b.c")).toContain("from the cache");
    expect(await part()).toBe(asked);
    expect(await part("--no-cache")).toBe(asked);
  });

  it("tells from every confidence what a check says that was never kept", { timeout: 180_000 }, async () => {
    const other = new TempTree().asKernel();
    // Low findings among surer ones, a suppressed one, ones in test code, and a file that has no others.
    const low = (name: string, before = ""): string =>
      `${buggy(`${name}_first`)}${buggy(`${name}_low`, `${before}kmalloc(8, x->gfp);`)}${buggy(`${name}_last`)}`;
    other
      .put("fs/low.c", low("a"))
      .put("fs/known.c", low("b", "/* lockctx-ignore all: known */\n\t"))
      .put("fs/tests/t.c", low("t"))
      .put("lib/only.c", buggy("only", "kmalloc(8, x->gfp);"));
    const run = async (...args: string[]) =>
      (await lockctx(["check", "--exit-zero", "--cache-dir", cache, ...args], { cwd: other.root })).stdout;
    const asked = ["medium", "low", "high"].flatMap((least) =>
      [[], ["--format", "json"], ["fs/low.c", "fs/tests/t.c"]].map((rest) => [
        "--min-confidence",
        least,
        ...rest,
      ]),
    );
    const wanted = await Promise.all(asked.map((args) => run(...args, "--no-cache")));
    for (const first of ["low", "medium"]) {
      await lockctx(["cache", "clear", "--cache-dir", cache], { cwd: other.root });
      await run("--min-confidence", first);
      for (const [i, args] of asked.entries()) expect(await run(...args), args.join(" ")).toBe(wanted[i]);
    }
    expect(await run("--min-confidence", "low")).toContain("1 suppressed; 3 in test code left out");
    expect(await run()).toContain("3 below confidence medium hidden; 3 in test code");
    other.remove();
  });

  it("is made anew when a file, or the version of the tree, has changed", async () => {
    const before = (await check()).stdout;
    tree.put("fs/b.c", buggy("b_stop", "udelay(1);"));
    utimesSync(tree.path("fs/b.c"), 1, 1);
    const after = await check();
    expect(after.stdout).toBe((await check("--no-cache")).stdout);
    expect(after.stdout).not.toBe(before);
    await phases();
    tree.put("Makefile", "VERSION = 4\nPATCHLEVEL = 13\n");
    expect(await phases()).not.toContain("from the cache");
  });
});
