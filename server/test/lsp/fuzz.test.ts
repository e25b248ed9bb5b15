/**
 * After any number of edits the server shows what a fresh one shows, and its memory stays flat. Runs the built server.
 * LOCKCTX_FUZZ_ROOT, _FILES (commas), _ACTS and _SEED run it on a real tree.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fuzzer } from "./fuzzer.js";
import { ServerProcess } from "./process.js";

const { LOCKCTX_FUZZ_ROOT, LOCKCTX_FUZZ_FILES, LOCKCTX_FUZZ_ACTS, LOCKCTX_FUZZ_SEED } = process.env;
const ACTS = Number(LOCKCTX_FUZZ_ACTS ?? 1000);
const SEED = Number(LOCKCTX_FUZZ_SEED ?? 1);
/** Acts between two looks at what is shown. */
const ROUND = 100;
const LIMIT_MS = LOCKCTX_FUZZ_ROOT ? 3_600_000 : 300_000;

let root: string;
let scratch: string | null = null;
const files = new Map<string, string>();

beforeAll(() => {
  if (LOCKCTX_FUZZ_ROOT) {
    root = LOCKCTX_FUZZ_ROOT;
  } else {
    scratch = mkdtempSync(join(tmpdir(), "lockctx-fuzz-"));
    root = scratch;
    cpSync(fileURLToPath(new URL("../../../test-fixtures/put-super", import.meta.url)), root, {
      recursive: true,
    });
    for (const name of ["Kconfig", "Makefile", "MAINTAINERS"]) writeFileSync(join(root, name), "");
  }
  const names = LOCKCTX_FUZZ_FILES ?? "fs/super.c,mm/list_lru.c,include/super.h";
  for (const name of names.split(",")) files.set(name, readFileSync(join(root, name), "utf8"));
});
afterAll(() => {
  if (scratch) rmSync(scratch, { recursive: true });
});

async function freshDiagnostics(fuzzer: Fuzzer): Promise<Map<string, unknown>> {
  const fresh = await new ServerProcess(root).start(LIMIT_MS);
  for (const [file, { text }] of fuzzer.open) fresh.open(file, text);
  await fresh.settle(fuzzer.open.keys(), LIMIT_MS);
  const shown = new Map([...fuzzer.open.keys()].map((file) => [file, fresh.diagnosticsOf(file)] as const));
  await fresh.stop();
  return shown;
}

/** On a real tree a round takes minutes: say how far it is. */
function report(act: number, fuzzer: Fuzzer, mb: number, freshMs: number): void {
  const open = [...fuzzer.open.keys()].join(" ");
  process.stderr.write(
    `${act} acts: ${mb.toFixed(0)} MB, fresh start ${(freshMs / 1000).toFixed(0)} s, open: ${open}\n`,
  );
}

it(`${ACTS} random edits, undos, closes and reopenings leave the diagnostics of a fresh server (seed ${SEED})`, {
  timeout: LIMIT_MS,
}, async () => {
  const server = await new ServerProcess(root).start(LIMIT_MS);
  const fuzzer = new Fuzzer(server, files, SEED);
  const memory: number[] = [];
  let compared = 0;
  for (let act = 1; act <= ACTS; act++) {
    fuzzer.act();
    // Mostly faster than the server answers, at times slower.
    if (act % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
    if (act % ROUND !== 0) continue;
    await server.settle(fuzzer.open.keys(), LIMIT_MS);
    memory.push(server.rss());
    const began = performance.now();
    const fresh = await freshDiagnostics(fuzzer);
    if (LOCKCTX_FUZZ_ROOT) report(act, fuzzer, server.rss(), performance.now() - began);
    for (const file of fuzzer.open.keys()) {
      expect(server.diagnosticsOf(file), `${file} after ${act} acts of seed ${SEED}`).toEqual(
        fresh.get(file),
      );
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(0);
  // The first rounds warm up; after that it must not grow.
  const [early, late] = [Math.max(...memory.slice(1, 4)), Math.max(...memory.slice(-3))];
  console.log(`resident memory by round, MB: ${memory.map((mb) => mb.toFixed(0)).join(" ")}`);
  expect(late).toBeLessThan(early * 1.25 + 20);
  expect(await server.stop()).toBe(0);
});
