/** Neovim and Emacs without a screen, on the shipped example or a real tree. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { adopt, check } from "./report.mjs";

const here = dirname(fileURLToPath(import.meta.url));

const EDITORS = {
  Neovim: [
    "nvim",
    ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", `luafile ${join(here, "neovim/test.lua")}`],
  ],
  "Emacs with eglot": ["emacs", ["--batch", "-l", join(here, "emacs/test.el")]],
};

/** `given` says what the test is to open and to see; see workspace.mjs. */
export async function testHeadless(editor, given, limitMs) {
  const [command, args] = EDITORS[editor];
  const env = { ...process.env, LOCKCTX_TEST: JSON.stringify({ timeout: 20_000, ...given }) };
  const result = spawnSync(command, args, { env, encoding: "utf8", timeout: limitMs ?? 120_000 });
  const output = `${result.stdout}\n${result.stderr}`;
  const lines = adopt(`${editor}${given.title ? ` (${given.title})` : ""}`, output);
  await check(`${editor}: the test ran to its end`, () => {
    if (result.error) throw result.error;
    if (lines === 0) throw new Error(output.slice(-2000));
  });
}
