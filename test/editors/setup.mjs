/** The set-ups of docs/editors.md as they stand there: each block behind a `tested` mark is put into its editor. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { repository } from "./install.mjs";
import { check, matches } from "./report.mjs";
import { EXAMPLE, makeWorkspace } from "./workspace.mjs";

function blocks(editor) {
  const text = readFileSync(join(repository, "docs/editors.md"), "utf8");
  const found = [...text.matchAll(/<!-- tested: (\w+) -->\s*```\w+\n([\s\S]*?)```/g)];
  const own = found.filter(([, name]) => name === editor).map(([, , block]) => block);
  if (own.length === 0) throw new Error(`docs/editors.md has no tested set-up for ${editor}`);
  return own.join("\n");
}

const NEOVIM = `
vim.cmd('filetype on')
vim.cmd('edit ' .. vim.env.LOCKCTX_FILE)
local buffer = vim.api.nvim_get_current_buf()
vim.wait(30000, function() return #vim.diagnostic.get(buffer) > 0 end, 20)
local first = vim.diagnostic.get(buffer)[1]
print('found ' .. #vim.diagnostic.get(buffer) .. ' ' .. first.message)
local ref = { uri = vim.uri_from_bufnr(buffer), line = first.lnum }
for _, name in ipairs({ 'lockctx.copyChain', 'lockctx.showChain' }) do
  vim.lsp.commands[name]({ command = name, arguments = { ref } }, { bufnr = buffer })
end
vim.wait(10000, function() return #vim.fn.getqflist() > 0 and vim.fn.getreg('"') ~= '' end, 20)
print('quickfix ' .. #vim.fn.getqflist() .. ' ' .. vim.fn.getqflist()[1].text)
print('register ' .. vim.fn.getreg('"'))
vim.cmd('qall!')
`;

const EMACS = `
(require 'flymake)
(find-file (getenv "LOCKCTX_FILE"))
(unless (derived-mode-p 'c-mode) (c-mode))
(run-hooks 'post-command-hook)
(let ((deadline (+ (float-time) 30)))
  (while (and (not (flymake-diagnostics)) (< (float-time) deadline))
    (accept-process-output nil 0.05)))
(princ (format "found %d %s\\n" (length (flymake-diagnostics))
               (flymake-diagnostic-text (car (flymake-diagnostics)))))
(kill-emacs 0)
`;

export async function testSetups() {
  const { root, remove } = makeWorkspace({ kernelTree: true });
  const folder = mkdtempSync(join(tmpdir(), "lockctx-setup-"));
  const env = {
    ...process.env,
    PATH: join(repository, "node_modules/.bin") + delimiter + process.env.PATH,
    LOCKCTX_FILE: join(root, EXAMPLE.file),
  };
  const run = (command, args) => {
    try {
      return execFileSync(command, args, {
        env,
        encoding: "utf8",
        timeout: 90_000,
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      throw new Error(`${error.message}\n${error.stdout}`);
    }
  };
  await check("docs/editors.md: the set-up of Neovim finds the example's bug and lists its chain", () => {
    const file = join(folder, "init.lua");
    writeFileSync(file, blocks("neovim") + NEOVIM);
    const args = ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", `luafile ${file}`];
    // Headless, print goes to standard error.
    const output = run("sh", ["-c", 'exec nvim "$@" 2>&1', "sh", ...args]);
    matches(output, /found 3 put_super\(\) calls/);
    matches(output, /quickfix \d+ 1\/6 sb_lock taken here/);
    matches(output, /register [^\n]*\n[\s\S]*\n {2}__put_super\(\)/);
  });
  await check("docs/editors.md: the set-up of Emacs finds the example's bug", () => {
    const file = join(folder, "init.el");
    writeFileSync(
      file,
      `(require 'package)\n(package-initialize)\n(require 'eglot)\n${blocks("emacs")}\n${EMACS}`,
    );
    matches(run("emacs", ["--batch", "-l", file]), /found 3 /);
  });
  rmSync(folder, { recursive: true });
  remove();
}
