/**
 * Functions that call each other in cycles: an edit is followed by running again only what it concerns, and what comes out
 * is what a fresh engine says. LOCKCTX_CYCLE_SEEDS (first-last) runs more programs.
 */
import { afterEach, expect, it, vi } from "vitest";
import { createEngine } from "../../src/analysis/createEngine.js";
import { Interpreter } from "../../src/analysis/interpret/interpreter.js";
import type { Engine } from "../../src/engine.js";
import type { Finding } from "../../src/findings/types.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import { random } from "./randomEdits.js";

const [FIRST, LAST] = (process.env.LOCKCTX_CYCLE_SEEDS ?? "1-4").split("-").map(Number);
const SEEDS = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
const EDITS = 25;
const FILES = 4;
const FUNCTIONS = 36;

const tables = loadKernelTables(null);

async function engineOf(texts: ReadonlyMap<string, string>) {
  const host = createInProcessHost({
    root: "/t",
    outline: { registrations: new Set(tables.registrations.keys()) },
  });
  for (const [path, text] of texts) host.sources.setOverlay(path, text);
  const engine: Engine = createEngine({ tables, facts: host, version: null });
  await engine.load([...texts.keys()].sort());
  return { engine, host };
}

/** One way to call another function, from a function with `arg` and `gfp`. */
function call(rnd: () => number, to: number): string {
  const ways = [
    `step_${to}(arg, gfp);`,
    `step_${to}(arg, GFP_ATOMIC);`,
    `if (arg->busy)\n\t\tstep_${to}(arg, gfp);`,
    `if (gfp & __GFP_DIRECT_RECLAIM)\n\t\tstep_${to}(arg->next, GFP_KERNEL);`,
    `if (!arg->next)\n\t\treturn;\n\tstep_${to}(arg->next, gfp);`,
    `arg->ops->turn_${to % 3}(arg, gfp);`,
  ];
  return `\t${ways[Math.floor(rnd() * ways.length)]}\n`;
}

function body(rnd: () => number, fn: number): string {
  let text = "";
  const calls = 1 + Math.floor(rnd() * 3);
  for (let i = 0; i < calls; i++) text += call(rnd, Math.floor(rnd() * FUNCTIONS));
  const sleeps = rnd();
  if (sleeps < 0.06) text += "\tmsleep(10);\n";
  else if (sleeps < 0.12) text += "\tkfree(kmalloc(8, gfp));\n";
  if (rnd() < 0.25)
    text += `\tspin_lock(&arg->lock);\n\tstep_${Math.floor(rnd() * FUNCTIONS)}(arg, gfp);\n\tspin_unlock(&arg->lock);\n`;
  return `void step_${fn}(struct thing *arg, gfp_t gfp)\n{\n${text}}\n`;
}

const HEADER = `struct thing { spinlock_t lock; int busy; struct thing *next; const struct thing_ops *ops; };
struct thing_ops {
	void (*turn_0)(struct thing *arg, gfp_t gfp);
	void (*turn_1)(struct thing *arg, gfp_t gfp);
	void (*turn_2)(struct thing *arg, gfp_t gfp);
};
${Array.from({ length: FUNCTIONS }, (_, i) => `void step_${i}(struct thing *arg, gfp_t gfp);`).join("\n")}
`;

/** Files with the functions of a program, which is changed in place. */
function textsOf(bodies: readonly string[]): Map<string, string> {
  const texts = new Map([["include/linux/thing.h", HEADER]]);
  for (let f = 0; f < FILES; f++) {
    const own = bodies.filter((_, i) => i % FILES === f).join("\n");
    const ops = `static const struct thing_ops ops_${f} = { .turn_0 = step_${f}, .turn_1 = step_${f + 9}, .turn_2 = step_${f * 7} };\n`;
    texts.set(`lib/part${f}.c`, `#include <linux/thing.h>\n${own}${ops}`);
  }
  return texts;
}

/** A finding in a line, to be read where two differ. */
const told = (f: Finding): string =>
  `${f.function}: ${f.confidence}; ${f.paths.map((p) => `${p.chain.map((s) => s.function).join(">")} ${p.condition ?? ""} [${p.reasons}]`).join("; ")}; ${f.morePaths} more`;

