/** Lists the C files of a tree: sorted, root-relative, safe in loops, with everything left out counted (I6). */
import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { classifyPath } from "../findings/scope.js";
import { type IgnoreFile, isIgnored, parseGitignore } from "./gitignore.js";

export interface WalkOptions {
  /** Root-relative folder to list instead of the whole tree; "" or absent for all. */
  under?: string;
  /** Lists user space, documentation and samples as well (they were named by the user). */
  includeOutside?: boolean;
  signal?: AbortSignal;
  onProgress?: (files: number) => void;
}

export interface WalkResult {
  /** In code-unit order, forward slashes. */
  files: string[];
  skipped: { path: string; reason: string }[];
}

const C_FILE = /\.[ch]$/;
/** What a build leaves in its own source tree. */
const BUILD_OUTPUT = /^include\/(?:config|generated)\/$|^arch\/[^/]+\/include\/generated\/$|\.mod\.c$/;
/** Generated register definitions, half of all bytes of headers and nothing but numbers. */
const REGISTERS = /\/asic_reg\/$/;
/** Folders listed between two turns of the event loop. */
const FOLDERS_A_TURN = 256;

/** Whether a path names a C file by its ending. */
export const isCFile = (path: string): boolean => C_FILE.test(path);

/** Code-unit order: the same on every machine and locale. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function errorReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "ENOENT":
      return "no such file or directory";
    case "ELOOP":
      return "too many levels of symbolic links";
    case "EISDIR":
      return "is a directory";
    case "ENOTDIR":
      return "not a directory";
    case "ENOSPC":
      return "no space left on device";
    default:
      return code ?? (error instanceof Error ? error.message : String(error));
  }
}

/** Why a path is not listed, or null; a folder's ends with a slash. */
function leftOut(path: string, ignore: readonly IgnoreFile[]): string | null {
  if (BUILD_OUTPUT.test(path)) return "build output";
  if (REGISTERS.test(path)) return "register definitions only";
  const isDirectory = path.endsWith("/");
  const name = isDirectory ? path.slice(0, -1) : path;
  return isIgnored(name, isDirectory, ignore) ? "ignored by .gitignore" : null;
}

class Walker {
  readonly files: string[] = [];
  readonly skipped: { path: string; reason: string }[] = [];
  private readonly visited = new Set<string>();
  private readonly realRoot: string;

  constructor(
    private readonly root: string,
    private readonly options: WalkOptions,
    private readonly honourGitignore: boolean,
  ) {
    this.realRoot = realpathSync(root);
  }

  /** Lists one folder ("" or with a trailing slash); gives back the folders in it that are to be listed. */
  list(
    folder: string,
    inherited: readonly IgnoreFile[],
  ): { folder: string; ignore: readonly IgnoreFile[] }[] {
    let entries: Dirent[];
    try {
      entries = readdirSync(join(this.root, folder), { withFileTypes: true });
    } catch (error) {
      this.skip(folder, errorReason(error));
      return [];
    }
    const names = new Set(entries.map((e) => e.name));
    if (folder !== "" && names.has(".config") && names.has("include") && names.has("Makefile")) {
      this.skip(folder, "build output");
      return [];
    }
    const ignore =
      this.honourGitignore && names.has(".gitignore") ? this.withIgnoreFile(folder, inherited) : inherited;
    const below: { folder: string; ignore: readonly IgnoreFile[] }[] = [];
    for (const entry of entries) {
      const path = folder + entry.name;
      if (entry.isDirectory()) {
        if (this.wantsFolder(path, entry.name, ignore)) below.push({ folder: `${path}/`, ignore });
      } else if (entry.isFile()) {
        if (C_FILE.test(entry.name)) this.addFile(path, ignore);
      } else if (entry.isSymbolicLink()) {
        if (this.followLink(path, entry.name, ignore)) below.push({ folder: `${path}/`, ignore });
      } else if (C_FILE.test(entry.name)) {
        this.skip(path, "not a regular file");
      }
    }
    return below;
  }

  private withIgnoreFile(folder: string, inherited: readonly IgnoreFile[]): readonly IgnoreFile[] {
    try {
      return [
        ...inherited,
        parseGitignore(readFileSync(join(this.root, folder, ".gitignore"), "utf8"), folder),
      ];
    } catch {
      return inherited;
    }
  }

