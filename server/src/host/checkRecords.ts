/**
 * Results of checks as records of the cache. Findings of low confidence are most of them and hidden unless asked for: those
 * of a whole tree are a record of their own, so that what is shown can be read without them.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { merged } from "../analysis/keptFindings.js";
import type { CheckResult, LowCount, LowFindings } from "../engine.js";
import { narrowJson, type PackedFindings, packFindings, unpackFindings } from "../findings/packed.js";
import type { Finding } from "../findings/types.js";

/** What a check found. Where findings of low confidence will not be shown, they may be counted instead of told. */
export type Checked = Omit<CheckResult, "low" | "sure"> & { low?: readonly LowCount[] };

/** A result but for the texts of its findings of low confidence. */
export function encodeResult(result: CheckResult): Uint8Array {
  const low = result.low?.map(({ json, ...counts }) => counts);
  const { findings, sure = [narrowJson(packFindings(findings))], ...rest } = result;
  const others = narrowJson({ ...rest, ...(low ? { low } : {}) });
  // Most of it is text already: to put it together is less than to pack it once more.
  return packed(`{"findings":[${sure.join()}],${others.slice(1)}`);
}

export const encodeLow = (low: readonly LowFindings[]): Uint8Array =>
  packed(`[${low.map((l) => l.json).join()}]`);

export function decodeResult(bytes: Uint8Array): Checked | null {
  const record = unpacked(bytes) as (Omit<Checked, "findings"> & { findings: PackedFindings[] }) | null;
  return record && { ...record, findings: record.findings.flatMap(unpackFindings) };
}

export const decodeLow = (bytes: Uint8Array): PackedFindings[] | null =>
  unpacked(bytes) as PackedFindings[] | null;

/** The result with its findings of low confidence among the others; null when these do not belong to it. */
export function withLow(result: Checked, packedLow: readonly PackedFindings[] | null): Checked | null {
  const { low, ...rest } = result;
  if (!low || packedLow?.length !== low.length) return null;
  const sure = new Map<string, Finding[]>();
  for (const f of result.findings) {
    const list = sure.get(f.file);
    if (list) list.push(f);
    else sure.set(f.file, [f]);
  }
  low.forEach(({ file, levels }, i) => {
    sure.set(file, merged(sure.get(file) ?? [], unpackFindings(packedLow[i]), levels));
  });
  const files = [...sure.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return { ...rest, findings: files.flatMap((file) => sure.get(file)!) };
}

const packed = (json: string): Uint8Array => deflateRawSync(Buffer.from(json, "latin1"), { level: 1 });

function unpacked(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(inflateRawSync(bytes).toString("latin1"));
  } catch {
    return null;
  }
}
