/**
 * The language server: connects the protocol's messages to their handlers. A handler that fails answers with an error
 * and leaves the server as it was.
 */
import { type CancellationToken, type Connection, LSPErrorCodes, ResponseError } from "vscode-languageserver";
import type { ServerDeps } from "./deps.js";
import { isAbort } from "./exclusive.js";
import { codeAction } from "./handlers/codeAction.js";
import { loadConfiguration } from "./handlers/configuration.js";
import { executeCommand } from "./handlers/executeCommand.js";
import { hover } from "./handlers/hover.js";
import { initialize, initialized } from "./handlers/initialize.js";
import { references } from "./handlers/lockUsers.js";
import { didChange, didClose, didOpen } from "./handlers/textSync.js";
import { didChangeWatchedFiles } from "./handlers/watchedFiles.js";
import { Session } from "./session.js";

/** Serves one client on the connection until it says exit. */
export function runServer(connection: Connection, deps: ServerDeps): void {
  const session = new Session(connection, deps);

  /** A notification has no answer: what goes wrong is logged. */
  const notified =
    <P>(name: string, handler: (session: Session, params: P) => void | Promise<void>) =>
    async (params: P): Promise<void> => {
      try {
        await handler(session, params);
      } catch (error) {
        connection.console.error(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
      }
    };
  const asked =
    <P, R>(handler: (session: Session, params: P, token: CancellationToken) => Promise<R>) =>
    async (params: P, token: CancellationToken): Promise<R> => {
      try {
        return await handler(session, params, token);
      } catch (error) {
        if (!isAbort(error)) throw error;
        if (token.isCancellationRequested)
          throw new ResponseError(LSPErrorCodes.RequestCancelled, "The request was cancelled");
        throw new ResponseError(LSPErrorCodes.ContentModified, "The tree changed before there was an answer");
      }
    };

  connection.onInitialize((params) => initialize(session, params));
  connection.onInitialized(notified("initialized", initialized));
  connection.onDidChangeConfiguration(
    notified("didChangeConfiguration", (s, params) => loadConfiguration(s, { pushed: params?.settings })),
  );
  connection.onDidOpenTextDocument(notified("didOpen", didOpen));
  connection.onDidChangeTextDocument(notified("didChange", didChange));
  connection.onDidCloseTextDocument(notified("didClose", didClose));
  connection.onDidChangeWatchedFiles(notified("didChangeWatchedFiles", didChangeWatchedFiles));
  connection.onHover(asked(hover));
  connection.onReferences(asked(references));
  connection.onCodeAction(asked(codeAction));
  connection.onExecuteCommand(asked(executeCommand));
  connection.onShutdown(async () => {
    session.shuttingDown = true;
    await session.dispose();
  });
  connection.listen();
}
