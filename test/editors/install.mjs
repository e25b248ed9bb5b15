/**
 * Installs what the editor tests need and the machine does not have: Debian's editors and browser by apt (as root), and
 * a VS Code from npm into the git-ignored `.cache/editors`. Does nothing when all is there.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = join(dirname(fileURLToPath(import.meta.url)), "../..");
export const cache = join(repository, ".cache/editors");

/** code-server 4.100.3 is VS Code 1.100.3 for Node 20. */
const CODE_SERVER = "code-server@4.100.3";
const PLAYWRIGHT = "playwright-core@1.65.1";

const DEBIAN = {
  "/usr/bin/chromium": "chromium",
  "/usr/bin/nvim": "neovim",
  "/usr/bin/emacs": "emacs-nox",
  "/usr/share/emacs/site-lisp/elpa-src": "elpa-eglot",
  "/usr/bin/rg": "ripgrep",
};

function run(command, args, options = {}) {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"], ...options });
}

export function installEditors() {
  const missing = Object.entries(DEBIAN)
    .filter(([path]) => !existsSync(path))
    .map(([, name]) => name);
  if (missing.length > 0) {
    console.log(`installing ${missing.join(", ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get", ["update", "-qq"], { env });
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], { env });
  }
  const home = join(cache, "code-server");
  const vscode = join(home, "node_modules/code-server/lib/vscode");
  if (!existsSync(join(vscode, "node_modules.asar"))) {
    console.log(`installing ${CODE_SERVER}`);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), '{"private":true}\n');
    const env = { ...process.env, npm_config_legacy_peer_deps: "true" };
    run("npm", ["install", "--no-save", "--ignore-scripts", "--loglevel=error", CODE_SERVER, PLAYWRIGHT], {
      cwd: home,
      env,
    });
    // The package carries VS Code's own lock file; nothing is built from source.
    run("npm", ["install", "--no-save", "--ignore-scripts", "--loglevel=error", "--omit=dev"], {
      cwd: vscode,
      env,
    });
    const ripgrep = join(vscode, "node_modules/@vscode/ripgrep/bin");
    mkdirSync(ripgrep, { recursive: true });
    rmSync(join(ripgrep, "rg"), { force: true });
    symlinkSync("/usr/bin/rg", join(ripgrep, "rg"));
    symlinkSync("node_modules", join(vscode, "node_modules.asar"));
  }
  return { vscode, playwright: join(home, "node_modules/playwright-core/index.js") };
}
