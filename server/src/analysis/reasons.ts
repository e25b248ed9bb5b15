/** Why a path is less than certain, as bits while solving, and what each means for the confidence. */
import type { Confidence, Reason } from "../findings/types.js";

const ORDER: readonly [Reason, Confidence][] = [
  ["registered-callback", "medium"],
  ["ops-callback", "medium"],
  ["annotation", "medium"],
  ["assertion", "medium"],
  ["function-pointer", "medium"],
  ["many-targets", "low"],
  ["several-definitions", "medium"],
  ["state-guarded", "medium"],
  ["last-reference", "medium"],
  ["maybe-vmalloc", "medium"],
  ["object-property", "low"],
  ["flag-undecided", "low"],
  ["gfp-undecided", "low"],
  ["gfp-mixed", "medium"],
  ["long-chain", "low"],
  ["several-doubts", "low"],
  ["config-dependent", "medium"],
  ["arch-dependent", "medium"],
  ["maybe-held", "medium"],
  ["context-test", "medium"],
  ["boot-only", "low"],
  ["table", "medium"],
  ["put-super-path", "high"],
  ["unlikely-target", "low"],
  ["few-targets-sleep", "medium"],
  ["null-argument", "low"],
];

/** Reasons that only findings about list walks have: they are never carried along while solving, and need no bits. */
const WALKS: readonly [Reason, Confidence][] = [
  ["no-removal-seen", "low"],
  ["removal-lock-unknown", "medium"],
  ["sole-remover", "low"],
  ["private-list", "low"],
  ["checked-again", "low"],
  ["element-marked", "low"],
  ["rcu-walk", "low"],
  ["dropped-by-callee", "medium"],
  ["other-lock-kept", "low"],
];

const LEVELS: ReadonlyMap<Reason, Confidence> = new Map([...ORDER, ...WALKS]);

/** The confidence that a list of reasons leaves. */
export function confidenceOfNames(reasons: readonly Reason[]): Confidence {
  const levels = reasons.map((r) => LEVELS.get(r) ?? "low");
  return levels.includes("low") ? "low" : levels.includes("medium") ? "medium" : "high";
}

/** Bit of each reason that is met while solving. */
export const R = Object.fromEntries(ORDER.map(([name], i) => [name, 1 << i])) as Record<Reason, number>;

const LOW = ORDER.reduce((m, [, level], i) => (level === "low" ? m | (1 << i) : m), 0);
const MEDIUM = ORDER.reduce((m, [, level], i) => (level === "medium" ? m | (1 << i) : m), 0);

const DOUBTS = [
  "function-pointer",
  "several-definitions",
  "state-guarded",
  "last-reference",
  "maybe-vmalloc",
  "maybe-held",
  "context-test",
  "gfp-mixed",
] as const;

/**
 * Reasons with what follows from their number: each is tolerable alone, several of them along a longer chain say that a
 * step is likely to exclude another.
 */
export function withDoubts(reasons: number, hops: number): number {
  let doubts = hops > 3 ? 1 : 0;
  for (const d of DOUBTS) if (reasons & R[d]) doubts++;
  return doubts >= 3 && hops > 2 ? reasons | R["several-doubts"] : reasons;
}

/** Hops beyond which a chain has too many chances to be impossible. */
export const MOST_HOPS = 5;

/** 2 high, 1 medium, 0 low. */
export function rankOf(reasons: number): number {
  return reasons & LOW ? 0 : reasons & MEDIUM ? 1 : 2;
}

export function confidenceOf(reasons: number): Confidence {
  const r = rankOf(reasons);
  return r === 2 ? "high" : r === 1 ? "medium" : "low";
}

export function reasonNames(bits: number): Reason[] {
  return ORDER.filter((_, i) => bits & (1 << i)).map(([name]) => name);
}
