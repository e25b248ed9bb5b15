// Brings a checkout into a runnable state: installs what the lock file names and builds, each only where needed.
// It runs before node_modules exists, so it uses nothing but Node itself.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repoRoot = join(dirname(fileURLToPath(import.meta.url)), "..");

const MINIMUM_NODE = 20;

/** Runs a command of the project with its output shown; when it fails, ends this process with its status or gives false. */
export function run(command, args, { quiet = false, mayFail = false } = {}) {
  const result = spawnSync(command, args, {
    cwd: repoRoot,
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
    encoding: "utf8",
  });
  if (result.error) {
    console.error(`could not run ${command}: ${result.error.message}`);
    process.exit(3);
  }
  if (result.status !== 0 && mayFail) return false;
  if (result.status !== 0) {
    if (quiet) process.stderr.write(`${result.stdout}${result.stderr}`);
    console.error(`failed: ${command} ${args.join(" ")}`);
    process.exit(result.status ?? 3);
  }
  return true;
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(join(repoRoot, path), "utf8")).packages ?? {};
  } catch {
    return null;
  }
}

/** Whether node_modules holds what the lock file asks for (npm writes down what it installed there). */
export function installIsCurrent() {
  const wanted = packagesOf("package-lock.json");
  const present = packagesOf("node_modules/.package-lock.json");
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([name, entry]) => {
    if (!name.startsWith("node_modules/") || entry.optional) return true;
    const installed = present[name];
    return installed && (entry.link ? installed.link : installed.version === entry.version);
  });
}

export function ensureNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= MINIMUM_NODE) return;
  console.error(`lockctx needs Node ${MINIMUM_NODE} or later; this is ${process.version}.`);
  process.exit(2);
}

/** Installs when needed. */
export function ensureInstalled() {
  ensureNode();
  if (installIsCurrent()) return;
  console.error("installing dependencies (npm ci) …");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { quiet: true });
}

/** Builds the named workspaces, or all of them. tsc takes about a second, so it always runs. */
export function build(...workspaces) {
  const which = workspaces.length > 0 ? workspaces.flatMap((w) => ["-w", w]) : ["--workspaces"];
  run("npm", ["run", "build", "--if-present", "--silent", ...which], { quiet: true });
}
