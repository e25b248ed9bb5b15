/** What a rule is, as a value: everything that is said about it, for `lockctx rule`, docs/rules/ and editors. */
import type { RuleId } from "../../findings/types.js";

export interface Rule {
  id: RuleId;
  /** One line: what is wrong where it reports. */
  title: string;
  severity: "error" | "warning";
  /** Paragraphs. */
  what: readonly string[];
  whyBad: readonly string[];
  example: {
    /** Kernel-style C in which this rule, and nothing else, reports. */
    code: string;
    /** The finding: its place in the code (from 1), confidence and message, as the command prints them. */
    finding: { line: number; column: number; confidence: "high" | "medium" | "low"; message: string };
    /** The same code repaired: nothing is found in it. */
    repaired: string;
  };
  /** Ways to repair it, the usual one first. */
  repair: readonly string[];
  limits: readonly string[];
  configuration: readonly string[];
}
