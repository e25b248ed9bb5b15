/** A language server and an editor in one process: the real protocol over streams, with the client library's types. */
import { PassThrough } from "node:stream";
import { createConnection } from "vscode-languageserver/node";
import {
  type ClientCapabilities,
  createProtocolConnection,
  type Diagnostic,
  type InitializeResult,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver-protocol/node";
import type { OpenTreeOptions, ServerDeps, TreeBackend } from "../../src/lsp/deps.js";
import { runServer } from "../../src/lsp/server.js";
import type { StatusParams } from "../../src/lsp/status.js";
import { type FakeOptions, fakeBackend } from "./fakeEngine.js";

export const ROOT = "/tree";
export const uriOf = (file: string): string => `file://${ROOT}/${file}`;

export const FULL_CLIENT: ClientCapabilities = {
  general: { positionEncodings: ["utf-16"] },
  textDocument: {
    publishDiagnostics: {
      relatedInformation: true,
      codeDescriptionSupport: true,
      versionSupport: true,
      dataSupport: true,
    },
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ["quickfix"] } } },
    hover: { contentFormat: ["markdown", "plaintext"] },
  },
  workspace: {
    configuration: true,
    workspaceFolders: true,
    didChangeConfiguration: { dynamicRegistration: true },
    didChangeWatchedFiles: { dynamicRegistration: true },
    workspaceEdit: { documentChanges: true },
  },
  window: { workDoneProgress: true },
};

export interface Progress {
  token: string | number;
  value: { kind: string; percentage?: number; message?: string; title?: string; cancellable?: boolean };
}

export interface TestClientOptions {
  /** Files of the fake tree, changed by tests at will. */
  files?: Record<string, string>;
  capabilities?: ClientCapabilities;
  settings?: unknown;
  step?: FakeOptions["step"];
  findRoot?: ServerDeps["findRoot"];
  openTree?: ServerDeps["openTree"];
  workspaceFolders?: { uri: string; name: string }[] | null;
}

export class TestClient {
  readonly connection: ProtocolConnection;
  readonly toServer = new PassThrough();
  readonly fromServer = new PassThrough();
  readonly diagnostics = new Map<string, PublishDiagnosticsParams>();
  readonly published: PublishDiagnosticsParams[] = [];
  readonly statuses: StatusParams[] = [];
  readonly progress: Progress[] = [];
  readonly logs: string[] = [];
  readonly messages: string[] = [];
  readonly registered: string[] = [];
  readonly opened: OpenTreeOptions[] = [];
  readonly backends: ReturnType<typeof fakeBackend>[] = [];
  settings: unknown;
  initializeResult!: InitializeResult;
  private readonly versions = new Map<string, number>();
  private watchers: (() => void)[] = [];

  constructor(readonly options: TestClientOptions = {}) {
    this.settings = options.settings ?? null;
    const files = options.files ?? {};
    const deps: ServerDeps = {
      version: "0.0.0-test",
      findRoot: options.findRoot ?? ((path) => (path === ROOT || path.startsWith(`${ROOT}/`) ? ROOT : null)),
      openTree:
        options.openTree ??
        (async (opts): Promise<TreeBackend> => {
          this.opened.push(opts);
          const backend = fakeBackend(
            { list: () => Object.keys(files).sort(), read: (file) => files[file] ?? null },
            options.step,
          );
          this.backends.push(backend);
          return backend;
        }),
      rulePage: (rule) => `https://example.invalid/${rule}`,
    };
    runServer(
      createConnection(new StreamMessageReader(this.toServer), new StreamMessageWriter(this.fromServer)),
      deps,
    );
    this.connection = createProtocolConnection(
      new StreamMessageReader(this.fromServer),
      new StreamMessageWriter(this.toServer),
    );
    const { connection } = this;
    connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
      this.published.push(params);
      this.diagnostics.set(params.uri, params);
      this.changed();
    });
    connection.onNotification("lockctx/status", (params: StatusParams) => {
      this.statuses.push(params);
      this.changed();
    });
    connection.onNotification("$/progress", (params: Progress) => {
      this.progress.push(params);
      this.changed();
    });
    connection.onNotification(
      "window/logMessage",
      ({ message }: { message: string }) => void this.logs.push(message),
    );
    connection.onNotification("window/showMessage", ({ message }: { message: string }) => {
      this.messages.push(message);
      this.changed();
    });
    connection.onRequest("workspace/configuration", ({ items }: { items: unknown[] }) =>
      items.map(() => this.settings),
    );
    connection.onRequest("window/workDoneProgress/create", () => null);
    connection.onRequest("client/registerCapability", ({ registrations }) => {
      for (const { method } of registrations as { method: string }[]) this.registered.push(method);
      this.changed();
      return null;
    });
    connection.listen();
  }

  async start(): Promise<this> {
    const { capabilities = FULL_CLIENT, workspaceFolders = [{ uri: `file://${ROOT}`, name: "tree" }] } =
      this.options;
    this.initializeResult = await this.connection.sendRequest("initialize", {
      processId: null,
      rootUri: null,
      capabilities,
      workspaceFolders,
    });
    await this.connection.sendNotification("initialized", {});
    return this;
  }

  open(file: string, text: string): Promise<void> {
    this.versions.set(file, 1);
    return this.connection.sendNotification("textDocument/didOpen", {
      textDocument: { uri: uriOf(file), languageId: "c", version: 1, text },
    });
  }

  change(file: string, ...contentChanges: { range?: unknown; text: string }[]): Promise<void> {
    const version = (this.versions.get(file) ?? 0) + 1;
    this.versions.set(file, version);
    return this.connection.sendNotification("textDocument/didChange", {
      textDocument: { uri: uriOf(file), version },
      contentChanges,
    });
  }

  close(file: string): Promise<void> {
    return this.connection.sendNotification("textDocument/didClose", { textDocument: { uri: uriOf(file) } });
  }

  versionOf(file: string): number {
    return this.versions.get(file) ?? 0;
  }

  of(file: string): Diagnostic[] {
    return this.diagnostics.get(uriOf(file))?.diagnostics ?? [];
  }

  get status(): StatusParams | undefined {
    return this.statuses[this.statuses.length - 1];
  }

  private changed(): void {
    for (const watcher of this.watchers.splice(0)) watcher();
  }

  /** Waits until something that the server sent makes the condition true. */
  async until(what: string, condition: () => boolean, timeoutMs = 5000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`timed out waiting for ${what}; status ${JSON.stringify(this.status)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 50));
        this.watchers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Waits for the diagnostics of the newest version of a file. */
  async newest(file: string): Promise<Diagnostic[]> {
    const { versionSupport } = this.options.capabilities?.textDocument?.publishDiagnostics ?? {
      versionSupport: true,
    };
    if (!versionSupport) throw new Error("needs versionSupport");
    await this.until(`diagnostics of ${file} v${this.versionOf(file)}`, () => {
      return this.diagnostics.get(uriOf(file))?.version === this.versionOf(file);
    });
    return this.of(file);
  }

  async stop(): Promise<void> {
    // No exit: the server would end this process, which is the test's own.
    await this.connection.sendRequest("shutdown");
    this.connection.dispose();
  }
}

/** Lines and columns of a marker in a text, for building requests. */
export function positionOf(text: string, marker: string): { line: number; character: number } {
  const at = text.indexOf(marker);
  if (at === -1) throw new Error(`no ${marker}`);
  const before = text.slice(0, at);
  return { line: before.split("\n").length - 1, character: at - (before.lastIndexOf("\n") + 1) };
}
