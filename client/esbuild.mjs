/**
 * Bundles the extension into `dist/`, and with it all that it runs: the command line tool (language server and linter),
 * its worker, the parsers for every platform, the grammars and the rules' pages.
 */

import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, "..");
const dist = join(here, "dist");
const require = createRequire(import.meta.url);

/** Loaded at run time from beside the bundle, for they hold native code or WebAssembly. */
const PARSERS = {
  "tree-sitter": ["package.json", "index.js", "prebuilds"],
  "tree-sitter-c": [
    "package.json",
    "bindings/node/index.js",
    "src/node-types.json",
    "prebuilds",
    "tree-sitter-c.wasm",
  ],
  "node-gyp-build": ["package.json", "index.js", "node-gyp-build.js"],
  "web-tree-sitter": ["package.json", "web-tree-sitter.js", "web-tree-sitter.cjs", "web-tree-sitter.wasm"],
};

async function bundleExtension() {
  await build({
    entryPoints: [join(here, "src/extension.ts")],
    outfile: join(dist, "extension.cjs"),
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    external: ["vscode"],
    minify: true,
  });
}

async function bundleServer() {
  const server = join(repository, "server/src");
  await build({
    entryPoints: [
      { in: join(server, "cli/main.ts"), out: "lockctx" },
      { in: join(server, "host/worker.ts"), out: "worker" },
    ],
    outdir: join(dist, "server"),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: Object.keys(PARSERS),
    minify: true,
    keepNames: true,
    // Packages in CommonJS ask for Node's own modules by require, which an ES module does not have.
    banner: {
      js: 'import { createRequire as lockctxRequire } from "node:module"; const require = lockctxRequire(import.meta.url);',
    },
  });
}

/** The folder of a package, which need not export its package.json. */
function packageFolder(name) {
  for (const paths of require.resolve.paths(name)) {
    if (existsSync(join(paths, name, "package.json"))) return join(paths, name);
  }
  throw new Error(`${name} is not installed`);
}

async function copyParsers() {
  for (const [name, files] of Object.entries(PARSERS)) {
    const from = packageFolder(name);
    const to = join(dist, "server/node_modules", name);
    for (const file of files) {
      await mkdir(dirname(join(to, file)), { recursive: true });
      await cp(join(from, file), join(to, file), { recursive: true });
    }
    // Nothing of these is to be installed again, and their scripts are not wanted.
    const { version, main, type, exports, license, author } = JSON.parse(
      await readFile(join(from, "package.json"), "utf8"),
    );
    const kept = { name, version, main, type, exports, license, author };
    await writeFile(join(to, "package.json"), `${JSON.stringify(kept, null, 1)}\n`);
    const licence = ["LICENSE", "LICENSE.md", "license"].find((file) => existsSync(join(from, file)));
    if (licence) await cp(join(from, licence), join(to, "LICENSE"));
  }
}

async function copyAssets() {
  await mkdir(join(dist, "syntaxes"), { recursive: true });
  for (const grammar of ["lockctx", "lockctx-comments"]) {
    const name = `${grammar}.tmLanguage.json`;
    await cp(join(repository, "syntaxes", name), join(dist, "syntaxes", name));
  }
  const rules = join(repository, "docs/rules");
  if (existsSync(rules)) await cp(rules, join(dist, "server/docs/rules"), { recursive: true });
}

await rm(dist, { recursive: true, force: true });
await Promise.all([bundleExtension(), bundleServer()]);
await copyParsers();
await copyAssets();
