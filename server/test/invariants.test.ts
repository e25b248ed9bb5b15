/** The invariants of ARCHITECTURE.md that need the engine running, over all scenarios. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createEngine } from "../src/analysis/createEngine.js";
import { FN_STRIDE, Fn, FnFlag } from "../src/facts/outline.js";
import type { FactsPort } from "../src/facts/ports.js";
import type { Finding } from "../src/findings/types.js";
import { createFactTools } from "../src/host/factTools.js";
import { createInProcessHost } from "../src/host/inProcess.js";
import { loadKernelTables } from "../src/kernel/load.js";
import { harvestMacroClasses } from "../src/outline/macroClasses.js";
import { normaliseFunction } from "../src/text/normalise.js";
import { parseCase } from "./fixtures/caseFile.js";
import { caseFiles, fixturesFolder } from "./fixtures/harness.js";

/** Every scenario's files in a folder of their own, as one tree. */
const texts: Record<string, string> = {};
for (const name of caseFiles()) {
  const scenario = parseCase(readFileSync(join(fixturesFolder, "cases", name), "utf8"));
  for (const { path, text } of scenario.files) {
    texts[`${name.slice(0, -2)}/${path}`] = Buffer.from(text, "utf8").toString("latin1");
  }
}
const paths = Object.keys(texts).sort();
const tables = loadKernelTables(null);
const outlineOptions = { registrations: new Set(tables.registrations.keys()) };
const tools = createFactTools(outlineOptions);
const outlines = paths.map((path) => ({ path, outline: tools.outline(texts[path], path) }));
const { classes } = harvestMacroClasses(outlines);

/** The port of the in-process host with another order of arrival. */
function port(arrange: <T>(items: readonly T[]) => T[]): FactsPort {
  const host = createInProcessHost({ root: "/tree", outline: outlineOptions });
  for (const path of paths) host.sources.setOverlay(path, texts[path]);
  return {
    outlines: (files, emit, signal) => host.outlines(arrange(files), emit, signal),
    setMacroClasses: (c) => host.setMacroClasses(c),
    flows: (requests, emit, signal) => host.flows(arrange(requests), emit, signal),
    read: (file) => host.read(file),
  };
}

async function findings(
  arrange: <T>(items: readonly T[]) => T[],
  files: readonly string[] = paths,
): Promise<Finding[]> {
  const engine = createEngine({ tables, facts: port(arrange), version: null });
  await engine.load(files);
  return (await engine.check({ focus: null })).findings;
}

const asItIs = <T>(items: readonly T[]): T[] => [...items];
const reversed = <T>(items: readonly T[]): T[] => [...items].reverse();
const shuffled = <T>(items: readonly T[]): T[] => items.map((_, i) => items[(i * 7919) % items.length]);

describe("I2: facts of a file", () => {
  it("depend on its text and not on its path", () => {
    for (const { path, outline } of outlines) {
      const elsewhere = tools.outline(texts[path], "somewhere/else.c");
      expect(elsewhere, path).toEqual(outline);
      const fns = Array.from({ length: outline.fn.length / FN_STRIDE }, (_, i) => i);
      const here = tools.flows(texts[path], path, fns, classes);
      expect(tools.flows(texts[path], "somewhere/else.c", fns, classes), path).toEqual(here);
    }
  });

  it("of a function do not depend on which others are asked for", () => {
    for (const { path, outline } of outlines) {
      const fns = Array.from({ length: outline.fn.length / FN_STRIDE }, (_, i) => i);
      const together = tools.flows(texts[path], path, fns, classes).facts;
      const apart = fns.map((fn) => tools.flows(texts[path], path, [fn], classes).facts[0]);
      expect(apart, path).toEqual(together);
    }
  });
});

describe("I3: findings", () => {
  it("are plain data", async () => {
    const found = await findings(asItIs);
    expect(found.length).toBeGreaterThan(50);
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });
});

describe("I4: positions", () => {
  it("are kept by the normaliser: the same length, the same line ends", () => {
    for (const { path, outline } of outlines) {
      for (let i = 0; i < outline.fn.length; i += FN_STRIDE) {
        if (outline.fn[i + Fn.flags] & (FnFlag.Macro | FnFlag.ObjectMacro | FnFlag.Prototype)) continue;
        const [start, end] = [outline.fn[i + Fn.start], outline.fn[i + Fn.end]];
        const original = texts[path].slice(start, end);
        const { text, variants } = normaliseFunction(texts[path], start, end, classes, 0);
        const second = variants > 1 ? normaliseFunction(texts[path], start, end, classes, 1).text : text;
        for (const normalised of [text, second]) {
          expect(normalised.length, path).toBe(original.length);
          expect(normalised.replace(/[^\n]/g, ""), path).toBe(original.replace(/[^\n]/g, ""));
        }
      }
    }
  });

  it("of a finding are byte offsets of its callee (of a written walk: of its variable) in the original text", async () => {
    for (const f of await findings(asItIs)) {
      const callee = texts[f.file].slice(f.offset, f.endOffset);
      expect(callee, `${f.file} ${f.function}`).toMatch(/^[\w>.-]+$/);
      const after = texts[f.file].slice(f.endOffset);
      expect(after, `${f.file} ${f.function}: ${callee}`).toMatch(
        f.rule === "stale-cursor" ? /^\s*[(=]/ : /^\s*\(/,
      );
    }
  });
});

describe("I5: findings", () => {
  it("do not depend on the order in which facts arrive", async () => {
    const first = await findings(asItIs);
    expect(await findings(reversed)).toEqual(first);
    expect(await findings(shuffled)).toEqual(first);
  });

  it("do not depend on the order in which files are named", async () => {
    expect(await findings(asItIs, reversed(paths))).toEqual(await findings(asItIs));
  });

  it("come in a total order: file, place, rule", async () => {
    const key = (f: Finding) =>
      `${f.file}\0${String(f.offset).padStart(9, "0")}\0${f.rule}\0${f.fingerprint}`;
    const keys = (await findings(asItIs)).map(key);
    expect(keys).toEqual([...keys].sort());
    expect(new Set(keys).size).toBe(keys.length);
  });
});
