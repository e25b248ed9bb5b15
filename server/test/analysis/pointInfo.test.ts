/** What is known at a place, as a hover shows it. */
import { beforeAll, describe, expect, it } from "vitest";
import { chainOf, type Opened, open, pointIn } from "./inspect.js";

const TEXT = `struct box {
	spinlock_t lock;
	struct mutex big;
	int n;
};

static void slow(struct box *b)
{
	mutex_lock(&b->big);
	mutex_unlock(&b->big);
}

static void box_lock(struct box *b)
{
	spin_lock(&b->lock);
}

static void box_unlock(struct box *b)
{
	spin_unlock(&b->lock);
}

static int helper(struct box *b)
{
	return b->n + 1;
}

void user(struct box *b)
{
	box_lock(b);
	b->n = helper(b);
	slow(b);
	box_unlock(b);
	unknown_thing(b);
}

void guarded(struct box *b)
{
	guard(spinlock)(&b->lock);
	b->n++;
}

static irqreturn_t handler(int irq, void *data)
{
	slow(data);
	return IRQ_HANDLED;
}

int probe(struct box *b)
{
	return request_irq(1, handler, 0, "box", b);
}
`;

let box: Opened;
beforeAll(async () => {
  box = await open({ "box.c": TEXT });
});
const at = (text: string) => pointIn(box, "box.c", text);

describe("at a call", () => {
  it("says whether it may sleep, and how", async () => {
    const info = await at("slow(b);");
    expect(info?.call).toMatchObject({ name: "slow", sleeps: "may" });
    expect(info?.call?.paths.map(chainOf)).toEqual(["user > slow > mutex_lock"]);
    expect(TEXT.slice(info?.call?.targets[0].offset)).toMatch(/^slow\(struct box/);
  });

  it("says that it does not sleep where everything is known, and that it is not known where not", async () => {
    expect((await at("helper(b);"))?.call).toMatchObject({ sleeps: "never" });
    expect((await at("unknown_thing(b);"))?.call).toMatchObject({ sleeps: "unknown", targets: [] });
  });

  it("says which contexts hold, also those that a helper entered", async () => {
    const info = await at("slow(b);");
    expect(info).toMatchObject({ function: "user" });
    expect(info?.contexts).toMatchObject([
      { kind: "spinlock", lock: "b->lock", lockClass: "struct box.lock", how: "spin_lock" },
    ]);
    expect((await at("unknown_thing(b);"))?.contexts).toEqual([]);
  });
});

describe("at a lock", () => {
  it("names primitive, lock and class", async () => {
    expect((await at("mutex_lock(&b->big);"))?.lock).toEqual({
      name: "mutex_lock",
      op: "acquire",
      lock: "b->big",
      lockClass: "struct box.big",
    });
    expect((await at("spin_unlock(&b->lock);"))?.lock).toMatchObject({ op: "release", lock: "b->lock" });
  });

  it("knows helpers that return with the lock held, or released", async () => {
    expect((await at("box_lock(b);"))?.lock).toMatchObject({ op: "acquire", lockClass: "struct box.lock" });
    expect((await at("box_unlock(b);"))?.lock).toMatchObject({ op: "release" });
  });

  it("knows guards", async () => {
    expect((await at("guard(spinlock)"))?.lock).toMatchObject({ name: "guard(spinlock)", lock: "b->lock" });
    expect((await at("b->n++"))?.contexts).toMatchObject([{ kind: "spinlock", how: "guard(spinlock)" }]);
  });
});

describe("elsewhere in a function", () => {
  it("tells in what the kernel enters it", async () => {
    const info = await at("slow(data);");
    expect(info?.contexts).toMatchObject([{ kind: "hardirq", how: "request_irq" }]);
  });

  it("tells at the function's name what its callers hold", async () => {
    const info = await at("helper(struct box");
    expect(info?.contexts).toMatchObject([{ kind: "spinlock", how: "spin_lock in user()" }]);
  });

  it("is nothing outside of functions", async () => {
    expect(await at("spinlock_t lock;")).toBeNull();
  });

  it("is about the text as it is after a change", async () => {
    const changed = await open({ "box.c": TEXT });
    expect((await pointIn(changed, "box.c", "slow(b);"))?.call?.sleeps).toBe("may");
    const calm = TEXT.replaceAll(/\tmutex_(un)?lock.*\n/g, "");
    await changed.change("box.c", calm);
    const at = calm.indexOf("slow(b);");
    expect((await changed.engine.pointInfo("box.c", at))?.call?.sleeps).toBe("never");
  });
});
