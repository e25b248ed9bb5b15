// Adds up the reports of the test suites and of the real-tree checks: `sum.mjs NPM_TEST_STATUS FOLDER`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [status, folder] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let failedTests = 0;
const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
for (const name of names) {
  const report = JSON.parse(readFileSync(join(folder, name), "utf8"));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  // A suite that could not even be loaded has no failed test to show for it.
  const broken =
    report.numFailedTests === 0 && report.success === false ? (report.numFailedTestSuites ?? 1) : 0;
  failed += broken;
  if (name !== "realTree.json" && name !== "editors.json") failedTests += report.numFailedTests + broken;
}
// Build, lint or a runner that died count as one failure each, also where every test that ran has passed.
if (status !== "0" && failedTests === 0) failed++;
if (!names.includes("realTree.json")) failed++;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
