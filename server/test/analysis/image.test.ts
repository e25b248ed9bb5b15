/**
 * An engine that takes up an image answers after edits what a fresh engine says of the same texts, or says that the image
 * is of no use. LOCKCTX_IMAGE_SEEDS (first-last) runs more.
 */
import { expect, it } from "vitest";
import { createEngine } from "../../src/analysis/createEngine.js";
import type { Engine } from "../../src/engine.js";
import type { Finding } from "../../src/findings/types.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import { outlineFile } from "../../src/outline/outline.js";
import { BadImage, type Section } from "../../src/program/image.js";
import { nextEdit, program, random } from "./randomEdits.js";

const [FIRST, LAST] = (process.env.LOCKCTX_IMAGE_SEEDS ?? "1-6").split("-").map(Number);
const SEEDS = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
/** Edits after which a new image is made and taken up. */
const EDITS = 12;
const IMAGES = 6;

type EngineImage = ReadonlyMap<string, Section>;

const tables = loadKernelTables(null);
const outline = { registrations: new Set(tables.registrations.keys()) };

/** Engines over texts; `imaged`: those that an image was made of. */
function open(texts: ReadonlyMap<string, string>, imaged: ReadonlyMap<string, string> | null = null) {
  const host = createInProcessHost({ root: "/t", outline });
  for (const [path, text] of texts) host.sources.setOverlay(path, text);
  host.imageOutline = (path) => {
    const text = imaged?.get(path);
    return text === undefined ? null : outlineFile(text, path, outline);
  };
  return { host, engine: createEngine({ tables, facts: host, version: null }) as Engine };
}

async function fresh(
  texts: ReadonlyMap<string, string>,
): Promise<{ findings: Finding[]; image: EngineImage }> {
  const { engine } = open(texts);
  await engine.load([...texts.keys()].sort());
  const { findings } = await engine.check({ focus: null });
  const image = new Map<string, Section>();
  if (!engine.save((name, section) => image.set(name, section))) throw new Error("nothing to save");
  return { findings, image: copied(image) };
}

/** As from disk: nothing is shared with who made it. */
const copied = (image: EngineImage): EngineImage =>
  new Map([...image].map(([name, section]) => [name, section.slice()]));

it("an image of a tree has the findings of the tree", async () => {
  const texts = program();
  const { findings, image } = await fresh(texts);
  const { engine } = open(texts, texts);
  engine.restore(image);
  expect((await engine.check({ focus: null })).findings).toEqual(findings);
  expect(findings.length).toBeGreaterThan(5);
});

it.each(SEEDS)("%i: the same as from scratch after edits", { timeout: 600_000 }, async (seed) => {
  const rnd = random(seed * 7919);
  const original = program();
  const texts = new Map(original);
  let useless = 0;
  let compared = 0;
  for (let round = 0; round < IMAGES; round++) {
    const imaged = new Map(texts);
    const { image } = await fresh(texts);
    let { host, engine } = open(texts, imaged);
    engine.restore(copied(image));
    for (let n = 0; n < EDITS; n++) {
      const { path, text, kind } = nextEdit(texts, original, rnd);
      if (text === null) texts.delete(path);
      else texts.set(path, text);
      host.sources.setOverlay(path, text);
      // Sometimes several files have changed before anybody asks.
      const together = rnd() < 0.3;
      const changed = [...new Set([...texts.keys(), ...imaged.keys()])].filter(
        (p) => texts.get(p) !== imaged.get(p),
      );
      try {
        if (together) {
          ({ host, engine } = open(texts, imaged));
          engine.restore(copied(image));
          await engine.update(changed);
        } else await engine.update([path]);
      } catch (error) {
        if (!(error instanceof BadImage)) throw error;
        useless++;
        break;
      }
      const now = (await engine.check({ focus: null })).findings;
      const { findings } = await fresh(texts);
      expect(now, `after ${kind} of ${path}`).toEqual(findings);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(IMAGES);
  expect(useless).toBeLessThanOrEqual(IMAGES);
});
