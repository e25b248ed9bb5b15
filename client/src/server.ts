/** Starts and stops the language server, and hands its messages to the parts that show them. */
import * as path from "node:path";
import * as vscode from "vscode";
import {
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  type ServerOptions,
  State,
  TransportKind,
} from "vscode-languageclient/node";
import { executeCommand } from "./chain";
import type { Status, StatusItem } from "./status";

/** The whole tree is held in memory; this is the bound, not what is used. */
const NODE_OPTIONS = ["--max-old-space-size=4096"];

export class Server {
  private client: LanguageClient | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly output: vscode.LogOutputChannel,
    private readonly status: StatusItem,
  ) {}

  get running(): boolean {
    return this.client?.state === State.Running;
  }

  async start(): Promise<void> {
    if (this.client) return;
    const clientOptions: LanguageClientOptions = {
      documentSelector: [
        { scheme: "file", language: "c" },
        { scheme: "file", pattern: "**/*.h" },
      ],
      outputChannel: this.output,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      middleware: { executeCommand },
    };
    const client = new LanguageClient("lockctx", "lockctx", this.serverOptions(), clientOptions);
    this.client = client;
    client.onNotification("lockctx/status", (status: Status) => this.status.update(status));
    try {
      await client.start();
      await vscode.commands.executeCommand("setContext", "lockctx.running", true);
    } catch (error) {
      this.client = undefined;
      this.status.stopped(`did not start: ${error}`);
      this.output.error(`The server did not start: ${error}`);
      void vscode.window.showErrorMessage(`lockctx: the server did not start: ${error}`);
    }
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await vscode.commands.executeCommand("setContext", "lockctx.running", false);
    this.status.stopped();
    await client?.dispose();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The server that came with the extension, or the one the user names. */
  private serverOptions(): ServerOptions {
    const own = vscode.workspace.getConfiguration("lockctx").get<string>("server.path", "");
    const module = own === "" ? bundledServer(this.context) : own;
    if (own === "" || /\.[cm]?js$/.test(own)) {
      const args = ["lsp"];
      return { module, args, transport: TransportKind.stdio, options: { execArgv: NODE_OPTIONS } };
    }
    return { command: own, args: ["lsp", "--stdio"] };
  }
}

/** The command line tool in the extension: language server and linter in one. */
export function bundledServer(context: vscode.ExtensionContext): string {
  return path.join(context.extensionPath, "dist", "server", "lockctx.js");
}
