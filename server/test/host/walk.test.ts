/** The tree walker: what is listed, in which order, and that everything left out is counted. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findKernelRoot, readKernelVersion } from "../../src/host/root.js";
import { walkTree } from "../../src/host/walk.js";

let root: string;

function put(path: string, text = "int x;\n"): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lockctx-walk-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("walking a tree", () => {
  it("lists .c and .h files in code-unit order, relative to the root", async () => {
    for (const path of ["b.c", "a/z.c", "B.h", "a.c", "a/y.h", "notes.txt", "a/x.S"]) put(path);
    expect((await walkTree(root)).files).toEqual(["B.h", "a.c", "a/y.h", "a/z.c", "b.c"]);
  });

  it("leaves out what is not kernel code and says so", async () => {
    for (const path of ["fs/a.c", "tools/a.c", "scripts/a.c", "Documentation/a.c", "samples/a.c"]) put(path);
    const { files, skipped } = await walkTree(root);
    expect(files).toEqual(["fs/a.c"]);
    expect(skipped).toEqual(
      ["Documentation/", "samples/", "scripts/", "tools/"].map((path) => ({
        path,
        reason: "not kernel code",
      })),
    );
  });

  it("lists it when it is asked for by name", async () => {
    for (const path of ["fs/a.c", "tools/perf/a.c"]) put(path);
    expect((await walkTree(root, { under: "tools/perf", includeOutside: true })).files).toEqual([
      "tools/perf/a.c",
    ]);
  });

  it("leaves out build output, in the tree and in a folder of its own", async () => {
    for (const path of ["fs/a.c", "fs/a.mod.c", "include/generated/b.h", "arch/x86/include/generated/c.h"])
      put(path);
    for (const path of ["out/.config", "out/Makefile", "out/include/d.h"]) put(path);
    const { files, skipped } = await walkTree(root);
    expect(files).toEqual(["fs/a.c"]);
    expect(skipped.map((s) => s.path)).toEqual([
      "arch/x86/include/generated/",
      "fs/a.mod.c",
      "include/generated/",
      "out/",
    ]);
  });

  it("honours .gitignore in a git checkout", async () => {
    mkdirSync(join(root, ".git"));
    put(".gitignore", "*.lex.c\n/built/\n!keep.lex.c\n# comment\n");
    put("fs/.gitignore", "/local.c\n");
    for (const path of ["fs/a.lex.c", "fs/keep.lex.c", "fs/local.c", "built/b.c", "mm/local.c"]) put(path);
    const { files, skipped } = await walkTree(root);
    expect(files).toEqual(["fs/keep.lex.c", "mm/local.c"]);
    expect(skipped.map((s) => s.path)).toEqual(["built/", "fs/a.lex.c", "fs/local.c"]);
  });

  it("does not let a .gitignore take everything, nor count outside a checkout", async () => {
    put(".gitignore", "/*\n");
    put("fs/a.c");
    expect((await walkTree(root)).files).toEqual(["fs/a.c"]);
    mkdirSync(join(root, ".git"));
    expect((await walkTree(root)).files).toEqual(["fs/a.c"]);
  });

  it("ends in spite of links that lead back, and follows links that lead out once", async () => {
    const outside = mkdtempSync(join(tmpdir(), "lockctx-out-"));
    writeFileSync(join(outside, "o.c"), "int o;\n");
    put("a/b/c.c");
    symlinkSync(root, join(root, "a/loop"));
    symlinkSync(join(root, "a"), join(root, "a/b/up"));
    symlinkSync(outside, join(root, "first"));
    symlinkSync(outside, join(root, "second"));
    symlinkSync(root, join(outside, "back"));
    const { files } = await walkTree(root);
    rmSync(outside, { recursive: true });
    expect(files.filter((f) => f.endsWith("c.c"))).toEqual(["a/b/c.c"]);
    expect(files.filter((f) => f.endsWith("o.c"))).toHaveLength(1);
  });

  it("counts links that lead nowhere", async () => {
    put("a.c");
    symlinkSync(join(root, "gone.c"), join(root, "b.c"));
    symlinkSync(join(root, "self.c"), join(root, "self.c"));
    expect((await walkTree(root)).skipped).toEqual([
      { path: "b.c", reason: "no such file or directory" },
      { path: "self.c", reason: "too many levels of symbolic links" },
    ]);
  });

  it("stops when it is told to", async () => {
    for (let i = 0; i < 600; i++) mkdirSync(join(root, `d${i}`));
    await expect(walkTree(root, { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});

describe("the root of a kernel tree", () => {
  it("is found upwards by the files that stand only there", () => {
    for (const path of ["Kconfig", "Makefile", "MAINTAINERS", "fs/Kconfig", "fs/Makefile", "fs/ext4/inode.c"])
      put(path);
    expect(findKernelRoot(join(root, "fs/ext4/inode.c"))).toBe(root);
    expect(findKernelRoot(join(root, "fs/not-there.c"))).toBe(root);
  });

  it("is not found where there is none", () => {
    put("fs/Kconfig");
    expect(findKernelRoot(join(root, "fs"))).toBeNull();
  });

  it("knows its version", () => {
    put("Makefile", "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\n");
    expect(readKernelVersion(root)).toEqual({ major: 6, minor: 12 });
    put("Makefile", "all:\n");
    expect(readKernelVersion(root)).toBeNull();
  });
});
