/** `initialize` and `initialized`: what both sides can do, then settings, watchers and the first trees. */
import {
  CodeActionKind,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  type InitializeResult,
  TextDocumentSyncKind,
} from "vscode-languageserver";
import { parseConfig } from "../config.js";
import { DocumentStore } from "../documents.js";
import type { Session } from "../session.js";
import { loadConfiguration, watchConfiguration } from "./configuration.js";
import { COMMANDS } from "./executeCommand.js";

export function initialize(session: Session, params: InitializeParams): InitializeResult {
  session.capabilities = params.capabilities ?? {};
  // UTF-8 when offered, for then no column needs converting; UTF-16 is what every client must know.
  session.encoding = session.capabilities.general?.positionEncodings?.includes("utf-8") ? "utf-8" : "utf-16";
  session.documents = new DocumentStore(session.encoding);
  session.folders = params.workspaceFolders ?? [];
  if (session.folders.length === 0 && params.rootUri)
    session.folders = [{ uri: params.rootUri, name: "root" }];
  // Some editors give the whole settings here, some only ours.
  const options = params.initializationOptions as { lockctx?: unknown } | null | undefined;
  session.config = parseConfig(options?.lockctx ?? options).config;
  return {
    serverInfo: { name: "lockctx", version: session.deps.version },
    capabilities: {
      positionEncoding: session.encoding,
      textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
      hoverProvider: true,
      referencesProvider: true,
      codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
      executeCommandProvider: { commands: [...COMMANDS] },
      workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
    },
  };
}

export async function initialized(session: Session): Promise<void> {
  watchConfiguration(session);
  try {
    await loadConfiguration(session);
  } finally {
    session.markConfigured();
  }
  if (session.capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration) {
    session.connection.client
      .register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: "**/*.{c,h}" }] })
      .catch((error) => session.trace(`files are not watched: ${error}`));
  }
  if (session.capabilities.workspace?.workspaceFolders) {
    session.connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      const gone = new Set(removed.map((folder) => folder.uri));
      session.folders = [...session.folders.filter((folder) => !gone.has(folder.uri)), ...added];
      session.openWorkspaceTrees();
      session.closeUnusedTrees();
    });
  }
  session.openWorkspaceTrees();
  session.sendStatus();
}
