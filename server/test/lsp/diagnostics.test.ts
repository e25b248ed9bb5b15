/** Diagnostics as an editor sees them: what they say, when they come, and that the newest text wins. */
import { afterEach, describe, expect, it } from "vitest";
import { FULL_CLIENT, positionOf, TestClient, type TestClientOptions, uriOf } from "./harness.js";
import { LRU_C, SUPER_C, TREE } from "./samples.js";

let client: TestClient;
const start = async (options: TestClientOptions = {}): Promise<TestClient> => {
  client = await new TestClient({ files: { ...TREE }, ...options }).start();
  return client;
};
afterEach(() => client.stop());

describe("the diagnostic of a finding", () => {
  it("stands at the call in the atomic function, with rule, severity by confidence and the rule's page", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    const [diagnostic, ...others] = await client.newest("fs/super.c");
    expect(others).toEqual([]);
    const at = positionOf(SUPER_C, "__put_super(sb)");
    expect(diagnostic).toMatchObject({
      range: { start: at, end: { line: at.line, character: at.character + "__put_super".length } },
      severity: 2,
      code: "sleep-in-atomic",
      codeDescription: { href: "https://example.invalid/sleep-in-atomic" },
      source: "lockctx",
    });
    expect(diagnostic!.message).toBe(
      "__put_super() may sleep while sb_lock is held\nmedium confidence: a callee returns early depending on an object's state",
    );
  });

  it("has all steps of the chain as related information, numbered and in order", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    const [diagnostic] = await client.newest("fs/super.c");
    const steps = diagnostic!.relatedInformation!.map(({ location, message }) => {
      return `${location.uri.replace("file:///tree/", "")}:${location.range.start.line + 1} ${message}`;
    });
    expect(steps).toEqual([
      "fs/super.c:13 1/5 sb_lock taken here",
      "fs/super.c:14 2/5 put_super() calls __put_super()",
      "fs/super.c:6 3/5 __put_super() calls list_lru_destroy()",
      "mm/list_lru.c:12 4/5 list_lru_destroy() calls list_lru_unregister()",
      "mm/list_lru.c:5 5/5 list_lru_unregister() calls mutex_lock(): takes a mutex",
    ]);
  });

  it("carries the steps in its message for a client without related information", async () => {
    const { publishDiagnostics: _, ...textDocument } = FULL_CLIENT.textDocument!;
    await start({ capabilities: { ...FULL_CLIENT, textDocument } });
    await client.open("fs/super.c", SUPER_C);
    await client.until("diagnostics", () => client.of("fs/super.c").length === 1);
    const [diagnostic] = client.of("fs/super.c");
    expect(diagnostic!.relatedInformation).toBeUndefined();
    expect(diagnostic!.message).toContain("\n5/5 mm/list_lru.c:5 list_lru_unregister() calls mutex_lock()");
  });
});

describe("unsaved text", () => {
  it("clears the finding when the call moves behind the unlock, and undo brings it back, without a save", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    const call = positionOf(SUPER_C, "\t__put_super(sb);\n");
    const range = { start: call, end: { line: call.line + 1, character: 0 } };
    const behind = { line: call.line + 1, character: 0 };
    await client.change(
      "fs/super.c",
      { range, text: "" },
      { range: { start: behind, end: behind }, text: "\t__put_super(sb);\n" },
    );
    expect(await client.newest("fs/super.c")).toEqual([]);
    await client.change("fs/super.c", { text: SUPER_C });
    expect(await client.newest("fs/super.c")).toHaveLength(1);
  });

  it("of one open file decides about another open one", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    await client.open("mm/list_lru.c", LRU_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    const at = positionOf(LRU_C, "mutex_lock");
    const range = { start: at, end: { line: at.line, character: at.character + "mutex_lock".length } };
    await client.change("mm/list_lru.c", { range, text: "harmless" });
    await client.until("no finding", () => client.of("fs/super.c").length === 0);
    await client.close("mm/list_lru.c"); // the disk still has the mutex
    await client.until("the finding again", () => client.of("fs/super.c").length === 1);
  });

  it("gives way to the disk when the document is closed, and its diagnostics go", async () => {
    await start();
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    await client.close("fs/super.c");
    await client.until("cleared", () => client.of("fs/super.c").length === 0);
    await client.until("the disk's text", () => client.backends[0]!.overlays.size === 0);
  });

  it("of a file that the disk does not have is analysed too", async () => {
    await start();
    await client.open("fs/new.c", SUPER_C);
    expect(await client.newest("fs/new.c")).toHaveLength(1);
  });
});

describe("typing", () => {
  it("never waits: a slow analysis is aborted by the next edit and only the newest text is published", async () => {
    let aborted = 0;
    let slow = false;
    const step = async (what: string, signal?: AbortSignal): Promise<void> => {
      if (what !== "check" || !slow) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 60_000);
        signal?.addEventListener("abort", () => {
          aborted++;
          clearTimeout(timer);
          resolve();
        });
      });
    };
    await start({ step });
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    slow = true;
    const at = { line: 0, character: 0 };
    await client.change("fs/super.c", { range: { start: at, end: at }, text: "\n" });
    await new Promise((resolve) => setTimeout(resolve, 100)); // the slow analysis runs now
    slow = false;
    await client.change("fs/super.c", { range: { start: at, end: at }, text: "\n" });
    const [diagnostic] = await client.newest("fs/super.c");
    expect(aborted).toBe(1);
    expect(diagnostic!.range.start.line).toBe(positionOf(SUPER_C, "__put_super(sb)").line + 2);
    expect(client.published.map((p) => p.version)).toEqual([1, 3]);
  });

  it("goes on after an analysis that failed, and the failure is said", async () => {
    let broken = false;
    await start({
      step: (what) => {
        if (what === "check" && broken) throw new Error("solver fell over");
      },
    });
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    broken = true;
    await client.change("fs/super.c", { text: `\n${SUPER_C}` });
    await client.until("degraded", () => client.status?.health === "degraded");
    expect(client.status!.message).toContain("solver fell over");
    broken = false;
    await client.change("fs/super.c", { text: `\n\n${SUPER_C}` });
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    await client.until("ready again", () => client.status?.health === "ready");
  });
});

describe("files that change on disk", () => {
  it("are read anew when the client reports them", async () => {
    const files: Record<string, string> = { ...TREE };
    await start({ files });
    await client.until("watcher", () => client.registered.includes("workspace/didChangeWatchedFiles"));
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    files["mm/list_lru.c"] = LRU_C.replaceAll("mutex_lock", "harmless");
    await client.connection.sendNotification("workspace/didChangeWatchedFiles", {
      changes: [{ uri: uriOf("mm/list_lru.c"), type: 2 }],
    });
    await client.until("no finding", () => client.of("fs/super.c").length === 0);
  });
});
