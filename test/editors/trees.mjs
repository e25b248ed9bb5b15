/** Real kernel trees in editors. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { testHeadless } from "./headless.mjs";
import { check, matches, skip } from "./report.mjs";
import { openBrowser, serveVscode } from "./vscode/serve.mjs";
import { Workbench } from "./vscode/workbench.mjs";

/** A whole tree is indexed before its first finding. */
const INDEX_MS = 300_000;

const PUT_SUPER = {
  file: "fs/super.c",
  rule: "sleep-in-atomic",
  message: "__put_super()",
  after: "static void put_super(struct super_block *sb)",
  call: "__put_super(sb)",
  steps: [
    "sb_lock",
    "put_super() calls",
    "__put_super() calls",
    "destroy_super() calls",
    "list_lru_destroy() calls",
    "()",
  ],
  hover: ["sb_lock", "may sleep"],
};

export async function testTrees({ vscode, chromium, vsix, command, trees, pictures }) {
  const old = trees && join(trees, "4.13.4");
  if (old && existsSync(old)) {
    const given = { ...PUT_SUPER, title: "4.13.4", root: old, command, health: "ready", timeout: INDEX_MS };
    await testHeadless("Neovim", given, INDEX_MS * 2);
    await inVscode({ vscode, chromium, vsix, root: old, version: "4.13.4", pictures, finding: true });
  } else {
    skip("real tree 4.13.4", "LOCKCTX_TREES has none");
  }
  const new_ = trees && join(trees, "6.12");
  if (new_ && existsSync(new_)) {
    await inVscode({ vscode, chromium, vsix, root: new_, version: "6.12", pictures, finding: false });
  } else {
    skip("real tree 6.12", "LOCKCTX_TREES has none");
  }
}

async function inVscode({ vscode, chromium, vsix, root, version, pictures, finding }) {
  const server = await serveVscode({ vscode, vsix });
  const { page, close } = await openBrowser(chromium, `${server.url}?folder=${root}`);
  const workbench = new Workbench(page);
  const step = async (name, run) => {
    if (await check(`VS Code (${version}): ${name}`, run)) return;
    await page.screenshot({ path: join(pictures, `tree-${version}.png`) });
  };
  try {
    if (finding) {
      // A squiggle is only drawn where the editor shows the line.
      const line = callLine(join(root, PUT_SUPER.file));
      let warnings = 0;
      await step("fs/super.c of the whole tree has its squiggle and its steps", async () => {
        await workbench.ready();
        await workbench.openFile(PUT_SUPER.file, line);
        await workbench.squiggle("warning", INDEX_MS);
        // The first findings come before the whole tree is read, and may be fewer.
        await workbench.languageStatus(/lockctx: \d+ findings?/, INDEX_MS);
        const rows = (await workbench.problems()).join("\n");
        for (const [i, words] of PUT_SUPER.steps.entries())
          matches(rows, new RegExp(`:${i + 1}/6 [^\n]*${literally(words)}`));
        warnings = await workbench.warnings();
      });
      await step(
        "the call behind the unlock is no finding, undone it is one again, nothing is saved",
        async () => {
          await workbench.openFile(PUT_SUPER.file, line);
          // Where the mouse was before may have the focus back when the line was asked for.
          await page.mouse.move(400, 300);
          await page.keyboard.press("Control+1");
          await page.keyboard.press("Alt+ArrowDown");
          await workbench.untilWarnings(warnings - 1);
          await page.keyboard.press("Control+z");
          await workbench.untilWarnings(warnings);
        },
      );
    } else {
      // Nothing is wrong in this one: the server must come to say so.
      await step("fs/super.c of the whole tree is said to have nothing", async () => {
        await workbench.ready();
        await workbench.openFile(PUT_SUPER.file);
        await page.waitForSelector('[id="status.languageStatus"]');
        await workbench.languageStatus(/lockctx: \d+ findings?/, INDEX_MS);
      });
    }
  } finally {
    await close();
    server.stop();
  }
}

/** Line (from 1) of the expected call: the first such one behind its marker. */
function callLine(path) {
  const lines = readFileSync(path, "utf8").split("\n");
  const from = lines.indexOf(PUT_SUPER.after);
  return lines.findIndex((line, i) => i > from && line.includes(PUT_SUPER.call)) + 1;
}

const literally = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
