/** What a repair that lets a lock go earlier takes from others: who takes the lock too, and who relies on it being held. */
import type { LockUsers } from "../findings/lockUsers.js";
import type { Finding } from "../findings/types.js";
import type { Fix, FixKind, FixSource } from "./types.js";
import { whoUses } from "./whoUses.js";

/** Repairs after which something is done without the lock that was done under it. */
const NARROWS: ReadonlySet<FixKind> = new Set(["sink", "dispose-list", "drop-retake", "defer-work"]);
const NAMES = 5;

/** The fixes with a line on the other users of the lock, where they let go of it and its users can be told. */
export async function withReliers(
  fixes: readonly Fix[],
  finding: Finding,
  source: FixSource,
): Promise<Fix[]> {
  const { lockClass } = finding.context;
  // In a hurry a sketch does without.
  const narrows = (f: Fix): boolean => NARROWS.has(f.kind) && (!source.quick || f.edits.length > 0);
  if (!lockClass || !fixes.some(narrows)) return [...fixes];
  const { locks } = source.engine.findLocks(lockClass);
  const users = locks.length === 1 ? await whoUses(locks[0], source) : null;
  const line = users ? reliersText(users, finding) : "";
  if (line === "") return [...fixes];
  return fixes.map((f) => (NARROWS.has(f.kind) ? { ...f, warnings: [...f.warnings, line] } : f));
}

function reliersText(users: LockUsers, finding: Finding): string {
  const name = finding.context.lock ?? users.lock.cls;
  const list = (names: readonly string[]): string => {
    const unique = [...new Set(names)].filter((n) => n !== finding.function);
    const shown = unique.slice(0, NAMES).map((n) => `${n}()`);
    const left = unique.length - shown.length;
    return shown.length === 0 ? "" : `${shown.join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
  };
  const takers = list(users.functions.map((f) => f.function.name));
  const relying = list(users.relying.map((r) => r.function.name));
  const parts = [
    takers === "" ? "" : `is also taken by ${takers}, which what leaves the section no longer excludes`,
    relying === "" ? "" : `is relied on by ${relying}`,
  ].filter((p) => p !== "");
  return parts.length === 0 ? "" : `${name} ${parts.join("; it ")} (lockctx lock).`;
}
