/** Texts of edits, and their inverse: what a place before an edit is after it. */
import type { Fix, FixEdit } from "./types.js";

/** The text after the edits of one file. */
export function applyEdits(text: string, edits: readonly FixEdit[]): string {
  let result = "";
  let at = 0;
  for (const edit of sortedEdits(edits)) {
    result += text.slice(at, edit.offset) + edit.text;
    at = edit.endOffset;
  }
  return result + text.slice(at);
}

/** By file and place; of insertions at one place the first given stays first. */
export function sortedEdits(edits: readonly FixEdit[]): FixEdit[] {
  return [...edits].sort((a, b) =>
    a.file !== b.file ? (a.file < b.file ? -1 : 1) : a.offset - b.offset || a.endOffset - b.endOffset,
  );
}

/** Whether edits of one fix get into each other's way, or lie outside of the text. */
export function areSound(edits: readonly FixEdit[], read: (file: string) => string | null): boolean {
  const sorted = sortedEdits(edits);
  return sorted.every((edit, i) => {
    const text = read(edit.file);
    const next = sorted[i + 1];
    return (
      text !== null &&
      edit.offset >= 0 &&
      edit.offset <= edit.endOffset &&
      edit.endOffset <= text.length &&
      (!next || next.file !== edit.file || edit.endOffset <= next.offset)
    );
  });
}

/** New texts of all files that a fix touches, or null when one of them cannot be read or edits overlap. */
export function applyFix(
  fix: Pick<Fix, "edits">,
  read: (file: string) => string | null,
): Map<string, string> | null {
  if (!areSound(fix.edits, read)) return null;
  const texts = new Map<string, string>();
  for (const file of new Set(fix.edits.map((edit) => edit.file)))
    texts.set(
      file,
      applyEdits(
        read(file)!,
        fix.edits.filter((edit) => edit.file === file),
      ),
    );
  return texts;
}
