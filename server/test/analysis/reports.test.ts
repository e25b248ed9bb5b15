/** Findings kept from check to check are what a report of everything says, and only what can have changed is made anew. */
import { expect, it, vi } from "vitest";
import { createEngine } from "../../src/analysis/createEngine.js";
import { Reporter } from "../../src/analysis/report.js";
import { Reports, type SavedReports } from "../../src/analysis/reports.js";
import type { Solver } from "../../src/analysis/solver.js";
import { applySuppressions } from "../../src/analysis/suppressions.js";
import type { CheckResult } from "../../src/engine.js";
import { unpackFindings } from "../../src/findings/packed.js";
import type { Finding } from "../../src/findings/types.js";
import { createInProcessHost } from "../../src/host/inProcess.js";
import { loadKernelTables } from "../../src/kernel/load.js";
import { nextEdit, program, random } from "./randomEdits.js";

const tables = loadKernelTables(null);

/** What the engine keeps for itself. */
interface Inside {
  solver: Solver;
  reports: Reports;
}

class Bench {
  readonly texts = new Map<string, string>();
  private readonly host = createInProcessHost({
    root: "/t",
    outline: { registrations: new Set(tables.registrations.keys()) },
  });
  readonly engine = createEngine({ tables, facts: this.host, version: null });
  readonly read = (file: string): string | null => this.host.read(file);

  get inside(): Inside {
    return this.engine as unknown as Inside;
  }

  async start(texts: Iterable<[string, string]>): Promise<CheckResult> {
    for (const [path, text] of texts) {
      this.texts.set(path, text);
      this.host.sources.setOverlay(path, text);
    }
    await this.engine.load([...this.texts.keys()].sort());
    return this.check();
  }

  async edit(path: string, text: string | null): Promise<void> {
    if (text === null) this.texts.delete(path);
    else this.texts.set(path, text);
    this.host.sources.setOverlay(path, text);
    await this.engine.update([path]);
  }

  /** Compared with a report of everything. */
  async check(): Promise<CheckResult> {
    const update = vi.spyOn(Reports.prototype, "update");
    try {
      const result = await this.engine.check({ focus: null });
      const [enter, callbacks, walks] = update.mock.lastCall!;
      const all = new Reporter(this.inside.solver).findings(enter, callbacks, null, "low", walks);
      applySuppressions(all, this.read);
      expect(JSON.stringify(result.findings)).toBe(JSON.stringify(all));
      return result;
    } finally {
      update.mockRestore();
    }
  }

  /** What the last check made anew. */
  get made(): readonly string[] {
    return this.inside.reports.made;
  }

  /** Goes on from what was saved. */
  restore(): SavedReports {
    const saved = this.inside.reports.save()!;
    this.inside.reports = new Reports(this.inside.solver, this.read, structuredClone(saved));
    return saved;
  }
}

const HEADER = `struct x { spinlock_t lock; struct mutex slow; };\n`;
const HELPER = `#include <linux/x.h>
void helper(struct x *p)
{
	lockdep_assert_held(&p->lock);
	msleep(1);
}
`;
const USER = `#include <linux/x.h>
void user(struct x *p)
{
	spin_lock(&p->lock);
	helper(p);
	spin_unlock(&p->lock);
}
`;
const ALONE = `static DEFINE_SPINLOCK(alone_lock);
void alone(void)
{
	spin_lock(&alone_lock);
	msleep(1);
	spin_unlock(&alone_lock);
}
`;
const small = (): [string, string][] => [
  ["include/linux/x.h", HEADER],
  ["lib/alone.c", ALONE],
  ["lib/helper.c", HELPER],
  ["lib/user.c", USER],
];
const where = (findings: readonly Finding[]): string[] => [
  ...new Set(findings.map((f) => `${f.file} ${f.function}`)),
];

it("makes nothing anew where nothing changed, and only the file that did", async () => {
  const bench = new Bench();
  const first = await bench.start(small());
  expect(where(first.findings)).toEqual(["lib/alone.c alone", "lib/user.c user"]);
  expect((await bench.check()).findings).toEqual(first.findings);
  expect(bench.made).toEqual([]);
  await bench.edit("lib/alone.c", ALONE.replace("msleep(1);", "msleep(1);\n\tssleep(1);"));
  expect((await bench.check()).findings).toHaveLength(3);
  expect(bench.made).toEqual(["lib/alone.c"]);
});

