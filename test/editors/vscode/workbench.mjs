/** What a user does in VS Code, by keyboard and mouse. */

export class Workbench {
  constructor(page) {
    this.page = page;
  }

  async ready() {
    await this.page.waitForSelector(".monaco-workbench .explorer-folders-view .monaco-list-row", {
      timeout: 60_000,
    });
  }

  /** Runs a command by its title in the palette. */
  async command(title) {
    const { page } = this;
    await page.keyboard.press("F1");
    await page.waitForSelector(".quick-input-widget input", { state: "visible" });
    await page.keyboard.type(title);
    await page.waitForSelector(`.quick-input-list .monaco-list-row[aria-label*="${title}"]`);
    await page.keyboard.press("Enter");
  }

  /** Opens a file of the workspace by its path, optionally at a line. */
  async openFile(path, line) {
    const { page } = this;
    const name = path.split("/").pop();
    const tab = `.tabs-container .tab.active[data-resource-name="${name}"]`;
    for (let attempt = 1; ; attempt++) {
      await page.keyboard.press("Control+p");
      await page.waitForSelector(".quick-input-widget input", { state: "visible" });
      await page.keyboard.type(path);
      // The list shows what was opened last until it has caught up with the typing; a slow machine is seen to be late.
      const row = `.quick-input-list .monaco-list-row.focused[aria-label*="${name}"]`;
      await page.waitForSelector(row, { timeout: 60_000 });
      await page.waitForTimeout(500 * attempt);
      await page.keyboard.press("Enter");
      try {
        await page.waitForSelector(tab, { timeout: 5000 });
        break;
      } catch (error) {
        if (attempt === 4) throw error;
        await page.keyboard.press("Escape");
      }
    }
    await page.waitForSelector(".editor-instance .view-line");
    if (line) await this.goto(line);
  }

  async goto(line, column = 1) {
    const { page } = this;
    await page.keyboard.press("Control+g");
    await page.waitForSelector(".quick-input-widget input", { state: "visible" });
    await page.keyboard.type(`${line}:${column}`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".quick-input-widget input", { state: "hidden" });
  }

  squiggle(kind = "warning", timeout = 30_000) {
    return this.page.waitForSelector(`.squiggly-${kind}`, { state: "attached", timeout });
  }

  noSquiggle(kind = "warning", timeout = 30_000) {
    return this.page.waitForSelector(`.squiggly-${kind}`, { state: "detached", timeout });
  }

  /** Rows of the Problems panel as they read, with related information folded out. */
  async problems() {
    const { page } = this;
    if (!(await page.$(".markers-panel .monaco-list-row"))) await page.keyboard.press("Control+Shift+m");
    await page.waitForSelector(".markers-panel .monaco-list-row");
    for (let i = 0; i < 40; i++) {
      const folded = await page.$(
        '.markers-panel .monaco-list-row[aria-expanded="false"] .monaco-tl-twistie',
      );
      if (!folded) break;
      await folded.click();
      await page.waitForTimeout(100);
    }
    return page.$$eval(".markers-panel .monaco-list-row", (nodes) =>
      nodes
        .sort((a, b) => Number(a.getAttribute("data-index")) - Number(b.getAttribute("data-index")))
        .map((node) => node.textContent),
    );
  }

  /** Number of warnings in the workspace, as the status bar has it. */
  async warnings() {
    const label = await this.page.getAttribute('[id="status.problems"] a', "aria-label");
    return Number(/Warnings: (\d+)/.exec(label ?? "")?.[1] ?? 0);
  }

  /** Waits until the status bar has this number of warnings. */
  async untilWarnings(wanted, timeout = 15_000) {
    const deadline = Date.now() + timeout;
    for (;;) {
      const now = await this.warnings();
      if (now === wanted) return;
      if (Date.now() > deadline) throw new Error(`${now} warnings in the status bar, not ${wanted}`);
      await this.page.waitForTimeout(100);
    }
  }

  /** Opens the quick fix menu at the cursor and answers its entries. */
  async quickFixes() {
    const { page } = this;
    await page.keyboard.press("Control+.");
    await page.waitForSelector(".action-widget .monaco-list-row.action", { timeout: 15_000 });
    await page.waitForTimeout(150);
    return page.$$eval(".action-widget .monaco-list-row.action", (nodes) =>
      nodes.map((node) => node.textContent.trim()),
    );
  }

  /** Chooses an entry of the open quick fix menu. By keys: a click is swallowed by the menu's backdrop. */
  async chooseFix(title) {
    const { page } = this;
    for (let i = 0; i < 20; i++) {
      const focused = await page
        .$eval(".action-widget .monaco-list-row.action.focused", (node) => node.textContent.trim())
        .catch(() => "");
      if (focused.startsWith(title)) {
        await page.keyboard.press("Enter");
        await page.waitForSelector(".action-widget", { state: "hidden" });
        return;
      }
      await page.keyboard.press("ArrowDown");
    }
    throw new Error(`no quick fix ${title}`);
  }

  /** Hovers at the cursor; answers the text. */
  async hover() {
    const { page } = this;
    await page.keyboard.press("Control+k");
    await page.keyboard.press("Control+i");
    await page.waitForSelector(".monaco-hover:not(.hidden) .hover-contents", { timeout: 10_000 });
    await page.waitForTimeout(500);
    return page.$$eval(".monaco-hover:not(.hidden) .hover-contents", (nodes) =>
      nodes.map((n) => n.textContent).join("\n"),
    );
  }

  /** Waits until the language status of the file reads so. */
  async languageStatus(pattern, timeout = 30_000) {
    const { page } = this;
    const deadline = Date.now() + timeout;
    let text = "";
    while (Date.now() < deadline) {
      await page.hover('[id="status.languageStatus"]');
      await page.waitForSelector(".hover-language-status", { timeout: 5000 }).catch(() => {});
      text =
        (await page.$$eval(".hover-language-status", (nodes) =>
          nodes.map((n) => n.textContent).join("\n"),
        )) ?? "";
      if (pattern.test(text)) return;
      await page.mouse.move(400, 300);
      await page.waitForTimeout(500);
    }
    throw new Error(`language status: ${JSON.stringify(text)}`);
  }

  async save() {
    await this.page.keyboard.press("Control+s");
    await this.page.waitForSelector(".tab.active.dirty", { state: "detached" });
  }
}
