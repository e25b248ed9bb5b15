// `npm test`: installs, builds, checks lint and format, and runs every workspace's tests. Arguments go to vitest.
import { join } from "node:path";
import { build, ensureInstalled, run } from "./setup.mjs";

ensureInstalled();
build();
run(join("node_modules", ".bin", "biome"), ["check", "."]);
const extra = process.argv.slice(2);
run("npm", [
  "run",
  "test",
  "--workspaces",
  "--if-present",
  "--silent",
  ...(extra.length > 0 ? ["--", ...extra] : []),
]);
