/** The language server over stdio: `lockctx lsp --stdio`. */
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { createDeps } from "./backend.js";
import { runServer } from "./server.js";

/** Serves the client on standard input and output until it says exit or goes away. */
export function serveStdio(version: string): void {
  // Whatever else prints must not get between the messages.
  console.log = console.error;
  runServer(createConnection(ProposedFeatures.all, process.stdin, process.stdout), createDeps(version));
}
