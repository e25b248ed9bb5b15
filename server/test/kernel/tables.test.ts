/** The shipped kernel facts: well-formed, without contradictions, and what a kernel reader expects of them. */
import { describe, expect, it } from "vitest";
import { checkTables } from "../../src/kernel/check.js";
import { SHIPPED } from "../../src/kernel/data.js";
import { loadKernelTables, registrationNames } from "../../src/kernel/load.js";
import { fragmentSchema } from "../../src/kernel/schema.js";
import { Ctx, type KernelTables, type KernelVersion } from "../../src/kernel/types.js";
import { fromWritten } from "../../src/kernel/written.js";

const version = (text: string): KernelVersion => {
  const [major, minor] = text.split(".").map(Number);
  return { major, minor };
};
const VERSIONS = ["4.13", "4.17", "6.1", "6.12"];
const newest = loadKernelTables(null);
const { Preempt, Bh, Irq, Rcu, PagefaultOff, NonBlock, Hardirq } = Ctx;

describe("shipped data", () => {
  it.each(SHIPPED)("$file follows the schema", ({ content }) => {
    expect(fragmentSchema.safeParse(content).error).toBeUndefined();
  });

  it.each(SHIPPED)("$file means the same to the loader as to the schema", ({ content }) => {
    expect(fromWritten(content)).toEqual(fragmentSchema.parse(content));
  });

  it.each([...VERSIONS, "newest"])("loads without duplicates and contradictions for %s", (v) => {
    const tables = loadKernelTables(v === "newest" ? null : version(v));
    expect(checkTables(tables)).toEqual([]);
  });

  it("names a source for every lock, sleeper, registration and ops field", () => {
    const without = [
      ...newest.locks.values(),
      ...newest.sleepers.values(),
      ...newest.registrations.values(),
      ...newest.opsFields.values(),
    ].filter((entry) => entry.source === "" || entry.source.startsWith("kernel/data/"));
    expect(without).toEqual([]);
  });
});

describe("locks", () => {
  const acquires = [...newest.locks.values()].filter((l) => /^(acquire|try|conditional)$/.test(l.op));

  it("are released by what takes away exactly what they added", () => {
    for (const lock of acquires) {
      const release = newest.locks.get(lock.pair!)!;
      expect({ name: lock.name, adds: release.adds, kind: release.kind }).toEqual({
        name: lock.name,
        adds: lock.adds,
        kind: lock.kind,
      });
      expect(release.op, release.name).toMatch(/release$/);
    }
  });

  it("have releases that name an acquire of their own", () => {
    for (const release of newest.locks.values()) {
      if (!release.op.endsWith("release")) continue;
      const acquire = newest.locks.get(release.pair!)!;
      expect(acquires, release.name).toContain(acquire);
    }
  });

  const SUFFIXES = { "": Preempt, _irq: Preempt | Irq, _irqsave: Preempt | Irq, _bh: Preempt | Bh };
  it.each(["spin", "raw_spin", "read", "write"])("%s_lock has every suffix", (family) => {
    for (const [suffix, adds] of Object.entries(SUFFIXES)) {
      const lock = newest.locks.get(`${family}_lock${suffix}`)!;
      const unlock = `${family}_unlock${suffix.replace("irqsave", "irqrestore")}`;
      expect(lock).toMatchObject({ op: "acquire", adds, pair: unlock, lock: { from: "arg", index: 0 } });
      expect(newest.locks.get(unlock)).toMatchObject({ op: "release", adds, pair: lock.name });
      expect(lock.flagsArg).toBe(suffix === "_irqsave" ? 1 : undefined);
      expect(newest.locks.get(unlock)!.flagsArg).toBe(suffix === "_irqsave" ? 1 : undefined);
    }
  });

  it.each([
    ["spin_trylock_bh", Preempt | Bh, "nonzero"],
    ["raw_spin_trylock_irqsave", Preempt | Irq, "nonzero"],
    ["atomic_dec_and_lock", Preempt, "nonzero"],
    ["refcount_dec_and_lock_irqsave", Preempt | Irq, "nonzero"],
    ["lock_task_sighand", Preempt | Irq, "nonnull"],
    ["lock_sock_fast", Preempt | Bh, "zero"],
    ["hwspin_trylock", Preempt, "zero"],
    ["radix_tree_preload", Preempt, "zero"],
    ["down_trylock", 0, "zero"],
    ["mutex_lock_interruptible", 0, "zero"],
    ["mutex_trylock", 0, "nonzero"],
  ])("%s holds its lock only for one result", (name, adds, heldWhen) => {
    expect(newest.locks.get(name)).toMatchObject({ adds, heldWhen });
  });

  it.each([
    ["preempt_disable", Preempt],
    ["local_irq_save", Irq],
    ["local_bh_disable", Bh],
    ["rcu_read_lock", Rcu],
    ["rcu_read_lock_bh", Rcu | Bh],
    ["rcu_read_lock_sched", Preempt],
    ["get_cpu", Preempt],
    ["kmap_atomic", Preempt | PagefaultOff],
    ["non_block_start", NonBlock],
    ["idr_preload", Preempt],
    ["irq_enter", Hardirq],
  ])("%s enters a context without a lock object", (name, adds) => {
    expect(newest.locks.get(name)).toMatchObject({ adds, lock: null, op: "acquire" });
  });

  it.each(["srcu_read_lock", "kmap_local_page", "migrate_disable", "rcu_read_lock_trace"])(
    "%s does not make code atomic",
    (name) => expect(newest.locks.get(name)).toMatchObject({ adds: 0 }),
  );

  it("find a lock that is an out-parameter, returned, or not the first argument", () => {
    expect(newest.locks.get("pte_offset_map_lock")!.lock).toEqual({ from: "out", index: 3 });
    expect(newest.locks.get("pmd_lock")!.lock).toEqual({ from: "return", index: 0 });
    expect(newest.locks.get("bit_spin_lock")!.lock).toEqual({ from: "arg", index: 1 });
    expect(newest.locks.get("atomic_dec_and_lock")!.lock).toEqual({ from: "arg", index: 1 });
  });

  it("that sleep are sleepers and add nothing", () => {
    for (const name of [
      "mutex_lock",
      "down_read",
      "rtnl_lock",
      "mmap_read_lock",
      "lock_sock",
      "device_lock",
    ]) {
      expect(newest.locks.get(name)).toMatchObject({ adds: 0, sleeps: true });
      expect(newest.sleepers.get(name)).toMatchObject({ condition: { kind: "always" }, boundary: true });
    }
  });
});

