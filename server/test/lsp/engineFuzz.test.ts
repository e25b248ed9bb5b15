/**
 * What the server does to the engine, without the server: updates with broken text, several before a question, and
 * questions that are given up halfway. What the engine says afterwards, of broken text too, is what a new one says.
 * LOCKCTX_FUZZ_SEEDS (first-last) runs other seeds.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createEngine } from "../../src/analysis/createEngine.js";
import type { Finding } from "../../src/findings/types.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables, registrationNames } from "../../src/kernel/load.js";
import { toBytes } from "../../src/lsp/positions.js";
import { Fuzzer } from "./fuzzer.js";

const ROOT = fileURLToPath(new URL("../../../test-fixtures/put-super/", import.meta.url));
const NAMES = ["fs/super.c", "include/super.h", "mm/list_lru.c"];
const ACTS = 300;
const tables = loadKernelTables(null);

class Bench {
  readonly host = createInProcessHost({ root: ROOT, outline: { registrations: registrationNames(tables) } });
  readonly engine = createEngine({ tables, facts: this.host, version: null });

  async start(): Promise<this> {
    await this.engine.load(NAMES);
    return this;
  }

  async update(files: Iterable<string>, fuzzer: Fuzzer): Promise<void> {
    for (const file of files) {
      const open = fuzzer.open.get(file);
      this.host.sources.setOverlay(file, open ? toBytes(open.text) : null);
    }
    await this.engine.update([...files]);
  }

  async check(focus: ReadonlySet<string>): Promise<Finding[]> {
    return (await this.engine.check({ focus, inside: true })).findings.filter((f) => focus.has(f.file));
  }

  /** Asks, and gives up after so many turns of the event loop. */
  async giveUp(focus: ReadonlySet<string>, turns: number): Promise<void> {
    const abort = new AbortController();
    const asked = this.engine.check({ focus, inside: true, signal: abort.signal });
    const ended = asked.catch((error) => expect(error.name).toBe("AbortError"));
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await ended;
  }
}

const [first, last] = (process.env.LOCKCTX_FUZZ_SEEDS ?? "1-8").split("-").map(Number);
const SEEDS = Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);

it.each(SEEDS)(`${ACTS} acts, seed %i`, { timeout: 120_000 }, async (seed) => {
  const dirty = new Set<string>();
  const touch = (file: string): void => void dirty.add(file);
  const files = new Map(NAMES.map((name) => [name, readFileSync(ROOT + name, "utf8")] as const));
  const fuzzer = new Fuzzer({ open: touch, change: touch, close: touch }, files, seed);
  const bench = await new Bench().start();
  let compared = 0;
  for (let act = 1; act <= ACTS; act++) {
    fuzzer.act();
    // Text that parses has more to find; text that does not is where the lexer and the parser disagree.
    if (act % 20 === 0) fuzzer.mend();
    if (act % 4 === 1) continue; // two updates come as one
    await bench.update(dirty, fuzzer);
    dirty.clear();
    const focus = new Set(fuzzer.open.keys());
    if (act % 10 !== 0) {
      if (act % 2 === 0) await bench.giveUp(focus, act % 17);
      else await bench.check(focus);
      continue;
    }
    const fresh = await new Bench().start();
    await fresh.update(focus, fuzzer);
    const expected = await fresh.check(focus);
    expect(await bench.check(focus), `after act ${act}`).toEqual(expected);
    compared += expected.length;
  }
  expect(compared).toBeGreaterThan(0);
});
