/** The text report: what a reader sees of a finding, a cluster and a run. */
import { describe, expect, it } from "vitest";
import { identify } from "../../src/findings/fingerprint.js";
import type { AnalysisStats, Confidence, Finding } from "../../src/findings/types.js";
import { makeReport } from "../../src/report/report.js";
import { renderStats } from "../../src/report/stats.js";
import { renderText } from "../../src/report/text.js";
import { emptyStats, finding } from "../fixtures/fakeEngine.js";

const SUPER = `static DEFINE_SPINLOCK(sb_lock);
void put_super(struct super_block *sb)
{
	spin_lock(&sb_lock);
	__put_super(sb);
	spin_unlock(&sb_lock);
}
`;
const LRU = `static void unregister(void)
{
	mutex_lock(&m);
}
`;
const texts: Record<string, string> = { "fs/super.c": SUPER, "mm/list_lru.c": LRU };

const site = (file: string, needle: string) => {
  const offset = texts[file].indexOf(needle);
  return { file, offset, endOffset: offset + needle.length };
};

function example(parts: Partial<Finding> = {}): Finding {
  const call = site("fs/super.c", "__put_super");
  const lock = site("mm/list_lru.c", "mutex_lock");
  const first = {
    confidence: "medium" as Confidence,
    reasons: ["state-guarded" as const],
    condition: "lru->node is set",
    chain: [
      { ...call, function: "put_super" },
      { ...site("fs/super.c", "spin_unlock"), function: "__put_super" },
      { ...lock, function: "unregister" },
    ],
    sleep: { ...lock, call: "mutex_lock", reason: "takes a mutex" },
  };
  const second = {
    ...first,
    condition: undefined,
    chain: [first.chain[0], first.chain[1], { ...lock, function: "get_ids" }],
    sleep: { ...lock, call: "down_read", reason: "takes a semaphore" },
  };
  return finding({
    ...call,
    confidence: "medium",
    reasons: ["state-guarded"],
    message: "put_super() calls __put_super(), which may sleep, while holding spinlock sb_lock",
    context: {
      kind: "spinlock",
      lock: "sb_lock",
      lockClass: "fs/super.c:sb_lock",
      site: site("fs/super.c", "spin_lock(&sb_lock)"),
      how: "spin_lock",
    },
    paths: [first, second],
    ...parts,
  });
}

function render(
  findings: Finding[],
  colors = false,
  least: Confidence = "medium",
  stats: Partial<AnalysisStats> = {},
) {
  const report = makeReport(
    { findings, stats: { ...emptyStats(), files: 59131, functions: 714000, ...stats } },
    { root: "/tree", minConfidence: least, read: (file) => texts[file] ?? null, named: null },
  );
  return { report, text: renderText(report, { colors }) };
}

describe("the text report", () => {
  it("shows a finding with its context, its chain, its condition and what makes it uncertain", () => {
    expect(
      render([example()]).text,
    ).toBe(`fs/super.c:5:2: medium: put_super() calls __put_super(), which may sleep, while holding spinlock sb_lock [sleep-in-atomic]
    fs/super.c:4     spin_lock(&sb_lock);  <- sb_lock taken here
  1 fs/super.c:5     put_super() -> __put_super()
  2 fs/super.c:6     __put_super() -> unregister()
  3 mm/list_lru.c:3  unregister() -> mutex_lock() sleeps: takes a mutex
    condition: lru->node is set
    or
  2 fs/super.c:6     __put_super() -> get_ids()
  3 mm/list_lru.c:3  get_ids() -> down_read() sleeps: takes a semaphore
    reasons: state-guarded

1 finding (1 medium)
59,131 files, 714,000 functions
`);
  });

  it("tells equal findings of a cluster once, and where the others are", () => {
    const others = ["a", "b"].map((name) => ({ ...example(), function: name, offset: SUPER.indexOf("sb)") }));
    const all = [example(), ...others];
    const { text } = render(all.map((f, i) => ({ ...f, ...identify(all)[i] })));
    expect(text).toContain("    2 more calls of __put_super() with the same sleeps, spinlock sb_lock:\n");
    expect(text).toContain("      fs/super.c:2:36: medium: a()\n      fs/super.c:2:36: medium: b()\n");
    expect(text).toContain("3 findings in 1 cluster (3 medium)");
    expect(text.match(/takes a mutex/g)).toHaveLength(1);
  });

  it("says how a callee took the lock, and how a callback is entered", () => {
    const through = [{ ...site("fs/super.c", "__put_super"), function: "put_super" }];
    expect(render([example({ context: { ...example().context, through } })]).text).toContain(
      "    fs/super.c:5     put_super() -> spin_lock()\n",
    );
    const context = { ...example().context, kind: "hardirq" as const, how: "request_irq", lock: undefined };
    expect(render([example({ context })]).text).toContain("<- runs in hard interrupt context (request_irq)");
  });

  it("counts paths beyond the first few", () => {
    const [path] = example().paths;
    const paths = Array.from({ length: 6 }, () => path);
    expect(render([example({ paths, morePaths: 3 })]).text).toContain("    and 5 more paths\n");
  });

  it("says what it does not show: low confidence, suppressed, tests", () => {
    const { text, report } = render([
      example({ confidence: "low" }),
      example({ suppressed: { reason: "held for init only" } }),
      example({ file: "lib/test_foo.c" }),
    ]);
    expect(text).toContain(
      "nothing found; 1 below confidence medium hidden; 1 suppressed; 1 in test code left out",
    );
    expect(report.stats).toMatchObject({ findings: 0, hiddenFindings: 1, suppressedFindings: 1 });
  });

  it("hides the less certain paths of a finding and counts them", () => {
    const [first, second] = example().paths;
    const { report } = render([example({ paths: [first, { ...second, confidence: "low" }] })]);
    expect(report.findings[0]).toMatchObject({ paths: [first], morePaths: 1 });
  });

  it("has colours only where they were asked for", () => {
    expect(render([example()]).text).not.toContain("\x1b[");
    const coloured = render([example()], true).text;
    expect(coloured).toContain("\x1b[");
    expect(coloured.replace(/\x1b\[[0-9;]*m/g, "")).toBe(render([example()]).text);
  });
});

describe("the statistics", () => {
  it("list what was skipped and what each phase cost", () => {
    const { report } = render([], false, "medium", {
      skippedFiles: [{ path: "a.c", reason: "binary file" }],
      unparsedFunctions: 7,
      phases: [{ name: "outline", wallMs: 1234, cpuMs: 2345, rssMb: 321 }],
    });
    const text = renderStats(report);
    expect(text).toMatch(/unparsed functions +7\n/);
    expect(text).toContain("  a.c: binary file\n");
    expect(text).toMatch(/outline +1\.23 +2\.35 +321\n/);
  });
});
