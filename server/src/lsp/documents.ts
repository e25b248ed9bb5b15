/**
 * The open documents: what the editor shows, which stands in place of the file on disk. Kept as bytes, because that is
 * what the analysis counts in, so the protocol's edits are applied to bytes in the negotiated encoding.
 */
import type { TextDocumentContentChangeEvent } from "vscode-languageserver";
import { type PositionEncoding, TextPositions, toBytes } from "./positions.js";

export interface OpenDocument {
  /** As the client wrote it; answers use the same spelling. */
  uri: string;
  /** Absolute path. */
  path: string;
  version: number;
  positions: TextPositions;
}

/** Applies the protocol's content changes, in order, to a text. */
export function applyChanges(
  before: TextPositions,
  changes: readonly TextDocumentContentChangeEvent[],
  encoding: PositionEncoding,
): TextPositions {
  let current = before;
  for (const change of changes) {
    const text = toBytes(change.text);
    if (!("range" in change) || change.range === undefined) {
      current = new TextPositions(text, encoding);
      continue;
    }
    const a = current.offsetAt(change.range.start);
    const b = current.offsetAt(change.range.end);
    const start = Math.min(a, b);
    const end = Math.max(a, b);
    current = new TextPositions(current.bytes.slice(0, start) + text + current.bytes.slice(end), encoding);
  }
  return current;
}

export class DocumentStore {
  private readonly byUri = new Map<string, OpenDocument>();
  private readonly byPath = new Map<string, OpenDocument>();

  constructor(public encoding: PositionEncoding) {}

  open(uri: string, path: string, version: number, text: string): OpenDocument {
    const document = { uri, path, version, positions: new TextPositions(toBytes(text), this.encoding) };
    this.byUri.set(uri, document);
    this.byPath.set(path, document);
    return document;
  }

  /** The changed document, or null when it was never opened. */
  change(
    uri: string,
    version: number,
    changes: readonly TextDocumentContentChangeEvent[],
  ): OpenDocument | null {
    const document = this.byUri.get(uri);
    if (!document) return null;
    document.positions = applyChanges(document.positions, changes, this.encoding);
    document.version = version;
    return document;
  }

  close(uri: string): OpenDocument | null {
    const document = this.byUri.get(uri);
    if (!document) return null;
    this.byUri.delete(uri);
    if (this.byPath.get(document.path) === document) this.byPath.delete(document.path);
    return document;
  }

  get(uri: string): OpenDocument | null {
    return this.byUri.get(uri) ?? null;
  }

  atPath(path: string): OpenDocument | null {
    return this.byPath.get(path) ?? null;
  }

  all(): Iterable<OpenDocument> {
    return this.byUri.values();
  }
}
