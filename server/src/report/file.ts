/** The findings file: a report as plain data in the shape of findings/schema.ts. */
import type { FileChainStep, FileFinding, FilePath, FindingsFile } from "../findings/schema.js";
import type { ChainStep, Finding, FindingPath } from "../findings/types.js";
import type { TreePositions } from "./positions.js";
import type { Report } from "./report.js";

function toStep(step: ChainStep, positions: TreePositions): FileChainStep {
  const line = positions.of(step.file).line(step.offset);
  const plain = {
    function: step.function,
    file: step.file,
    line,
    ...(step.does === undefined ? {} : { does: step.does }),
  };
  return step.via === undefined || step.via === "call" ? plain : { ...plain, via: step.via };
}

function toPath(path: FindingPath, positions: TreePositions): FilePath {
  const { call, reason, file, offset } = path.sleep;
  return {
    confidence: path.confidence,
    reasons: path.reasons,
    ...(path.condition === undefined ? {} : { condition: path.condition }),
    chain: path.chain.map((step) => toStep(step, positions)),
    sleep: { call, reason, file, line: positions.of(file).line(offset) },
  };
}

export function toFileFinding(finding: Finding, positions: TreePositions): FileFinding {
  const here = positions.of(finding.file);
  const start = here.at(finding.offset);
  const end = here.at(finding.endOffset);
  const { context } = finding;
  return {
    rule: finding.rule,
    confidence: finding.confidence,
    reasons: finding.reasons,
    file: finding.file,
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
    function: finding.function,
    message: finding.message,
    context: {
      kind: context.kind,
      ...(context.lock === undefined ? {} : { lock: context.lock }),
      ...(context.lockClass === undefined ? {} : { lockClass: context.lockClass }),
      how: context.how,
      file: context.site.file,
      line: positions.of(context.site.file).line(context.site.offset),
      ...(context.through === undefined || context.through.length === 0
        ? {}
        : { through: context.through.map((step) => toStep(step, positions)) }),
    },
    paths: finding.paths.map((path) => toPath(path, positions)),
    morePaths: finding.morePaths,
    fixes: [],
    fingerprint: finding.fingerprint,
    cluster: finding.cluster,
    suppressed: finding.suppressed,
  };
}

export interface FileOptions {
  /** With the time and memory of each phase, which differ from run to run. */
  phases?: boolean;
}

function toHead(report: Report, options: FileOptions): Omit<FindingsFile, "findings"> {
  const { phases, ...counts } = report.stats;
  const stats = { ...counts, testFindings: report.inTests, ...(options.phases ? { phases } : {}) };
  return { version: 1, root: report.root, stats };
}

export function toFile(report: Report, options: FileOptions = {}): FindingsFile {
  const findings = report.findings.map((finding) => toFileFinding(finding, report.positions));
  return { ...toHead(report, options), findings };
}

/** The file's text in pieces, a finding a line: a whole kernel's findings are too much for one string. */
export function* renderFile(report: Report, options: FileOptions): Iterable<string> {
  const head = JSON.stringify(toHead(report, options));
  yield `${head.slice(0, -1)},"findings":[`;
  let separator = "\n";
  for (const finding of report.findings) {
    yield `${separator}${JSON.stringify(toFileFinding(finding, report.positions))}`;
    separator = ",\n";
  }
  yield "\n]}\n";
}
