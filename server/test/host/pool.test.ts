/** The worker pool: the same results for any number of workers, and no file can take the run with it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { MacroClasses } from "../../src/facts/outline.js";
import { WorkerPool } from "../../src/host/pool.js";

const workerUrl = new URL("./poolWorker.mjs", import.meta.url);
const outline = { registrations: new Set<string>() };
const names = Array.from({ length: 200 }, (_, i) => `f${String(i).padStart(3, "0")}.c`);
const classes = (digest: string): MacroClasses => ({
  attribute: new Set(),
  loop: new Set(),
  storage: new Set(),
  bare: new Set(),
  digest,
});

let root: string;
let pool: WorkerPool | null = null;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "lockctx-pool-"));
  for (const name of names) writeFileSync(join(root, name), `text of ${name}`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(async () => {
  await pool?.close();
  pool = null;
});

function open(jobs: number, fileTimeLimitMs?: number, at = root): WorkerPool {
  pool = new WorkerPool({ root: at, outline, jobs, fileTimeLimitMs, workerUrl });
  return pool;
}

async function outlines(p: WorkerPool, files: string[], signal?: AbortSignal): Promise<Map<string, string>> {
  const got = new Map<string, string>();
  await p.outlines(files, (file, o, problem) => got.set(file, o ? o.names[2] : `! ${problem}`), signal);
  return got;
}

describe("the worker pool", () => {
  it.each([1, 2, 3])("gives every outline once with %i workers", async (jobs) => {
    const got = await outlines(open(jobs), names);
    expect([...got.keys()].sort()).toEqual(names);
    for (const name of names) expect(got.get(name)).toBe(`text of ${name}`);
  });

  it.each([1, 2])(
    "gives flow facts under the macro classes that were set last, with %i workers",
    async (jobs) => {
      const p = open(jobs);
      for (const digest of ["first", "second"]) {
        p.setMacroClasses(classes(digest));
        const got: string[] = [];
        await p.flows(
          names.map((file) => ({ file, fns: [3, 1] })),
          (file, fns, facts) => {
            expect(fns).toEqual([3, 1]);
            expect(facts.map((f) => f?.code[0])).toEqual([3, 1]);
            got.push(`${file} ${facts[0]?.names[2]}`);
          },
        );
        expect(got.sort()).toEqual(names.map((n) => `${n} ${digest}`));
      }
    },
  );

  it("prefers unsaved buffers to the disk", async () => {
    const p = open(1);
    p.sources.setOverlay("f001.c", "unsaved");
    const got = await outlines(p, ["f001.c", "f002.c"]);
    expect([...got]).toEqual([
      ["f001.c", "unsaved"],
      ["f002.c", "text of f002.c"],
    ]);
    expect(p.read("f001.c")).toBe("unsaved");
  });

  it("names files that cannot be read and goes on", async () => {
    const got = await outlines(open(2), ["f001.c", "gone.c", "f002.c"]);
    expect(got.get("gone.c")).toBe("! no such file or directory");
    expect(got.size).toBe(3);
  });

  it.each([
    ["throws", "throw.c", /could not be analysed: cannot do this/],
    ["ends its worker", "exit.c", /ended its worker/],
    ["never ends", "hang.c", /took longer than 1 seconds/],
  ])("skips and names a file that %s, and loses no other", async (_what, name, reason) => {
    writeFileSync(join(root, name), "bad");
    const files = [...names.slice(0, 60), name, ...names.slice(60)];
    const got = await outlines(open(2, 1000), files);
    expect(got.get(name)).toMatch(reason);
    expect([...got.keys()].sort()).toEqual([...files].sort());
    expect([...got.values()].filter((t) => t.startsWith("!"))).toHaveLength(1);
  });

  it("says which files lost their flow facts", async () => {
    writeFileSync(join(root, "exit.c"), "bad");
    const p = open(1);
    p.setMacroClasses(classes("d"));
    const got = new Map<string, unknown>();
    await p.flows(
      [
        { file: "f001.c", fns: [0] },
        { file: "exit.c", fns: [0, 1] },
      ],
      (file, _fns, facts) => got.set(file, facts),
    );
    expect(got.get("exit.c")).toEqual([null, null]);
    expect(got.get("f001.c")).toHaveLength(1);
    expect(p.problems()).toEqual([{ path: "exit.c", reason: expect.stringMatching(/ended its worker/) }]);
  });

  it("gives up with a reason when workers do not start", async () => {
    const bad = mkdtempSync(join(tmpdir(), "lockctx-no-start-"));
    await expect(outlines(open(2, 1000, bad), names)).rejects.toThrow(
      /workers could not be started: no start/,
    );
    rmSync(bad, { recursive: true });
  });

  it("stops when it is told to, and works on afterwards", async () => {
    const p = open(1);
    const controller = new AbortController();
    const cancelled = outlines(p, names, controller.signal);
    controller.abort(new Error("enough"));
    await expect(cancelled).rejects.toThrow("enough");
    expect((await outlines(p, names)).size).toBe(names.length);
  });

  it("passes on an error of the one who takes the results", async () => {
    await expect(
      open(1).outlines(names, () => {
        throw new Error("taker");
      }),
    ).rejects.toThrow("taker");
  });

  it("has nothing to do for no files", async () => {
    expect((await outlines(open(2), [])).size).toBe(0);
  });
});

it("closed while its workers are within the parser, leaves the process alone", { timeout: 60_000 }, () => {
  // In a process of its own: what is tested is that it does not abort.
  const dist = new URL("../../dist/", import.meta.url).href;
  const script = `
    const { WorkerPool } = await import("${dist}host/pool.js");
    const { harvestMacroClasses } = await import("${dist}outline/macroClasses.js");
    const body = "\\tif (a(x)) {\\n\\t\\tb(x + 1, y->z);\\n\\t}\\n".repeat(5000);
    for (let i = 0; i < 6; i++) {
      const pool = new WorkerPool({ root: "/", jobs: 2, outline: { registrations: new Set() } });
      pool.setMacroClasses(harvestMacroClasses([]).classes);
      for (const f of ["a.c", "b.c"]) pool.sources.setOverlay(f, "int f(int x)\\n{\\n" + body + "}\\n");
      const asked = pool.flows(["a.c", "b.c"].map((file) => ({ file, fns: [0] })), () => {}).catch(() => {});
      await new Promise((done) => setTimeout(done, 300 + 60 * i));
      await pool.close();
      await asked;
    }
    console.log("alive");`;
  const folder = mkdtempSync(join(tmpdir(), "lockctx-close-"));
  const file = join(folder, "close.mjs");
  writeFileSync(file, script);
  const { stdout, stderr, signal, status } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect({ stdout, stderr, signal, status }).toEqual({
    stdout: "alive\n",
    stderr: "",
    signal: null,
    status: 0,
  });
});
