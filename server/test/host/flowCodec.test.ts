/** Flow facts as bytes: between threads and in the cache. */
import { describe, expect, it } from "vitest";
import type { FlowFacts } from "../../src/facts/flow.js";
import { decodeFlows, encodeFlows } from "../../src/host/flowCodec.js";

/** In a buffer of its own: the next call takes the other back. */
const encoded = (...of: Parameters<typeof encodeFlows>): Uint8Array<ArrayBuffer> =>
  encodeFlows(...of).slice();

const unpacked = ({ table, indices }: NonNullable<FlowFacts["packed"]>): string[] =>
  [...indices].map((i) =>
    Buffer.from(table.bytes.slice(table.ends[i], table.ends[i + 1])).toString("latin1"),
  );

describe("encoded flow facts", () => {
  it.each<[string, number[], (FlowFacts | null)[]]>([
    ["nothing", [], []],
    [
      "a missing function among others",
      [3, 900, 0],
      [{ names: ["", "a"], code: Int32Array.of(1, -2) }, null, { names: [], code: Int32Array.of() }],
    ],
    ["names with any character", [1], [{ names: ["x->y", "a\0b", "\n", "größe"], code: Int32Array.of(7) }]],
    ["names beyond latin1", [1], [{ names: ["x", "λ→", "y"], code: Int32Array.of(7) }]],
    [
      "integers of any size",
      [1],
      [{ names: [""], code: Int32Array.of(0, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31), 1 << 28) }],
    ],
  ])("come out as they went in: %s", (_what, fns, facts) => {
    const bytes = encoded(fns, facts);
    const moved = structuredClone(bytes, { transfer: [bytes.buffer] });
    expect(decodeFlows(moved)).toEqual({ fns, facts });
    const { facts: packed } = decodeFlows(moved, null, true);
    expect(packed.map((f) => f && { names: f.packed ? unpacked(f.packed) : f.names, code: f.code })).toEqual(
      facts,
    );
  });

  it("are given for the wanted functions alone", () => {
    const facts = [7, 8, 9].map((v) => ({ names: ["", `name${v}`], code: Int32Array.of(v, -v) }));
    const bytes = encoded([7, 8, 9], facts);
    expect(decodeFlows(bytes, new Set([9, 7]))).toEqual({ fns: [7, 9], facts: [facts[0], facts[2]] });
    expect(decodeFlows(bytes, new Set())).toEqual({ fns: [], facts: [] });
  });

  it("are refused when they are cut or of another format", () => {
    const bytes = encoded([1, 2], [{ names: ["", "abc"], code: Int32Array.of(1, 2, 300) }, null]);
    for (let n = 0; n < bytes.length; n++) expect(() => decodeFlows(bytes.slice(0, n))).toThrow();
    expect(() => decodeFlows(bytes.map((b, i) => (i === 1 ? b + 1 : b)))).toThrow("not this format");
  });
});
