/** Fingerprints and clusters: what changes them, and above all what does not. */
import { describe, expect, it } from "vitest";
import { identify } from "../../src/findings/fingerprint.js";
import type { Finding } from "../../src/findings/types.js";
import { finding } from "../fixtures/fakeEngine.js";

const of = (...findings: Finding[]) => identify(findings);
const fingerprint = (f: Finding): string => of(f)[0].fingerprint;
const cluster = (f: Finding): string => of(f)[0].cluster;
const base = finding();

/** The same finding after the text before it has grown. */
function moved(f: Finding, by: number): Finding {
  const shift = <T extends { offset: number; endOffset: number }>(s: T): T => ({
    ...s,
    offset: s.offset + by,
    endOffset: s.endOffset + by,
  });
  return {
    ...shift(f),
    context: { ...f.context, site: shift(f.context.site) },
    paths: f.paths.map((p) => ({ ...p, chain: p.chain.map(shift), sleep: shift(p.sleep) })),
  };
}

describe("a fingerprint", () => {
  it("survives lines that come before it", () => {
    expect(fingerprint(moved(base, 1000))).toBe(fingerprint(base));
  });

  it("survives another wording", () => {
    expect(fingerprint({ ...base, message: "put differently" })).toBe(fingerprint(base));
  });

  it("survives another confidence and its reasons", () => {
    expect(fingerprint({ ...base, confidence: "low", reasons: ["table"] })).toBe(fingerprint(base));
  });

  it("survives steps between the callee and the sleep", () => {
    const [path] = base.paths;
    const longer = { ...path, chain: [...path.chain, { ...path.chain[1], function: "between" }] };
    expect(fingerprint({ ...base, paths: [longer] })).toBe(fingerprint(base));
  });

  it("survives another way in which the lock is written", () => {
    expect(fingerprint({ ...base, context: { ...base.context, lock: "s->lock" } })).toBe(fingerprint(base));
  });

  it.each<[string, Partial<Finding>]>([
    ["rule", { rule: "gfp-in-atomic" }],
    ["function", { function: "drop_super", paths: base.paths }],
    ["file", { file: "fs/other.c" }],
    ["kind of context", { context: { ...base.context, kind: "rwlock" } }],
    ["lock", { context: { ...base.context, lockClass: "fs/super.c:other_lock" } }],
  ])("tells another %s apart", (_what, parts) => {
    expect(fingerprint({ ...base, ...parts })).not.toBe(fingerprint(base));
  });

  it("tells another callee apart", () => {
    const [path] = base.paths;
    const other = { ...path, chain: [path.chain[0], { ...path.chain[1], function: "other" }] };
    expect(fingerprint({ ...base, paths: [other] })).not.toBe(fingerprint(base));
  });

  it("counts equal findings of a function in source order, in whatever order they come", () => {
    const [first, second] = [finding({ offset: 10 }), finding({ offset: 20 })];
    const [a, b] = of(first, second);
    expect(a.fingerprint).not.toBe(b.fingerprint);
    const [d, c] = of(second, first);
    expect([c.fingerprint, d.fingerprint]).toEqual([a.fingerprint, b.fingerprint]);
  });

  it("does not count findings of another callee before it", () => {
    const [path] = base.paths;
    const other = { ...path, chain: [path.chain[0], { ...path.chain[1], function: "other" }] };
    const before = finding({ offset: 5, paths: [other] });
    const here = finding({ offset: 10 });
    expect(of(before, here)[1].fingerprint).toBe(fingerprint(here));
  });
});

describe("a cluster", () => {
  it("joins callers of one function in whatever functions and files they stand", () => {
    const elsewhere = finding({ function: "drop_super", file: "fs/other.c", paths: base.paths });
    expect(cluster(elsewhere)).toBe(cluster(base));
  });

  it("tells other sleeping sites apart", () => {
    const [path] = base.paths;
    const other = { ...path, sleep: { ...path.sleep, call: "down_read" } };
    expect(cluster({ ...base, paths: [other] })).not.toBe(cluster(base));
  });

  it("does not join direct sleeps of different functions", () => {
    const direct = (fn: string): Finding => {
      const [path] = base.paths;
      return finding({
        function: fn,
        paths: [{ ...path, chain: [{ ...path.chain[0], function: fn }] }],
      });
    };
    expect(cluster(direct("a"))).not.toBe(cluster(direct("b")));
  });

  it("does not depend on the order of the paths", () => {
    const [path] = base.paths;
    const other = { ...path, sleep: { ...path.sleep, call: "down_read" } };
    expect(cluster({ ...base, paths: [path, other] })).toBe(cluster({ ...base, paths: [other, path] }));
  });
});
