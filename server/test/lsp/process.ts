/** The built language server as a process of its own, with a client that keeps what it published. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  createProtocolConnection,
  type Diagnostic,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver-protocol/node";
import type { StatusParams } from "../../src/lsp/status.js";
import { FULL_CLIENT } from "./harness.js";

const BIN = fileURLToPath(new URL("../../bin/lockctx.js", import.meta.url));

export class ServerProcess {
  readonly child: ChildProcess;
  readonly connection: ProtocolConnection;
  readonly exited: Promise<number | null>;
  readonly published = new Map<string, PublishDiagnosticsParams>();
  status: StatusParams | undefined;
  settings: unknown = process.env.LOCKCTX_FUZZ_TRACE ? { trace: { server: "verbose" } } : null;
  /** What it logged last. */
  readonly logs: string[] = [];
  private readonly versions = new Map<string, number>();
  private wakers: (() => void)[] = [];

  constructor(
    readonly root: string,
    env: NodeJS.ProcessEnv = {},
  ) {
    this.child = spawn(process.execPath, [BIN, "lsp", "--stdio"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    this.exited = new Promise((resolve) => this.child.once("exit", resolve));
    this.connection = createProtocolConnection(
      new StreamMessageReader(this.child.stdout!),
      new StreamMessageWriter(this.child.stdin!),
    );
    this.connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
      this.published.set(params.uri, params);
      this.wake();
    });
    this.connection.onNotification("lockctx/status", (params: StatusParams) => {
      this.status = params;
      this.wake();
    });
    this.connection.onNotification("$/progress", () => {});
    this.connection.onNotification("window/logMessage", ({ message }: { message: string }) => {
      this.logs.push(message);
      if (this.logs.length > 200) this.logs.shift();
    });
    this.connection.onRequest("workspace/configuration", ({ items }: { items: unknown[] }) =>
      items.map(() => this.settings),
    );
    this.connection.onRequest("window/workDoneProgress/create", () => null);
    this.connection.onRequest("client/registerCapability", () => null);
    this.connection.listen();
  }

  private wake(): void {
    for (const waker of this.wakers.splice(0)) waker();
  }

  uriOf(file: string): string {
    return pathToFileURL(`${this.root}/${file}`).href;
  }

  async start(timeoutMs = 60_000): Promise<this> {
    const gone = this.exited.then((code) => Promise.reject(new Error(`the server ended with ${code}`)));
    gone.catch(() => {});
    const initialized = this.connection.sendRequest("initialize", {
      processId: process.pid,
      rootUri: null,
      capabilities: FULL_CLIENT,
      workspaceFolders: [{ uri: pathToFileURL(this.root).href, name: "tree" }],
    });
    await Promise.race([initialized, gone]);
    await this.connection.sendNotification("initialized", {});
    await this.until(
      "ready",
      () => this.status?.trees.length === 1 && this.status.health !== "indexing",
      timeoutMs,
    );
    return this;
  }

  async until(what: string, condition: () => boolean, timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      const { exitCode, signalCode } = this.child;
      if (exitCode !== null || signalCode !== null)
        throw new Error(`the server ended with ${exitCode ?? signalCode}`);
      if (Date.now() > deadline) {
        const said = this.logs.slice(-5).join("\n");
        throw new Error(`timed out waiting for ${what}; ${JSON.stringify(this.status)}\n${said}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.wakers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  open(file: string, text: string): void {
    const version = (this.versions.get(file) ?? 0) + 1;
    this.versions.set(file, version);
    void this.connection.sendNotification("textDocument/didOpen", {
      textDocument: { uri: this.uriOf(file), languageId: "c", version, text },
    });
  }

  change(file: string, contentChanges: { range?: unknown; text: string }[]): void {
    const version = this.versions.get(file)! + 1;
    this.versions.set(file, version);
    void this.connection.sendNotification("textDocument/didChange", {
      textDocument: { uri: this.uriOf(file), version },
      contentChanges,
    });
  }

  close(file: string): void {
    void this.connection.sendNotification("textDocument/didClose", {
      textDocument: { uri: this.uriOf(file) },
    });
  }

  /** Waits until what was published is of the newest version of each of these open files. */
  async settle(open: Iterable<string>, timeoutMs?: number): Promise<void> {
    const files = [...open];
    for (const file of files) {
      const uri = this.uriOf(file);
      const newest = (): boolean => this.published.get(uri)?.version === this.versions.get(file);
      await this.until(`${file} v${this.versions.get(file)}`, newest, timeoutMs);
    }
    // The first findings may be those of the near part: the whole tree says when it has answered about every open file.
    await this.until("ready", () => this.status?.health !== "indexing", timeoutMs);
    // Everything that was sent together has arrived when this is answered.
    await this.connection.sendRequest("workspace/executeCommand", { command: "?" }).catch(() => {});
  }

  diagnosticsOf(file: string): Diagnostic[] {
    return this.published.get(this.uriOf(file))?.diagnostics ?? [];
  }

  /** Resident memory in MB. */
  rss(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
  }

  /** Ends it as an editor does; gives its exit code. */
  async stop(): Promise<number | null> {
    await this.connection.sendRequest("shutdown");
    await this.connection.sendNotification("exit");
    const code = await this.exited;
    this.connection.dispose();
    return code;
  }
}
