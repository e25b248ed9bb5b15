// Builds the reference: tree-sitter's C library and C grammar from the sources inside the npm packages, by the system's cc.
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const sources = fileURLToPath(new URL("../reference/", import.meta.url));
const out = fileURLToPath(new URL("../.cache/", import.meta.url));

function compile(target, inputs, flags) {
  const newest = Math.max(...inputs.map((f) => statSync(f).mtimeMs));
  if ((statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) return;
  const { status, stderr, error } = spawnSync(
    "cc",
    ["-O2", "-std=gnu11", "-o", target, ...inputs, ...flags],
    {
      encoding: "utf8",
    },
  );
  if (error) throw new Error(`a C compiler (cc) is needed to build the reference: ${error.message}`);
  if (status !== 0) throw new Error(`the reference could not be built:\n${stderr}`);
}

/** Paths of the two programs, and the versions of what they are made of. */
export function buildReference() {
  mkdirSync(out, { recursive: true });
  const library = join(dirname(require.resolve("tree-sitter/package.json")), "vendor/tree-sitter/lib");
  const grammar = join(dirname(require.resolve("tree-sitter-c/package.json")), "src");
  const parse = join(out, "parse");
  const measure = join(out, "measure");
  compile(
    parse,
    [join(sources, "parse.c"), join(library, "src/lib.c"), join(grammar, "parser.c")],
    ["-I", join(library, "include"), "-I", join(library, "src"), "-I", grammar],
  );
  compile(measure, [join(sources, "measure.c")], []);
  const versionOf = (name) => require(`${name}/package.json`).version;
  return {
    parse,
    measure,
    versions: { "tree-sitter": versionOf("tree-sitter"), "tree-sitter-c": versionOf("tree-sitter-c") },
  };
}
