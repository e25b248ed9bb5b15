/** Removes calls that only offer to sleep: under a lock the offer is a mistake, and nothing depends on it. */
import type { Finding } from "../../findings/types.js";
import { removeStatement } from "../layout.js";
import { isStatementCall, leafCall, leafFix, listed } from "../leaf.js";
import type { Fix, FixSource } from "../types.js";

const OFFERS = /^(?:cond_resched|might_sleep|might_sleep_if|yield)$/;

export function removeFixes(finding: Finding, source: FixSource): Fix[] {
  return leafFix(
    "remove",
    "remove",
    finding,
    source,
    (path) => {
      const leaf = leafCall(path, source);
      if (!leaf || !OFFERS.test(leaf.call.name) || !isStatementCall(leaf.call)) return null;
      const statement = leaf.syntax.statementOf(leaf.call.node);
      // The only statement of an `if` cannot just go.
      if (!statement.parent || leaf.syntax.text(statement.parent)[0] !== "{") return null;
      return {
        edits: [removeStatement(leaf.fn.file, source.read(leaf.fn.file)!, statement)],
        what: `${leaf.call.name}() in ${leaf.fn.name}()`,
        checks: ["nothing depends on the call: it only offers to sleep"],
        losses: ["A long loop gives way to nobody: with the lock held it must not be long."],
        warnings:
          leaf.fn.name === finding.function
            ? []
            : [`${leaf.fn.name}() gives way no more for its other callers either.`],
      };
    },
    (whats) => `Remove ${listed(whats)}`,
  );
}
