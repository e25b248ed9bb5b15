/** The users of a lock for providers: asked of the engine where the answer is near enough for an editor. */
import type { LockIdentity, LockUsers } from "../findings/lockUsers.js";
import type { FixSource } from "./types.js";

/** Files that are looked through between two keystrokes. */
const QUICK_FILES = 3;

/** Null for a lock that the whole kernel can take, and in a hurry for one of many files: `lockctx lock` tells those. */
export async function whoUses(lock: LockIdentity, source: FixSource): Promise<LockUsers | null> {
  if (lock.type === "" || lock.file.startsWith("include/")) return null;
  if (source.quick && source.engine.lockFiles(lock, QUICK_FILES) > QUICK_FILES) return null;
  return source.engine.lockUsers(lock, source.signal);
}
