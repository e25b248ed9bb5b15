/** Bundles the extension; with it the grammar, and the server with everything it loads at run time. */
import { cp, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

await rm(dist, { recursive: true, force: true });
await build({
  entryPoints: [join(here, "src/extension.ts")],
  outfile: join(dist, "extension.cjs"),
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  external: ["vscode"],
  minify: true,
  sourcemap: false,
});
await mkdir(join(dist, "syntaxes"), { recursive: true });
for (const grammar of ["lockctx", "lockctx-comments"]) {
  const name = `${grammar}.tmLanguage.json`;
  await cp(join(here, "../syntaxes", name), join(dist, "syntaxes", name));
}
