/** Explanations: why a function or a place is atomic, why it may sleep, what would change it, what is not decided. */
import { beforeAll, describe, expect, it } from "vitest";
import { chainOf, explainIn, explainText, type Opened, open } from "./inspect.js";

const DEVICE = `struct dev {
	spinlock_t lock;
	struct mutex config;
	struct timer_list timer;
	const struct dev_ops *ops;
	void (*done)(struct dev *d);
	int flags;
};

struct dev_ops {
	int (*reset)(struct dev *d);
};

static void leaf(struct dev *d)
{
	mutex_lock(&d->config);
	mutex_unlock(&d->config);
}

static void middle(struct dev *d)
{
	leaf(d);
}

void top(struct dev *d)
{
	spin_lock(&d->lock);
	middle(d);
	spin_unlock(&d->lock);
	middle(d);
}

static void on_timer(struct timer_list *t)
{
	middle(from_timer(t));
}

void start(struct dev *d)
{
	timer_setup(&d->timer, on_timer, 0);
}

void *allocate(struct dev *d, gfp_t gfp, bool can_wait)
{
	if (can_wait)
		msleep(1);
	return kmalloc(8, gfp);
}

void sometimes(struct dev *d)
{
	if (d->flags)
		spin_lock(&d->lock);
	touch(d);
	if (d->flags)
		spin_unlock(&d->lock);
}

static void asserted(struct dev *d)
{
	lockdep_assert_held(&d->lock);
	d->flags = 0;
}

static void drops(struct dev *d)
{
	spin_unlock(&d->lock);
	msleep(1);
	spin_lock(&d->lock);
}

static void inner(struct dev *d)
{
	d->flags++;
}

static void unlocks_first(struct dev *d)
{
	spin_unlock(&d->lock);
	inner(d);
	spin_lock(&d->lock);
}

void outer(struct dev *d)
{
	spin_lock(&d->lock);
	unlocks_first(d);
	spin_unlock(&d->lock);
}

void unknowns(struct dev *d, void (*cb)(struct dev *))
{
	nowhere_defined(d);
	d->done(d);
	cb(d);
	leaf(d);
}

static int slow_reset(struct dev *d)
{
	msleep(5);
	return 0;
}

static const struct dev_ops slow_ops = {
	.reset = slow_reset,
};

void reset(struct dev *d)
{
	spin_lock(&d->lock);
	d->ops->reset(d);
	spin_unlock(&d->lock);
}

#define poke(d) leaf(d)

void through_macro(struct dev *d)
{
	rcu_read_lock();
	poke(d);
	rcu_read_unlock();
}

int calm(int a)
{
	return a + 1;
}

void accepted(struct dev *d)
{
	spin_lock(&d->lock);
	/* lockctx-ignore sleep-in-atomic: the device is not running yet */
	leaf(d);
	spin_unlock(&d->lock);
}
`;

let dev: Opened;
beforeAll(async () => {
  dev = await open({ "drivers/dev.c": DEVICE });
});

describe("why a function is atomic", () => {
  it("names the locks that it takes, and the calls under each", async () => {
    const { own } = await explainIn(dev, "top");
    expect(own).toHaveLength(1);
    expect(own[0]).toMatchObject({
      context: { kind: "spinlock", lock: "d->lock", lockClass: "struct dev.lock", how: "spin_lock" },
      asserted: false,
      maybe: false,
      otherwise: "not after d->lock is released, nor if it were a mutex",
    });
    expect(own[0].calls.map((c) => c.name)).toEqual(["middle", "spin_unlock"]);
  });

  it("names callers that hold a lock when they call it, with the chain", async () => {
    const { callers } = await explainIn(dev, "leaf");
    const held = callers.find((c) => c.chain[0].function === "top")!;
    expect(held).toMatchObject({ from: "caller", context: { kind: "spinlock", lock: "d->lock" } });
    expect(held.chain.map((s) => s.function)).toEqual(["top", "middle"]);
  });

  it("names the callbacks that lead to it, and where they are registered", async () => {
    const { callers } = await explainIn(dev, "leaf");
    const timer = callers.find((c) => c.from === "callback")!;
    expect(timer.context).toMatchObject({ kind: "softirq", how: "timer_setup" });
    expect(timer.chain.map((s) => s.function)).toEqual(["on_timer", "middle"]);
    const { offset } = timer.context.site;
    expect(DEVICE.slice(offset).startsWith("timer_setup(&d->timer")).toBe(true);
  });

  it("follows callers through macros", async () => {
    const { callers } = await explainIn(dev, "leaf");
    const rcu = callers.find((c) => c.context.kind === "rcu")!;
    expect(rcu.chain.map((s) => s.function)).toEqual(["through_macro", "poke"]);
  });

  it("follows callers through ops tables", async () => {
    const { callers } = await explainIn(dev, "slow_reset");
    expect(callers).toHaveLength(1);
    expect(callers[0].chain).toMatchObject([{ function: "reset", via: "pointer" }]);
  });

  it("tells an assertion from a lock that is taken", async () => {
    const { own } = await explainIn(dev, "asserted");
    expect(own).toMatchObject([
      {
        asserted: true,
        context: { how: "lockdep_assert_held" },
        otherwise: "not where d->lock is not held: lockdep_assert_held says that it is",
      },
    ]);
  });

  it("does not count a caller's lock that is dropped on the way", async () => {
    const { callers, callersSeen } = await explainIn(dev, "inner");
    expect(callers).toEqual([]);
    expect(callersSeen).toBe(2);
  });

  it("says so when nothing makes it atomic", async () => {
    expect(await explainText(dev, "calm")).toContain("It is not, as far as is known");
  });
});

