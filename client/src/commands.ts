/** Commands of the extension itself; those that need the server come from it (`chain.ts`). */
import * as vscode from "vscode";
import type { Server } from "./server";

export function registerCommands(
  context: vscode.ExtensionContext,
  server: Server,
  output: vscode.LogOutputChannel,
): void {
  const register = (name: string, run: () => unknown): void => {
    context.subscriptions.push(vscode.commands.registerCommand(name, run));
  };
  register("lockctx.start", () => server.start());
  register("lockctx.restart", () => server.restart());
  register("lockctx.stop", () => server.stop());
  register("lockctx.showOutput", () => output.show());
}
