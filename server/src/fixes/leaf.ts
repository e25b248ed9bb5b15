/**
 * Repairs at the sleeping call itself (another delay, other flags, another variant), joined into one fix: a finding is gone
 * only when every path of it has been repaired.
 */
import type { Definition } from "../code.js";
import type { Finding, FindingPath } from "../findings/types.js";
import { type CallNode, type FunctionSyntax, K } from "./syntax.js";
import type { Fix, FixEdit, FixKind, FixSource } from "./types.js";

export interface LeafRepair {
  edits: FixEdit[];
  /** What is done, for the title: "udelay(20) for usleep_range(20, 40)". */
  what: string;
  checks: string[];
  losses: string[];
  warnings: string[];
  precedent?: string[];
}

/** A place that could be repaired in principle and is not: why. */
export interface NoRepair {
  why: string;
  /** What to do instead, as a sketch. */
  sketch?: string;
}

export type RepairPath = (
  path: FindingPath,
  finding: Finding,
  source: FixSource,
) => LeafRepair | NoRepair | null;

export const isRepair = (r: LeafRepair | NoRepair | null): r is LeafRepair => r !== null && "edits" in r;

/** The call at the end of a path, in its function. */
export interface LeafCall {
  fn: Definition;
  syntax: FunctionSyntax;
  call: CallNode;
}

export function leafCall(path: FindingPath, source: FixSource): LeafCall | null {
  return callAt(path.sleep.file, path.sleep.offset, source);
}

export function callAt(file: string, offset: number, source: FixSource): LeafCall | null {
  const fn = source.functionAt(file, offset);
  const syntax = fn && source.syntaxOf(fn);
  const call = syntax?.callAt(offset);
  return fn && syntax && call ? { fn, syntax, call } : null;
}

/** One fix that repairs the leaves of all paths, or of those that can be; the proof decides whether that is enough. */
export function leafFix(
  kind: FixKind,
  id: string,
  finding: Finding,
  source: FixSource,
  repair: RepairPath,
  title: (whats: readonly string[]) => string,
): Fix[] {
  const found = finding.paths.map((path) => repair(path, finding, source));
  const repairs = found.filter(isRepair);
  if (repairs.length === 0) {
    const advice = found.find((r): r is NoRepair => r !== null && !isRepair(r));
    if (!advice) return [];
    return [
      {
        id,
        kind,
        title: title([]),
        applicability: "sketch",
        edits: [],
        sketch: advice.sketch ?? advice.why,
        preconditions: [],
        warnings: [],
        missing: [advice.why],
      },
    ];
  }
  return [join(kind, id, finding, repairs, title)];
}

export function join(
  kind: FixKind,
  id: string,
  finding: Finding,
  repairs: readonly LeafRepair[],
  title: (whats: readonly string[]) => string,
): Fix {
  const edits = new Map<string, FixEdit>();
  for (const r of repairs) for (const e of r.edits) edits.set(`${e.file}:${e.offset}:${e.endOffset}`, e);
  const all = (pick: (r: LeafRepair) => readonly string[]): string[] => [...new Set(repairs.flatMap(pick))];
  const precedent = all((r) => r.precedent ?? []);
  const elsewhere = [...new Set([...edits.values()].map((e) => e.file))].filter((f) => f !== finding.file);
  const warnings = all((r) => r.warnings);
  if (elsewhere.length > 0) warnings.push(`It changes ${elsewhere.join(", ")}, for all that call into it.`);
  return {
    id,
    kind,
    title: title(all((r) => [r.what])),
    applicability: "needs-review",
    edits: [...edits.values()],
    preconditions: all((r) => r.checks),
    losses: all((r) => r.losses),
    warnings,
    ...(precedent.length > 0 ? { precedent } : {}),
  };
}

/** Titles stay short: two are named, the rest counted. */
export function listed(whats: readonly string[]): string {
  return whats.length <= 2
    ? whats.join(" and ")
    : `${whats.slice(0, 2).join(", ")} and ${whats.length - 2} more`;
}

/** The edit that gives a call another callee's name. */
export function renameCall({ fn, call }: LeafCall, name: string): FixEdit {
  return { file: fn.file, offset: call.callee.start, endOffset: call.callee.end, text: name };
}

/** Whether nobody uses the call's result: it is a statement of its own. */
export function isStatementCall(call: CallNode): boolean {
  let node = call.node.parent;
  if (node?.kind === K.cast_expression) node = node.parent;
  return node?.kind === K.expression_statement;
}