describe("why a place is atomic", () => {
  it("counts only what holds there", async () => {
    const under = await explainIn(dev, "top", "\tmiddle(d);\n\tspin_unlock");
    expect(under.own.map((o) => o.context.lock)).toEqual(["d->lock"]);
    const after = await explainIn(dev, "calm", "return a + 1");
    expect(after.own).toEqual([]);
  });

  it("counts nothing after the unlock", async () => {
    const text = DEVICE.replace("\tmiddle(d);\n}", "\tmiddle(d); /* free */\n}");
    const { own } = await explainIn(await open({ "a.c": text }), "top", "/* free */");
    expect(own).toEqual([]);
  });

  it("tells a lock that is held on some ways only", async () => {
    const { own } = await explainIn(dev, "sometimes", "touch(d)");
    expect(own).toMatchObject([{ maybe: true, context: { lock: "d->lock" } }]);
  });

  it("tells the sleeps of its calls and the findings on it, not those elsewhere", async () => {
    const here = await explainIn(dev, "top", "\tmiddle(d);\n\tspin_unlock");
    expect(here.sleeps.paths.map(chainOf)).toEqual(["top > middle > leaf > mutex_lock"]);
    expect(here.findings.map((f) => f.rule)).toEqual(["sleep-in-atomic"]);
    const lock = await explainIn(dev, "top", "spin_lock(&d->lock)");
    expect(lock.sleeps).toMatchObject({ verdict: "never", paths: [] });
    expect(lock.findings).toEqual([]);
  });
});

describe("why a function may sleep", () => {
  it("shows each way with its chain", async () => {
    const { sleeps } = await explainIn(dev, "middle");
    expect(sleeps.verdict).toBe("may");
    expect(sleeps.paths.map(chainOf)).toEqual(["middle > leaf > mutex_lock"]);
    expect(sleeps.paths[0].otherwise).toEqual([]);
  });

  it("says what parameters would keep it from sleeping", async () => {
    const { sleeps } = await explainIn(dev, "allocate");
    const byCall = Object.fromEntries(sleeps.paths.map((p) => [p.sleep.call, p.otherwise]));
    expect(byCall).toMatchObject({
      kmalloc: ["not where gfp does not allow blocking (GFP_ATOMIC, GFP_NOWAIT)"],
      msleep: ["not where can_wait is zero"],
    });
  });

  it("says which lock is released before the sleep", async () => {
    const { sleeps } = await explainIn(dev, "drops");
    expect(sleeps.paths[0].otherwise).toEqual([
      "no bug under d->lock alone, which is released before the sleep",
    ]);
  });

  it("is 'never' only where everything was decided", async () => {
    expect((await explainIn(dev, "calm")).sleeps.verdict).toBe("never");
    expect((await explainIn(dev, "sometimes")).sleeps.verdict).toBe("unknown");
  });

  it("goes through ops tables", async () => {
    const { sleeps } = await explainIn(dev, "reset");
    expect(sleeps.paths.map(chainOf)).toEqual(["reset > slow_reset > msleep"]);
    expect(sleeps.paths[0].reasons).toContain("function-pointer");
  });
});

