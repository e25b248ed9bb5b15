/** VS Code as its user sees it: the shipped example in a browser window, by keyboard and eye. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { check, equal, matches } from "../report.mjs";
import { exampleLines, makeWorkspace } from "../workspace.mjs";
import { openBrowser, serveVscode } from "./serve.mjs";
import { Workbench } from "./workbench.mjs";

/** `screenshots` is a folder for pictures of the example, or null. */
export async function testUi({ vscode, chromium, vsix, screenshots, pictures }) {
  const server = await serveVscode({ vscode, vsix });
  const tree = makeWorkspace({ kernelTree: true });
  const plain = makeWorkspace({ kernelTree: false });
  const failurePicture = (page, name) =>
    page.screenshot({ path: join(pictures, `${name}.png`) }).catch(() => {});
  const shot = async (page, name) => {
    if (!screenshots) return;
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `${name}.png`) });
  };
  try {
    await inTree(
      await openBrowser(chromium, `${server.url}?folder=${tree.root}`),
      tree.root,
      shot,
      failurePicture,
    );
    await onDemand(
      await openBrowser(chromium, `${server.url}?folder=${plain.root}`),
      exampleLines(plain.root)[0],
      failurePicture,
    );
  } finally {
    server.stop();
    tree.remove();
    plain.remove();
  }
}

async function inTree({ page, close }, root, shot, failurePicture) {
  const workbench = new Workbench(page);
  const lines = exampleLines(root);
  const findings = () => workbench.warnings();
  const untilFindings = (wanted) => workbench.untilWarnings(wanted);
  const step = async (name, run) => {
    if (!(await check(`VS Code: ${name}`, run))) await failurePicture(page, name.replace(/\W+/g, "-"));
  };
  await workbench.ready();

  await step("a kernel tree gets its squiggle without being asked", async () => {
    await workbench.openFile("fs/super.c", lines[0]);
    await workbench.squiggle("warning");
    await untilFindings(3);
  });

  await step("Problems has the finding with every step, numbered and in order", async () => {
    const rows = await workbench.problems();
    const finding = rows.findIndex(
      (row) => row.includes(`[Ln ${lines[0]}, Col 2]`) && /sleep-in-atomic/.test(row),
    );
    if (finding === -1) throw new Error(`no finding in ${JSON.stringify(rows)}`);
    const steps = rows.slice(finding + 1, finding + 7);
    for (const [i, row] of steps.entries()) matches(row, new RegExp(`:${i + 1}/6 `), "step");
    matches(steps[0], /sb_lock taken here/);
    matches(steps[5], /list_lru\.c.*(down_read|mutex_lock)\(\)/);
    await shot(page, "vscode-problems");
  });

  await step("hover says the context and how the callee may sleep", async () => {
    await workbench.openFile("fs/super.c", lines[0]);
    await workbench.goto(lines[0], 4);
    const text = await workbench.hover();
    matches(text, /may sleep/);
    matches(text, /Atomic here in put_super\(\)/);
    matches(text, /sb_lock held/);
    await shot(page, "vscode-hover");
    await page.keyboard.press("Escape");
  });

  await step("the chain is listed, and its steps lead to their places", async () => {
    await workbench.command("Show the Chain of the Finding at the Cursor");
    await page.waitForSelector('.quick-input-list .monaco-list-row[aria-label*="6/6"]');
    await shot(page, "vscode-chain");
    for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector('.tabs-container .tab.active[data-resource-name="list_lru.c"]');
    await page.waitForSelector(".quick-input-widget", { state: "hidden" });
    await page.waitForSelector(".editor-instance .monaco-editor.focused");
    await page.waitForTimeout(500);
  });

  await step("the chain is copied as commit message text", async () => {
    await workbench.openFile("fs/super.c", lines[0]);
    await workbench.command("Copy the Chain as Commit Message Text");
    for (let i = 0; ; i++) {
      const text = await page.evaluate(() => navigator.clipboard.readText());
      if (/^put_super\(\)\n {2}__put_super\(\)\n {4}destroy_super\(\)\n/m.test(text)) break;
      if (i > 30) throw new Error(`clipboard: ${JSON.stringify(text)}`);
      await page.waitForTimeout(100);
    }
  });

  await step("locks are highlighted apart from other calls", async () => {
    const classOf = (word) =>
      page.$$eval(
        ".editor-instance .view-line span span",
        (spans, w) => spans.find((span) => span.textContent === w)?.className,
        word,
      );
    const lock = await classOf("spin_lock");
    const call = await classOf("__put_super");
    if (!lock || !call || lock === call) throw new Error(`spin_lock is ${lock}, __put_super is ${call}`);
  });

  await step("a suppression is offered, applied and clears the finding; the text is saved", async () => {
    await untilFindings(3);
    await workbench.openFile("fs/super.c", lines[0]);
    await workbench.goto(lines[0], 4);
    const fixes = await workbench.quickFixes();
    matches(fixes.join("\n"), /Suppress sleep-in-atomic here with a reason/);
    await shot(page, "vscode-quick-fix");
    await workbench.chooseFix("Suppress sleep-in-atomic");
    await page.waitForTimeout(200);
    // The reason is selected: what is typed replaces it.
    await page.keyboard.type("the last reference is held elsewhere");
    await page.keyboard.press("Escape");
    await untilFindings(2);
    await workbench.save();
    const saved = readFileSync(join(root, "fs/super.c"), "utf8").split("\n")[lines[0] - 1];
    equal(saved, "\t/* lockctx-ignore sleep-in-atomic: the last reference is held elsewhere */");
  });

  await step("undo brings the finding back", async () => {
    await workbench.openFile("fs/super.c", lines[0]);
    for (let i = 0; i < 60 && (await findings()) !== 3; i++) {
      await page.keyboard.press("Control+z");
      await page.waitForTimeout(100);
    }
    await untilFindings(3);
  });
  await close();
}

async function onDemand({ page, close }, line, failurePicture) {
  const workbench = new Workbench(page);
  await workbench.ready();
  const fine = await check("VS Code: elsewhere it does nothing until it is asked to", async () => {
    await workbench.openFile("fs/super.c", line);
    await page.waitForTimeout(2000);
    if (await page.$(".squiggly-warning")) throw new Error("a squiggle without being asked");
    await workbench.command("Start in This Workspace");
    await workbench.squiggle("warning");
  });
  if (!fine) await failurePicture(page, "on-demand");
  await close();
}
