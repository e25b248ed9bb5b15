/**
 * Suppression comments: a finding is silenced, with a reason, by a comment on the line above it or at its end, either
 * as a block comment or as
 *
 *     // lockctx-ignore sleep-in-atomic: the list is empty here, so nothing is freed
 *
 * Several rules are separated by commas; `*` stands for all. Without a reason a comment suppresses nothing.
 */

export interface Suppression {
  rules: string[];
  reason: string;
  /** Extent of the comment. */
  offset: number;
  endOffset: number;
  /** Start and end of the text it speaks for: its own line and the next one with code. */
  coverStart: number;
  coverEnd: number;
}

const COMMENT = /\/\*\s*lockctx-ignore\b([^\n]*?)\*\/|\/\/\s*lockctx-ignore\b([^\n]*)/g;

/** All suppressions of a text (latin1: index = byte offset), in order. */
export function findSuppressions(text: string): Suppression[] {
  const found: Suppression[] = [];
  if (!text.includes("lockctx-ignore")) return found;
  for (const match of text.matchAll(COMMENT)) {
    const body = /^\s*([\w*-]+(?:\s*,\s*[\w*-]+)*)\s*:\s*(\S.*?)\s*$/.exec(match[1] ?? match[2] ?? "");
    if (!body) continue;
    const offset = match.index;
    const endOffset = offset + match[0].length;
    const coverStart = text.lastIndexOf("\n", offset) + 1;
    const alone = text.slice(coverStart, offset).trim() === "";
    found.push({
      rules: body[1]!.split(",").map((rule) => rule.trim()),
      reason: body[2]!,
      offset,
      endOffset,
      coverStart,
      coverEnd: alone ? endOfNextCodeLine(text, endOffset) : lineEnd(text, endOffset),
    });
  }
  return found;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end === -1 ? text.length : end;
}

/** Comments and blank lines may stand between the suppression and the line it is about. */
function endOfNextCodeLine(text: string, from: number): number {
  let at = lineEnd(text, from);
  while (at < text.length) {
    const next = lineEnd(text, at + 1);
    const line = text.slice(at + 1, next).trim();
    const comment = line.startsWith("//") || (line.startsWith("/*") && line.endsWith("*/"));
    if (line !== "" && !comment) return next;
    at = next;
  }
  return text.length;
}

/** The reason for which a finding of this rule at this offset is suppressed, or null. */
export function suppressedBy(
  suppressions: readonly Suppression[],
  rule: string,
  offset: number,
): string | null {
  for (const s of suppressions) {
    if (offset < s.coverStart || offset > s.coverEnd) continue;
    if (s.rules.includes(rule) || s.rules.includes("*")) return s.reason;
  }
  return null;
}