describe("what is not decided", () => {
  it("lists calls without a definition, pointers without targets, and functions that are given", async () => {
    const { undecided } = await explainIn(dev, "unknowns");
    expect(undecided.map((u) => [u.kind, u.text])).toEqual([
      ["unresolved-call", "nowhere_defined"],
      ["pointer-call", "d->done"],
      ["given-function", "cb"],
    ]);
  });

  it("lists conditions that a sleep depends on", async () => {
    const text = `struct q { int n; };
static void wait_if(struct q *q, int block)
{
	if (block)
		msleep(1);
}
void f(struct q *q)
{
	int block = look_up(q);

	wait_if(q, block);
}
`;
    const { undecided } = await explainIn(await open({ "q.c": text }), "f");
    expect(undecided.filter((u) => u.kind === "condition").map((u) => u.text)).toEqual(["block"]);
  });

  it("says that code cannot be reached", async () => {
    const text = "void f(void)\n{\n\tpanic(0);\n\tmsleep(1);\n}\n";
    const { undecided, sleeps } = await explainIn(await open({ "p.c": text }), "f");
    expect(undecided).toMatchObject([{ kind: "not-reached", text: "msleep" }]);
    expect(sleeps.verdict).toBe("never");
  });

  it("is said to be nothing when it is nothing", async () => {
    expect(await explainText(dev, "middle")).toContain("What was not decided\n  Nothing.\n");
  });
});

describe("an explanation", () => {
  it("shows the function's findings, suppressed ones with their reason", async () => {
    const { findings } = await explainIn(dev, "accepted");
    expect(findings.map((f) => f.suppressed?.reason)).toEqual(["the device is not running yet"]);
  });

  it("is the same before and after a check of the whole", async () => {
    const fresh = await open({ "drivers/dev.c": DEVICE });
    const names = ["top", "leaf", "allocate", "unknowns", "drops", "reset", "inner"];
    const before: string[] = [];
    for (const name of names) before.push(await explainText(fresh, name));
    await fresh.engine.check({ focus: null });
    const after: string[] = [];
    for (const name of names) after.push(await explainText(fresh, name));
    expect(after).toEqual(before);
  });

  it("does not change what a check finds", async () => {
    const asked = await open({ "drivers/dev.c": DEVICE });
    await explainIn(asked, "leaf");
    await explainIn(asked, "calm");
    const plain = await open({ "drivers/dev.c": DEVICE });
    const [a, b] = [await asked.engine.check({ focus: null }), await plain.engine.check({ focus: null })];
    expect(a.findings).toEqual(b.findings);
    expect(a.findings.length).toBeGreaterThan(2);
  });

  it("does not change what a check finds after an edit", async () => {
    const asked = await open({ "drivers/dev.c": DEVICE });
    const plain = await open({ "drivers/dev.c": DEVICE });
    const edit = DEVICE.replace("\tmutex_lock(&d->config);\n\tmutex_unlock(&d->config);\n", "\tmsleep(1);\n");
    expect(edit).not.toBe(DEVICE);
    await asked.engine.check({ focus: null });
    await plain.engine.check({ focus: null });
    for (const { name } of ["top", "start", "outer", "reset", "sometimes"].flatMap((n) =>
      asked.engine.find(n),
    ))
      await explainIn(asked, name);
    await asked.change("drivers/dev.c", edit);
    await plain.change("drivers/dev.c", edit);
    await explainIn(asked, "middle");
    const [a, b] = [await asked.engine.check({ focus: null }), await plain.engine.check({ focus: null })];
    expect(a.findings).toEqual(b.findings);
    expect(a.stats.analysedFunctions).toBe(b.stats.analysedFunctions);
  });

  it("reads like an answer", async () => {
    expect(await explainText(dev, "top")).toBe(`drivers/dev.c:25: top()

Why is it atomic?
  spinlock d->lock: since spin_lock()
    drivers/dev.c:27  spin_lock(&d->lock);
    calls under it: middle() (28), spin_unlock() (29)
    not after d->lock is released, nor if it were a mutex
  And no caller of it was found.

Why may it sleep?
  mutex_lock() takes a sleeping lock [high]
    drivers/dev.c:28  top() -> middle()
    drivers/dev.c:22  middle() -> leaf()
    drivers/dev.c:16  leaf() -> mutex_lock()
    nothing on the way keeps it from sleeping

What was not decided
  Nothing.

Findings
  drivers/dev.c:28: high: top() calls middle(), which sleeps in mutex_lock(), while holding spinlock d->lock [sleep-in-atomic]
`);
  });
});
