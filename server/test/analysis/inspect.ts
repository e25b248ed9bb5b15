/** Asks an engine over texts in memory about single functions. */
import { createEngine } from "../../src/analysis/createEngine.js";
import type { InspectingEngine, PointInfo } from "../../src/engine.js";
import type { Explanation, LockGraph } from "../../src/findings/explain.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import { renderExplanation } from "../../src/report/explainText.js";
import { TreePositions } from "../../src/report/positions.js";

export type Texts = Readonly<Record<string, string>>;

export interface Opened {
  engine: InspectingEngine;
  positions: TreePositions;
  texts: Texts;
  /** Changes a file, as an editor does. */
  change(path: string, text: string): Promise<void>;
}

export async function open(texts: Texts): Promise<Opened> {
  const tables = loadKernelTables(null);
  const facts = createInProcessHost({
    root: "/fixture",
    outline: { registrations: new Set(tables.registrations.keys()) },
  });
  const put = (path: string, text: string): void =>
    facts.sources.setOverlay(path, Buffer.from(text, "utf8").toString("latin1"));
  for (const [path, text] of Object.entries(texts)) put(path, text);
  const engine = createEngine({ tables, facts, version: null });
  await engine.load(Object.keys(texts).sort());
  return {
    engine,
    positions: new TreePositions((f) => facts.read(f)),
    texts,
    async change(path, text) {
      put(path, text);
      await engine.update([path]);
    },
  };
}

/** What is said about a function, or about the line of it that holds this text. */
export async function explainIn(opened: Opened, name: string, lineWith?: string): Promise<Explanation> {
  const [ref] = opened.engine.find(name);
  if (lineWith === undefined) return opened.engine.explain({ function: ref });
  const text = opened.texts[ref.file];
  const at = text.indexOf(lineWith, ref.start);
  if (at < 0) throw new Error(`no "${lineWith}" in ${name}()`);
  const start = text.lastIndexOf("\n", at) + 1;
  return opened.engine.explain({ function: ref, range: { start, end: text.indexOf("\n", at) + 1 } });
}

export const explainText = async (opened: Opened, name: string, lineWith?: string): Promise<string> =>
  renderExplanation(await explainIn(opened, name, lineWith), opened.positions, { colors: false });

export async function graphIn(opened: Opened, name: string, depth: number): Promise<LockGraph> {
  return opened.engine.graph({ function: opened.engine.find(name)[0] }, depth);
}

/** What is known at the first place of this text. */
export async function pointIn(opened: Opened, file: string, text: string): Promise<PointInfo | null> {
  const at = opened.texts[file].indexOf(text);
  if (at < 0) throw new Error(`no "${text}" in ${file}`);
  return opened.engine.pointInfo(file, at);
}

/** Chains as a reader sees them: `a > b > msleep`. */
export const chainOf = (path: { chain: { function: string }[]; sleep: { call: string } }): string =>
  [...path.chain.map((s) => s.function), path.sleep.call].join(" > ");
