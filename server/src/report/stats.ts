/** `--stats`: what was analysed, what could not be, and what it cost (I6). */
import type { Report } from "./report.js";

const SKIPPED_SHOWN = 20;

export function renderStats(report: Report): string {
  const { stats } = report;
  const number = (n: number) => n.toLocaleString("en-US");
  const rows: [string, string][] = [
    ["files", number(stats.files)],
    ["bytes", number(stats.bytes)],
    ["functions", number(stats.functions)],
    ["function-like macros", number(stats.macros)],
    ["calls", number(stats.calls)],
    ["analysed functions", number(stats.analysedFunctions)],
    ["resolved calls", number(stats.resolvedCalls)],
    ["unresolved calls", number(stats.unresolvedCalls)],
    ["unparsed functions", number(stats.unparsedFunctions)],
    ["undecided conditions", number(stats.undecidedConditions)],
    ["capped states", number(stats.cappedStates)],
    ["findings", number(stats.findings)],
    ["hidden findings", number(stats.hiddenFindings)],
    ["suppressed findings", number(stats.suppressedFindings)],
    ["findings in test code", number(report.inTests)],
    ["skipped files", number(stats.skippedFiles.length)],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(22)} ${value.padStart(15)}`);
  for (const { path, reason } of stats.skippedFiles.slice(0, SKIPPED_SHOWN))
    lines.push(`  ${path}: ${reason}`);
  if (stats.skippedFiles.length > SKIPPED_SHOWN) {
    lines.push(`  and ${number(stats.skippedFiles.length - SKIPPED_SHOWN)} more (--format json lists all)`);
  }
  if (stats.phases.length > 0) {
    lines.push(
      "",
      `${"phase".padEnd(22)} ${"wall s".padStart(10)} ${"cpu s".padStart(10)} ${"rss MB".padStart(10)}`,
    );
    for (const { name, wallMs, cpuMs, rssMb } of stats.phases) {
      const seconds = (ms: number) => (ms / 1000).toFixed(2).padStart(10);
      lines.push(`${name.padEnd(22)} ${seconds(wallMs)} ${seconds(cpuMs)} ${rssMb.toFixed(0).padStart(10)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
