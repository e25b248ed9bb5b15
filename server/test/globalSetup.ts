/** Keeps all tests away from the user's cache: a folder of their own, removed at the end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "lockctx-test-cache-"));
  process.env.LOCKCTX_CACHE_DIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
