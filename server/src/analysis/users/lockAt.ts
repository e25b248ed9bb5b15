/** The lock that a place in the text is about: the one that a call takes, releases or asserts, or the name itself. */
import { I } from "../../facts/flow.js";
import { Fn } from "../../facts/outline.js";
import type { LockMatches } from "../../findings/lockUsers.js";
import type { KernelTables } from "../../kernel/types.js";
import type { Program } from "../../program/program.js";
import type { LockId } from "../held/held.js";
import type { LockEffects } from "../held/lockEffects.js";
import { LockFlow } from "../held/lockFlow.js";
import { findLocks } from "./lockNames.js";

const NONE: LockMatches = { locks: [], similar: [] };

export async function lockAt(
  world: { program: Program; tables: KernelTables; effects: LockEffects; read(file: string): string | null },
  fn: number,
  file: string,
  offset: number,
): Promise<LockMatches> {
  const { program, effects } = world;
  const word = wordAt(world.read(file) ?? "", offset);
  const named = word === "" ? NONE : findLocks(program, world.tables, word);
  if (fn >= 0) {
    await effects.prepare([fn]);
    const flow = effects.flowOf(fn);
    const at = offset - program.fnColumn(fn, Fn.start);
    if (flow) {
      const f = new LockFlow(effects, fn, flow);
      for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
        const q = flow.base + pc;
        const kind = flow.code[q];
        if (kind !== I.Call && kind !== I.GuardEnter) continue;
        if (at < flow.code[q + 4] || at >= flow.code[q + 5]) continue;
        const lock = f.lockAt(q);
        if (!lock || lock.cls === "") continue;
        return classified(world, lock, named);
      }
    }
  }
  // A bare word means the lock that this file declares, or the only one of its name.
  const own = named.locks.filter((l) => l.file === file);
  return { locks: own.length > 0 ? own : named.locks.length === 1 ? named.locks : [], similar: [] };
}

function classified(
  { program, tables }: { program: Program; tables: KernelTables },
  lock: LockId,
  named: LockMatches,
): LockMatches {
  const known = named.locks.filter((l) => l.cls === lock.cls);
  if (known.length > 0) return { locks: known, similar: [] };
  const found = findLocks(program, tables, lock.cls).locks;
  return { locks: found.length > 0 ? found : [{ cls: lock.cls, type: "", file: "" }], similar: [] };
}

function wordAt(text: string, offset: number): string {
  let start = offset;
  let end = offset;
  while (start > 0 && /\w/.test(text[start - 1])) start--;
  while (end < text.length && /\w/.test(text[end])) end++;
  return text.slice(start, end);
}
