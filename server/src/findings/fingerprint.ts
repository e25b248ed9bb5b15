/**
 * The identity of a finding across edits: fingerprints and clusters (DESIGN §5).
 *
 * A fingerprint is built from what a finding is about, never from where it stands or how it is worded, so that an
 * unrelated edit never makes an old finding look new: no line, no message, no intermediate step of the chain.
 */
import { createHash } from "node:crypto";
import type { Finding, FindingPath } from "./types.js";

/** What of a finding goes into its identity; a Finding without its identity fits. */
export type Identifiable = Pick<Finding, "rule" | "function" | "file" | "offset" | "context" | "paths"> & {
  /** Name at the call site, when it is not the first callee of the paths (a call through a pointer). */
  callee?: string;
};

export interface Identity {
  fingerprint: string;
  cluster: string;
}

/** Hex digits kept: 64 bits are far beyond any collision among the findings of one tree. */
const DIGITS = 16;

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, DIGITS);
}

/** The callee at the finding's call site: the next function of its chain, or the sleeping call itself. */
export function calleeOf(finding: Pick<Identifiable, "paths" | "callee">): string {
  if (finding.callee !== undefined) return finding.callee;
  const first = finding.paths[0];
  if (!first) return "";
  return first.chain.length > 1 ? first.chain[1].function : first.sleep.call;
}

/** The sleeping sites that a finding reaches, as function and callee, without places. */
function sleepers(paths: readonly FindingPath[]): string[] {
  const names = paths.map((p) => {
    const last = p.chain[p.chain.length - 1];
    return `${p.sleep.file}:${last?.function ?? ""}:${p.sleep.call}`;
  });
  return [...new Set(names)].sort();
}

/** What a finding is about, apart from its ordinal among equal ones in the function. */
function subject(finding: Identifiable): string[] {
  const { kind, lockClass } = finding.context;
  return [finding.rule, finding.file, finding.function, kind, lockClass ?? "", calleeOf(finding)];
}

/** Fingerprint and cluster of every finding, parallel to the input, whatever the order of the input. */
export function identify(findings: readonly Identifiable[]): Identity[] {
  const subjects = findings.map((f) => subject(f).join("\0"));
  const inSourceOrder = findings
    .map((_, i) => i)
    .sort((a, b) => findings[a].offset - findings[b].offset || a - b);
  const seen = new Map<string, number>();
  const out: Identity[] = new Array(findings.length);
  for (const i of inSourceOrder) {
    const ordinal = seen.get(subjects[i]) ?? 0;
    seen.set(subjects[i], ordinal + 1);
    out[i] = {
      fingerprint: digest([subjects[i], String(ordinal)]),
      cluster: digest([calleeOf(findings[i]), ...sleepers(findings[i].paths)]),
    };
  }
  return out;
}
