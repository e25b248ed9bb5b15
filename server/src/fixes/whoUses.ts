/** The users of a lock for providers: asked of the engine where the answer is near enough for an editor. */
import type { LockIdentity, LockUsers } from "../findings/lockUsers.js";
import type { FixSource } from "./types.js";

/** Null for a lock that the whole kernel can take: its users are not looked for between two keystrokes. */
export async function whoUses(lock: LockIdentity, source: FixSource): Promise<LockUsers | null> {
  if (lock.type === "" || lock.file.startsWith("include/")) return null;
  return source.engine.lockUsers(lock);
}
