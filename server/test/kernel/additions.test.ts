/** A user's own facts: they extend and override the shipped ones, and what is wrong with them is said by name. */
import { describe, expect, it } from "vitest";
import { parseAdditions } from "../../src/kernel/additions.js";
import { KernelTableError, loadKernelTables } from "../../src/kernel/load.js";
import { Ctx } from "../../src/kernel/types.js";

const load = (tables: unknown) => loadKernelTables(null, [parseAdditions("lockctx.json", tables)]);
const problems = (tables: unknown): readonly string[] => {
  try {
    load(tables);
  } catch (error) {
    if (error instanceof KernelTableError) return error.problems;
    throw error;
  }
  return [];
};

describe("additions", () => {
  it("a sleeper needs no more than its name", () => {
    expect(load({ sleepers: [{ name: "acme_wait" }] }).sleepers.get("acme_wait")).toEqual({
      name: "acme_wait",
      group: "own",
      condition: { kind: "always" },
      boundary: true,
      allocation: false,
      source: "lockctx.json",
    });
  });

  it("an entry replaces the shipped one of that name", () => {
    const tables = load({ sleepers: [{ name: "vfree", condition: { kind: "always" } }] });
    expect(tables.sleepers.get("vfree")?.condition).toEqual({ kind: "always" });
  });

  it("a name that never sleeps is no sleeper any more, and the other way round", () => {
    const never = load({ neverSleeps: [{ topic: "ours", names: ["regmap_write"] }] });
    expect(never.sleepers.has("regmap_write")).toBe(false);
    const sleeps = load({ sleepers: [{ name: "clk_enable" }] });
    expect(sleeps.neverSleeps.has("clk_enable")).toBe(false);
  });

  it("a lock pair makes code atomic", () => {
    const tables = load({
      locks: [
        {
          name: "acme_lock",
          op: "acquire",
          kind: "spinlock",
          adds: ["preempt", "irq"],
          lock: { from: "arg" },
          pair: "acme_unlock",
        },
        {
          name: "acme_unlock",
          op: "release",
          kind: "spinlock",
          adds: ["preempt", "irq"],
          lock: { from: "arg" },
          pair: "acme_lock",
        },
      ],
    });
    expect(tables.locks.get("acme_lock")?.adds).toBe(Ctx.Preempt | Ctx.Irq);
  });

  it("do not leak into the next load", () => {
    load({ sleepers: [{ name: "acme_wait" }] });
    expect(loadKernelTables(null).sleepers.has("acme_wait")).toBe(false);
  });
});

describe("errors name the file and the entry", () => {
  it.each([
    [{ sleeper: [] }, /^lockctx\.json: .*sleeper/],
    [
      { sleepers: [{ name: "ok" }, { name: "not a name" }] },
      /^lockctx\.json: sleepers\[1\] "not a name": name: not a C identifier$/,
    ],
    [
      { sleepers: [{ name: "f", condition: { kind: "gfp" } }] },
      /^lockctx\.json: sleepers\[0\] "f": condition\.arg: /,
    ],
    [
      { locks: [{ name: "l", op: "acquire", kind: "spinlock", adds: ["preemption"] }] },
      /^lockctx\.json: locks\[0\] "l": adds\.0: /,
    ],
    [{ sleepers: [{ name: "f", since: "6" }] }, /since: a version is written "6\.5"/],
    [
      { registrations: [{ name: "r", callbacks: [], unless: { arg: 0, matches: "(" } }] },
      /unless\.matches: not a regular expression/,
    ],
    [{ sleepers: [{ name: "f" }, { name: "f" }] }, /^lockctx\.json: sleepers: "f" is given twice/],
    [
      { locks: [{ name: "l", op: "acquire", kind: "spinlock", adds: ["preempt"], pair: "nowhere" }] },
      /^lockctx\.json: locks "l": its pair "nowhere" is not in the table/,
    ],
    ["nonsense", /^lockctx\.json: /],
    [null, /^lockctx\.json: /],
  ])("%j", (tables, message) => {
    expect(problems(tables)).toContainEqual(expect.stringMatching(message));
  });

  it("a release that undoes something else is refused", () => {
    const lock = { kind: "spinlock", lock: { from: "arg" } };
    expect(
      problems({
        locks: [
          { ...lock, name: "l", op: "acquire", adds: ["preempt", "irq"], pair: "u" },
          { ...lock, name: "u", op: "release", adds: ["preempt"], pair: "l" },
        ],
      }),
    ).not.toEqual([]);
  });
});
