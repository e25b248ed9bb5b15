// Gets a real kernel: Debian's linux-source package, unpacked once into a cache outside the checkout.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const PACKAGE = "linux-source-6.12";
const ARCHIVE = `/usr/src/${PACKAGE}.tar.xz`;

function sh(command, args, options = {}) {
  const result = spawnSync(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    ...options,
  });
  return {
    ok: result.status === 0,
    out: result.stdout ?? "",
    error: result.error?.message ?? result.stderr ?? "",
  };
}

const installedVersion = (name) =>
  sh("dpkg-query", ["-W", `-f=\${Status} \${Version}`, name]).out.replace(/^install ok installed /, "");

function install(...names) {
  const missing = names.filter(
    (name) => !sh("dpkg-query", ["-W", `-f=\${Status}`, name]).out.includes("ok installed"),
  );
  if (missing.length === 0) return;
  console.log(`installing ${missing.join(", ")} …`);
  sh("apt-get", ["update", "-q"]);
  const { ok, error } = sh("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...missing]);
  if (!ok)
    throw new Error(`${missing.join(", ")} could not be installed: ${error.trim().split("\n").at(-1)}`);
}

function cacheFolder() {
  const base =
    process.env.LOCKCTX_CI_CACHE ?? process.env.XDG_CACHE_HOME ?? join(homedir() || tmpdir(), ".cache");
  const folder = join(base, "lockctx-ci");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The unpacked tree's folder and the package's version. */
export function kernelTree() {
  install(PACKAGE, "universal-ctags", "xz-utils");
  if (!existsSync(ARCHIVE)) throw new Error(`${PACKAGE} is installed but ${ARCHIVE} is not there`);
  const version = installedVersion(PACKAGE);
  const folder = join(cacheFolder(), `${PACKAGE}-${version}`);
  if (!existsSync(folder)) {
    console.log(`unpacking ${ARCHIVE} …`);
    const unfinished = `${folder}.${process.pid}.tmp`;
    mkdirSync(unfinished);
    const { ok, error } = sh("tar", ["-xf", ARCHIVE, "-C", unfinished, "--strip-components=1"]);
    if (!ok) {
      rmSync(unfinished, { recursive: true, force: true });
      throw new Error(`${ARCHIVE} could not be unpacked: ${error.trim()}`);
    }
    renameSync(unfinished, folder);
  }
  return { folder, version };
}
