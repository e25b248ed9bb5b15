/** What the server shows of an open file before it has the whole tree, and how it follows a checkout. */
import { afterEach, describe, expect, it } from "vitest";
import type { Finding } from "../../src/findings/types.js";
import type { EngineBackend, KeptFindings, TreeBackend } from "../../src/lsp/deps.js";
import { fakeBackend } from "./fakeEngine.js";
import { positionOf, TestClient, type TestClientOptions, uriOf } from "./harness.js";
import { SUPER_C, TREE } from "./samples.js";

let client: TestClient;
let opened: TreeBackend[] = [];
let disposed: string[] = [];
afterEach(() => client.stop());

/** Lets those who wait for it go on. */
function gate(): { wait: () => Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait: () => opened, open };
}

const OTHERS = Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`drivers/d${n}.c`, ""]));

interface World {
  /** Files of the near part; absent: no near part. */
  near?: string[];
  /** Held until opened. */
  whole?: () => Promise<void>;
  nearCheck?: () => Promise<void>;
  kept?: KeptFindings;
  files?: Record<string, string>;
  belongs?: (file: string) => boolean;
}

async function start(world: World, options: TestClientOptions = {}): Promise<void> {
  const files = world.files ?? { ...TREE, ...OTHERS };
  // Of this client alone: an earlier one may still be opening its tree.
  const mine: TreeBackend[] = [];
  const gone: string[] = [];
  opened = mine;
  disposed = gone;
  const source = { list: () => Object.keys(files).sort(), read: (file: string) => files[file] ?? null };
  const openTree = async (): Promise<TreeBackend> => {
    const name = `tree ${mine.length + 1}`;
    const backend: TreeBackend = fakeBackend(source, async (what) => {
      if (what === "load") await world.whole?.();
    });
    backend.kept = world.kept;
    backend.belongs = world.belongs;
    backend.dispose = async () => void gone.push(name);
    const { near } = world;
    if (near) {
      backend.nearFiles = () => near;
      backend.openNear = (): EngineBackend => ({
        ...fakeBackend(
          { list: () => near, read: (file) => (near.includes(file) ? source.read(file) : null) },
          async (what) => {
            if (what === "check") await world.nearCheck?.();
          },
        ),
        dispose: async () => void gone.push("near part"),
      });
    }
    mine.push(backend);
    return backend;
  };
  client = await new TestClient({ files, openTree, ...options }).start();
}

describe("the near part", () => {
  it("gives findings while the tree is read, follows edits, and gives way to the whole tree", async () => {
    const { wait, open } = gate();
    await start({ near: ["fs/super.c", "mm/list_lru.c"], whole: wait });
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    await client.until(
      "it is said",
      () => client.status?.message.includes("first findings from 2 files") === true,
    );
    expect(client.status!.health).toBe("indexing");

    await client.change("fs/super.c", { text: SUPER_C.replace("\t__put_super(sb);\n", "") });
    expect(await client.newest("fs/super.c")).toEqual([]);
    await client.change("fs/super.c", { text: `\n${SUPER_C}` });
    const [finding] = await client.newest("fs/super.c");
    expect(finding!.range.start).toEqual(positionOf(`\n${SUPER_C}`, "__put_super(sb)"));
    const hover = { textDocument: { uri: uriOf("fs/super.c") }, position: finding!.range.start };
    expect(JSON.stringify(await client.connection.sendRequest("textDocument/hover", hover))).toContain(
      "sb_lock",
    );

    expect(disposed).toEqual([]);
    open();
    await client.until("ready", () => client.status?.health === "ready");
    expect(client.of("fs/super.c")).toHaveLength(1);
    await client.until("its end", () => disposed.includes("near part"));
  });

  it("says less than the tree, never more, and the rest comes with the tree", async () => {
    const { wait, open } = gate();
    await start({ near: ["fs/super.c"], whole: wait });
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toEqual([]);
    open();
    await client.until("the finding", () => client.of("fs/super.c").length === 1);
  });

  it("takes files that are opened while the tree is read", async () => {
    const { wait, open } = gate();
    await start({ near: ["fs/super.c", "mm/list_lru.c"], whole: wait });
    await client.open("mm/list_lru.c", TREE["mm/list_lru.c"]);
    expect(await client.newest("mm/list_lru.c")).toEqual([]);
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    open();
  });

  it("offers no fix: a part of the tree proves nothing about the rest", async () => {
    const { wait, open } = gate();
    await start({ near: ["fs/super.c", "mm/list_lru.c"], whole: wait });
    await client.open("fs/super.c", SUPER_C);
    const [diagnostic] = await client.newest("fs/super.c");
    const actions = await client.connection.sendRequest("textDocument/codeAction", {
      textDocument: { uri: uriOf("fs/super.c") },
      range: diagnostic!.range,
      context: { diagnostics: [diagnostic] },
    });
    expect((actions as { kind?: string; edit?: unknown }[]).filter((a) => a.edit)).toEqual([]);
    open();
  });
});

