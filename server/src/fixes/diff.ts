/** Unified diffs of edits, in the form that `git apply` takes. Lines stay as they are: tabs, carriage returns and all. */
import { applyEdits, sortedEdits } from "./overlay.js";
import type { FixEdit } from "./types.js";

const CONTEXT = 3;

interface Hunk {
  /** Line numbers from 0: [oldStart, oldEnd) is replaced by `lines`. */
  oldStart: number;
  oldEnd: number;
  lines: string[];
}

/** The diff of one or more files; texts are those before the edits. */
export function unifiedDiff(
  edits: readonly FixEdit[],
  read: (file: string) => string | null,
  prefix: { old: string; new: string } = { old: "a/", new: "b/" },
): string {
  let out = "";
  for (const file of [...new Set(sortedEdits(edits).map((e) => e.file))]) {
    const text = read(file);
    if (text === null) continue;
    const hunks = hunksOf(
      text,
      edits.filter((e) => e.file === file),
    );
    if (hunks.length === 0) continue;
    out += `diff --git ${prefix.old}${file} ${prefix.new}${file}\n--- ${prefix.old}${file}\n+++ ${prefix.new}${file}\n${renderHunks(text, hunks)}`;
  }
  return out;
}

/** Lines with their ends. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function hunksOf(text: string, edits: readonly FixEdit[]): Hunk[] {
  const old = linesOf(text);
  const starts: number[] = [];
  let at = 0;
  for (const line of old) {
    starts.push(at);
    at += line.length;
  }
  const lineAt = (offset: number): number => {
    let low = 0;
    let high = starts.length;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle;
    }
    return low;
  };
  const lineStart = (line: number): number => (line < starts.length ? starts[line] : text.length);
  const hunks: Hunk[] = [];
  let group: FixEdit[] = [];
  let first = 0;
  let last = -1;
  const flush = (): void => {
    if (group.length === 0) return;
    const [from, to] = [lineStart(first), lineStart(last + 1)];
    const shifted = group.map((e) => ({ ...e, offset: e.offset - from, endOffset: e.endOffset - from }));
    const lines = linesOf(applyEdits(text.slice(from, to), shifted));
    hunks.push(trimmed(old, { oldStart: first, oldEnd: last + 1, lines }));
    group = [];
  };
  for (const edit of sortedEdits(edits)) {
    const a = lineAt(edit.offset);
    // An edit that ends where a line begins leaves that line alone, unless it is the one that it began in.
    const end = Math.max(edit.offset, edit.endOffset);
    let b = lineAt(end);
    if (end > edit.offset && b > a && starts[b] === end && /\n$|^$/.test(edit.text)) b--;
    if (group.length > 0 && a > last) flush();
    if (group.length === 0) first = a;
    last = Math.max(group.length === 0 ? a : last, b);
    group.push(edit);
  }
  flush();
  return hunks.filter((h) => h.oldEnd > h.oldStart || h.lines.length > 0);
}

/** Without the lines that are the same at both ends. */
function trimmed(old: readonly string[], hunk: Hunk): Hunk {
  let { oldStart, oldEnd } = hunk;
  let lines = hunk.lines;
  while (oldStart < oldEnd && lines.length > 0 && old[oldStart] === lines[0]) {
    oldStart++;
    lines = lines.slice(1);
  }
  while (oldEnd > oldStart && lines.length > 0 && old[oldEnd - 1] === lines[lines.length - 1]) {
    oldEnd--;
    lines = lines.slice(0, -1);
  }
  return { oldStart, oldEnd, lines };
}

function renderHunks(text: string, hunks: readonly Hunk[]): string {
  const old = linesOf(text);
  const row = (sign: string, line: string): string =>
    line.endsWith("\n") ? `${sign}${line}` : `${sign}${line}\n\\ No newline at end of file\n`;
  let out = "";
  let shift = 0;
  for (let i = 0; i < hunks.length; ) {
    let j = i;
    while (j + 1 < hunks.length && hunks[j + 1].oldStart - hunks[j].oldEnd <= 2 * CONTEXT) j++;
    const from = Math.max(0, hunks[i].oldStart - CONTEXT);
    const to = Math.min(old.length, hunks[j].oldEnd + CONTEXT);
    let body = "";
    let at = from;
    let added = 0;
    for (const h of hunks.slice(i, j + 1)) {
      for (; at < h.oldStart; at++) body += row(" ", old[at]);
      for (; at < h.oldEnd; at++) body += row("-", old[at]);
      for (const line of h.lines) body += row("+", line);
      added += h.lines.length - (h.oldEnd - h.oldStart);
    }
    for (; at < to; at++) body += row(" ", old[at]);
    const count = to - from;
    const range = (start: number, n: number): string => (n === 1 ? `${start}` : `${start},${n}`);
    out += `@@ -${range(count === 0 ? from : from + 1, count)} +${range(count + added === 0 ? from + shift : from + shift + 1, count + added)} @@${heading(old, from)}\n${body}`;
    shift += added;
    i = j + 1;
  }
  return out;
}

/** The function that a hunk is in, as git shows it. */
function heading(old: readonly string[], from: number): string {
  for (let i = Math.min(from, old.length) - 1; i >= 0; i--) {
    if (/^[A-Za-z_$]/.test(old[i]) && !/^\w+:\s*$/.test(old[i])) return ` ${old[i].trimEnd().slice(0, 78)}`;
  }
  return "";
}
