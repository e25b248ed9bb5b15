/**
 * The atomic section that a finding stands in: where it begins, where all that makes it atomic has ended, and how the
 * finding's statement lies to these. What moves code out of a section starts here.
 */
import type { Definition } from "../code.js";
import type { FunctionLocks, HeldLock, LocksAtCall } from "../engine.js";
import type { Finding } from "../findings/types.js";
import { type CallNode, type FunctionSyntax, K, type Node } from "./syntax.js";
import type { FixSource } from "./types.js";

export interface Section {
  fn: Definition;
  syntax: FunctionSyntax;
  locks: FunctionLocks;
  /** The finding's call and the statement that it is in. */
  call: CallNode;
  statement: Node;
  /** What makes the place atomic, outermost first. */
  held: HeldLock[];
  /** Statements after which nothing makes the code atomic any more, in text order. */
  releases: Node[];
  /** Where atomic sections begin that reach the finding: the outermost lock's statement. */
  acquire: Node | null;
  /** The outermost lock in words, for titles: "priv->lock". */
  lockText: string;
}

/** Null where the section is not this function's own (entered atomic, a guard), or its text is not understood. */
export async function sectionOf(finding: Finding, source: FixSource): Promise<Section | null> {
  const fn = source.functionAt(finding.file, finding.offset);
  const syntax = fn && source.syntaxOf(fn);
  const call = syntax?.callAt(finding.offset);
  if (!fn || !syntax || !call || syntax.hasError) return null;
  const locks = await source.locksOf(fn);
  const here = locks?.calls.find((c) => c.offset === finding.offset);
  if (!locks || !here) return null;
  const held = here.before.filter((h) => h.atomic);
  if (held.length === 0 || held.some((h) => h.onEntry || h.guard)) return null;
  const releases: Node[] = [];
  for (const c of locks.calls) {
    if (!isRelease(c)) continue;
    const statement = syntax.statementOf(syntax.nodeAt(c.offset, c.endOffset));
    if (statement.kind !== K.expression_statement || !isContainer(statement.parent)) return null;
    if (!releases.includes(statement)) releases.push(statement);
  }
  if (releases.length === 0) return null;
  const first = held[0];
  const acquire = syntax.statementOf(syntax.nodeAt(first.offset, first.endOffset));
  return {
    fn,
    syntax,
    locks,
    call,
    statement: syntax.statementOf(call.node),
    held,
    releases,
    acquire: acquire.kind === K.expression_statement && isContainer(acquire.parent) ? acquire : null,
    lockText: first.lock || first.how,
  };
}

/** After this call the code is not atomic on any way, and before it it was on all. */
function isRelease(c: LocksAtCall): boolean {
  return c.returns && c.before.some((h) => h.atomic) && !c.after.some((h) => h.atomic);
}

export function isContainer(node: Node | null): node is Node {
  return (
    node !== null &&
    (node.kind === K.compound_statement ||
      node.kind === K.case_statement ||
      node.kind === K.labeled_statement)
  );
}

export function isLoop(node: Node): boolean {
  return node.kind === K.for_statement || node.kind === K.while_statement || node.kind === K.do_statement;
}

export function loopsAround(node: Node): Node[] {
  const out: Node[] = [];
  for (let n = node.parent; n; n = n.parent) if (isLoop(n)) out.push(n);
  return out;
}

export function contains(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/**
 * Whether `later` comes after `earlier` on every way to it: in the same block or below one of its later statements, with no
 * label between them that is reached from before.
 */
export function isSurelyAfter(syntax: FunctionSyntax, earlier: Node, later: Node): boolean {
  let block = earlier.parent;
  if (!isContainer(block)) return false;
  // A label's statement ends at its first statement: what follows are its siblings.
  while (block.kind === K.labeled_statement && isContainer(block.parent)) block = block.parent;
  if (!contains(block, later) || later.start < earlier.end) return false;
  if (block.kind === K.case_statement) return false;
  const labels = [...syntax.walk(block)].filter(
    (n) =>
      (n.kind === K.labeled_statement || n.kind === K.case_statement) &&
      n.start > earlier.end &&
      n.start <= later.start,
  );
  return labels.every((label) => {
    if (label.kind === K.case_statement) return label.parent !== null && label.parent.start > earlier.end;
    const name = label.children[0] ? syntax.text(label.children[0]) : "";
    return gotosTo(syntax, name).every((g) => contains(block, g) && g.start > earlier.end);
  });
}

export function gotosTo(syntax: FunctionSyntax, label: string): Node[] {
  return [...syntax.walk()].filter(
    (n) => n.kind === K.goto_statement && n.children[0] !== undefined && syntax.text(n.children[0]) === label,
  );
}

/** Whether control can leave the function or jump between the two offsets. */
export function jumpsBetween(syntax: FunctionSyntax, from: number, to: number): boolean {
  const jumps = [K.goto_statement, K.return_statement, K.labeled_statement];
  return [...syntax.walk()].some((n) => jumps.includes(n.kind) && n.start >= from && n.start < to);
}

/** Whether anything but this is left between the lock and its releases: a section that would be empty protects the call itself. */
export function leavesSomething(s: Section, moved: Node): boolean {
  if (!s.acquire) return true;
  const last = s.releases[s.releases.length - 1];
  return [...s.syntax.walk()].some(
    (n) =>
      n.start >= s.acquire!.end &&
      n.end <= last.start &&
      (n.kind === K.expression_statement || n.kind === K.return_statement || n.kind === K.declaration) &&
      !contains(moved, n) &&
      !s.releases.includes(n) &&
      n.end > n.start + 1,
  );
}

/** Said of helpers of the same driver: what they touch may be what the lock is for. */
export function ownHelperWarning(s: Section, source: FixSource): string[] {
  const folder = s.fn.file.slice(0, s.fn.file.lastIndexOf("/") + 1);
  const own = source.code
    .resolve(s.call.name, s.fn.file)
    .some((d) => d.kind === "function" && d.file.startsWith(folder));
  return own
    ? [`${s.call.name}() is code of the same driver: what it touches may be what ${s.lockText} protects.`]
    : [];
}

/** The callee says that it wants the lock held, or gives it back itself. */
export function calleeNeedsLock({ call, fn, held }: Section, source: FixSource): boolean {
  if (/_locked$/.test(call.name)) return true;
  const name = held[held.length - 1].lock.replace(/^.*(?:->|\.)/, "");
  return source.code.resolve(call.name, fn.file).some((def) => {
    const text = source.read(def.file) ?? "";
    const body = text.slice(def.bodyStart, def.end);
    if (/\b(?:lockdep_assert_held\w*|assert_(?:raw_)?spin_locked)\s*\(/.test(body)) return true;
    const head = text.slice(Math.max(0, def.start - 600), def.bodyStart);
    const comment =
      /\/\*(?:[^*]|\*(?!\/))*\*\/\s*$/.exec(head.slice(0, head.length - (def.bodyStart - def.start)))?.[0] ??
      "";
    if (/__(?:must_hold|releases)\b/.test(head.slice(head.length - (def.bodyStart - def.start)))) return true;
    if (/\b(?:hold(?:s|ing)?|held|under|locked)\b/i.test(comment) && /lock/i.test(comment)) return true;
    const unlock = new RegExp(`unlock\\w*\\s*\\([^;]*\\b${name}\\b`).exec(body);
    const lock = new RegExp(`[a-z]_lock\\w*\\s*\\([^;]*\\b${name}\\b`).exec(body);
    return unlock !== null && (lock === null || unlock.index < lock.index);
  });
}
