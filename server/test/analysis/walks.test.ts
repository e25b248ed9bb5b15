/**
 * Whatever the edits, the list walks that are kept, or were kept in an image, are what a check of all of them finds.
 * LOCKCTX_EDITS and LOCKCTX_EDIT_SEEDS (first-last) run more of them.
 */
import { expect, it } from "vitest";
import { createEngine } from "../../src/analysis/createEngine.js";
import { CursorCheck, type CursorImage } from "../../src/analysis/cursor/check.js";
import type { CursorDraft } from "../../src/analysis/cursor/drafts.js";
import { LockOps } from "../../src/analysis/held/lockOps.js";
import type { Solver } from "../../src/analysis/solver.js";
import type { InspectingEngine } from "../../src/engine.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import { random } from "./randomEdits.js";
import { nextWalkEdit } from "./walkEdits.js";
import { walkProgram } from "./walkProgram.js";

const EDITS = Number(process.env.LOCKCTX_EDITS ?? 250);
const [FIRST, LAST] = (process.env.LOCKCTX_EDIT_SEEDS ?? "1-1").split("-").map(Number);
const SEEDS = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
const tables = loadKernelTables(null);

function newHost(texts: ReadonlyMap<string, string>) {
  const host = createInProcessHost({
    root: "/t",
    outline: { registrations: new Set(tables.registrations.keys()) },
  });
  for (const [path, text] of texts) host.sources.setOverlay(path, text);
  return host;
}

/** What the engine keeps to itself. */
interface Inside {
  solver: Solver;
  cursors: CursorCheck;
}

async function started(texts: ReadonlyMap<string, string>) {
  const host = newHost(texts);
  const engine = createEngine({ tables, facts: host, version: null });
  await engine.load([...texts.keys()].sort());
  await engine.check({ focus: null });
  return { host, engine, inside: engine as InspectingEngine & Inside };
}

/** As a file would keep it: columns as bytes, the rest as JSON. */
function throughFile(image: CursorImage): CursorImage {
  const text = JSON.stringify(image, (_, value) =>
    value instanceof Int32Array || value instanceof Uint8Array
      ? { column: value.constructor.name, values: [...value] }
      : value,
  );
  return JSON.parse(text, (_, value) =>
    value?.column === "Int32Array"
      ? Int32Array.from(value.values)
      : value?.column === "Uint8Array"
        ? Uint8Array.from(value.values)
        : value,
  );
}

const inOrder = (drafts: readonly CursorDraft[]): CursorDraft[] =>
  [...drafts].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

it.each(SEEDS)(`${EDITS} edits of list walks, seed %i`, { timeout: 1_200_000 }, async (seed) => {
  const rnd = random(seed);
  const original = walkProgram();
  const texts = new Map(original);
  const { host, engine, inside } = await started(texts);
  let image = inside.cursors.save();
  let compared = 0;
  let restored = 0;
  let gaveUp = 0;
  const log: string[] = [];
  for (let n = 1; n <= EDITS; n++) {
    if (image && rnd() < 0.4) {
      inside.cursors = CursorCheck.restore(inside.solver, host, throughFile(image));
      restored++;
    }
    // Now and then several edits come before a check.
    for (let more = true; more; more = rnd() < 0.25) {
      const { path, text, kind } = nextWalkEdit(texts, original, rnd);
      log.push(`${n}: ${kind} of ${path}`);
      if (text === null) texts.delete(path);
      else texts.set(path, text);
      host.sources.setOverlay(path, text);
      await engine.update([path]);
    }
    if (rnd() < 0.3) {
      // What was learnt until a check was given up must do no harm.
      const controller = new AbortController();
      const { flows } = host;
      let left = Math.floor(rnd() * 4);
      host.flows = (...args) => {
        if (--left < 0) controller.abort();
        return flows.apply(host, args);
      };
      await inside.cursors.findings(null, false, controller.signal).catch((error) => {
        if (!controller.signal.aborted) throw error;
        gaveUp++;
      });
      host.flows = flows;
    }
    if (rnd() < 0.3) await inside.cursors.findings(new Set([[...texts.keys()][0]]), rnd() < 0.5);
    const now = await inside.cursors.findings(null, false);
    const fresh = await new CursorCheck(inside.solver, host).findings(null, false);
    const what = `after ${log.slice(-4).join(", ")}`;
    expect(now, what).toEqual(fresh);
    const { program, graph } = inside.solver;
    const ops = new LockOps(program, tables, graph);
    for (let name = 0; name < program.names.count; name++)
      if (inside.cursors.effects.ops.of(name) !== ops.of(name))
        expect.fail(`what ${program.names.text(name)}() does to locks, ${what}`);
    if (n % 5 === 0) {
      // Numbers, and with them the order, are others in a program that was loaded anew.
      const anew = await started(texts);
      expect(inOrder(now), `as from scratch ${what}`).toEqual(
        inOrder(await anew.inside.cursors.findings(null, false)),
      );
    }
    image = inside.cursors.save();
    expect(image).not.toBeNull();
    compared += fresh.length;
  }
  expect(compared).toBeGreaterThan(EDITS);
  expect(restored).toBeGreaterThan(EDITS / 5);
  if (EDITS >= 250) expect(gaveUp).toBeGreaterThan(0);
});