describe("guards", () => {
  it.each([
    ["spinlock", Preempt, false],
    ["spinlock_irqsave", Preempt | Irq, false],
    ["raw_spinlock_bh_try", Preempt | Bh, true],
    ["rcu", Rcu, false],
    ["irqsave", Irq, false],
    ["preempt", Preempt, false],
  ])("%s makes its scope atomic", (name, adds, conditional) => {
    expect(newest.guards.get(name)).toMatchObject({ adds, conditional, sleeps: false });
  });

  it.each(["mutex", "rwsem_read", "device", "rtnl", "disable_irq"])("%s sleeps to be taken", (name) => {
    expect(newest.guards.get(name)).toMatchObject({ adds: 0, sleeps: true });
  });

  it("_try forms are conditional and do not sleep", () => {
    for (const guard of newest.guards.values()) {
      if (guard.name.endsWith("_try")) expect(guard).toMatchObject({ conditional: true, sleeps: false });
    }
  });
});

describe("sleepers", () => {
  it.each([
    ["might_sleep", { kind: "always" }],
    ["kmalloc", { kind: "gfp", arg: 1 }],
    ["usb_submit_urb", { kind: "gfp", arg: 1 }],
    ["dma_alloc_coherent", { kind: "gfp", arg: 3 }],
    ["might_sleep_if", { kind: "arg", arg: 0 }],
    ["netlink_unicast", { kind: "arg", arg: 3, negate: true }],
    ["fsleep", { kind: "arg", arg: 0, above: 10 }],
    ["__pm_runtime_resume", { kind: "flag-absent", arg: 1, flags: ["RPM_ASYNC"] }],
    ["copy_from_user", { kind: "pagefault" }],
    ["vfree", { kind: "unless-in-interrupt" }],
    ["put_device", { kind: "last-reference" }],
    ["kvfree_rcu", { kind: "argc", count: 1 }],
    ["cond_resched_lock", { kind: "drops-lock", lock: { arg: 0 } }],
    ["wait_event_lock_irq", { kind: "drops-lock", lock: { arg: 2 } }],
    ["__xa_store", { kind: "drops-lock", lock: { arg: 0 }, gfp: 3 }],
  ])("%s sleeps on its condition", (name, condition) => {
    expect(newest.sleepers.get(name)?.condition).toEqual(condition);
  });

  it("say which property keeps a regmap from sleeping", () => {
    expect(newest.sleepers.get("regmap_write")?.condition).toMatchObject({
      kind: "object",
      property: { structs: ["regmap_config", "regmap_bus"], field: "fast_io", values: ["true", "1"] },
    });
  });

  it("are followed into where their source says more than their name", () => {
    expect(newest.sleepers.get("list_lru_destroy")).toMatchObject({ boundary: false });
    expect(newest.sleepers.get("deactivate_super")).toMatchObject({ boundary: false });
    expect(newest.sleepers.get("dput")).toMatchObject({ boundary: true });
  });

  it("are allocations where a gfp mask decides", () => {
    for (const s of newest.sleepers.values())
      if (s.condition.kind === "gfp") expect(s.allocation, s.name).toBe(true);
  });

  it.each(["fput", "kfree_skb", "queue_work", "clk_enable", "mod_timer", "del_timer_sync"])(
    "%s looks like one and is none",
    (name) => {
      expect(newest.neverSleeps.has(name)).toBe(true);
      expect(newest.sleepers.has(name)).toBe(false);
    },
  );

  it("put_super is left to the source: it slept in 4.13", () => {
    expect(newest.neverSleeps.has("put_super")).toBe(false);
  });
});

