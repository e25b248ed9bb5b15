/** Makes the one installable file of the extension, for all platforms. */
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const { name, version } = createRequire(import.meta.url)("./package.json");
const output = join(here, `${name}-${version}.vsix`);
// The packager wants the licence beside the manifest; the repository has it once, at its top.
const licence = join(here, "LICENSE");
cpSync(join(here, "../LICENSE"), licence);
try {
  const vsce = join(dirname(createRequire(import.meta.url).resolve("@vscode/vsce/package.json")), "vsce");
  const args = ["package", "--no-dependencies", "--allow-missing-repository", "-o", output];
  execFileSync(process.execPath, [vsce, ...args], { cwd: here, stdio: "inherit" });
} finally {
  rmSync(licence);
}
