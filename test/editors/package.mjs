/** The packaged extension: what is in it, and that its server runs with the native parser and without. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, equal, matches } from "./report.mjs";
import { makeWorkspace } from "./workspace.mjs";

const PLATFORMS = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-arm64", "win32-x64"];

export async function testPackage({ vsix }) {
  const folder = mkdtempSync(join(tmpdir(), "lockctx-package-"));
  execFileSync("python3", ["-m", "zipfile", "-e", vsix, folder]);
  const server = join(folder, "extension/dist/server");
  const { root, remove } = makeWorkspace({ kernelTree: false });
  const lint = (env = {}) => {
    const args = [join(server, "lockctx.js"), "check", "--no-color", root];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
    if (status !== 1) throw new Error(`exit ${status}: ${stderr}`);
    return stdout.replace(/^lockctx: Entering.*\n/, "");
  };

  await check("package: one file for all platforms, below 6 MB", () => {
    for (const parser of ["tree-sitter", "tree-sitter-c"]) {
      for (const platform of PLATFORMS) {
        const prebuild = join(server, "node_modules", parser, "prebuilds", platform);
        if (!existsSync(prebuild)) throw new Error(`no ${prebuild}`);
      }
    }
    const megabytes = statSync(vsix).size / 1e6;
    if (megabytes > 6) throw new Error(`${megabytes.toFixed(1)} MB`);
  });
  let native;
  await check("package: its linter runs outside of the repository", () => {
    native = lint({ LOCKCTX_PARSER: "native" });
    matches(native, /put_super\(\) -> __put_super\(\)/);
  });
  await check("package: the WebAssembly parser gives the same", () => {
    equal(lint({ LOCKCTX_PARSER: "wasm" }), native);
  });
  await check("package: where the native parser does not load, WebAssembly takes over by itself", () => {
    for (const parser of ["tree-sitter", "tree-sitter-c"]) {
      rmSync(join(server, "node_modules", parser, "prebuilds"), { recursive: true });
    }
    equal(lint(), native);
  });
  rmSync(folder, { recursive: true });
  remove();
}
