/** `lockctx explain`, `graph`, `dump` and `rule`: what can be asked for, what is said when it is not clear, exit codes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buggy, lockctx, TempTree } from "./lockctx.js";

const tree = new TempTree();
const loose = new TempTree();

beforeAll(() => {
  tree
    .asKernel()
    .put("fs/a.c", buggy("a_stop", "remote_sleep();"))
    .put("kernel/remote.c", "void remote_sleep(void)\n{\n\tmsleep(1);\n}\n")
    .put("drivers/x/init.c", "static void same_name(void)\n{\n}\n")
    .put("drivers/y/init.c", "\nstatic void same_name(void)\n{\n\tmsleep(1);\n}\n");
  loose.put("one.c", buggy("one")).put("two.c", "void caller(void)\n{\n\tone();\n}\n");
});
afterAll(() => {
  tree.remove();
  loose.remove();
});

const inTree = (...args: string[]) => lockctx(args, { cwd: tree.root });

describe("a question about a function", () => {
  it("is answered over the whole tree", async () => {
    const { code, stdout, stderr } = await inTree("explain", "remote_sleep");
    expect(stdout).toContain(
      "spinlock lock: held by a_stop() when it calls\n    fs/a.c:5  spin_lock(&lock);",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("is answered from the named files alone with --scope files", async () => {
    const { stdout } = await inTree("explain", "remote_sleep", "--scope", "files", "kernel/remote.c");
    expect(stdout).toContain("no caller of it was found");
    const alone = await inTree("explain", "fs/a.c:a_stop", "--scope", "files");
    expect(alone.stdout).toContain("fs/a.c:6  remote_sleep(): no definition of it was read");
  });

  it("is answered from the current folder where there is no kernel tree", async () => {
    const { stdout } = await lockctx(["explain", "one.c:one"], { cwd: loose.root });
    expect(stdout).toContain("one.c:3: one()");
    expect(stdout).toContain("none of the 1 callers looked at");
  });

  it("can be about a tree elsewhere, with paths as seen from its root", async () => {
    const { code, stdout } = await lockctx(["explain", "kernel/remote.c:3", "--root", tree.root], {
      cwd: loose.root,
    });
    expect(code).toBe(0);
    expect(stdout).toContain("kernel/remote.c:3: remote_sleep()\n    msleep(1);");
  });

  it("is answered as JSON with lines in place of offsets", async () => {
    const { stdout } = await inTree("explain", "fs/a.c:6", "--format", "json");
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      function: { name: "a_stop", file: "fs/a.c" },
      at: { file: "fs/a.c", line: 6 },
      own: [{ context: { kind: "spinlock", lock: "lock", site: { file: "fs/a.c", line: 5 } } }],
      sleeps: { verdict: "may" },
      findings: [{ rule: "sleep-in-atomic", line: 6 }],
    });
  });
});

describe("a name that does not say which function", () => {
  it("lists the candidates and how to choose", async () => {
    const { code, stdout, stderr } = await inTree("explain", "same_name");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      "lockctx: same_name: there are 2 of this name; say which one with its file, such as drivers/x/init.c:same_name\n" +
        "  drivers/x/init.c:1\n  drivers/y/init.c:2\n",
    );
    const chosen = await inTree("explain", "drivers/y/init.c:same_name");
    expect(chosen.stdout).toContain("drivers/y/init.c:2: same_name()");
    const byLine = await inTree("explain", "drivers/x/init.c:2");
    expect(byLine.stdout).toContain("drivers/x/init.c:2: same_name()");
  });

  it.each([
    ["nowhere_at_all", /no function or macro of this name has a definition here/],
    ["remote_slep", /similar names: remote_sleep/],
    ["fs/a.c:remote_sleep", /not defined in this file, but in kernel\/remote\.c:1/],
    ["fs/a.c:999", /the file has fewer lines/],
    ["fs/a.c:1", /not inside a function/],
    ["fs/a.c:0", /lines count from 1/],
    ["fs/a.c", /name a function or a line of it/],
    ["fs/missing.c:f", /no such file/i],
    ["Makefile:3", /not a C file/],
    ["two words", /FILE:LINE or FILE:FUNCTION/],
  ])("%s is refused with a reason", async (query, reason) => {
    const { code, stdout, stderr } = await inTree("explain", query);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(reason);
  });
});

describe("lockctx graph", () => {
  it("prints Graphviz, Mermaid or JSON", async () => {
    const dot = await inTree("graph", "remote_sleep");
    expect(dot.stdout).toContain(
      '"fs/a.c:a_stop" -> "kernel/remote.c:remote_sleep" [label="under spinlock lock"',
    );
    expect((await inTree("graph", "remote_sleep", "--format", "mermaid")).stdout).toMatch(/^flowchart LR\n/);
    const json = JSON.parse(
      (await inTree("graph", "remote_sleep", "--format", "json", "--depth", "1")).stdout,
    );
    expect(json.edges).toContainEqual(
      expect.objectContaining({
        from: "fs/a.c:a_stop",
        under: ["spinlock lock"],
        site: expect.objectContaining({ line: 6 }),
      }),
    );
  });

  it.each([["-1"], ["x"], ["99"]])("refuses --depth %s", async (depth) => {
    const { code, stderr } = await inTree("graph", "remote_sleep", `--depth=${depth}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(/whole number from 0 to/);
  });
});

describe("lockctx lock", () => {
  it("lists the critical sections of a lock", async () => {
    const { code, stdout, stderr } = await inTree("lock", "lock");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^fs\/a\.c:lock \(spinlock_t, declared in fs\/a\.c\)\n1 critical section in 1 function; 1 function relies/,
    );
    expect(stdout).toContain("fs/a.c:5  spin_lock lock, released in line 7");
    expect(stdout).toContain("calls  remote_sleep()");
  });

  it("prints JSON with lines in place of offsets", async () => {
    const answer = JSON.parse((await inTree("lock", "fs/a.c:lock", "--format", "json")).stdout);
    expect(answer.functions[0].sections[0]).toMatchObject({
      acquire: { file: "fs/a.c", line: 5 },
      releases: [{ site: { line: 7 }, how: "spin_unlock" }],
    });
  });

  it("names locks that are like one that there is not", async () => {
    const { code, stderr } = await inTree("lock", "lok");
    expect(code).toBe(2);
    expect(stderr).toContain("lok: no lock of this name is declared here; similar: fs/a.c:lock");
  });
});

describe("lockctx dump", () => {
  it("shows the outline of a file, and needs nothing but it", async () => {
    const { stdout } = await inTree("dump", "outline", "fs/a.c");
    expect(stdout).toMatch(/^fs\/a\.c\n +3 a_stop\(\)\n +calls spin_lock remote_sleep spin_unlock\n/);
  });

  it("shows facts, summary and calls of a function", async () => {
    expect((await inTree("dump", "facts", "a_stop")).stdout).toMatch(
      /\n +6 +\d+ +call #1 remote_sleep\(\)\n/,
    );
    expect((await inTree("dump", "summary", "a_stop")).stdout).toContain(
      "may sleep: a_stop > remote_sleep > msleep",
    );
    const calls = (await inTree("dump", "calls", "a_stop")).stdout;
    expect(calls).toContain(
      "remote_sleep(): may sleep, under spinlock lock\nkernel/remote.c:1     -> remote_sleep",
    );
    const whole = JSON.parse((await inTree("dump", "calls", "fs/a.c", "--format", "json")).stdout);
    expect(whole[0].calls[1]).toMatchObject({
      callee: "remote_sleep",
      resolved: true,
      under: ["spinlock lock"],
      targets: [{ function: "remote_sleep", site: { file: "kernel/remote.c", line: 1 } }],
    });
  });

  it("knows nothing else", async () => {
    const { code, stderr } = await inTree("dump", "everything", "a_stop");
    expect(code).toBe(2);
    expect(stderr).toContain("outline, facts, summary, calls");
  });
});

describe("lockctx rule", () => {
  it("lists the rules", async () => {
    const { code, stdout } = await inTree("rule");
    expect(code).toBe(0);
    expect(stdout.split("\n").map((l) => l.split(" ")[0])).toEqual([
      "sleep-in-atomic",
      "sleep-in-atomic-callback",
      "gfp-in-atomic",
      "stale-cursor",
      "",
    ]);
  });

  it("prints the page of one, and refuses others", async () => {
    expect((await inTree("rule", "gfp-in-atomic")).stdout).toMatch(/^# gfp-in-atomic\n/);
    const { code, stderr } = await inTree("rule", "no-such-rule");
    expect(code).toBe(2);
    expect(stderr).toContain("there are sleep-in-atomic, sleep-in-atomic-callback, gfp-in-atomic");
  });
});

describe("--help", () => {
  it.each([["explain"], ["graph"], ["dump"], ["rule"]])(
    "of %s teaches with examples and exit codes",
    async (name) => {
      const { code, stdout } = await inTree(name, "--help");
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples:\\n +lockctx ${name}`));
      expect(stdout).toContain("Exit codes:");
    },
  );
});
