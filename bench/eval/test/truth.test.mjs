// What the scorers count as found and as silent.
import { describe, expect, it } from "vitest";
import { render } from "../table.mjs";
import { scoreBugs, scoreNonBugs, scoreSeeded } from "../truth.mjs";

const step = (fn, file, line) => ({ function: fn, file, line });

/** A finding of f in a.c under a lock, whose one path is f:10 > g:20, sleeping at a.c:20. */
const finding = (parts = {}) => ({
  rule: "sleep-in-atomic",
  confidence: "high",
  suppressed: null,
  file: "a.c",
  line: 10,
  message: "f() calls g()",
  paths: [
    {
      confidence: parts.confidence ?? "high",
      reasons: ["state-guarded"],
      chain: [step("f", "a.c", 10), step("g", "a.c", 20)],
      sleep: { call: "msleep", file: "a.c", line: 20 },
    },
  ],
  ...parts,
});

const seed = (parts = {}) => ({
  kind: "d1",
  expect: "finding",
  file: "a.c",
  line: 20,
  text: "msleep(20);",
  atomic_function: "f",
  chain: ["f", "g"],
  ...parts,
});

const share = (tally, measure) => tally.counts.get(measure);

describe("seeded calls", () => {
  it("are found where a path from the atomic function stands on their line", () => {
    expect(share(scoreSeeded([finding()], [seed()]), "d1")).toEqual({ right: 1, of: 1 });
  });

  it.each([
    ["another line", [finding()], seed({ line: 21 }), "1 other paths pass f"],
    ["another function", [finding()], seed({ atomic_function: "h" }), "nothing passes h"],
    ["low confidence", [finding({ confidence: "low" })], seed(), "found at low confidence (state-guarded)"],
    ["suppressed", [finding({ suppressed: { reason: "x" } })], seed(), "nothing passes f"],
    ["another rule", [finding({ rule: "stale-cursor" })], seed(), "nothing passes f"],
  ])("are missed at %s, with the reason", (_, findings, c, why) => {
    const tally = scoreSeeded(findings, [c]);
    expect(share(tally, "d1")).toEqual({ right: 0, of: 1 });
    expect(tally.misses).toMatchObject([{ measure: "d1", why, chain: ["f", "g"] }]);
  });

  it("only count from the atomic function on", () => {
    const before = finding({
      paths: [
        {
          ...finding().paths[0],
          chain: [step("e", "a.c", 20), step("f", "b.c", 5)],
          sleep: { call: "msleep", file: "b.c", line: 5 },
        },
      ],
    });
    expect(share(scoreSeeded([before], [seed()]), "d1")).toEqual({ right: 0, of: 1 });
  });

  it("that are harmless are wrong only where a path begins in their function", () => {
    const alike = seed({ kind: "alike", expect: "none" });
    expect(share(scoreSeeded([finding()], [alike]), "alike")).toEqual({ right: 0, of: 1 });
    const inner = seed({ kind: "alike", expect: "none", atomic_function: "g" });
    expect(share(scoreSeeded([finding()], [inner]), "alike")).toEqual({ right: 1, of: 1 });
  });

  it("leave out low paths of a finding that is shown", () => {
    const mixed = finding();
    mixed.paths = [
      { ...mixed.paths[0], sleep: { call: "x", file: "z.c", line: 1 }, chain: [step("f", "a.c", 10)] },
      { ...mixed.paths[0], confidence: "low" },
    ];
    expect(share(scoreSeeded([mixed], [seed()]), "d1")).toEqual({ right: 0, of: 1 });
  });
});

describe("real bugs", () => {
  const bug = {
    tree: "old",
    file: "a.c",
    lock_function: "f",
    sleep_file: "a.c",
    sleep_line: 22,
    sleeping_call: "msleep(20)",
    call_sites: [],
    category: "direct",
    fixed_in: "new",
    fixed_file: "a.c",
    fixed_function: "g",
  };

  it("are found within two lines", () => {
    expect(share(scoreBugs([finding()], [bug], "old"), "real bugs")).toEqual({ right: 1, of: 1 });
    expect(share(scoreBugs([finding()], [{ ...bug, sleep_line: 23 }], "old"), "real bugs")).toEqual({
      right: 0,
      of: 1,
    });
  });

  it("need the lock function of that file", () => {
    expect(share(scoreBugs([finding()], [{ ...bug, file: "b.c" }], "old"), "real bugs")).toEqual({
      right: 0,
      of: 1,
    });
  });

  it("that are fixed are silent unless the same call is reached through the function", () => {
    expect(share(scoreBugs([finding()], [bug], "new"), "fixed bugs")).toEqual({ right: 0, of: 1 });
    const other = { ...bug, sleeping_call: "kmalloc(GFP_KERNEL)" };
    expect(share(scoreBugs([finding()], [other], "new"), "fixed bugs")).toEqual({ right: 1, of: 1 });
  });

  it("of other trees do not count", () => {
    expect([...scoreBugs([finding()], [bug], "third").counts]).toEqual([]);
  });
});

describe("non-bugs", () => {
  const right = { tree: "t", function: "g", file: "a.c", line: 18, why_not_a_bug: "dropped" };

  it("are wrong where a path through the function stands near the line", () => {
    const tally = scoreNonBugs([finding()], [right], "t");
    expect(share(tally, "non-bugs")).toEqual({ right: 0, of: 1 });
    expect(tally.misses[0].why).toBe("f() calls g() [dropped]");
    expect(share(scoreNonBugs([finding()], [{ ...right, line: 17 }], "t"), "non-bugs")).toEqual({
      right: 1,
      of: 1,
    });
  });
});

describe("the table", () => {
  it("says which bars are missed", () => {
    const lines = render([
      { measure: "real bugs", n: 92, of: 100 },
      { measure: "any context", n: 3, of: 100 },
      { measure: "may sleep", n: 0, of: 0 },
    ]).split("\n");
    expect(lines[1]).toMatch(/^real bugs found\s+92\/100\s+92\.0 %\s+≥ 93 %\s+MISSED$/);
    expect(lines[2]).toMatch(/3\.0 %\s+≤ 3 %\s+ok$/);
    expect(lines[3]).toMatch(/0\/0\s+-\s+≥ 85 %$/);
  });
});
