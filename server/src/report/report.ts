/** What is to be reported of a check: findings filtered once, the same way for every format. */
import type { CheckResult, LowCount } from "../engine.js";
import { classifyPath } from "../findings/scope.js";
import type { AnalysisStats, Confidence, Finding, FindingPath } from "../findings/types.js";
import { TreePositions } from "./positions.js";

export interface Report {
  root: string;
  /** At or above the wanted confidence, in the engine's order; suppressed ones included and marked. */
  findings: Finding[];
  stats: AnalysisStats;
  minConfidence: Confidence;
  /** Findings below the wanted confidence. */
  hidden: number;
  /** Findings in test code that nobody named. */
  inTests: number;
  positions: TreePositions;
}

export interface ReportOptions {
  root: string;
  minConfidence: Confidence;
  read: (file: string) => string | null;
  /** Files that the user named: test code among them is reported on. Null: nothing was named. */
  named: ReadonlySet<string> | null;
  /** Files left out before the engine saw them, or lost in its service (walk, host). */
  skipped?: readonly { path: string; reason: string }[];
}

const RANK: Record<Confidence, number> = { high: 2, medium: 1, low: 0 };

export const atLeast = (confidence: Confidence, least: Confidence): boolean =>
  RANK[confidence] >= RANK[least];

/** The finding with its paths of the wanted confidence; the others count as left out. */
function withPaths(finding: Finding, least: Confidence): Finding {
  const paths = finding.paths.filter((p: FindingPath) => atLeast(p.confidence, least));
  if (paths.length === finding.paths.length || paths.length === 0) return finding;
  return { ...finding, paths, morePaths: finding.morePaths + finding.paths.length - paths.length };
}

/** `low`: findings that are only counted, all of them below the wanted confidence. */
export function makeReport(
  result: Omit<CheckResult, "low"> & { low?: readonly LowCount[] },
  options: ReportOptions,
): Report {
  const findings: Finding[] = [];
  let hidden = 0;
  let inTests = 0;
  for (const { file, count } of result.low ?? []) {
    if (classifyPath(file) === "test" && !options.named?.has(file)) inTests += count;
    else hidden += count;
  }
  for (const finding of result.findings) {
    if (classifyPath(finding.file) === "test" && !options.named?.has(finding.file)) inTests++;
    else if (!atLeast(finding.confidence, options.minConfidence)) hidden++;
    else findings.push(withPaths(finding, options.minConfidence));
  }
  const suppressed = findings.filter((f) => f.suppressed !== null).length;
  const skippedFiles = mergeSkipped(result.stats.skippedFiles, options.skipped ?? []);
  return {
    root: options.root,
    findings,
    hidden,
    inTests,
    minConfidence: options.minConfidence,
    stats: {
      ...result.stats,
      skippedFiles,
      findings: findings.length - suppressed,
      hiddenFindings: hidden,
      suppressedFindings: suppressed,
    },
    positions: new TreePositions(options.read),
  };
}

function mergeSkipped(
  a: readonly { path: string; reason: string }[],
  b: readonly { path: string; reason: string }[],
): { path: string; reason: string }[] {
  const byPath = new Map([...b, ...a].map((s) => [s.path, s]));
  return [...byPath.values()].sort((x, y) => (x.path < y.path ? -1 : x.path > y.path ? 1 : 0));
}

/** Findings that count: shown and not suppressed. */
export const outstanding = (report: Report): Finding[] =>
  report.findings.filter((f) => f.suppressed === null);