describe("what changed between kernels", () => {
  const at = (v: string): KernelTables => loadKernelTables(version(v));

  it("setup_timer became timer_setup in 4.15", () => {
    expect(at("4.13").registrations.has("setup_timer")).toBe(true);
    expect(at("4.13").registrations.has("timer_setup")).toBe(false);
    expect(at("4.17").registrations.has("setup_timer")).toBe(false);
    expect(at("4.17").registrations.get("timer_setup")?.callbacks).toEqual([
      { arg: 1, context: "softirq", what: "timer callback" },
    ]);
  });

  it("tasklet_disable sleeps from 5.13 on", () => {
    expect(at("4.17").sleepers.has("tasklet_disable")).toBe(false);
    expect(at("5.12").sleepers.has("tasklet_disable")).toBe(false);
    expect(at("5.13").sleepers.has("tasklet_disable")).toBe(true);
  });

  it("bio_alloc has its gfp mask first before 5.18, last after", () => {
    expect(at("5.17").sleepers.get("bio_alloc")?.condition).toEqual({ kind: "gfp", arg: 0 });
    expect(at("5.18").sleepers.get("bio_alloc")?.condition).toEqual({ kind: "gfp", arg: 3 });
  });

  it("pte_offset_map_lock may fail from 6.5 on", () => {
    expect(at("6.1").locks.get("pte_offset_map_lock")).toMatchObject({ op: "acquire" });
    expect(at("6.12").locks.get("pte_offset_map_lock")).toMatchObject({
      op: "conditional",
      heldWhen: "nonnull",
    });
  });

  it("without a version the newest is meant", () => {
    expect(newest.registrations.has("setup_timer")).toBe(false);
    expect(newest.registrations.has("hrtimer_setup")).toBe(true);
  });
});

