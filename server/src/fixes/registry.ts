/** All ways of repair, in the order in which they are shown. One provider a file under providers/. */
import type { Finding } from "../findings/types.js";
import { annotateFixes } from "./providers/annotate.js";
import { deferFixes } from "./providers/defer.js";
import { deferRcuFixes } from "./providers/deferRcu.js";
import { delayFixes } from "./providers/delay.js";
import { disposeListFixes } from "./providers/disposeList.js";
import { dropRetakeFixes } from "./providers/dropRetake.js";
import { earlierFixes } from "./providers/earlier.js";
import { gfpFixes } from "./providers/gfp.js";
import { gfpParameterFixes } from "./providers/gfpParameter.js";
import { hoistFixes } from "./providers/hoist.js";
import { lockTypeFixes } from "./providers/lockType.js";
import { mixedFixes } from "./providers/mixed.js";
import { oneAllocationFixes } from "./providers/oneAllocation.js";
import { ownerFixes } from "./providers/owner.js";
import { releaseFixes } from "./providers/release.js";
import { removeFixes } from "./providers/remove.js";
import { sinkFixes } from "./providers/sink.js";
import { suppressFixes } from "./providers/suppress.js";
import { threadedIrqFixes } from "./providers/threadedIrq.js";
import { variantFixes } from "./providers/variant.js";
import { withReliers } from "./reliers.js";
import type { Fix, FixProvider, FixSource } from "./types.js";

/** Those that keep most of what the code guarantees come first; silencing comes last. */
export const PROVIDERS: readonly FixProvider[] = [
  earlierFixes,
  releaseFixes,
  sinkFixes,
  disposeListFixes,
  hoistFixes,
  variantFixes,
  removeFixes,
  delayFixes,
  gfpFixes,
  gfpParameterFixes,
  mixedFixes,
  deferFixes,
  deferRcuFixes,
  threadedIrqFixes,
  lockTypeFixes,
  ownerFixes,
  oneAllocationFixes,
  dropRetakeFixes,
  annotateFixes,
  suppressFixes,
];

/** Proposals for a finding; unproved. Their ids are made distinct. */
export async function proposeFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  const fixes: Fix[] = [];
  const seen = new Map<string, number>();
  // Nothing sleeps in a walk that goes on from a stale element: the ways of repair for sleeps say nothing there.
  const providers = finding.rule === "stale-cursor" ? [ownerFixes, suppressFixes] : PROVIDERS;
  for (const provider of providers) {
    source.signal?.throwIfAborted();
    for (const fix of await provider(finding, source)) {
      const n = (seen.get(fix.id) ?? 0) + 1;
      seen.set(fix.id, n);
      fixes.push(n === 1 ? fix : { ...fix, id: `${fix.id}-${n}` });
    }
  }
  return withReliers(fixes, finding, source);
}