/** Edits that reach a walk in ways that random ones seldom take. */
const REACHES: readonly [string, string, string, string][] = [
  ["a caller less, and their number is one that is asked", "drivers/box/core/many.c", "shelf_many(s);", ""],
  ["a field's type in a header", "include/linux/box.h", "struct mutex lock;", "spinlock_t lock;"],
  [
    "a type of the file's own",
    "lib/turn_1.c",
    "<linux/box.h>\n",
    "<linux/box.h>\nstruct shelf {\n\tspinlock_t lock;\n};\n",
  ],
  ["a loop macro", "include/linux/box.h", "list_for_each_entry(b,", "list_for_each_entry_rcu(b,"],
  ["a callee three levels down", "lib/turn_3.c", "*t = s;", "*t = &all_shelves;"],
  ["a wrapper that gives nothing up any more", "lib/turn_3.c", "\tspin_unlock(&t->spin);\n", ""],
  ["a removal nearby", "drivers/box/core/deep/deep.c", "list_move(&b->link", "list_move(&b->other"],
  ["a remover's caller", "drivers/box/core/remove.c", "\tshelf_lock(s);\n", ""],
  [
    "a function that is pointed to",
    "drivers/box/core/remove.c",
    ".drop = box_remove_spin",
    ".drop = box_unlink",
  ],
  ["a line before a place in another file", "lib/turn_3.c", "#include", "/* Turns. */\n#include"],
];

it.each(REACHES)("follows %s", async (_, path, from, to) => {
  const texts = walkProgram();
  const { host, engine, inside } = await started(texts);
  const before = await inside.cursors.findings(null, false);
  const restored = CursorCheck.restore(inside.solver, host, throughFile(inside.cursors.save()!));
  inside.cursors = restored;
  const text = texts.get(path)!;
  expect(text).toContain(from);
  host.sources.setOverlay(path, text.replace(from, to));
  await engine.update([path]);
  const now = await restored.findings(null, false);
  expect(inside.cursors).toBe(restored);
  expect(now).toEqual(await new CursorCheck(inside.solver, host).findings(null, false));
  expect(now).not.toEqual(before);
});

it("looks at few functions after an edit of one", async () => {
  const texts = walkProgram();
  const { host, engine, inside } = await started(texts);
  const path = "drivers/box/core/walk.c";
  host.sources.setOverlay(path, texts.get(path)!.replace("b->count++;", "b->count--;"));
  await engine.update([path]);
  const asked: number[] = [];
  const { effects } = inside.cursors;
  const prepare = effects.prepare.bind(effects);
  effects.prepare = (fns, signal) => {
    asked.push(...fns);
    return prepare(fns, signal);
  };
  const before = await new CursorCheck(inside.solver, host).findings(null, false);
  expect(await inside.cursors.findings(null, false)).toEqual(before);
  // The function, the walks that call it, who removes near them, and who calls those: none of the far file.
  expect(asked.map((fn) => inside.solver.program.fnFile(fn).path)).not.toContain("lib/far.c");
});