it("tells an asserted context when the caller that told it is gone, and no more when it is back", async () => {
  const bench = new Bench();
  await bench.start(small());
  await bench.edit("lib/user.c", USER.replace("\thelper(p);\n", ""));
  expect(where((await bench.check()).findings)).toEqual(["lib/alone.c alone", "lib/helper.c helper"]);
  expect(bench.made).toEqual(["lib/helper.c", "lib/user.c"]);
  bench.restore();
  await bench.edit("lib/user.c", USER);
  expect(where((await bench.check()).findings)).toEqual(["lib/alone.c alone", "lib/user.c user"]);
  expect(bench.made).toEqual(["lib/helper.c", "lib/user.c"]);
});

it("asks a caller that was there before whether it tells an assertion that is new", async () => {
  const bench = new Bench();
  const bare = HELPER.replace(/\tlockdep.*\n/, "");
  await bench.start(small().map(([path, text]) => [path, text === HELPER ? bare : text]));
  bench.restore();
  await bench.edit("lib/helper.c", HELPER);
  expect(where((await bench.check()).findings)).toEqual(["lib/alone.c alone", "lib/user.c user"]);
  // Another sleep than the caller's chain comes to, in a function that nobody calls.
  await bench.edit("lib/helper.c", `${HELPER}${HELPER.replace("void helper", "void other")}`);
  expect(where((await bench.check()).findings)).toContain("lib/helper.c other");
});

it("follows places in a file that a chain merely passes through", async () => {
  const bench = new Bench();
  const through = "void through(struct x *p)\n{\n\thelper(p);\n}\n";
  const texts = small().map(([path, text]): [string, string] => [
    path,
    text.replace("\thelper(p);\n", "\tthrough(p);\n"),
  ]);
  const { findings } = await bench.start([...texts, ["lib/through.c", through]]);
  bench.restore();
  await bench.edit("lib/through.c", `/* moved */\n${through}`);
  const now = (await bench.check()).findings;
  expect(bench.made).toEqual(["lib/through.c", "lib/user.c"]);
  const step = (list: readonly Finding[]) => list.find((f) => f.function === "user")!.paths[0].chain[1];
  expect(step(now)).toMatchObject({ file: "lib/through.c", function: "through" });
  expect(step(now).offset).toBe(step(findings).offset + "/* moved */\n".length);
});

it("follows comments that suppress, in the file of the finding alone", async () => {
  const bench = new Bench();
  await bench.start(small());
  bench.restore();
  const off = "\t/* lockctx-ignore all: known */\n\tmsleep(1);";
  await bench.edit("lib/alone.c", ALONE.replace("\tmsleep(1);", off));
  const { findings, stats } = await bench.check();
  expect(findings.map((f) => f.suppressed?.reason)).toEqual(["known", undefined]);
  expect(stats.suppressedFindings).toBe(1);
  expect(bench.made).toEqual(["lib/alone.c"]);
  await bench.edit("lib/user.c", `${USER}\n`);
  expect((await bench.check()).findings[0].suppressed).toEqual({ reason: "known" });
  await bench.edit("lib/alone.c", ALONE);
  expect((await bench.check()).findings[0].suppressed).toBeNull();
});

it("follows registrations and tables of functions in other files", async () => {
  const bench = new Bench();
  const caller = `#include <linux/ops.h>
void core(struct dev *d)
{
	spin_lock(&d->lock);
	d->ops->run(d);
	spin_unlock(&d->lock);
}
void core_start(struct dev *d)
{
	timer_setup(&d->timer, tick, 0);
}
`;
  const driver = (name: string): string => `#include <linux/ops.h>
static void ${name}_run(struct dev *d)
{
	msleep(1);
}
static const struct ops ${name}_ops = {
	.run = ${name}_run,
};
`;
  const texts: [string, string][] = [
    ["core/core.c", caller],
    ["drivers/one/one.c", driver("one")],
    ["drivers/one/two.c", driver("two")],
    [
      "include/linux/ops.h",
      "struct ops { void (*run)(struct dev *d); };\nstruct dev { const struct ops *ops; };\n",
    ],
    ["lib/tick.c", "void tick(struct timer_list *t)\n{\n\tmsleep(1);\n}\n"],
  ];
  const { findings } = await bench.start(texts);
  expect(where(findings)).toEqual(["core/core.c core", "lib/tick.c tick"]);
  bench.restore();
  // The callback's file is as it was: what it tells of its registration is not.
  await bench.edit("core/core.c", `/* moved */\n${caller}`);
  await bench.check();
  expect(bench.made).toContain("lib/tick.c");
  await bench.edit("core/core.c", caller.replace(", tick,", ", tock,"));
  expect(where((await bench.check()).findings)).toEqual(["core/core.c core"]);
  expect(bench.made).toEqual(["core/core.c", "lib/tick.c"]);
  bench.restore();
  // A rival of a target: who goes to it through the pointer is looked at again.
  await bench.edit("drivers/one/two.c", driver("two").replace(/static const[^}]*\};\n/, ""));
  await bench.check();
  expect(bench.made).toContain("core/core.c");
});

