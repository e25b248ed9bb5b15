/** `workspace/didChangeWatchedFiles`: files that changed on disk, one after a save or thousands after a checkout. */
import type { DidChangeWatchedFilesParams } from "vscode-languageserver";
import { pathOf, relativeTo } from "../fromProto.js";
import type { Session } from "../session.js";

export function didChangeWatchedFiles(session: Session, { changes }: DidChangeWatchedFilesParams): void {
  for (const tree of session.trees.values()) {
    const files: string[] = [];
    for (const { uri } of changes) {
      const path = pathOf(uri);
      const file = path === null ? null : relativeTo(tree.root, path);
      if (file !== null && /\.[ch]$/.test(file)) files.push(file);
    }
    if (files.length > 0) tree.changed(files);
  }
}
