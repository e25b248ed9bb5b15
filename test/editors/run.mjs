/**
 * `node test/editors/run.mjs`: the extension and the server in real editors. Installs what is missing (Debian packages
 * as root, a VS Code from npm into .cache), packages the extension, and prints a line a check.
 *
 *   --only NAME        package, neovim, emacs, setups, vscode-ui, vscode-api or trees (several times)
 *   --screenshots DIR  pictures of the shipped example
 *   LOCKCTX_TREES      folder with unpacked kernels by version (4.13.4, 6.12): the checks on real trees run too
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { testHeadless } from "./headless.mjs";
import { cache, installEditors, repository } from "./install.mjs";
import { testPackage } from "./package.mjs";
import { summary } from "./report.mjs";
import { testSetups } from "./setup.mjs";
import { testTrees } from "./trees.mjs";
import { testApi } from "./vscode/api.mjs";
import { testUi } from "./vscode/ui.mjs";
import { EXAMPLE, makeWorkspace } from "./workspace.mjs";

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, screenshots: { type: "string" } },
});
const wanted = (name) => !values.only || values.only.includes(name);

const { vscode, playwright } = installEditors();
const { chromium } = (await import(playwright)).default;
const pictures = join(cache, "pictures");
mkdirSync(pictures, { recursive: true });

execFileSync("npm", ["run", "package", "-w", "client", "--silent"], {
  cwd: repository,
  stdio: ["ignore", "ignore", "inherit"],
});
const vsix = join(repository, "client/lockctx-client-0.1.0.vsix");
const command = [process.execPath, join(repository, "server/bin/lockctx.js"), "lsp", "--stdio"];

if (wanted("package")) await testPackage({ vsix });
for (const editor of ["Neovim", "Emacs with eglot"]) {
  if (!wanted(editor.split(" ")[0].toLowerCase())) continue;
  const { root, remove } = makeWorkspace({ kernelTree: true });
  await testHeadless(editor, { ...EXAMPLE, root, command, health: "ready" });
  remove();
}
if (wanted("setups")) await testSetups();
if (wanted("vscode-api")) await testApi({ vscode, chromium, vsix });
if (wanted("vscode-ui")) await testUi({ vscode, chromium, vsix, screenshots: values.screenshots, pictures });
if (wanted("trees"))
  await testTrees({ vscode, chromium, vsix, command, trees: process.env.LOCKCTX_TREES, pictures });
process.exitCode = summary();
