#!/usr/bin/env node
// Entry of the lockctx command. It is in git so that npm can link it before the first build.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(fileURLToPath(main))) {
  await import(main.href);
} else {
  console.error("lockctx is not built yet: run `npm run build` in the repository first.");
  process.exitCode = 3;
}
