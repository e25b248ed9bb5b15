/** Packs the flow facts of one file for the way between threads: three buffers instead of thousands of small objects. */
import type { FlowFacts } from "../facts/flow.js";

export interface PackedFlows {
  /** Per function: the number of its names (-1 where there are no facts) and the length of its code. */
  index: Int32Array<ArrayBuffer>;
  nameLengths: Int32Array<ArrayBuffer>;
  names: string;
  code: Int32Array<ArrayBuffer>;
}

export function packFlows(facts: readonly (FlowFacts | null)[]): PackedFlows {
  const index = new Int32Array(facts.length * 2);
  const names: string[] = [];
  let codeLength = 0;
  facts.forEach((f, i) => {
    index[i * 2] = f ? f.names.length : -1;
    index[i * 2 + 1] = f ? f.code.length : 0;
    if (!f) return;
    for (const name of f.names) names.push(name);
    codeLength += f.code.length;
  });
  const code = new Int32Array(codeLength);
  let at = 0;
  for (const f of facts) {
    if (!f) continue;
    code.set(f.code, at);
    at += f.code.length;
  }
  return { index, nameLengths: Int32Array.from(names, (n) => n.length), names: names.join(""), code };
}

export function unpackFlows(packed: PackedFlows): (FlowFacts | null)[] {
  const out: (FlowFacts | null)[] = [];
  let nameAt = 0;
  let textAt = 0;
  let codeAt = 0;
  for (let i = 0; i < packed.index.length; i += 2) {
    const count = packed.index[i];
    if (count < 0) {
      out.push(null);
      continue;
    }
    const names: string[] = new Array(count);
    for (let n = 0; n < count; n++) {
      const length = packed.nameLengths[nameAt++];
      names[n] = packed.names.slice(textAt, textAt + length);
      textAt += length;
    }
    const length = packed.index[i + 1];
    out.push({ names, code: packed.code.subarray(codeAt, codeAt + length) });
    codeAt += length;
  }
  return out;
}

/** The buffers to hand over, not copy. */
export const transferOf = (packed: PackedFlows): ArrayBuffer[] => [
  packed.index.buffer,
  packed.nameLengths.buffer,
  packed.code.buffer,
];
