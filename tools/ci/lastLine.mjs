// Turns the closing line of a run's log ("N passed, N failed") into a report for sum.mjs: `lastLine.mjs LOG REPORT.json`.
import { readFileSync, writeFileSync } from "node:fs";

const [log, report] = process.argv.slice(2);
const lines = readFileSync(log, "utf8").trimEnd().split("\n");
const m = /^(\d+) passed, (\d+) failed/.exec(lines[lines.length - 1] ?? "");
// A run that did not come to its closing line has failed, whatever it printed before.
const [passed, failed] = m ? [Number(m[1]), Number(m[2])] : [0, 1];
writeFileSync(
  report,
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, success: failed === 0 }),
);
