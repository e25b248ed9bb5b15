/** `lockctx check`: what is analysed, what is reported, where it goes, and the exit codes that scripts rely on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findingsFileSchema } from "../../src/findings/schema.js";
import { buggy, findingsOf, lockctx, TempTree } from "./lockctx.js";

const tree = new TempTree();
const loose = new TempTree();

beforeAll(() => {
  tree
    .asKernel()
    .put("fs/a.c", buggy("a_stop"))
    .put("fs/clean.c", "void nothing(void)\n{\n}\n")
    .put("drivers/b.c", buggy("b_stop", "remote_sleep();"))
    .put("kernel/remote.c", "void remote_sleep(void)\n{\n\tmsleep(1);\n}\n")
    .put("lib/test_x.c", buggy("x_test"))
    .put("tools/t.c", buggy("t_tool"));
  loose.put("one.c", buggy("one")).put("sub/two.c", buggy("two")).put("none/readme.txt", "no C here\n");
});
afterAll(() => {
  tree.remove();
  loose.remove();
});

const functionsIn = async (args: string[], cwd = tree.root) => {
  const outcome = await lockctx(["check", "--format", "json", ...args], { cwd });
  return findingsOf(outcome).findings.map((f) => f.function);
};

describe("what is analysed", () => {
  it("is the kernel tree around the current folder when nothing is named", async () => {
    expect(await functionsIn([], tree.path("fs"))).toEqual(["b_stop", "a_stop"]);
  });

  it("is the whole tree for what is named, and findings with a step in it are reported", async () => {
    expect(await functionsIn(["fs/a.c"])).toEqual(["a_stop"]);
    expect(await functionsIn(["drivers"])).toEqual(["b_stop"]);
    expect(await functionsIn(["kernel/remote.c"])).toEqual(["b_stop"]);
    expect(await functionsIn(["fs/clean.c"])).toEqual([]);
  });

  it("is what is named alone with --scope files", async () => {
    expect(await functionsIn(["--scope", "files", "drivers/b.c"])).toEqual([]);
    expect(await functionsIn(["--scope", "files", "drivers/b.c", "kernel/remote.c"])).toEqual(["b_stop"]);
  });

  it("is what is named alone where there is no kernel tree", async () => {
    expect(await functionsIn(["one.c", "sub"], loose.root)).toEqual(["one", "two"]);
    const outcome = await lockctx(["check", "--format", "json", "sub/two.c"], { cwd: loose.root });
    expect(findingsOf(outcome)).toMatchObject({ root: loose.path("sub"), findings: [{ file: "two.c" }] });
  });

  it("includes tests and tools only when they are named", async () => {
    expect(await functionsIn(["lib/test_x.c"])).toEqual(["x_test"]);
    expect(await functionsIn(["tools"])).toEqual(["t_tool"]);
    const { stats } = findingsOf(await lockctx(["check", "--format", "json"], { cwd: tree.root }));
    expect(stats.testFindings).toBe(1);
    expect(stats.skippedFiles).toContainEqual({ path: "tools/", reason: "not kernel code" });
  });

  it("can be a tree elsewhere", async () => {
    expect(await functionsIn(["--root", tree.root, tree.path("fs/a.c")], loose.root)).toEqual(["a_stop"]);
  });
});

describe("what is reported", () => {
  it("is text by default, with places relative to the root that is named first", async () => {
    const { stdout, stderr } = await lockctx(["check", tree.path("fs/a.c")], { cwd: loose.root });
    expect(stdout).toMatch(/^lockctx: Entering directory '.*'\nfs\/a\.c:6:2: high: /);
    expect(stdout).toContain("<- lock taken here");
    expect(stderr).toBe("");
    const here = await lockctx(["check", "fs/a.c"], { cwd: tree.root });
    expect(here.stdout).toMatch(/^fs\/a\.c:6:2: high: /);
  });

  it("goes to several places at once", async () => {
    const { stdout, code } = await lockctx(
      [
        "check",
        "fs",
        "--format",
        "text",
        "--format",
        "json=out.json",
        "--format",
        "text",
        "--output",
        "out.txt",
      ],
      { cwd: tree.root },
    );
    expect(code).toBe(1);
    const json = findingsFileSchema.parse(JSON.parse(readFileSync(tree.path("out.json"), "utf8")));
    expect(json.findings).toHaveLength(1);
    expect(readFileSync(tree.path("out.txt"), "utf8")).toBe(stdout);
  });

  it("is the same for any number of jobs", async () => {
    const [one, two] = await Promise.all(
      ["1", "2"].map((jobs) => lockctx(["check", "--format", "json", "--jobs", jobs], { cwd: tree.root })),
    );
    expect(one.stdout).toBe(two.stdout);
  });

  it("has colours when they are forced, and none with --no-color", async () => {
    const env = { FORCE_COLOR: "1" };
    expect((await lockctx(["check", "fs"], { cwd: tree.root, env })).stdout).toContain("\x1b[");
    expect((await lockctx(["check", "fs", "--no-color"], { cwd: tree.root, env })).stdout).not.toContain(
      "\x1b[",
    );
  });

  it("comes with statistics on standard error", async () => {
    const { stdout, stderr } = await lockctx(["check", "--format", "json", "--stats"], { cwd: tree.root });
    expect(stderr).toMatch(/^files +5$/m);
    expect(stderr).toMatch(/^phase +wall s +cpu s +rss MB$/m);
    expect(JSON.parse(stdout).stats.phases.length).toBeGreaterThan(0);
  });
});

describe("the exit code", () => {
  it.each<[number, string, string[]]>([
    [0, "nothing was found", ["fs/clean.c"]],
    [1, "something was found", ["fs/a.c"]],
    [0, "something was found but --exit-zero", ["fs/a.c", "--exit-zero"]],
    [2, "an option is unknown", ["--no-such-option"]],
    [2, "an option's value is wrong", ["--jobs", "none"]],
    [2, "a choice is wrong", ["--min-confidence", "certain"]],
    [2, "a format is unknown", ["--format", "xml"]],
    [2, "two formats want standard output", ["--format", "text", "--format", "json"]],
    [2, "the file of a format is missing", ["--format", "json="]],
    [2, "the output cannot be written", ["fs", "--format", "json=no/such/folder.json"]],
    [2, "the output is a folder", ["fs", "--format", "json=fs"]],
    [2, "the last format has two files", ["fs", "--format", "json=a", "--output", "b"]],
    [2, "a path is not there", ["fs/gone.c"]],
    [2, "a path is outside the root", ["--root", "fs", "drivers"]],
    [2, "the root is not there", ["--root", "gone"]],
    [2, "the root is a file", ["--root", "fs/a.c"]],
    [2, "a file is no C file", ["Makefile"]],
  ])("is %i when %s", async (expected, _when, args) => {
    const { code, stderr } = await lockctx(["check", ...args], { cwd: tree.root });
    expect(stderr).not.toMatch(/\n\s+at /);
    if (expected === 2) expect(stderr).not.toBe("");
    expect(code).toBe(expected);
  });

  it("is 2 when a folder has no C files, or a tree is asked for where there is none", async () => {
    expect(await lockctx(["check", "none"], { cwd: loose.root })).toMatchObject({
      code: 2,
      stderr: "lockctx: none: no C files in this folder\n",
    });
    const outcome = await lockctx(["check", "--scope", "tree", "one.c"], { cwd: loose.root });
    expect(outcome).toMatchObject({ code: 2, stderr: expect.stringContaining("no kernel tree found") });
  });

  it("is 2 without a command, and 0 for help and version", async () => {
    expect((await lockctx([])).code).toBe(2);
    expect((await lockctx(["chek"])).stderr).toContain("Did you mean check?");
    const help = await lockctx(["check", "--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain("Examples:");
    expect(help.stdout).toContain("Exit codes:");
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
    expect(await lockctx(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it("is 130 after Ctrl+C, with one line and no trace", async () => {
    const large = new TempTree().asKernel();
    const body = "void f(void)\n{\n\tspin_lock(&l);\n\tg();\n\tspin_unlock(&l);\n}\n";
    for (let i = 0; i < 1500; i++)
      large.put(`d${i % 50}/f${i}.c`, body.repeat(300).replaceAll("f(", `f${i}(`));
    let outcome = await lockctx(["--version"]);
    // The moment must be after the start and before the end; neither is the same on every machine.
    for (const delay of [200, 350, 600, 1000, 1700]) {
      outcome = await lockctx(["check"], {
        cwd: large.root,
        started: (child) => setTimeout(() => child.kill("SIGINT"), delay),
      });
      if (outcome.signal === null) break;
    }
    large.remove();
    expect(outcome).toMatchObject({ code: 130, stdout: "", stderr: "lockctx: cancelled\n" });
  });

  it("is not disturbed by a reader that stops reading", async () => {
    const { stderr } = await lockctx(["check", "--format", "json"], {
      cwd: tree.root,
      started: (child) => child.stdout?.destroy(),
    });
    expect(stderr).toBe("");
  });
});
