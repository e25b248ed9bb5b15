/**
 * The VS Code extension: starts the language server in kernel trees, or wherever it is asked to, and gives its answers
 * a place in the editor. It knows nothing about locks.
 */
import * as vscode from "vscode";
import { registerCommands } from "./commands";
import { workspaceIsKernelTree } from "./kernelTree";
import { Server } from "./server";
import { StatusItem } from "./status";
import { registerTasks } from "./tasks";

let server: Server | undefined;

/** What other extensions and tests may use. */
export interface LockctxApi {
  /** Whether the server was started in this window. */
  readonly running: boolean;
  /** The server's last word about its health. */
  readonly health: string | undefined;
}

export async function activate(context: vscode.ExtensionContext): Promise<LockctxApi> {
  const output = vscode.window.createOutputChannel("lockctx", { log: true });
  const status = new StatusItem();
  server = new Server(context, output, status);
  context.subscriptions.push(output, status);
  registerCommands(context, server, output);
  registerTasks(context);
  const wanted = vscode.workspace.getConfiguration("lockctx").get<string>("root", "") !== "";
  if (wanted || (await workspaceIsKernelTree())) {
    await server.start();
  } else {
    output.info("Not a kernel tree (no Kconfig and MAINTAINERS here or above): the server was not started.");
  }
  const running = server;
  return {
    get running() {
      return running.running;
    },
    get health() {
      return status.health;
    },
  };
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
