/** From initialize to shutdown: capabilities, settings, index progress, health, and clients that misbehave. */
import { afterEach, describe, expect, it } from "vitest";
import { FULL_CLIENT, positionOf, TestClient, type TestClientOptions, uriOf } from "./harness.js";
import { SUPER_C, TREE } from "./samples.js";

let client: TestClient;
const start = async (options: TestClientOptions = {}): Promise<TestClient> => {
  client = await new TestClient({ files: { ...TREE }, ...options }).start();
  return client;
};
afterEach(() => client.stop());

describe("position encoding", () => {
  const source = SUPER_C.replace("__put_super(sb);", "/* é€😀 */ __put_super(sb); /* ü */");
  const line = source.split("\n").find((l) => l.includes("😀"))!;

  it("is UTF-8 where the client offers it", async () => {
    await start({
      files: { ...TREE, "fs/super.c": source },
      capabilities: { ...FULL_CLIENT, general: { positionEncodings: ["utf-32", "utf-8", "utf-16"] } },
    });
    expect(client.initializeResult.capabilities.positionEncoding).toBe("utf-8");
    await client.open("fs/super.c", source);
    const [diagnostic] = await client.newest("fs/super.c");
    const character = Buffer.byteLength(line.slice(0, line.indexOf("__put")));
    expect(diagnostic!.range.start.character).toBe(character);
    expect(diagnostic!.range.end.character).toBe(character + "__put_super".length);
  });

  it("is UTF-16 for everyone else, and edits behind non-ASCII text land where they should", async () => {
    await start({ capabilities: { ...FULL_CLIENT, general: {} } });
    expect(client.initializeResult.capabilities.positionEncoding).toBe("utf-16");
    await client.open("fs/super.c", source);
    const [diagnostic] = await client.newest("fs/super.c");
    const begin = positionOf(source, "__put_super(sb); /*");
    expect(diagnostic!.range.start).toEqual(begin);
    const end = { line: begin.line, character: begin.character + "__put_super".length };
    await client.change("fs/super.c", { range: { start: begin, end }, text: "nothing" });
    expect(await client.newest("fs/super.c")).toEqual([]);
  });
});

describe("the index", () => {
  /** Loading waits until it is let go. */
  function gate(): { step: NonNullable<TestClientOptions["step"]>; open: () => void } {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    return {
      open,
      step: async (what, signal) => {
        if (what !== "load") return;
        await Promise.race([opened, new Promise((resolve) => signal?.addEventListener("abort", resolve))]);
      },
    };
  }

  it("starts with the workspace, shows percentage and cancel, and diagnostics come when it is ready", async () => {
    const { step, open } = gate();
    await start({ step });
    await client.until("progress begins", () => client.progress.some((p) => p.value.kind === "begin"));
    expect(client.progress[0]!.value).toMatchObject({
      title: "lockctx: indexing /tree",
      percentage: 0,
      cancellable: true,
    });
    await client.open("fs/super.c", SUPER_C);
    await client.until("indexing", () => client.status?.health === "indexing");
    expect(client.published).toEqual([]);
    open();
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    await client.until("progress ends", () => client.progress.at(-1)?.value.kind === "end");
    expect(client.progress.some((p) => p.value.kind === "report" && p.value.percentage === 50)).toBe(true);
    expect(client.status).toMatchObject({ health: "ready", message: "2 files indexed (/tree)" });
  });

  it("takes edits that come while it is built", async () => {
    const { step, open } = gate();
    await start({ step });
    await client.open("fs/super.c", "");
    await client.change("fs/super.c", { text: SUPER_C });
    await client.until("indexing", () => client.status?.health === "indexing");
    open();
    expect(await client.newest("fs/super.c")).toHaveLength(1);
  });

  it("when cancelled leaves the open files analysed and says why the rest is not", async () => {
    const { step } = gate();
    await start({
      step: (what, signal) => (client.progress.length > 0 && cancelled ? undefined : step(what, signal)),
      files: TREE,
    });
    let cancelled = false;
    await client.until("progress begins", () => client.progress.length > 0);
    await client.open("mm/own.c", "void f(void)\n{\n\tspin_lock(&l);\n\tmsleep(1);\n\tspin_unlock(&l);\n}\n");
    cancelled = true;
    await client.connection.sendNotification("window/workDoneProgress/cancel", {
      token: client.progress[0]!.token,
    });
    expect(await client.newest("mm/own.c")).toHaveLength(1);
    expect(client.status).toMatchObject({ health: "degraded" });
    expect(client.status!.message).toContain("cancelled");
  });

  it("of a folder that is no kernel tree says so", async () => {
    await start({ findRoot: () => null });
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    expect(client.status).toMatchObject({ health: "degraded" });
    expect(client.status!.message).toContain("not in a kernel tree");
  });

  it("that cannot be opened is told once and the server lives on", async () => {
    await start({ openTree: () => Promise.reject(new Error("no parser")) });
    await client.open("fs/super.c", SUPER_C);
    await client.until("message", () => client.messages.length > 0);
    expect(client.messages[0]).toContain("/tree cannot be analysed: no parser");
    const hover = { textDocument: { uri: uriOf("fs/super.c") }, position: { line: 1, character: 1 } };
    expect(await client.connection.sendRequest("textDocument/hover", hover)).toBeNull();
    expect(client.messages).toHaveLength(1);
    expect(client.status).toMatchObject({ health: "degraded" });
  });
});

