/** From protocol values to ours: addresses to paths, positions to byte offsets. With `toProto.ts` the only bridge. */
import { isAbsolute, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { CancellationToken, Position, Range } from "vscode-languageserver";
import type { TextPositions } from "./positions.js";

/** Absolute path of a document, or null when it is not a local file. */
export function pathOf(uri: unknown): string | null {
  if (typeof uri !== "string" || !uri.startsWith("file:")) return null;
  try {
    return fileURLToPath(uri);
  } catch {
    return null;
  }
}

/** Path below the root with forward slashes, or null when it lies elsewhere. */
export function relativeTo(root: string, path: string): string | null {
  const rel = relative(root, path);
  if (rel === "" || rel.startsWith("..") || isAbsolute(rel)) return null;
  return sep === "/" ? rel : rel.split(sep).join("/");
}

/** Fires when the client does not want the answer any more. */
export function signalOf(token: CancellationToken): AbortSignal {
  const stop = new AbortController();
  if (token.isCancellationRequested) stop.abort();
  token.onCancellationRequested(() => stop.abort());
  return stop.signal;
}

export function offsetOf(positions: TextPositions, position: Position): number {
  return positions.offsetAt(position);
}

export function extentOf(positions: TextPositions, range: Range): { start: number; end: number } {
  const start = positions.offsetAt(range.start);
  return { start, end: Math.max(start, positions.offsetAt(range.end)) };
}
