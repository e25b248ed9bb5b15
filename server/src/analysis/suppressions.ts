/**
 * Suppressions in the source: `/* lockctx-ignore RULE: reason *\/` on the finding's line or the line above it. The reason
 * is required: a comment without one suppresses nothing.
 */
import type { Finding } from "../findings/types.js";

const COMMENT = /lockctx-ignore\s+([\w-]+(?:\s*,\s*[\w-]+)*)\s*:\s*((?!\*\/)\S[^\n]*?)\s*(?:\*\/|$)/;

/** Marks the findings that a comment suppresses. */
export function applySuppressions(findings: readonly Finding[], read: (file: string) => string | null): void {
  const texts = new Map<string, string | null>();
  for (const f of findings) {
    let text = texts.get(f.file);
    if (text === undefined) {
      const t = read(f.file);
      text = t?.includes("lockctx-ignore") ? t : null;
      texts.set(f.file, text);
    }
    if (text === null) continue;
    const reason = suppressionAt(text, f.offset, f.rule);
    if (reason !== null) f.suppressed = { reason };
  }
}

/** The reason that suppresses this rule at an offset, or null. */
export function suppressionAt(text: string, offset: number, rule: string): string | null {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = text.indexOf("\n", offset);
  const aboveStart = lineStart === 0 ? 0 : text.lastIndexOf("\n", lineStart - 2) + 1;
  for (const line of [
    text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd),
    lineStart === 0 ? "" : text.slice(aboveStart, lineStart - 1),
  ]) {
    const m = COMMENT.exec(line);
    if (m?.[1].split(/\s*,\s*/).some((r) => r === rule || r === "all")) return m[2];
  }
  return null;
}
