/** Whatever the edits, what the engine says after them is what a fresh engine says of the same texts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createEngine } from "../../src/analysis/createEngine.js";
import type { Engine } from "../../src/engine.js";
import type { Finding } from "../../src/findings/types.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import { parseCase } from "../fixtures/caseFile.js";
import { fixturesFolder } from "../fixtures/harness.js";

const EDITS = Number(process.env.LOCKCTX_EDITS ?? 400);
const SEED = Number(process.env.LOCKCTX_SEED ?? 1);

/** Deterministic numbers in [0, 1) (mulberry32). */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class Bench {
  readonly texts = new Map<string, string>();
  private readonly tables = loadKernelTables(null);
  private readonly host = this.newHost();
  readonly engine: Engine = createEngine({ tables: this.tables, facts: this.host, version: null });

  private newHost() {
    return createInProcessHost({
      root: "/t",
      outline: { registrations: new Set(this.tables.registrations.keys()) },
    });
  }

  async start(texts: ReadonlyMap<string, string>): Promise<void> {
    for (const [path, text] of texts) {
      this.texts.set(path, text);
      this.host.sources.setOverlay(path, text);
    }
    await this.engine.load([...texts.keys()].sort());
  }

  async edit(path: string, text: string): Promise<void> {
    this.texts.set(path, text);
    this.host.sources.setOverlay(path, text);
    await this.engine.update([path]);
  }

  /** Asks, and gives up at the nth request for facts: what was learnt until then must do no harm. */
  async askAndGiveUp(focus: ReadonlySet<string>, inside: boolean, requests: number): Promise<boolean> {
    const controller = new AbortController();
    const { host } = this;
    const { flows } = host;
    let left = requests;
    host.flows = (...args) => {
      if (--left < 0) controller.abort();
      return flows.apply(host, args);
    };
    try {
      await this.engine.check({ focus, inside, signal: controller.signal });
      return false;
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      return true;
    } finally {
      host.flows = flows;
    }
  }

  async fresh(focus: ReadonlySet<string>, inside: boolean): Promise<Finding[]> {
    const host = this.newHost();
    for (const [path, text] of this.texts) host.sources.setOverlay(path, text);
    const engine = createEngine({ tables: this.tables, facts: host, version: null });
    await engine.load([...this.texts.keys()].sort());
    return (await engine.check({ focus, inside })).findings;
  }
}

/** A program of several files: the shipped example and some scenarios, whose names do not clash. */
function program(): Map<string, string> {
  const texts = new Map<string, string>();
  const example = join(fixturesFolder, "put-super");
  for (const file of readdirSync(example, { recursive: true, encoding: "utf8" })) {
    if (/\.[ch]$/.test(file)) texts.set(file, readFileSync(join(example, file), "latin1"));
  }
  const cases = join(fixturesFolder, "cases");
  for (const name of [
    "flow/returns-with-lock.c",
    "interprocedural/cross-file.c",
    "names/macro-as-function.c",
    "pointers/ops-table.c",
    "callbacks/timer.c",
    "gfp/parameter.c",
  ]) {
    for (const f of parseCase(readFileSync(join(cases, name), "utf8")).files)
      texts.set(`drivers/${name.replace(/\W/g, "_")}/${f.path.split("/").pop()}`, f.text);
  }
  return texts;
}

/** One small change that a person could make. */
function mutate(text: string, rnd: () => number): string {
  const lines = text.split("\n");
  const at = Math.floor(rnd() * lines.length);
  switch (Math.floor(rnd() * 8)) {
    case 0:
      return [...lines.slice(0, at), "\tmsleep(1);", ...lines.slice(at)].join("\n");
    case 1:
      return [...lines.slice(0, at), ...lines.slice(at + 1)].join("\n");
    case 2:
      return [...lines.slice(0, at), "", ...lines.slice(at)].join("\n");
    case 3:
      return text.replace(/mutex_lock|msleep|down_read/, (m) => (m === "msleep" ? "udelay" : "msleep"));
    case 4:
      return text.replace(/GFP_KERNEL|GFP_ATOMIC/, (m) => (m === "GFP_KERNEL" ? "GFP_ATOMIC" : "GFP_KERNEL"));
    case 5:
      return `${text}\nstatic void made_${at}(void)\n{\n\tmsleep(1);\n}\n`;
    case 6:
      return text.replace(/\b(spin_unlock\(.*?\);)/, (m) => (rnd() < 0.5 ? `/* ${m} */` : m));
    default: {
      // A function changes its name, or gets it back.
      const names = [...text.matchAll(/^(?:static )?[a-z][\w\s*]*?\b(\w+)\(/gm)].map((m) => m[1]);
      const name = names[Math.floor(rnd() * names.length)];
      if (!name) return text;
      const to = name.endsWith("_x") ? name.slice(0, -2) : `${name}_x`;
      return text.replace(new RegExp(`\\b${name}\\(`), `${to}(`);
    }
  }
}

const plain = (findings: readonly Finding[]): unknown[] => findings.map((f) => ({ ...f }));

it(`${EDITS} edits: the same as from scratch (seed ${SEED})`, { timeout: 300_000 }, async () => {
  const rnd = random(SEED);
  const original = program();
  const bench = new Bench();
  await bench.start(original);
  const files = [...original.keys()];
  let compared = 0;
  let givenUp = 0;
  for (let n = 1; n <= EDITS; n++) {
    const path = files[Math.floor(rnd() * files.length)];
    const back = rnd() < 0.3;
    await bench.edit(path, back ? original.get(path)! : mutate(bench.texts.get(path)!, rnd));
    const inside = rnd() < 0.7;
    const focus = new Set(inside ? [path, files[Math.floor(rnd() * files.length)]] : files);
    if (rnd() < 0.6 && (await bench.askAndGiveUp(focus, inside, Math.floor(rnd() * 3)))) givenUp++;
    const now = (await bench.engine.check({ focus, inside })).findings;
    const fresh = await bench.fresh(focus, inside);
    expect(plain(now), `after edit ${n} of ${path}`).toEqual(plain(fresh));
    compared += fresh.length;
  }
  expect(compared).toBeGreaterThan(EDITS);
  expect(givenUp).toBeGreaterThan(EDITS / 60);
});
