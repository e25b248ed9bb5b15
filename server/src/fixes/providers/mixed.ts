/** A finding whose paths need different repairs at their ends: one fix with each where it belongs. */
import type { Finding } from "../../findings/types.js";
import { isRepair, join, type LeafRepair, listed, type RepairPath } from "../leaf.js";
import type { Fix, FixKind, FixSource } from "../types.js";
import { delayRepair } from "./delay.js";
import { gfpRepair } from "./gfp.js";
import { variantRepair } from "./variant.js";

const REPAIRS: readonly [FixKind, RepairPath][] = [
  ["delay", delayRepair],
  ["gfp", gfpRepair],
  ["variant", variantRepair],
];

export function mixedFixes(finding: Finding, source: FixSource): Fix[] {
  if (finding.paths.length < 2) return [];
  const kinds = new Set<FixKind>();
  const chosen: LeafRepair[] = [];
  for (const path of finding.paths) {
    let found: LeafRepair | null = null;
    for (const [kind, repair] of REPAIRS) {
      const r = repair(path, finding, source);
      if (!isRepair(r)) continue;
      kinds.add(kind);
      found = r;
      break;
    }
    if (!found) return [];
    chosen.push(found);
  }
  // Where one way is enough for all paths, its own provider has offered it.
  if (kinds.size < 2) return [];
  const fix = join([...kinds][0], "mixed", finding, chosen, (whats) => `Repair every path: ${listed(whats)}`);
  return [fix];
}