  private wantsFolder(path: string, name: string, ignore: readonly IgnoreFile[]): boolean {
    if (name === ".git" || name === "node_modules") return false;
    if (!this.options.includeOutside && classifyPath(`${path}/`) === "outside") {
      this.skip(`${path}/`, "not kernel code");
      return false;
    }
    const why = leftOut(`${path}/`, ignore);
    if (why !== null) this.skip(`${path}/`, why);
    return why === null;
  }

  private addFile(path: string, ignore: readonly IgnoreFile[]): void {
    const why = leftOut(path, ignore);
    if (why !== null) this.skip(path, why);
    else this.files.push(path);
  }

  /** Links that lead back into the tree name files that are listed anyway; others are followed once. */
  private followLink(path: string, name: string, ignore: readonly IgnoreFile[]): boolean {
    let real: string;
    let isDirectory: boolean;
    try {
      real = realpathSync(join(this.root, path));
      const stat = statSync(real);
      isDirectory = stat.isDirectory();
      if (!isDirectory && !(stat.isFile() && C_FILE.test(name))) return false;
    } catch (error) {
      if (C_FILE.test(name)) this.skip(path, errorReason(error));
      return false;
    }
    if (real === this.realRoot || real.startsWith(this.realRoot + sep)) return false;
    if (this.visited.has(real) || this.realRoot.startsWith(real + sep)) return false;
    this.visited.add(real);
    if (isDirectory) return this.wantsFolder(path, name, ignore);
    this.addFile(path, ignore);
    return false;
  }

  private skip(path: string, reason: string): void {
    this.skipped.push({ path: path === "" ? "." : path, reason });
  }
}

/** Whether a walk of the kernel tree would list this file, were it there. */
export function wouldList(root: string, path: string): boolean {
  if (!C_FILE.test(path)) return false;
  const folders = path.split("/").slice(0, -1);
  if (folders.some((name) => name === ".git" || name === "node_modules")) return false;
  const ignore = existsSync(join(root, ".git")) ? ignoreFilesAbove(root, path) : [];
  let above = "";
  for (const name of folders) {
    above += `${name}/`;
    if (classifyPath(above) === "outside" || leftOut(above, ignore) !== null) return false;
  }
  return leftOut(path, ignore) === null;
}

/** The .gitignore files above a folder, from the root down. */
function ignoreFilesAbove(root: string, under: string): IgnoreFile[] {
  const out: IgnoreFile[] = [];
  const parts = under.split("/").filter((p) => p !== "");
  for (let i = 0; i < parts.length; i++) {
    const folder = parts.slice(0, i).join("/") + (i > 0 ? "/" : "");
    try {
      out.push(parseGitignore(readFileSync(join(root, folder, ".gitignore"), "utf8"), folder));
    } catch {
      // No .gitignore here.
    }
  }
  return out;
}

/**
 * Walks the tree. Rejects only when the signal fires or the root itself cannot be read.
 *
 * .gitignore counts in a git checkout alone, and only as long as it leaves something: Debian's kernel source, unpacked,
 * carries one that ignores the whole kernel.
 */
export async function walkTree(root: string, options: WalkOptions = {}): Promise<WalkResult> {
  if (!existsSync(join(root, ".git"))) return walkWith(root, options, false);
  const result = await walkWith(root, options, true);
  return result.files.length > 0 ? result : walkWith(root, options, false);
}

async function walkWith(root: string, options: WalkOptions, honourGitignore: boolean): Promise<WalkResult> {
  const walker = new Walker(root, options, honourGitignore);
  const under = options.under ? `${options.under.replace(/\/$/, "")}/` : "";
  const above = honourGitignore ? ignoreFilesAbove(root, under) : [];
  let pending: { folder: string; ignore: readonly IgnoreFile[] }[] = [{ folder: under, ignore: above }];
  let listed = 0;
  while (pending.length > 0) {
    const next: typeof pending = [];
    for (const { folder, ignore } of pending) {
      next.push(...walker.list(folder, ignore));
      if (++listed % FOLDERS_A_TURN === 0) {
        options.onProgress?.(walker.files.length);
        await nextTurn();
        options.signal?.throwIfAborted();
      }
    }
    pending = next;
  }
  options.onProgress?.(walker.files.length);
  walker.files.sort(byCodeUnit);
  walker.skipped.sort((a, b) => byCodeUnit(a.path, b.path));
  return { files: walker.files, skipped: walker.skipped };
}
