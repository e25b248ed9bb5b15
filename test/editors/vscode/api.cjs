/** Tests inside the extension host of VS Code, with the extension as installed; prints `ok NAME` and `FAIL NAME: why`. */
const assert = require("node:assert/strict");
const vscode = require("vscode");

const TIMEOUT = 20_000;
let failed = 0;

async function check(name, run) {
  try {
    await run();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${String(error?.message ?? error).replace(/\n/g, " ")}`);
  }
}

async function until(what, condition) {
  const deadline = Date.now() + TIMEOUT;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function tests() {
  const root = vscode.workspace.workspaceFolders[0].uri;
  const uri = vscode.Uri.joinPath(root, "fs/super.c");
  const document = await vscode.workspace.openTextDocument(uri);
  const editor = await vscode.window.showTextDocument(document);
  const found = () => vscode.languages.getDiagnostics(uri).filter((d) => d.source === "lockctx");
  const callLine = () => {
    const lines = document.getText().split("\n");
    const from = lines.findIndex((line) => line.startsWith("void put_super("));
    return lines.findIndex((line, i) => i > from && line.includes("__put_super(sb)"));
  };
  const atCall = () => found().find((d) => d.range.start.line === callLine());
  const extension = vscode.extensions.getExtension("lockctx.lockctx-client");

  await check("the extension is activated by the kernel tree", async () => {
    await until("activation", () => extension.isActive);
    assert.equal(extension.exports.running, true);
  });

  await check("diagnostics come with severity, rule and all steps", async () => {
    const diagnostic = await until("the diagnostic", atCall);
    assert.equal(diagnostic.severity, vscode.DiagnosticSeverity.Warning);
    assert.equal(diagnostic.code?.value ?? diagnostic.code, "sleep-in-atomic");
    const steps = diagnostic.relatedInformation.filter(({ message }) => /^\d+\/\d+ /.test(message));
    assert.deepEqual(
      steps.map(({ message }) => message.split(" ")[0]),
      ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"],
    );
    assert.match(steps[5].location.uri.path, /mm\/list_lru\.c$/);
  });

  await check("the health is known to the status item", async () => {
    await until("ready", () => extension.exports.health === "ready");
  });

  await check(
    "moving the call behind the unlock clears the finding, undo brings it back, nothing is saved",
    async () => {
      const line = callLine();
      const range = new vscode.Range(line, 0, line + 2, 0);
      const [call, unlock] = document.getText(range).split("\n");
      await editor.edit((edit) => edit.replace(range, `${unlock}\n${call}\n`));
      await until("no diagnostic", () => !atCall());
      await vscode.commands.executeCommand("undo");
      await until("the diagnostic again", atCall);
      assert.equal(document.isDirty, false);
    },
  );

  await check("hover comes from the server", async () => {
    const at = atCall().range.start;
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", uri, at);
    const text = hovers
      .flatMap((hover) => hover.contents.map((content) => content.value ?? content))
      .join("\n");
    assert.match(text, /may sleep/);
    assert.match(text, /sb_lock/);
  });

  await check("quick fixes come from the server and hold an edit", async () => {
    const { range } = atCall();
    const actions = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", uri, range);
    const suppress = actions.find((action) => action.title.startsWith("Suppress sleep-in-atomic"));
    assert.ok(suppress, actions.map((action) => action.title).join(", "));
    assert.ok(actions.some((action) => action.title.startsWith("Copy the chain")));
    await vscode.workspace.applyEdit(suppress.edit);
    await until("it to be cleared", () => found().length === 2);
    await vscode.commands.executeCommand("undo");
    await until("it again", () => found().length === 3);
  });

  await check("the chain is answered by a command", async () => {
    const text = await vscode.commands.executeCommand("lockctx.copyChain", {
      uri: uri.toString(),
      line: callLine(),
    });
    assert.match(text, /put_super\(\)\n {2}__put_super\(\)/);
    assert.equal(await vscode.env.clipboard.readText(), text);
  });

  await check("settings are applied while it runs", async () => {
    const settings = vscode.workspace.getConfiguration("lockctx");
    await settings.update("minConfidence", "high", vscode.ConfigurationTarget.Global);
    await until("nothing certain", () => found().length === 0);
    await settings.update("minConfidence", undefined, vscode.ConfigurationTarget.Global);
    await until("the findings again", () => found().length === 3);
  });

  await check("a file changed by another program is read anew", async () => {
    const other = vscode.Uri.joinPath(root, "mm/list_lru.c");
    const path = () =>
      atCall()
        ?.relatedInformation.map(({ message }) => message)
        .join(" ") ?? "";
    await until("the semaphore", () => path().includes("down_read()"));
    const before = await vscode.workspace.fs.readFile(other);
    const changed = Buffer.from(before).toString("utf8").replace("down_read(", "down_write(");
    await vscode.workspace.fs.writeFile(other, Buffer.from(changed));
    await until(
      "the other side of it",
      () => path().includes("down_write()") && !path().includes("down_read()"),
    );
    await vscode.workspace.fs.writeFile(other, before);
    await until("the semaphore again", () => path().includes("down_read()"));
  });

  await check("the server restarts by command and finds the same", async () => {
    const restarted = vscode.commands.executeCommand("lockctx.restart");
    await until("it is gone", () => found().length === 0);
    await restarted;
    await until("the findings again", () => found().length === 3);
  });

  await check("tasks run the linter with its problem matchers", async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: "lockctx" });
    assert.deepEqual(tasks.map((task) => task.name).sort(), ["check current file", "check whole tree"]);
    assert.deepEqual(tasks[0].problemMatchers, ["$lockctx-high", "$lockctx-medium", "$lockctx-low"]);
  });
}

exports.run = async () => {
  await tests();
  console.log(`done ${failed}`);
  if (failed > 0) throw new Error(`${failed} failed`);
};