describe("settings", () => {
  const change = async (settings: unknown): Promise<void> => {
    client.settings = settings;
    await client.connection.sendNotification("workspace/didChangeConfiguration", { settings: null });
  };

  it("are pulled, watched, and applied to what is open", async () => {
    await start({ settings: { minConfidence: "high" } });
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toEqual([]);
    expect(client.registered).toContain("workspace/didChangeConfiguration");
    await client.until("hidden is counted", () => client.status?.hidden === 1);
    await change({ minConfidence: "medium" });
    await client.until("finding", () => client.of("fs/super.c").length === 1);
    expect(client.opened).toHaveLength(1); // no new index for this
    await change({ exclude: ["fs"] });
    await client.until("excluded", () => client.of("fs/super.c").length === 0);
    await change({ paths: ["fs/*.c"] });
    await client.until("included", () => client.of("fs/super.c").length === 1);
    await change({ paths: ["mm/**"] });
    await client.until("elsewhere", () => client.of("fs/super.c").length === 0);
  });

  it("that name another root or more callbacks open the tree anew", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    const contextRoots = [{ struct: "my_ops", field: "kick", context: "hardirq" }];
    await change({ contextRoots });
    await client.until("reopened", () => client.opened.length === 2);
    expect(client.opened[1]).toMatchObject({ root: "/tree", contextRoots });
    await change({ contextRoots, root: "/tree/fs" });
    await client.until("reopened", () => client.opened.length >= 3);
    expect(client.opened.at(-1)).toMatchObject({ root: "/tree/fs", scope: "kernel" });
  });

  it("that are wrong are named and the rest is kept", async () => {
    await start({ settings: { minConfidence: "certain", exclude: ["fs"], paths: null } });
    await client.open("fs/super.c", SUPER_C);
    await client.until("warning", () => client.messages.length > 0);
    expect(client.messages[0]).toMatch(/minConfidence: .*high/);
    expect(await client.newest("fs/super.c")).toEqual([]);
  });

  it("are taken as pushed from a client that cannot be asked", async () => {
    const { configuration: _, ...workspace } = FULL_CLIENT.workspace!;
    await start({ capabilities: { ...FULL_CLIENT, workspace } });
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    await client.connection.sendNotification("workspace/didChangeConfiguration", {
      settings: { lockctx: { minConfidence: "high" } },
    });
    await client.until("hidden", () => client.of("fs/super.c").length === 0);
  });
});

describe("a client that misbehaves", () => {
  const alive = async (): Promise<void> => {
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
  };
  const raw = (body: string): void => {
    client.toServer.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };

  it("gets an error for an unknown method and for parameters that make no sense", async () => {
    await start();
    await expect(client.connection.sendRequest("textDocument/nonsense", {})).rejects.toThrow(
      /Unhandled method/,
    );
    await expect(client.connection.sendRequest("textDocument/hover", { what: 1 })).rejects.toThrow();
    await expect(client.connection.sendRequest("textDocument/codeAction", null)).rejects.toThrow();
    await expect(
      client.connection.sendRequest("workspace/executeCommand", {
        command: "lockctx.copyChain",
        arguments: [3],
      }),
    ).rejects.toThrow(/Name an open document/);
    await alive();
  });

  it("may send notifications without sense", async () => {
    await start();
    for (const method of ["didOpen", "didChange", "didClose"]) {
      await client.connection.sendNotification(`textDocument/${method}`, { textDocument: {} });
      await client.connection.sendNotification(`textDocument/${method}`, { nothing: true });
    }
    await client.connection.sendNotification("workspace/didChangeWatchedFiles", { changes: 7 });
    await client.connection.sendNotification("textDocument/didChange", {
      textDocument: { uri: uriOf("never/opened.c"), version: 2 },
      contentChanges: [{ text: "x" }],
    });
    await alive();
  });

  it("may send bodies that are not JSON or not JSON-RPC", async () => {
    await start();
    raw("{ this is not json");
    raw('"a string"');
    raw('{"jsonrpc":"2.0"}');
    raw("[1,2,3]");
    raw("null");
    await alive();
  });

  it("may open documents that are not files", async () => {
    await start();
    for (const uri of ["untitled:Untitled-1", "git:/tree/fs/super.c?{}", "file://host%ZZ/x.c", "nonsense"]) {
      await client.connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri, languageId: "c", version: 1, text: SUPER_C },
      });
    }
    await alive();
  });
});