it("keeps to what callers tell when an assertion's file is made anew for another reason", async () => {
  const bench = new Bench();
  await bench.start(small());
  bench.restore();
  // A callback now: nothing that the caller's findings rest on is another.
  await bench.edit("lib/start.c", "void start(struct x *p)\n{\n\ttimer_setup(&p->timer, helper, 0);\n}\n");
  expect(where((await bench.check()).findings)).toEqual(where((await bench.check()).findings));
  await bench.edit("lib/other.c", "void other(struct x *p)\n{\n\trequest_irq(1, helper, 0, p, p);\n}\n");
  await bench.check();
  expect(bench.made).toContain("lib/helper.c");
  expect(bench.made).not.toContain("lib/user.c");
});

it("follows where a lock was taken for the function", async () => {
  const bench = new Bench();
  const take = "void take(struct x *p)\n{\n\tspin_lock(&p->lock);\n}\n";
  const texts = new Map(small());
  texts.set("lib/take.c", take);
  texts.set(
    "lib/user.c",
    USER.replace("spin_lock(&p->lock);", "take(p);").replace("helper(p);", "msleep(1);"),
  );
  const through = (r: CheckResult) =>
    r.findings.find((f) => f.function === "user")!.context.through!.map((step) => step.offset);
  const before = through(await bench.start(texts));
  bench.restore();
  await bench.edit("lib/take.c", `\n${take}`);
  expect(through(await bench.check())).not.toEqual(before);
  expect(bench.made).toContain("lib/user.c");
});

it("follows who else a pointer could lead to, where that is all that changes", async () => {
  const bench = new Bench();
  const rival = "static const struct ops two_ops = {\n\t.run = two_run,\n};\n";
  const texts: [string, string][] = [
    ["core/core.c", "#include <linux/ops.h>\nvoid core(struct dev *d)\n{\n\td->ops->run(d);\n}\n"],
    [
      "drivers/net/one/one.c",
      "static void one_run(struct dev *d)\n{\n\tmsleep(1);\n}\nstatic const struct ops one_ops = {\n\t.run = one_run,\n};\n",
    ],
    ["drivers/usb/two/table.c", rival],
    [
      "drivers/usb/two/two.c",
      "void two_run(struct dev *d)\n{\n}\nvoid two(struct dev *d)\n{\n\tspin_lock(&d->lock);\n\tcore(d);\n\tspin_unlock(&d->lock);\n}\n",
    ],
    [
      "include/linux/ops.h",
      "struct ops { void (*run)(struct dev *d); };\nstruct dev { spinlock_t lock; const struct ops *ops; };\n",
    ],
  ];
  const unlikely = (r: CheckResult) => r.findings.map((f) => f.reasons.includes("unlikely-target"));
  expect(unlikely(await bench.start(texts))).toEqual([true]);
  bench.restore();
  await bench.edit("drivers/usb/two/table.c", "\n");
  expect(unlikely(await bench.check())).toEqual([false]);
  await bench.edit("drivers/usb/two/table.c", rival);
  expect(unlikely(await bench.check())).toEqual([true]);
});

it("follows a table that makes a function of a chain a put_super", async () => {
  const bench = new Bench();
  const texts = new Map(small());
  texts.set(
    "include/linux/fs.h",
    "struct super_operations { void (*put_super)(struct super_block *sb); };\n",
  );
  await bench.start(texts);
  bench.restore();
  await bench.edit("lib/table.c", "static const struct super_operations o = {\n\t.put_super = alone,\n};\n");
  expect((await bench.check()).findings[0]).toMatchObject({
    function: "alone",
    reasons: ["put-super-path"],
  });
  await bench.edit("lib/table.c", null);
  expect((await bench.check()).findings[0].reasons).toEqual([]);
});