const runs = vi.spyOn(Interpreter.prototype, "run");
afterEach(() => runs.mockClear());

it.each(SEEDS)(
  `${EDITS} edits of functions in cycles, program %i: the same as from scratch`,
  { timeout: 600_000 },
  async (seed) => {
    const rnd = random(seed);
    const bodies = Array.from({ length: FUNCTIONS }, (_, i) => body(rnd, i));
    const { engine, host } = await engineOf(textsOf(bodies));
    await engine.check({ focus: null });
    let found = 0;
    let after = 0;
    let fresh = 0;
    for (let n = 1; n <= EDITS; n++) {
      const fn = Math.floor(rnd() * FUNCTIONS);
      const before = bodies[fn];
      // A new body, the old one further down, or one that was cut off.
      const kind = rnd();
      if (kind < 0.6) bodies[fn] = body(rnd, fn);
      else if (kind < 0.8) bodies[fn] = before.replace("{\n", "{\n\targ->busy = 1;\n");
      else bodies[fn] = before.replace("{\n", "{\n\tif (arg->busy\n");
      const path = `lib/part${fn % FILES}.c`;
      const texts = textsOf(bodies);
      host.sources.setOverlay(path, texts.get(path)!);
      await engine.update([path]);
      const focus = rnd() < 0.5 ? new Set([path]) : null;
      const request = { focus, inside: focus !== null, minConfidence: "low" as const };
      runs.mockClear();
      const now = (await engine.check(request)).findings;
      after += runs.mock.calls.length;
      runs.mockClear();
      const scratch = (await (await engineOf(texts)).engine.check(request)).findings;
      fresh += runs.mock.calls.length;
      const edit = `after edit ${n} of step_${fn}, ${focus ? "inside" : "whole tree"}:\n-${before}\n+${bodies[fn]}`;
      expect(now.map(told), edit).toEqual(scratch.map(told));
      expect(now, edit).toEqual(scratch);
      found += now.length;
    }
    // Some programs say little.
    if (seed < 10) expect(found).toBeGreaterThan(EDITS);
    expect(after).toBeLessThanOrEqual(fresh);
  },
);

it("an edit that says nothing new to callers runs the function alone, however many call each other", async () => {
  const ring = (i: number): string =>
    `void step_${i}(struct thing *arg, gfp_t gfp)\n{\n\tstep_${(i + 1) % FUNCTIONS}(arg, gfp);\n${i === 3 ? "\tmsleep(1);\n" : ""}}\n`;
  const bodies = Array.from({ length: FUNCTIONS }, (_, i) => ring(i));
  bodies.push(
    "void enter(struct thing *arg)\n{\n\tspin_lock(&arg->lock);\n\tstep_9(arg, GFP_KERNEL);\n\tspin_unlock(&arg->lock);\n}\n",
  );
  const { engine, host } = await engineOf(textsOf(bodies));
  expect((await engine.check({ focus: null })).findings.map((f) => f.paths[0].chain.length)).toEqual([
    // From step_9 around to step_3 is too long a chain.
  ]);
  const edit = async (fn: number, text: string): Promise<number> => {
    bodies[fn] = text;
    const path = `lib/part${fn % FILES}.c`;
    host.sources.setOverlay(path, textsOf(bodies).get(path)!);
    await engine.update([path]);
    runs.mockClear();
    await engine.check({ focus: null });
    return runs.mock.calls.length;
  };
  expect(await edit(20, ring(20).replace("gfp);", "gfp); // here"))).toBeLessThanOrEqual(3);
  // What sleeps now is heard by all who call it within the longest chain.
  expect(await edit(12, ring(12).replace("{\n", "{\n\tmsleep(2);\n"))).toBeGreaterThan(3);
  const [finding] = (await engine.check({ focus: null })).findings;
  expect(finding.paths[0].chain.map((s) => s.function)).toEqual([
    "enter",
    "step_9",
    "step_10",
    "step_11",
    "step_12",
  ]);
});
