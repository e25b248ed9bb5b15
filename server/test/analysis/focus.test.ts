/** A check of some files says of them what a check of the whole tree says of them, and looks at less. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createEngine } from "../../src/analysis/createEngine.js";
import { hasStepIn } from "../../src/analysis/report.js";
import type { InspectingEngine } from "../../src/engine.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import { parseCase } from "../fixtures/caseFile.js";
import { fixturesFolder } from "../fixtures/harness.js";

const tables = loadKernelTables(null);

async function engineOver(texts: ReadonlyMap<string, string>): Promise<InspectingEngine> {
  const host = createInProcessHost({
    root: "/t",
    outline: { registrations: new Set(tables.registrations.keys()) },
  });
  for (const [path, text] of texts) host.sources.setOverlay(path, text);
  const engine = createEngine({ tables, facts: host, version: null });
  await engine.load([...texts.keys()].sort());
  return engine;
}

/** All scenarios as one program; what they define twice, they define for each other too. */
function scenarios(): Map<string, string> {
  const texts = new Map<string, string>();
  const cases = join(fixturesFolder, "cases");
  for (const name of readdirSync(cases, { recursive: true, encoding: "utf8" }).sort()) {
    if (!/\.[ch]$/.test(name)) continue;
    for (const f of parseCase(readFileSync(join(cases, name), "utf8")).files)
      texts.set(`drivers/${name.replace(/\W/g, "_")}/${f.path.split("/").pop()}`, f.text);
  }
  const example = join(fixturesFolder, "put-super");
  for (const file of readdirSync(example, { recursive: true, encoding: "utf8" }))
    if (/\.[ch]$/.test(file)) texts.set(file, readFileSync(join(example, file), "latin1"));
  return texts;
}

it.each(["low", "medium", "high"] as const)(
  "every scenario, from %s confidence on",
  { timeout: 120_000 },
  async (atLeast) => {
    const texts = scenarios();
    const whole = await (await engineOver(texts)).check({ focus: null });
    const engine = await engineOver(texts);
    for (const path of texts.keys()) {
      const focus = new Set([path]);
      const { findings } = await engine.check({ focus, atLeast });
      expect(findings, path).toEqual(whole.findings.filter((f) => hasStepIn(f, focus, atLeast)));
    }
    expect(whole.findings.length).toBeGreaterThan(100);
  },
);

it("finds the root of a path through a file in another one, by calls, pointers, macros and functions handed on", async () => {
  const texts = new Map([
    ["lib/sink.c", "void sink(void)\n{\n\tmsleep(1);\n}\n"],
    ["include/linux/sink.h", "#define SINK() sink()\n"],
    [
      "drivers/a.c",
      "static DEFINE_SPINLOCK(l);\nvoid by_call(void)\n{\n\tspin_lock(&l);\n\tsink();\n\tspin_unlock(&l);\n}\n",
    ],
    [
      "drivers/b.c",
      "static DEFINE_SPINLOCK(l);\nvoid by_macro(void)\n{\n\tspin_lock(&l);\n\tSINK();\n\tspin_unlock(&l);\n}\n",
    ],
    [
      "drivers/d.c",
      "struct ops {\n\tvoid (*go)(void);\n};\nstatic const struct ops o = { .go = sink };\nstatic DEFINE_SPINLOCK(l);\n" +
        "void by_pointer(struct ops *p)\n{\n\tspin_lock(&l);\n\tp->go();\n\tspin_unlock(&l);\n}\n",
    ],
    [
      "drivers/e.c",
      "static DEFINE_SPINLOCK(l);\nstatic void each(void (*f)(void))\n{\n\tf();\n}\nstatic void one(void)\n{\n\tsink();\n}\n" +
        "void by_hand(void)\n{\n\tspin_lock(&l);\n\teach(one);\n\tspin_unlock(&l);\n}\n",
    ],
    [
      "drivers/f.c",
      "static DEFINE_SPINLOCK(l);\nvoid unrelated(void)\n{\n\tspin_lock(&l);\n\tmsleep(1);\n\tspin_unlock(&l);\n}\n",
    ],
  ]);
  const engine = await engineOver(texts);
  const { findings } = await engine.check({ focus: new Set(["lib/sink.c"]), atLeast: "medium" });
  const whole = await (await engineOver(texts)).check({ focus: null });
  expect(findings).toEqual(whole.findings.filter((f) => f.function !== "unrelated"));
  expect(findings.map((f) => f.function)).toEqual(["by_call", "by_macro", "by_pointer", "by_hand"]);
});

it("looks at the functions that matter to the files alone", { timeout: 120_000 }, async () => {
  const engine = await engineOver(scenarios());
  const part = await engine.check({ focus: new Set(["fs/super.c"]), atLeast: "medium" });
  const whole = await (await engineOver(scenarios())).check({ focus: null });
  expect(part.findings.length).toBeGreaterThan(0);
  expect(part.stats.analysedFunctions * 3).toBeLessThan(whole.stats.analysedFunctions);
});

it("loses nothing where a lock wrapper is found only on the way down", async () => {
  const chain = [1, 2, 3, 4].map(
    (n) => `void grab${n}(void)\n{\n\tif (busy)\n\t\tmsleep(1);\n\tgrab${n + 1}();\n}\n`,
  );
  const texts = new Map([
    ["lib/grab.c", `${chain.join("")}void grab5(void)\n{\n\tspin_lock(&deep);\n}\n`],
    [
      "drivers/a.c",
      "static DEFINE_SPINLOCK(l);\nvoid own(void)\n{\n\tspin_lock(&l);\n\tmsleep(1);\n\tgrab1();\n\tspin_unlock(&l);\n}\n" +
        "void by_wrapper(void)\n{\n\tgrab1();\n\tmsleep(1);\n}\n",
    ],
  ]);
  const focus = new Set(["drivers/a.c"]);
  const functions = async (options: { focus: typeof focus | null; inside?: boolean }): Promise<string[]> => {
    const { findings } = await (await engineOver(texts)).check(options);
    return findings.filter((f) => focus.has(f.file)).map((f) => `${f.function} ${f.offset}`);
  };
  const whole = await functions({ focus: null });
  expect(whole.some((f) => f.startsWith("own"))).toBe(true);
  expect(whole.some((f) => f.startsWith("by_wrapper"))).toBe(true);
  expect(await functions({ focus, inside: true })).toEqual(whole);
  expect(await functions({ focus })).toEqual(whole);
});