it("follows what is said of list walks, wherever that changes", async () => {
  const bench = new Bench();
  const walk = `#include "w.h"
LIST_HEAD(items);
DEFINE_SPINLOCK(items_lock);
void walk(void)
{
	struct item *i;

	spin_lock(&items_lock);
	list_for_each_entry(i, &items, entry) {
		spin_unlock(&items_lock);
		work(i);
		spin_lock(&items_lock);
	}
	spin_unlock(&items_lock);
}
`;
  const gone = `#include "w.h"
void item_gone(struct item *i)
{
	spin_lock(&items_lock);
	list_del(&i->entry);
	spin_unlock(&items_lock);
}
`;
  const { findings } = await bench.start([
    ["drivers/w/gone.c", gone],
    ["drivers/w/walk.c", walk],
    ["drivers/w/w.h", "struct item { struct list_head entry; };\nextern spinlock_t items_lock;\n"],
  ]);
  expect(findings[0].paths[0].chain.map((step) => step.file)).toContain("drivers/w/gone.c");
  bench.restore();
  await bench.edit("drivers/w/gone.c", `\n${gone}`);
  await bench.check();
  expect(bench.made).toEqual(["drivers/w/gone.c", "drivers/w/walk.c"]);
});

it("saves and restores without results or outlines, and tells low findings apart", async () => {
  const bench = new Bench();
  const { findings } = await bench.start(program());
  const saved = structuredClone(bench.inside.reports.save()!);
  const forbidden = new Proxy(
    { pointers: {} },
    {
      get: (of, key) => {
        if (key === "pointers") return of.pointers;
        throw new Error(`asked for ${String(key)}`);
      },
      set: () => true,
    },
  );
  const back = new Reports(forbidden as unknown as Solver, () => null, saved);
  expect(back.all()).toEqual(findings);
  const sure = findings.filter((f) => f.confidence !== "low");
  const low = findings.filter((f) => f.confidence === "low");
  expect(low.length).toBeGreaterThan(0);
  expect(back.atLeast("medium")).toEqual({
    findings: sure,
    leftOut: { high: 0, medium: 0, low: low.length },
  });
  const medium = sure.filter((f) => f.confidence === "medium").length;
  expect(back.atLeast("high").leftOut).toEqual({ high: 0, medium, low: low.length });
  expect(back.atLeast("low").findings).toEqual(findings);
  const apart = back.lowAside();
  expect(apart.findings).toEqual(sure);
  expect(apart.low.flatMap((l) => unpackFindings(JSON.parse(l.json)))).toEqual(low);
  expect(apart.low.reduce((n, l) => n + l.count, 0)).toBe(low.length);
  // Of the engine too.
  const result = await bench.engine.check({ focus: null, lowAside: true });
  expect(result.findings).toEqual(sure);
  expect(result.stats.findings).toBe(findings.length);
});

it("saves nothing that is out of date", async () => {
  const bench = new Bench();
  await bench.start(small());
  await bench.edit("lib/alone.c", ALONE.replace("msleep", "ssleep"));
  expect(bench.inside.reports.save()).toBeNull();
  await bench.check();
  expect(bench.inside.reports.save()).not.toBeNull();
});

it.each([1, 2, 3])("whatever the edits (seed %i)", { timeout: 120_000 }, async (seed) => {
  const rnd = random(seed + 1000);
  const original = program();
  for (const [path, text] of small()) original.set(path, text);
  const bench = new Bench();
  await bench.start(original);
  let made = 0;
  let files = 0;
  for (let n = 0; n < 120; n++) {
    const { path, text } = nextEdit(bench.texts, original, rnd);
    await bench.edit(path, text);
    if (rnd() < 0.3) {
      // Something was solved that no report has seen.
      const other = [...bench.texts.keys()][Math.floor(rnd() * bench.texts.size)];
      await bench.engine.check({ focus: new Set([other]), inside: rnd() < 0.5 });
    }
    if (rnd() < 0.3) continue;
    await bench.check();
    made += bench.made.length;
    files += bench.texts.size;
    if (rnd() < 0.3) bench.restore();
  }
  expect(made).toBeLessThan(files / 2);
});
