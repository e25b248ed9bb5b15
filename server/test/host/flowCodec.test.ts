/** Flow facts on their way between threads. */
import { describe, expect, it } from "vitest";
import type { FlowFacts } from "../../src/facts/flow.js";
import { packFlows, transferOf, unpackFlows } from "../../src/host/flowCodec.js";

describe("packed flow facts", () => {
  it.each<[string, (FlowFacts | null)[]]>([
    ["nothing", []],
    [
      "a missing function among others",
      [{ names: ["", "a"], code: Int32Array.of(1, -2) }, null, { names: [], code: Int32Array.of() }],
    ],
    ["names with any character", [{ names: ["x->y", "a\0b", "\n", "größe"], code: Int32Array.of(7) }]],
  ])("come out as they went in: %s", (_what, facts) => {
    const packed = packFlows(facts);
    const sent = structuredClone(packed, { transfer: transferOf(packed) });
    expect(unpackFlows(sent)).toEqual(facts);
  });
});
