/** Open, change and close of documents: the text goes to its tree, which analyses it when it has a moment. */
import type {
  DidChangeTextDocumentParams,
  DidCloseTextDocumentParams,
  DidOpenTextDocumentParams,
} from "vscode-languageserver";
import { pathOf } from "../fromProto.js";
import type { Session } from "../session.js";

export async function didOpen(session: Session, { textDocument }: DidOpenTextDocumentParams): Promise<void> {
  const path = pathOf(textDocument.uri);
  if (path === null || typeof textDocument.text !== "string") return;
  const document = session.documents.open(textDocument.uri, path, textDocument.version, textDocument.text);
  const located = session.locateNow(path) ?? (await session.locate(path));
  // A tree that was opened for this document has its text already.
  if (located && session.documents.get(document.uri) === document) {
    located.tree.setText(located.file, document.positions);
  }
}

export async function didChange(session: Session, params: DidChangeTextDocumentParams): Promise<void> {
  const { uri, version } = params.textDocument;
  const document = session.documents.change(uri, version, params.contentChanges);
  if (!document) return;
  const located = session.locateNow(document.path) ?? (await session.locate(document.path));
  if (located && session.documents.get(uri) === document)
    located.tree.setText(located.file, document.positions);
}

export async function didClose(
  session: Session,
  { textDocument }: DidCloseTextDocumentParams,
): Promise<void> {
  const document = session.documents.close(textDocument.uri);
  if (!document) return;
  session.clearDiagnostics(document.uri);
  const located = session.locateNow(document.path) ?? (await session.locate(document.path));
  if (!located || session.documents.atPath(document.path)) return;
  located.tree.closeText(located.file);
  session.closeUnusedTrees();
  session.sendStatus();
}
