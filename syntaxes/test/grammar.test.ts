/** What the injection grammars highlight in C, and what they leave alone. */
import { describe, expect, it } from "vitest";
import { lockctxTokens } from "./tokenize.js";

const scopeOf = async (code: string): Promise<string | undefined> => (await lockctxTokens(code))[0]?.[1];

describe("locks that make code atomic", () => {
  it.each([
    ["spin_lock(&l);", "keyword.control.lock.acquire"],
    ["raw_spin_lock_irqsave(&l, flags);", "keyword.control.lock.acquire"],
    ["if (!spin_trylock_bh(&l))", "keyword.control.lock.acquire"],
    ["read_lock_irq(&l);", "keyword.control.lock.acquire"],
    ["write_seqlock(&l);", "keyword.control.lock.acquire"],
    ["xa_lock_irqsave(&xa, flags);", "keyword.control.lock.acquire"],
    ["uart_port_lock_irqsave(port, &flags);", "keyword.control.lock.acquire"],
    ["spin_unlock(&l);", "keyword.control.lock.release"],
    ["raw_spin_unlock_irqrestore(&l, flags);", "keyword.control.lock.release"],
    ["uart_port_unlock(port);", "keyword.control.lock.release"],
    ["rcu_read_lock();", "keyword.control.atomic.enter"],
    ["preempt_disable();", "keyword.control.atomic.enter"],
    ["local_irq_save(flags);", "keyword.control.atomic.enter"],
    ["rcu_read_unlock_bh();", "keyword.control.atomic.leave"],
    ["put_cpu();", "keyword.control.atomic.leave"],
  ])("%s", async (code, scope) => {
    expect(await scopeOf(code)).toBe(scope);
  });
});

describe("what sleeps", () => {
  it.each([
    ["mutex_lock(&m);", "keyword.other.sleep"],
    ["down_read(&sem);", "keyword.other.sleep"],
    ["wait_event_interruptible(q, done);", "keyword.other.sleep"],
    ["msleep(10);", "keyword.other.sleep"],
    ["synchronize_rcu();", "keyword.other.sleep"],
    ["p = kmalloc(n, GFP_KERNEL);", "constant.language.gfp.blocking"],
    ["p = kmalloc(n, GFP_ATOMIC);", "constant.language.gfp.atomic"],
  ])("%s", async (code, scope) => {
    expect(await scopeOf(code)).toBe(scope);
  });
});

describe("guards", () => {
  it("are told apart by their class", async () => {
    expect(await lockctxTokens("guard(spinlock_irqsave)(&l);")).toEqual([
      ["guard", "keyword.control.guard"],
      ["spinlock_irqsave", "entity.name.type.guard"],
    ]);
    expect(await lockctxTokens("scoped_guard(mutex, &m) {")).toEqual([
      ["scoped_guard", "keyword.control.guard"],
      ["mutex", "keyword.other.sleep"],
    ]);
  });
});

describe("annotations", () => {
  it.each(["lockdep_assert_held(&l);", "int f(void) __must_hold(&l)", "assert_spin_locked(&l);"])(
    "%s",
    async (code) => {
      expect(await scopeOf(code)).toBe("storage.modifier.annotation");
    },
  );
});

describe("left alone", () => {
  it.each([
    "my_spin_lock_table[0] = 1;",
    "struct spin_lock *p;",
    "spin_lock_init(&l);",
    "mutex_unlock(&m);",
    "mutex_trylock(&m);",
    'pr_info("spin_lock(&l) failed, GFP_KERNEL");',
    "/* spin_lock(&l) is taken by the caller */",
    "// mutex_lock(&m)",
    "#include <linux/schedule(x).h>",
    "p = kmalloc(n, MY_GFP_KERNEL_FLAGS);",
    "schedule_work(&w);",
  ])("%s", async (code) => {
    expect(await lockctxTokens(code)).toEqual([]);
  });
});

describe("suppression comments", () => {
  it("show rule and reason, in both kinds of comment", async () => {
    const parts = [
      ["lockctx-ignore", "keyword.other.suppression"],
      ["sleep-in-atomic", "entity.name.tag.rule"],
      [":", "punctuation.separator"],
      ["the list is empty", "string.unquoted.reason"],
    ];
    expect(await lockctxTokens("\t/* lockctx-ignore sleep-in-atomic: the list is empty */")).toEqual(parts);
    expect(await lockctxTokens("f(); // lockctx-ignore sleep-in-atomic: the list is empty")).toEqual(parts);
  });

  it("without a reason are marked as wrong", async () => {
    expect(await scopeOf("/* lockctx-ignore sleep-in-atomic */")).toBe("invalid.illegal.suppression");
    expect(await scopeOf("/* lockctx-ignore sleep-in-atomic: */")).toBe("invalid.illegal.suppression");
  });
});
