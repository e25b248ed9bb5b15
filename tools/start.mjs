// `npm start`: from a fresh clone to the first chain. Without arguments it lints the shipped example; with arguments it is
// `lockctx check` on them.
import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { build, ensureInstalled, repoRoot } from "./setup.mjs";

ensureInstalled();
build("server");

// npm runs scripts in the package's folder; paths that the user typed are relative to where npm was called.
const cwd = process.env.INIT_CWD ?? process.cwd();
const given = process.argv.slice(2);
const example = join(repoRoot, "test-fixtures", "put-super");
const target = given.length > 0 ? given : [relative(cwd, example) || "."];
if (given.length === 0) console.error(`lockctx check ${target[0]}\n`);

const cli = join(repoRoot, "server", "bin", "lockctx.js");
const result = spawnSync(process.execPath, [cli, "check", ...target], { cwd, stdio: "inherit" });
if (result.error) {
  console.error(`could not run lockctx: ${result.error.message}`);
  process.exit(3);
}
// Findings in the example are what is to be seen; anywhere else they are the linter's answer.
const status = result.status ?? 3;
process.exitCode = given.length === 0 && status === 1 ? 0 : status;
