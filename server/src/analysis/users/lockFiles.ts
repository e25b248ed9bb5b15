/** The files in which a lock can be taken, as far as outlines and texts tell: where its users are looked for. */
import { TYPED_STRIDE, Typed, TypeFlag } from "../../facts/outline.js";
import type { LockIdentity } from "../../findings/lockUsers.js";
import { visibleHeader } from "../../program/places.js";
import type { Program, SourceFile } from "../../program/program.js";
import type { LockEffects } from "../held/lockEffects.js";
import { Op } from "../held/lockOps.js";

const ASSERTION = /assert|must_hold|_lock_init$|^mutex_init$|^mutex_destroy$/i;

interface FilesWorld {
  program: Program;
  effects: LockEffects;
  read(file: string): string | null;
}

/** Last name of a lock, "" for one without an object. */
export function lastName({ type, cls }: LockIdentity): string {
  return type === "" ? "" : cls.slice(Math.max(cls.lastIndexOf("."), cls.lastIndexOf(":")) + 1);
}

/** How many files name the lock and may take it; not counted further than one above `most`. */
export function lockFiles(world: FilesWorld, lock: LockIdentity, most: number): number {
  const name = lastName(lock);
  let n = 0;
  for (const f of filesOf(world.program, lock)) {
    if (mayLock(f, world) && world.read(f.path)?.includes(name)) n++;
    if (n > most) break;
  }
  return n;
}

/** Files that can name a lock. */
export function filesOf(program: Program, lock: LockIdentity): SourceFile[] {
  const all = (): SourceFile[] => program.files.filter((f): f is SourceFile => f !== null);
  if (lock.file === "") return all();
  const home = program.file(lock.file);
  if (!home) return all();
  if (!home.header) {
    if (lock.cls.startsWith("struct ")) return [home];
    const o = home.outline;
    const id = program.names.find(lastName(lock));
    for (let i = 0; i < o.globals.length; i += TYPED_STRIDE)
      if (o.globals[i + Typed.name] === id && o.globals[i + Typed.flags] & TypeFlag.Static) return [home];
    return all();
  }
  return all().filter((f) => f === home || visibleHeader(home.path, f.path));
}

/** Whether anything in a file calls a lock primitive, a wrapper or an assertion. */
export function mayLock(f: SourceFile, { program, effects }: FilesWorld): boolean {
  const { ops } = effects;
  for (const c of f.outline.calls) {
    if (c & 1) continue;
    if (ops.of(c >> 1) !== Op.None) return true;
    const text = program.names.text(c >> 1);
    if (ASSERTION.test(text) || text === "guard" || text === "scoped_guard") return true;
  }
  return false;
}
