// The metamorphic and kernel-doc measures over small programs in memory, on the built engine.
import { describe, expect, it } from "vitest";
import { createEngine, createInProcessHost, loadKernelTables } from "../dist.mjs";
import { axiomTables, kernelDoc } from "../kerneldoc.mjs";
import { sampleFindings } from "../metamorphic/cases.mjs";
import { judgeFinding, metamorphic, TRANSFORMATIONS } from "../metamorphic/run.mjs";

async function program(texts, tables = loadKernelTables(null)) {
  const facts = createInProcessHost({
    root: "/fixture",
    outline: { registrations: new Set(tables.registrations.keys()) },
  });
  for (const [file, text] of Object.entries(texts)) facts.sources.setOverlay(file, text);
  const engine = createEngine({ tables, facts, version: null });
  const files = Object.keys(texts).sort();
  await engine.load(files);
  // The runs lay texts over the disk and take them away again; here the texts are themselves overlays.
  const { setOverlay } = facts.sources;
  facts.sources.setOverlay = (file, text) =>
    setOverlay.call(facts.sources, file, text ?? texts[file] ?? null);
  return { engine, facts, files };
}

const LOUD = `static DEFINE_SPINLOCK(lock);

static int work(struct dev *d, int n)
{
	mutex_lock(&d->m);
	return n;
}

static int start(struct dev *d, int n)
{
	int err;

	spin_lock(&lock);
	err = work(d, n);
	spin_unlock(&lock);
	return err;
}
`;

const QUIET = LOUD.replace("mutex_lock(&d->m)", "kfree(d)")
  .replace("err = work(d, n)", "work(d, n)")
  .replace(/\bstart\b/, "stop")
  .replace(/\bwork\b/g, "drop");

const run = (p, more = {}) =>
  metamorphic({ ...p, wanted: null, count: 10, silentCount: 10, seed: 1, ...more });

describe("metamorphic runs", () => {
  it("keep findings and silence under every transformation", async () => {
    const { results, skipped } = await run(await program({ "d/loud.c": LOUD, "d/quiet.c": QUIET }));
    expect([...skipped]).toEqual([]);
    const kinds = Object.keys(TRANSFORMATIONS).sort();
    for (const kind of ["finding", "silent"]) {
      const of = results.filter((r) => r.case.kind === kind);
      expect(of.map((r) => r.kind).sort()).toEqual(kinds);
      expect(of.filter((r) => !r.right)).toEqual([]);
    }
  });

  it("leave the program as it was", async () => {
    const p = await program({ "d/loud.c": LOUD });
    const before = await p.engine.check({ focus: null });
    await run(p);
    expect((await p.engine.check({ focus: null })).findings).toEqual(before.findings);
    expect(p.engine.definitions("lc_outlined_1")).toEqual([]);
    expect(p.facts.read("d/loud.c")).toBe(LOUD);
  });

  it("count what cannot be transformed, with the reason", async () => {
    const odd = LOUD.replace("\tspin_unlock", "#ifdef X\n\td->n++;\n#endif\n\tspin_unlock");
    const { results, skipped } = await run(await program({ "d/loud.c": odd }));
    expect(skipped.get("finding outline: preprocessor lines in the body")).toBe(1);
    expect(results.map((r) => r.kind).sort()).toEqual(["macro", "move"]);
  });

  it("tell a lost finding, a lower one and another sink apart", () => {
    const c = { fn: { name: "f" }, sink: { fn: "g", call: "msleep" } };
    const found = (call, confidence) => [
      {
        file: "a.c",
        function: "f",
        rule: "sleep-in-atomic",
        confidence,
        suppressed: null,
        paths: [
          {
            confidence,
            reasons: ["long-chain"],
            chain: [{ function: "f" }, { function: "g" }],
            sleep: { call },
          },
        ],
      },
    ];
    const judge = (findings) => judgeFinding(c, findings, new Set(["a.c"]), []);
    expect(judge(found("msleep", "medium")).right).toBe(true);
    expect(judge([])).toEqual({ right: false, why: "nothing found" });
    expect(judge(found("msleep", "low"))).toEqual({ right: false, why: "now low: long-chain" });
    expect(judge(found("schedule", "high"))).toEqual({ right: false, why: "other sink: f > g > schedule" });
    expect(judgeFinding(c, found("msleep", "high"), new Set(["b.c"]), []).right).toBe(false);
  });
});

describe("the sample", () => {
  const f = (rule, file, fingerprint) => ({ rule, file, fingerprint, function: "f" });

  it("takes turns among rules and at most one finding a file", () => {
    const all = [f("a", "1.c", "x"), f("a", "1.c", "y"), f("a", "2.c", "z"), f("b", "3.c", "w")];
    const picked = sampleFindings(all, 10, 1);
    expect(picked.map((x) => x.file).sort()).toEqual(["1.c", "2.c", "3.c"]);
    expect(picked.slice(0, 2).map((x) => x.rule)).toEqual(["a", "b"]);
  });

  it("is the same for the same seed whatever the order", () => {
    const all = Array.from({ length: 40 }, (_, i) => f(i % 2 ? "a" : "b", `${i}.c`, "x"));
    const files = (list, seed) => sampleFindings(list, 5, seed).map((x) => x.file);
    expect(files([...all].reverse(), 3)).toEqual(files(all, 3));
    expect(files(all, 4)).not.toEqual(files(all, 3));
  });
});

describe("kernel-doc", () => {
  const doc = (context, text) => `/**\n * x - x\n * Context: ${context}\n */\n${text}\n`;

  it("is compared with what the sources do", async () => {
    const { engine } = await program(
      {
        "a.c": [
          doc("May sleep.", "void sleeps(struct x *x)\n{\n\tmutex_lock(&x->m);\n}"),
          doc("May sleep.", "void does_not(struct x *x)\n{\n\tx->n++;\n}"),
          doc("Any context.", "void calm(struct x *x)\n{\n\tkmalloc(4, GFP_ATOMIC);\n}"),
          doc("Any context.", "void by_flags(gfp_t gfp)\n{\n\tkmalloc(4, gfp);\n}"),
          doc("Any context.", "void wrong(struct x *x)\n{\n\thelper();\n}"),
          "void helper(void)\n{\n\tmsleep(1);\n}",
        ].join("\n"),
      },
      axiomTables(null),
    );
    const { any, may } = await kernelDoc(engine);
    expect([any.sleeps, any.of, any.wrong.map((v) => v.function)]).toEqual([1, 3, ["wrong"]]);
    expect([may.sleeps, may.of, may.wrong.map((v) => v.function)]).toEqual([1, 2, ["does_not"]]);
  });

  it("takes only axioms from the tables", () => {
    const axioms = axiomTables(null).sleepers;
    expect(axioms.has("mutex_lock")).toBe(true);
    expect(axioms.has("usb_submit_urb")).toBe(false);
    expect(loadKernelTables(null).sleepers.has("usb_submit_urb")).toBe(true);
  });
});