describe("entry contexts", () => {
  it("both halves of a threaded interrupt handler are told apart", () => {
    const { callbacks } = newest.registrations.get("devm_request_threaded_irq")!;
    expect(callbacks.map((c) => [c.arg, c.context])).toEqual([
      [2, "hardirq"],
      [3, "process"],
    ]);
  });

  it("a notifier is a field of the object passed", () => {
    expect(newest.registrations.get("register_die_notifier")!.callbacks).toMatchObject([
      { arg: 0, field: "notifier_call", context: "rcu" },
    ]);
    expect(newest.registrations.get("register_netdevice_notifier")!.callbacks).toMatchObject([
      { arg: 0, field: "notifier_call", context: "process" },
    ]);
  });

  it.each([
    ["net_device_ops.ndo_start_xmit", "bh-off"],
    ["net_device_ops.ndo_open", "process"],
    ["timer_list.function", "softirq"],
    ["irqaction.handler", "hardirq"],
    ["clk_ops.enable", "irq-off"],
    ["clk_ops.prepare", "process"],
    ["super_operations.drop_inode", "spinlock"],
    ["super_operations.put_super", "process"],
  ])("%s is entered in %s context", (key, context) => {
    expect(newest.opsFields.get(key)?.context).toBe(context);
  });

  it("an hrtimer is soft where its mode says so", () => {
    const { context, unlessCall } = newest.opsFields.get("hrtimer.function")!;
    expect(context).toBe("hardirq");
    expect(unlessCall).toMatchObject({ name: "hrtimer_init", object: 0, arg: 2, context: "softirq" });
    const soft = new RegExp(unlessCall!.matches);
    expect(soft.test("HRTIMER_MODE_REL_SOFT")).toBe(true);
    expect(soft.test("HRTIMER_MODE_REL_PINNED_HARD")).toBe(false);
  });

  it("queue_rq may sleep where the tag set blocks", () => {
    expect(newest.opsFields.get("blk_mq_ops.queue_rq")?.unless).toMatchObject({
      struct: "blk_mq_tag_set",
      field: "flags",
    });
  });

  it("CPU hotplug callbacks are atomic in the STARTING section only", () => {
    const { unless } = newest.registrations.get("cpuhp_setup_state")!;
    const process = new RegExp(unless!.matches);
    expect(process.test("CPUHP_AP_ONLINE_DYN")).toBe(true);
    expect(process.test("CPUHP_BP_PREPARE_DYN")).toBe(true);
    expect(process.test("CPUHP_AP_ARM_TWD_STARTING")).toBe(false);
  });

  it("the outliner is given every name whose arguments matter", () => {
    const names = registrationNames(newest);
    for (const name of ["request_irq", "hrtimer_init", "DEFINE_TIMER", "call_rcu"])
      expect(names).toContain(name);
  });
});

describe("context tests, masks, types, assertions", () => {
  const IN_INTERRUPT = Bh | Hardirq | Ctx.Softirq | Ctx.Nmi;
  it("in_interrupt sees softirqs off and not a plain spinlock", () => {
    expect(newest.contextTests.get("in_interrupt")).toMatchObject({ trueMeansAny: IN_INTERRUPT });
    expect(newest.contextTests.get("in_interrupt")!.trueMeansAny & Preempt).toBe(0);
  });
  it("in_task and preemptible are turned round", () => {
    for (const name of ["in_task", "preemptible"]) expect(newest.contextTests.get(name)?.negate).toBe(true);
  });
  it("GFP_NOFS blocks, GFP_ATOMIC does not, zone bits say nothing", () => {
    expect(newest.gfp.get("GFP_NOFS")).toBe(true);
    expect(newest.gfp.get("GFP_ATOMIC")).toBe(false);
    expect(newest.gfp.has("GFP_DMA")).toBe(false);
    expect(newest.gfpModifiers.has("GFP_DMA")).toBe(true);
    expect(newest.gfpFunctions.get("gfp_any")).toEqual({ result: "by-context" });
    expect(newest.gfpTests.get("gfpflags_allow_blocking")).toBe(0);
  });
  it("a mutex is no atomic lock, a lockref is", () => {
    expect(newest.lockTypes.get("mutex")).toEqual({ atomic: false, kind: "mutex" });
    expect(newest.lockTypes.get("lockref")).toEqual({ atomic: true, kind: "spinlock" });
  });
  it("lockdep_assert_held leaves the verdict to the lock's type", () => {
    expect(newest.assertions.get("lockdep_assert_held")).toEqual({ says: "lock-held-by-type", arg: 0 });
    expect(newest.assertions.get("assert_spin_locked")).toEqual({ says: "spinlock-held", arg: 0 });
    expect(newest.assertions.get("ASSERT_RTNL")).toMatchObject({ says: "process" });
  });
  it("reporting is never followed", () => {
    for (const name of [
      "printk",
      "dev_err",
      "WARN_ON",
      "BUG_ON",
      "dump_stack",
      "memcpy",
      "list_add",
      "readl",
    ]) {
      expect(newest.hardStops.has(name), name).toBe(true);
    }
    expect(newest.noReturn.has("panic")).toBe(true);
  });
});
