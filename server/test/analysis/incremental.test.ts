/**
 * Whatever the edits, what the engine says after them is what a fresh engine says of the same texts.
 * LOCKCTX_EDITS and LOCKCTX_EDIT_SEEDS (first-last) run more of them; .ci/run runs 2,000.
 */
import { expect, it, vi } from "vitest";
import { createEngine } from "../../src/analysis/createEngine.js";
import type { Engine } from "../../src/engine.js";
import type { Finding } from "../../src/findings/types.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import { EDIT_KINDS, nextEdit, program, random } from "./randomEdits.js";

/** The small program here is never long enough at work to be stopped in it: it may be stopped wherever it looks at the clock. */
const clock = vi.hoisted(() => ({ looked: (): void => {} }));
vi.mock("../../src/analysis/pauses.js", () => ({
  Pauses: class {
    readonly due = true;
    constructor(private readonly signal?: AbortSignal) {}
    async take(): Promise<void> {
      clock.looked();
      this.signal?.throwIfAborted();
    }
  },
}));

const EDITS = Number(process.env.LOCKCTX_EDITS ?? 250);
/** First and last seed. */
const [FIRST, LAST] = (process.env.LOCKCTX_EDIT_SEEDS ?? "1-1").split("-").map(Number);
const SEEDS = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);

class Bench {
  readonly texts = new Map<string, string>();
  private readonly tables = loadKernelTables(null);
  private host = this.newHost();
  engine: Engine = createEngine({ tables: this.tables, facts: this.host, version: null });

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

  async edit(path: string, text: string | null): Promise<void> {
    if (text === null) this.texts.delete(path);
    else this.texts.set(path, text);
    this.host.sources.setOverlay(path, text);
    await this.engine.update([path]);
  }

  /** Asks, and gives up at the nth request for facts, or look at the clock: what was learnt until then must do no harm. */
  async askAndGiveUp(
    question: (signal: AbortSignal) => Promise<unknown>,
    at: "requests" | "looks",
    n: number,
  ): Promise<boolean> {
    const controller = new AbortController();
    const { host } = this;
    const { flows } = host;
    let left = n;
    const count = (): void => {
      if (--left < 0) controller.abort();
    };
    if (at === "looks") clock.looked = count;
    else
      host.flows = (...args) => {
        count();
        return flows.apply(host, args);
      };
    try {
      await question(controller.signal);
      return false;
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      return true;
    } finally {
      host.flows = flows;
      clock.looked = () => {};
    }
  }

  async fresh(focus: ReadonlySet<string> | null, inside: boolean): Promise<Finding[]> {
    const host = this.newHost();
    for (const [path, text] of this.texts) host.sources.setOverlay(path, text);
    const engine = createEngine({ tables: this.tables, facts: host, version: null });
    await engine.load([...this.texts.keys()].sort());
    return (await engine.check({ focus, inside })).findings;
  }
}

/** What one of two lists has and the other has not, short enough to be read. */
function onlyIn(some: readonly Finding[], others: readonly Finding[]): string[] {
  const known = new Set(others.map((f) => JSON.stringify(f)));
  return some
    .filter((f) => !known.has(JSON.stringify(f)))
    .map(
      (f) =>
        `${f.file}:${f.offset} ${f.message} [${f.confidence}, ${f.reasons}] ${f.paths.map((p) => p.chain.map((s) => s.function).join(">"))}`,
    );
}

it.each(SEEDS)(`${EDITS} edits, seed %i: the same as from scratch`, { timeout: 1_200_000 }, async (seed) => {
  const rnd = random(seed);
  const original = program();
  const bench = new Bench();
  await bench.start(original);
  const kinds = new Map<string, number>();
  let compared = 0;
  let givenUp = 0;
  let stoppedAtWork = 0;
  for (let n = 1; n <= EDITS; n++) {
    const { path, text, kind } = nextEdit(bench.texts, original, rnd);
    const before = bench.texts.get(path);
    await bench.edit(path, text);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const files = [...bench.texts.keys()];
    // As the server asks, and as the command line does.
    const inside = rnd() < 0.5;
    const focus = inside
      ? new Set([path, files[Math.floor(rnd() * files.length)]].filter((p) => bench.texts.has(p)))
      : null;
    const check = (signal: AbortSignal) => bench.engine.check({ focus, inside, signal });
    if (rnd() < 0.6 && (await bench.askAndGiveUp(check, "requests", Math.floor(rnd() * 2)))) givenUp++;
    // Before and after the check, and as often in what was not asked before as in what is known.
    const stopped = async (): Promise<void> => {
      const place = Math.floor(rnd() * (bench.texts.get(path)?.length ?? 0));
      const ways = (signal: AbortSignal) => bench.engine.waysToSleep(path, place, { signal });
      const question = rnd() < 0.5 ? ways : check;
      if (await bench.askAndGiveUp(question, "looks", Math.floor(rnd() ** 2 * 60))) stoppedAtWork++;
    };
    if (rnd() < 0.5) await stopped();
    const now = (await bench.engine.check({ focus, inside })).findings;
    const fresh = await bench.fresh(focus, inside);
    const edit = `after edit ${n}, ${kind} of ${path} (${focus ? [...focus] : "whole tree"}${inside ? ", inside" : ""}):\n${difference(before ?? "", text ?? "")}\n`;
    expect(onlyIn(now, fresh), `found, and not from scratch, ${edit}`).toEqual([]);
    expect(onlyIn(fresh, now), `not found any more, ${edit}`).toEqual([]);
    expect(now, `in another order, ${edit}`).toEqual(fresh);
    compared += fresh.length;
    if (rnd() < 0.3) await stopped();
  }
  expect(compared).toBeGreaterThan(EDITS);
  expect(givenUp).toBeGreaterThan(EDITS / 60);
  expect(stoppedAtWork).toBeGreaterThan(EDITS / 10);
  if (EDITS >= 250) expect([...kinds.keys()].sort()).toEqual([...EDIT_KINDS].sort());
});

/** The lines that differ between two texts. */
function difference(a: string, b: string): string {
  const [x, y] = [a.split("\n"), b.split("\n")];
  let from = 0;
  while (from < x.length && x[from] === y[from]) from++;
  let tail = 0;
  while (tail < x.length - from && tail < y.length - from && x.at(-1 - tail) === y.at(-1 - tail)) tail++;
  return [
    ...x.slice(from, x.length - tail).map((line) => `-${line}`),
    ...y.slice(from, y.length - tail).map((line) => `+${line}`),
  ].join("\n");
}
