/**
 * Do the tables agree with themselves? Schema checks one entry; this checks entries against each other: that a release
 * undoes exactly what its acquire did, and that no name means two things.
 */
import type { KernelTables } from "./types.js";

const ACQUIRES: ReadonlySet<string> = new Set(["acquire", "try", "conditional"]);
const RELEASES: ReadonlySet<string> = new Set(["release", "conditional-release"]);

/** Contradictions, one sentence each; empty when there are none. */
export function checkTables(tables: KernelTables): string[] {
  const problems: string[] = [];
  for (const lock of tables.locks.values()) {
    const say = (what: string) => problems.push(`locks "${lock.name}": ${what}`);
    const acquires = ACQUIRES.has(lock.op);
    const releases = RELEASES.has(lock.op);
    if ((lock.op === "try" || lock.op === "conditional") !== (lock.heldWhen !== undefined)) {
      say(`heldWhen goes with op "try" or "conditional", not with "${lock.op}"`);
    }
    if (lock.sleeps && lock.adds !== 0) say("a lock that sleeps cannot make code atomic");
    if (lock.pair === undefined) {
      if (acquires || releases) say(`an ${lock.op} needs a pair`);
      continue;
    }
    const pair = tables.locks.get(lock.pair);
    if (pair === undefined) {
      say(`its pair "${lock.pair}" is not in the table`);
      continue;
    }
    if (acquires && !RELEASES.has(pair.op)) say(`its pair "${pair.name}" is no release`);
    if (releases && !ACQUIRES.has(pair.op)) say(`its pair "${pair.name}" is no acquire`);
    if (pair.adds !== lock.adds) say(`adds ${lock.adds}, but "${pair.name}" ${pair.adds}`);
    if (pair.kind !== lock.kind) say(`is a ${lock.kind}, but "${pair.name}" a ${pair.kind}`);
    if ((pair.lock === null) !== (lock.lock === null))
      say(`"${pair.name}" names a lock and this does not, or the other way round`);
    // A release may have flags that its acquire returns instead of filling in; the other way round is an error.
    if (acquires && lock.flagsArg !== undefined && pair.flagsArg === undefined) {
      say(`saves flags that "${pair.name}" does not restore`);
    }
  }
  for (const name of tables.sleepers.keys()) {
    if (tables.neverSleeps.has(name)) problems.push(`"${name}" is both in sleepers and in neverSleeps`);
    if (tables.hardStops.has(name)) problems.push(`"${name}" is both in sleepers and in hardStops`);
  }
  for (const lock of tables.locks.values()) {
    if (tables.hardStops.has(lock.name)) problems.push(`"${lock.name}" is both in locks and in hardStops`);
    const sleeper = tables.sleepers.get(lock.name);
    if (lock.sleeps && sleeper === undefined) problems.push(`"${lock.name}" sleeps, but is not in sleepers`);
    if (lock.op === "acquire" && lock.adds !== 0 && sleeper?.condition.kind === "always") {
      problems.push(`"${lock.name}" always sleeps and makes code atomic`);
    }
  }
  for (const field of tables.opsFields.values()) {
    if (field.unlessCall && !tables.registrations.has(field.unlessCall.name)) {
      problems.push(
        `opsFields "${field.struct}.${field.field}": "${field.unlessCall.name}" is no registration`,
      );
    }
  }
  return problems;
}
