/**
 * Proves a fix before it is offered: the edits are applied to copies in memory, the result is analysed again, the
 * finding must be gone (or suppressed, if that was the fix) and no other may be new.
 */
import type { Finding } from "../findings/types.js";
import type { Fix, FixEdit } from "./types.js";

/** The text after the edits of one file. */
export function applyEdits(text: string, edits: readonly FixEdit[]): string {
  let result = text;
  for (const edit of [...edits].sort((a, b) => b.offset - a.offset)) {
    result = result.slice(0, edit.offset) + edit.text + result.slice(edit.endOffset);
  }
  return result;
}

/** New texts of all files that a fix touches, or null when one of them cannot be read. */
export function applyFix(fix: Fix, read: (file: string) => string | null): Map<string, string> | null {
  const texts = new Map<string, string>();
  for (const file of new Set(fix.edits.map((edit) => edit.file))) {
    const text = read(file);
    if (text === null) return null;
    texts.set(
      file,
      applyEdits(
        text,
        fix.edits.filter((edit) => edit.file === file),
      ),
    );
  }
  return texts;
}

/** Whether the findings after a fix prove it. Both lists are of the same focus. */
export function proves(
  fix: Fix,
  finding: Finding,
  before: readonly Finding[],
  after: readonly Finding[],
): boolean {
  const known = new Set(before.map((f) => f.fingerprint));
  if (after.some((f) => f.suppressed === null && !known.has(f.fingerprint))) return false;
  const left = after.find((f) => f.fingerprint === finding.fingerprint);
  return fix.kind === "suppress" ? left?.suppressed != null : left === undefined;
}
