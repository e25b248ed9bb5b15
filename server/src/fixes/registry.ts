/** All ways of repair, in the order in which they are shown. One provider a file under providers/. */
import type { Finding } from "../findings/types.js";
import { delayFixes } from "./providers/delay.js";
import { dropRetakeFixes } from "./providers/dropRetake.js";
import { gfpFixes } from "./providers/gfp.js";
import { hoistFixes } from "./providers/hoist.js";
import { lockTypeFixes } from "./providers/lockType.js";
import { mixedFixes } from "./providers/mixed.js";
import { ownerFixes } from "./providers/owner.js";
import { sinkFixes } from "./providers/sink.js";
import { suppressFixes } from "./providers/suppress.js";
import { threadedIrqFixes } from "./providers/threadedIrq.js";
import { variantFixes } from "./providers/variant.js";
import { withReliers } from "./reliers.js";
import type { Fix, FixProvider, FixSource } from "./types.js";

/** Those that keep most of what the code guarantees come first; silencing comes last. */
export const PROVIDERS: readonly FixProvider[] = [
  sinkFixes,
  hoistFixes,
  variantFixes,
  delayFixes,
  gfpFixes,
  mixedFixes,
  threadedIrqFixes,
  lockTypeFixes,
  ownerFixes,
  dropRetakeFixes,
  suppressFixes,
];

/** Proposals for a finding; unproved. Their ids are made distinct. */
export async function proposeFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  const fixes: Fix[] = [];
  const seen = new Map<string, number>();
  for (const provider of PROVIDERS) {
    for (const fix of await provider(finding, source)) {
      const n = (seen.get(fix.id) ?? 0) + 1;
      seen.set(fix.id, n);
      fixes.push(n === 1 ? fix : { ...fix, id: `${fix.id}-${n}` });
    }
  }
  return withReliers(fixes, finding, source);
}
