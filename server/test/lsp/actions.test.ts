/** Hover, quick fixes and commands on a finding. */
import { afterEach, describe, expect, it } from "vitest";
import {
  CancellationToken,
  CancellationTokenSource,
  type CodeAction,
  type Command,
  type Hover,
  type MarkupContent,
  type TextDocumentEdit,
} from "vscode-languageserver";
import { FULL_CLIENT, positionOf, TestClient, type TestClientOptions, uriOf } from "./harness.js";
import { ALLOC_C, SUPER_C, TREE } from "./samples.js";

let client: TestClient;
const start = async (options: TestClientOptions = {}): Promise<TestClient> => {
  client = await new TestClient({ files: { ...TREE, "lib/alloc.c": ALLOC_C }, ...options }).start();
  return client;
};
afterEach(() => client.stop());

const actionsAt = (
  file: string,
  text: string,
  marker: string,
  only?: string[],
): Promise<(CodeAction | Command)[] | null> => {
  const position = positionOf(text, marker);
  return client.connection.sendRequest("textDocument/codeAction", {
    textDocument: { uri: uriOf(file) },
    range: { start: position, end: position },
    context: { diagnostics: client.of(file), only },
  });
};

describe("hover", () => {
  const hoverAt = async (file: string, text: string, marker: string): Promise<string | null> => {
    const hover: Hover | null = await client.connection.sendRequest("textDocument/hover", {
      textDocument: { uri: uriOf(file) },
      position: positionOf(text, marker),
    });
    return hover && (hover.contents as MarkupContent).value;
  };

  it("on a call says the context, where it was entered, and how the callee may sleep", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    expect(await hoverAt("fs/super.c", SUPER_C, "__put_super(sb)")).toBe(
      [
        "`__put_super()` **may sleep**:",
        "- `put_super` → `__put_super` → `list_lru_destroy` → `list_lru_unregister` → `mutex_lock` at " +
          "[mm/list_lru.c:5](file:///tree/mm/list_lru.c#L5): takes a mutex",
        "",
        "**Atomic** here in `put_super()`:",
        "- `spin_lock`, `sb_lock` held (spinlock), since [fs/super.c:13](file:///tree/fs/super.c#L13)",
      ].join("\n"),
    );
  });

  it("on a call that does not sleep, outside of any lock, says both", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    expect(await hoverAt("fs/super.c", SUPER_C, "kfree(s)")).toBe(
      "`kfree()` does not sleep.\n\nNot atomic here, as far as `__put_super()` shows.",
    );
  });

  it("is plain text for a client that knows no markdown, and silent on blanks and punctuation", async () => {
    const hover = { contentFormat: ["plaintext" as const] };
    await start({ capabilities: { ...FULL_CLIENT, textDocument: { ...FULL_CLIENT.textDocument, hover } } });
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    const text = await hoverAt("fs/super.c", SUPER_C, "__put_super(sb)");
    expect(text).toContain("__put_super() may sleep:");
    expect(text).not.toMatch(/[`*[\]]/);
    expect(await hoverAt("fs/super.c", SUPER_C, "\n{")).toBeNull();
  });
});

describe("quick fixes", () => {
  it("offer GFP_ATOMIC where the result is checked, proved by a new analysis", async () => {
    await start();
    await client.open("lib/alloc.c", ALLOC_C);
    await client.newest("lib/alloc.c");
    const backend = client.backends[0]!;
    const before = backend.engine.checks;
    const actions = (await actionsAt("lib/alloc.c", ALLOC_C, "kmalloc")) as CodeAction[];
    expect(actions.map((action) => action.title)).toEqual([
      "Use GFP_ATOMIC instead of GFP_KERNEL (may fail under pressure)",
      "Suppress gfp-in-atomic here with a reason",
      "Copy the chain as commit message text",
      "Show the chain",
    ]);
    const [gfp] = actions;
    expect(gfp!.isPreferred).toBeUndefined();
    expect(gfp!.diagnostics).toEqual(client.of("lib/alloc.c"));
    const at = positionOf(ALLOC_C, "GFP_KERNEL");
    expect(gfp!.edit!.documentChanges).toEqual([
      {
        textDocument: { uri: uriOf("lib/alloc.c"), version: 1 },
        edits: [
          { range: { start: at, end: { ...at, character: at.character + 10 } }, newText: "GFP_ATOMIC" },
        ],
      },
    ]);
    expect(backend.engine.checks).toBeGreaterThan(before);
    // The proof left the text as it was.
    expect(backend.read("lib/alloc.c")).toBe(ALLOC_C);
    await client.change("lib/alloc.c", { text: ALLOC_C.replace("GFP_KERNEL", "GFP_ATOMIC") });
    expect(await client.newest("lib/alloc.c")).toEqual([]);
  });

  it("do not offer GFP_ATOMIC where the result is not checked, nor where other sleepers remain", async () => {
    await start();
    const unchecked = ALLOC_C.replace("if (!e)", "if (!t)");
    await client.open("lib/alloc.c", unchecked);
    await client.newest("lib/alloc.c");
    const titles = (await actionsAt("lib/alloc.c", unchecked, "kmalloc"))!.map((action) => action.title);
    expect(titles).toContain("Suppress gfp-in-atomic here with a reason");
    expect(titles.filter((title) => title.includes("GFP_ATOMIC"))).toEqual([]);
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    const others = (await actionsAt("fs/super.c", SUPER_C, "__put_super(sb)"))!.map((action) => action.title);
    expect(others).toContain("Suppress sleep-in-atomic here with a reason");
    expect(others.filter((title) => title.includes("GFP_ATOMIC"))).toEqual([]);
  });

  it("suppress with a comment on the line above that has its indentation, and the finding goes", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    const actions = (await actionsAt("fs/super.c", SUPER_C, "__put_super(sb)")) as CodeAction[];
    const suppress = actions.find((action) => action.title.startsWith("Suppress"))!;
    const change = suppress.edit!.documentChanges![0] as TextDocumentEdit;
    const { newText, range } = change.edits[0] as { newText: string; range: object };
    expect(newText).toBe("\t/* lockctx-ignore sleep-in-atomic: explain why this cannot sleep here */\n");
    await client.change("fs/super.c", { range, text: newText });
    expect(await client.newest("fs/super.c")).toEqual([]);
  });

  it("show sketches as disabled actions with what is missing, to clients that know these", async () => {
    const codeAction = { ...FULL_CLIENT.textDocument!.codeAction, disabledSupport: true };
    const wait =
      "static void f(struct dev *d)\n{\n\tspin_lock(&d->lock);\n\tmsleep(500);\n\tspin_unlock(&d->lock);\n}\n";
    await start({
      capabilities: { ...FULL_CLIENT, textDocument: { ...FULL_CLIENT.textDocument, codeAction } },
    });
    await client.open("lib/wait.c", wait);
    await client.newest("lib/wait.c");
    const actions = (await actionsAt("lib/wait.c", wait, "msleep")) as CodeAction[];
    const [sketch] = actions.filter((action) => action.disabled);
    expect(sketch).toMatchObject({ title: "Restructure the wait: it is too long to busy-wait" });
    expect(sketch!.disabled!.reason).toContain("500 ms");
    expect(sketch!.edit).toBeUndefined();
  });

  it("let an editor that knows snippets put the cursor on the reason", async () => {
    const workspaceEdit = { documentChanges: true, snippetEditSupport: true };
    await start({ capabilities: { ...FULL_CLIENT, workspace: { ...FULL_CLIENT.workspace, workspaceEdit } } });
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    const actions = (await actionsAt("fs/super.c", SUPER_C, "__put_super(sb)")) as CodeAction[];
    const suppress = actions.find((action) => action.title.startsWith("Suppress"))!;
    const change = suppress.edit!.documentChanges![0] as TextDocumentEdit;
    expect(change.edits[0]).toMatchObject({
      snippet: {
        kind: "snippet",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the snippet's own syntax
        value: "\t/* lockctx-ignore sleep-in-atomic: ${1:explain why this cannot sleep here} */\n",
      },
    });
  });

  it("are not offered away from a finding, nor when other kinds were asked for", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    expect(await actionsAt("fs/super.c", SUPER_C, "kfree(s)")).toEqual([]);
    expect(await actionsAt("fs/super.c", SUPER_C, "__put_super(sb)", ["refactor"])).toBeNull();
    expect(await actionsAt("fs/super.c", SUPER_C, "__put_super(sb)", ["quickfix"])).not.toEqual([]);
  });
});

describe("a question that takes long", () => {
  /** While `hold` is set, what the engine is asked takes for ever, or until it is told to stop. */
  async function startSlow(): Promise<{ hold: boolean; begun: number; stopped: number }> {
    const state = { hold: false, begun: 0, stopped: 0 };
    await start({
      step: async (_, signal) => {
        if (!state.hold) return;
        state.begun++;
        await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
        state.stopped++;
      },
    });
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    state.hold = true;
    return state;
  }
  const begins = (state: { begun: number }): Promise<void> =>
    client.until("the question to reach the engine", () => state.begun > 0);
  const moveBehindUnlock = (): Promise<void> => {
    const { line } = positionOf(SUPER_C, "__put_super(sb)");
    const lines = SUPER_C.split("\n");
    // As VS Code moves a line down: what is below goes away and comes back above, in one change of two parts.
    return client.change(
      "fs/super.c",
      {
        range: {
          start: { line, character: lines[line]!.length },
          end: { line: line + 1, character: lines[line + 1]!.length },
        },
        text: "",
      },
      {
        range: { start: { line, character: 0 }, end: { line, character: 0 } },
        text: `${lines[line + 1]}\n`,
      },
    );
  };

  it("about quick fixes: typing does not wait for their proof", async () => {
    const state = await startSlow();
    const asked = actionsAt("fs/super.c", SUPER_C, "__put_super(sb)");
    await begins(state);
    state.hold = false;
    await moveBehindUnlock();
    expect(await client.newest("fs/super.c")).toEqual([]);
    expect(state.stopped).toBe(1);
    expect(await asked).toBeNull();
    expect(client.backends[0]!.overlays.get("fs/super.c")).not.toBe(SUPER_C);
  });

  it("about quick fixes: one that the client does not want any more is not gone on with", async () => {
    const state = await startSlow();
    const position = positionOf(SUPER_C, "__put_super(sb)");
    const cancel = new CancellationTokenSource();
    const params = {
      textDocument: { uri: uriOf("fs/super.c") },
      range: { start: position, end: position },
      context: { diagnostics: [] },
    };
    const asked = client.connection.sendRequest("textDocument/codeAction", params, cancel.token);
    await begins(state);
    state.hold = false;
    cancel.cancel();
    expect(await asked).toBeNull();
    expect(state.stopped).toBe(1);
    // Asked again it is answered in full.
    const titles = (await actionsAt("fs/super.c", SUPER_C, "__put_super(sb)"))!.map((a) => a.title);
    expect(titles).toContain("Suppress sleep-in-atomic here with a reason");
  });

  it("about quick fixes: as long as somebody waits for them they are worked on", async () => {
    const state = await startSlow();
    const position = positionOf(SUPER_C, "__put_super(sb)");
    const ask = (token?: CancellationToken): Promise<CodeAction[] | null> =>
      client.connection.sendRequest(
        "textDocument/codeAction",
        {
          textDocument: { uri: uriOf("fs/super.c") },
          range: { start: position, end: position },
          context: { diagnostics: [] },
        },
        token ?? CancellationToken.None,
      );
    const cancel = new CancellationTokenSource();
    const first = ask(cancel.token);
    await begins(state);
    const second = ask();
    // What is behind it in the queue of messages has been seen once this is answered.
    await client.connection.sendRequest("textDocument/codeAction", {
      textDocument: { uri: uriOf("fs/super.c") },
      range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
      context: { diagnostics: [] },
    });
    cancel.cancel();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(state.stopped).toBe(0);
    state.hold = false;
    await moveBehindUnlock();
    expect(await first).toBeNull();
    expect(await second).toBeNull();
    expect(state.stopped).toBe(1);
  });

  it("about a place: it is asked again after a change of another file, and not after one of its own", async () => {
    const state = await startSlow();
    const hover = (): Promise<Hover | null> =>
      client.connection.sendRequest("textDocument/hover", {
        textDocument: { uri: uriOf("fs/super.c") },
        position: positionOf(SUPER_C, "__put_super(sb)"),
      });
    const asked = hover();
    await begins(state);
    state.hold = false;
    await client.open("lib/alloc.c", ALLOC_C);
    await client.newest("lib/alloc.c");
    expect((await asked)?.contents).toMatchObject({ value: expect.stringContaining("may sleep") });
    expect(state.stopped).toBe(1);
    state.hold = true;
    state.begun = 0;
    const old = hover();
    await begins(state);
    state.hold = false;
    await moveBehindUnlock();
    expect(await client.newest("fs/super.c")).toEqual([]);
    expect(await old).toBeNull();
    expect(state.stopped).toBe(2);
  });
});

describe("commands", () => {
  it("give the chain as commit message text", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    const actions = (await actionsAt("fs/super.c", SUPER_C, "__put_super(sb)")) as CodeAction[];
    const { command, arguments: args } = actions.find((a) => a.title.startsWith("Copy the chain"))!.command!;
    expect(
      await client.connection.sendRequest("workspace/executeCommand", { command, arguments: args }),
    ).toBe(
      `__put_super() may sleep while sb_lock is held

(atomic context: spin_lock, sb_lock, fs/super.c:13)
put_super()
  __put_super()
    list_lru_destroy()
      list_lru_unregister()
        mutex_lock() //sleep, mm/list_lru.c:5
`,
    );
  });

  it("give the steps with their places, by line for editors that keep no data", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    const { line } = positionOf(SUPER_C, "__put_super(sb)");
    const shown = await client.connection.sendRequest<{ paths: { steps: { file: string }[] }[] }>(
      "workspace/executeCommand",
      { command: "lockctx.showChain", arguments: [{ uri: uriOf("fs/super.c"), line }] },
    );
    expect(shown.paths[0]!.steps.map((step) => step.file)).toEqual([
      "fs/super.c",
      "fs/super.c",
      "fs/super.c",
      "mm/list_lru.c",
      "mm/list_lru.c",
    ]);
  });

  it("index anew", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    await client.connection.sendRequest("workspace/executeCommand", {
      command: "lockctx.reindex",
      arguments: [],
    });
    expect(client.opened).toHaveLength(2);
  });
});
