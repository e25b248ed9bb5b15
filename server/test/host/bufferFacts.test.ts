/** Facts of unsaved buffers: made without a worker where they are small, and the same as a worker makes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FlowFacts } from "../../src/facts/flow.js";
import { packHeads } from "../../src/facts/heads.js";
import { FN_STRIDE, Fn } from "../../src/facts/outline.js";
import { WorkerPool } from "../../src/host/pool.js";
import { harvestMacroClasses } from "../../src/outline/macroClasses.js";
import { outlineFile } from "../../src/outline/outline.js";

const outline = { registrations: new Set<string>() };
const TEXT =
  "static int f(struct s *p)\n{\n\tspin_lock(&p->lock);\n\treturn g(p, 1);\n}\n\nvoid h(void)\n{\n\tf(0);\n}\n";
/** More than is parsed on the thread that asks. */
const LONG = `void f(void)\n{\n${"\tg(1, 2);\n".repeat(4000)}}\n`;

let root: string;
const pools: WorkerPool[] = [];
const open = (buffersHere: boolean): WorkerPool => {
  const pool = new WorkerPool({ root, outline, jobs: 1, buffersHere });
  pool.setMacroClasses(harvestMacroClasses([]));
  pools.push(pool);
  return pool;
};
const workersOf = (pool: WorkerPool): number => (pool as unknown as { slots: unknown[] }).slots.length;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lockctx-buffers-"));
  writeFileSync(join(root, "a.c"), "void on_disk(void)\n{\n}\n");
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  rmSync(root, { recursive: true, force: true });
});

async function namesOf(pool: WorkerPool): Promise<readonly string[]> {
  let names: readonly string[] = [];
  await pool.outlines(["a.c"], (_, o, problem) => {
    names = o?.names ?? [`! ${problem}`];
  });
  return names;
}

/** Facts of all functions of a text, as they are asked for after an edit. */
async function flowsOf(pool: WorkerPool, text: string): Promise<(FlowFacts | null)[]> {
  const { fn, names } = outlineFile(text, "a.c", outline);
  const fns = Array.from({ length: fn.length / FN_STRIDE }, (_, i) => i);
  const heads = (wanted: readonly number[]) =>
    packHeads(
      wanted.map((i) => {
        const at = i * FN_STRIDE;
        const [name, flags] = [names[fn[at + Fn.name]], fn[at + Fn.flags]];
        const [start, bodyStart, end] = [fn[at + Fn.start], fn[at + Fn.bodyStart], fn[at + Fn.end]];
        return { name, flags, start, bodyStart, end, params: [] };
      }),
    );
  let got: (FlowFacts | null)[] = [];
  await pool.flows([{ file: "a.c", fns, heads }], (_file, _fns, facts) => {
    got = facts;
  });
  return got;
}

describe("facts of an unsaved buffer", () => {
  it("are those that a worker makes, without one", async () => {
    const [here, there] = [open(true), open(false)];
    await here.prepareBuffers();
    for (const pool of [here, there]) pool.sources.setOverlay("a.c", TEXT);
    expect(await namesOf(here)).toEqual(await namesOf(there));
    const facts = await flowsOf(here, TEXT);
    expect(facts).toHaveLength(2);
    expect(facts).toEqual(await flowsOf(there, TEXT));
    expect(workersOf(here)).toBe(0);
    expect(workersOf(there)).toBe(1);
  });

  it("are made by a worker while the parser is being loaded, and where there is much to parse", async () => {
    const pool = open(true);
    pool.sources.setOverlay("a.c", TEXT);
    expect(await flowsOf(pool, TEXT)).toHaveLength(2);
    expect(workersOf(pool)).toBe(1);
    const other = open(true);
    await other.prepareBuffers();
    other.sources.setOverlay("a.c", LONG);
    expect((await flowsOf(other, LONG))[0]).not.toBeNull();
    expect(workersOf(other)).toBe(1);
  });

  it("say why a buffer cannot be read; the disk is a worker's", async () => {
    const pool = open(true);
    pool.sources.setOverlay("a.c", "a\0b");
    expect(await namesOf(pool)).toEqual(["! binary file"]);
    expect(workersOf(pool)).toBe(0);
    pool.sources.setOverlay("a.c", null);
    expect(await namesOf(pool)).toContain("on_disk");
    expect(workersOf(pool)).toBe(1);
  });

  it("go no further than who asked: one that was stopped is not answered", async () => {
    const pool = open(true);
    pool.sources.setOverlay("a.c", TEXT);
    const asked = pool.outlines(["a.c"], () => expect.unreachable(), AbortSignal.abort());
    await expect(asked).rejects.toThrow();
  });
});
