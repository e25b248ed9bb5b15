// `npm test`: installs, builds, checks lint and format, and runs every workspace's tests. Arguments go to vitest.
import { join } from "node:path";
import { build, ensureInstalled, run } from "./setup.mjs";

ensureInstalled();
build();
// A wrong format must not hide what the tests say: both run, both count.
const clean = run(join("node_modules", ".bin", "biome"), ["check", "."], { mayFail: true });
const extra = process.argv.slice(2);
run("npm", [
  "run",
  "test",
  "--workspaces",
  "--if-present",
  "--silent",
  ...(extra.length > 0 ? ["--", ...extra] : []),
]);
if (!clean) {
  console.error("failed: biome check (npm run format mends most of it)");
  process.exitCode = 1;
}
