/**
 * Findings in the form in which they are kept: what many paths share (steps, sleeps, reasons, contexts) is told once, which
 * makes a tenth of it; and as JSON of which a character is a byte, as source texts are, which is read far faster than UTF-8.
 */
import type { Confidence, Finding, FindingPath } from "./types.js";

/** The numbers stand for places in the list of parts. */
type PackedPath = [
  confidence: Confidence,
  reasons: number,
  chain: number[],
  sleep: number,
  condition?: string,
];

type PackedFinding = Omit<Finding, "reasons" | "context" | "paths"> & {
  reasons: number;
  context: number;
  paths: PackedPath[];
};

export interface PackedFindings {
  parts: unknown[];
  findings: PackedFinding[];
}

export function packFindings(findings: readonly Finding[]): PackedFindings {
  const parts: unknown[] = [];
  const known = new Map<unknown, number>();
  const part = (value: object): number => {
    let number = known.get(value);
    if (number !== undefined) return number;
    const text = JSON.stringify(value);
    number = known.get(text);
    if (number === undefined) {
      number = parts.push(value) - 1;
      known.set(text, number);
    }
    known.set(value, number);
    return number;
  };
  const path = (p: FindingPath): PackedPath => {
    const packed: PackedPath = [p.confidence, part(p.reasons), p.chain.map(part), part(p.sleep)];
    if (p.condition !== undefined) packed.push(p.condition);
    return packed;
  };
  const packed = findings.map((f) => ({
    ...f,
    reasons: part(f.reasons),
    context: part(f.context),
    paths: f.paths.map(path),
  }));
  return { parts, findings: packed };
}

/** The findings again, with what they share as shared objects. Takes what it is given apart. */
export function unpackFindings({ parts, findings }: PackedFindings): Finding[] {
  const path = ([confidence, reasons, chain, sleep, condition]: PackedPath): FindingPath => {
    const steps = chain.map((n) => parts[n] as FindingPath["chain"][number]);
    const end = parts[sleep] as FindingPath["sleep"];
    const why = parts[reasons] as FindingPath["reasons"];
    return condition === undefined
      ? { confidence, reasons: why, chain: steps, sleep: end }
      : { confidence, reasons: why, condition, chain: steps, sleep: end };
  };
  // In place: keys keep their order, and a finding is not copied once more.
  return findings.map((packed) => {
    const f = packed as unknown as Finding;
    f.reasons = parts[packed.reasons] as Finding["reasons"];
    f.context = parts[packed.context] as Finding["context"];
    f.paths = packed.paths.map(path);
    return f;
  });
}

/** JSON without characters that do not fit a byte. */
export const narrowJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x00-\xff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