/** Keeps findings as the real one does, for the very text. */
class Memory implements KeptFindings {
  readonly records = new Map<string, { text: string; findings: readonly Finding[] }>();
  onDisk = true;
  recall(file: string, text: string): Finding[] | null {
    const record = this.records.get(file);
    return record?.text === text ? [...record.findings] : null;
  }
  isOnDisk(): boolean {
    return this.onDisk;
  }
  keep(file: string, text: string, findings: readonly Finding[]): void {
    this.records.set(file, { text, findings });
  }
}

describe("findings of the last analysis", () => {
  async function kept(): Promise<Memory> {
    const memory = new Memory();
    await start({ kept: memory });
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    await client.stop();
    expect(memory.records.size).toBe(1);
    return memory;
  }

  it("are shown at once, said to be that, and replaced by the tree's", async () => {
    const memory = await kept();
    const { wait, open } = gate();
    // Meanwhile another file has changed so that nothing sleeps any more: only the whole tree knows.
    const files = { ...TREE, "mm/list_lru.c": "" };
    await start({ kept: memory, near: ["fs/super.c"], whole: wait, files: { ...OTHERS, ...files } });
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    await client.until("it is said", () => client.status?.message.includes("of the last analysis") === true);
    // The near part, which knows less, does not take them back.
    await client.until("near", () => client.status?.message.includes("first findings") === true);
    expect(client.of("fs/super.c")).toHaveLength(1);
    open();
    await client.until("the tree's", () => client.of("fs/super.c").length === 0);
    await client.until("ready", () => client.status?.health === "ready");
  });

  it("are not shown for another text", async () => {
    const memory = await kept();
    const { wait, open } = gate();
    await start({ kept: memory, whole: wait });
    await client.open("fs/super.c", `${SUPER_C}\n`);
    await client.until("the tree", () => client.status?.trees.length === 1);
    expect(client.published).toEqual([]);
    open();
    expect(await client.newest("fs/super.c")).toHaveLength(1);
  });

  it("are gone with the first edit", async () => {
    const memory = await kept();
    const { wait, open } = gate();
    await start({ kept: memory, near: ["fs/super.c"], whole: wait });
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    await client.change("fs/super.c", { text: SUPER_C.replace("\t__put_super(sb);\n", "") });
    expect(await client.newest("fs/super.c")).toEqual([]);
    open();
  });

  it("are not left by a session with unsaved texts", async () => {
    const memory = new Memory();
    memory.onDisk = false;
    await start({ kept: memory });
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    await client.stop();
    expect(memory.records.size).toBe(0);
    await start({});
  });
});

describe("changes on disk", () => {
  const report = (files: string[]): Promise<void> =>
    client.connection.sendNotification("workspace/didChangeWatchedFiles", {
      changes: files.map((file) => ({ uri: uriOf(file), type: 2 })),
    });

  it("of thousands of files, as by a checkout, have the tree read anew once it is over", {
    timeout: 30_000,
  }, async () => {
    const files: Record<string, string> = { ...TREE, ...OTHERS };
    await start({ files });
    await client.open("fs/super.c", SUPER_C);
    expect(await client.newest("fs/super.c")).toHaveLength(1);
    files["mm/list_lru.c"] = "";
    const many = Array.from({ length: 3000 }, (_, n) => `drivers/gen${n}.c`);
    // Editors send them in pieces.
    await report(many.slice(0, 1500));
    await report(many.slice(1500));
    await report(["mm/list_lru.c"]);
    await client.until("the tree anew", () => opened.length === 2, 15_000);
    await client.until("ready", () => client.status?.health === "ready", 15_000);
    expect(disposed).toEqual(["tree 1"]);
    await client.until("no finding", () => client.of("fs/super.c").length === 0);
  });

  it("of build output and ignored files are none of the tree's", async () => {
    await start({ belongs: (file) => !file.startsWith("include/generated/") });
    await client.open("fs/super.c", SUPER_C);
    await client.newest("fs/super.c");
    const { engine } = opened[0] as ReturnType<typeof fakeBackend>;
    const before = engine.updates;
    await report(["include/generated/autoconf.h"]);
    await report(["fs/new.c"]);
    await client.until("an update", () => engine.updates > before);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(engine.updates).toBe(before + 1);
  });
});
