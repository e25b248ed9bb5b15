/** From the paths that the user typed to the files to load and those to report on. */
import { readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { findKernelRoot } from "../host/root.js";
import { readSource } from "../host/sources.js";
import { byCodeUnit, errorReason, isCFile, type WalkResult, walkTree } from "../host/walk.js";
import { UsageError } from "./errors.js";

export type Scope = "files" | "tree";

export interface TargetRequest {
  paths: readonly string[];
  root?: string;
  scope?: Scope;
  cwd: string;
  signal?: AbortSignal;
  onProgress?: (files: number) => void;
}

export interface Targets {
  root: string;
  scope: Scope;
  /** All files of the program, sorted. */
  files: string[];
  /** Files named by the user, by themselves or through a folder; null when the whole root is meant. */
  named: ReadonlySet<string> | null;
  skipped: { path: string; reason: string }[];
}

interface Named {
  /** As typed, for messages. */
  typed: string;
  absolute: string;
  isDirectory: boolean;
}

function statOf(path: string, typed: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw new UsageError(`${typed}: ${errorReason(error)}`);
  }
}

/** Looks at one path that the user named: it must be there, be of a kind that we read, and be readable. */
function lookAt(typed: string, cwd: string): Named {
  const absolute = resolve(cwd, typed);
  const stat = statOf(absolute, typed);
  if (stat.isDirectory()) {
    try {
      readdirSync(absolute);
    } catch (error) {
      throw new UsageError(`${typed}: ${errorReason(error)}`);
    }
    return { typed, absolute, isDirectory: true };
  }
  if (!stat.isFile()) throw new UsageError(`${typed}: not a regular file or folder`);
  if (!isCFile(absolute)) throw new UsageError(`${typed}: not a C file (lockctx reads .c and .h)`);
  const source = readSource(absolute);
  if ("problem" in source) throw new UsageError(`${typed}: ${source.problem}`);
  return { typed, absolute, isDirectory: false };
}

function commonFolder(named: readonly Named[]): string {
  const folders = named.map((n) => (n.isDirectory ? n.absolute : dirname(n.absolute)).split(sep));
  const first = folders[0];
  let length = first.length;
  for (const other of folders) {
    let same = 0;
    while (same < length && same < other.length && other[same] === first[same]) same++;
    length = same;
  }
  return first.slice(0, length).join(sep) || sep;
}

/** Path relative to the root with forward slashes ("" for the root itself), or null when it is outside. */
function inside(root: string, path: string): string | null {
  for (const candidate of [path, realpathSync(path)]) {
    const relativePath = relative(root, candidate);
    if (relativePath !== ".." && !relativePath.startsWith(`..${sep}`) && !isAbsolute(relativePath)) {
      return relativePath.split(sep).join("/");
    }
  }
  return null;
}

function chooseRoot(request: TargetRequest, named: readonly Named[]): { root: string; isTree: boolean } {
  if (request.root !== undefined) {
    const root = resolve(request.cwd, request.root);
    if (!statOf(root, request.root).isDirectory())
      throw new UsageError(`--root ${request.root}: not a folder`);
    return { root: realpathSync(root), isTree: true };
  }
  const start = named.length > 0 ? named[0].absolute : request.cwd;
  const found = findKernelRoot(start);
  if (found !== null) return { root: realpathSync(found), isTree: true };
  return { root: realpathSync(named.length > 0 ? commonFolder(named) : request.cwd), isTree: false };
}

/** The files that one named path stands for; adds to the walk what it had left out and the user wants all the same. */
async function filesOf(
  named: Named,
  path: string,
  root: string,
  tree: WalkResult | null,
  signal: AbortSignal | undefined,
): Promise<WalkResult> {
  if (!named.isDirectory) return { files: [path], skipped: [] };
  const prefix = path === "" ? "" : `${path}/`;
  if (tree) {
    const files = tree.files.filter((f) => f.startsWith(prefix));
    if (files.length > 0) return { files, skipped: [] };
  }
  const walked = await walkTree(root, { under: path, includeOutside: path !== "", signal });
  if (walked.files.length === 0) {
    const left =
      walked.skipped.length > 0 ? ` (${walked.skipped.length} skipped: ${walked.skipped[0].reason})` : "";
    throw new UsageError(`${named.typed}: no C files in this folder${left}`);
  }
  return walked;
}

export async function resolveTargets(request: TargetRequest): Promise<Targets> {
  const named = request.paths.map((path) => lookAt(path, request.cwd));
  const { root, isTree } = chooseRoot(request, named);
  const scope = request.scope ?? (isTree ? "tree" : "files");
  if (scope === "tree" && !isTree) {
    throw new UsageError(
      "no kernel tree found here or above (a folder with Kconfig, Makefile and MAINTAINERS); name it with --root DIR, or use --scope files",
    );
  }
  const inRoot = named.map((n) => {
    const path = inside(root, n.absolute);
    if (path === null) throw new UsageError(`${n.typed}: not inside the root ${root}`);
    return { named: n, path };
  });

  const wholeRoot = inRoot.length === 0 || inRoot.some(({ path }) => path === "");
  const tree =
    scope === "tree" || wholeRoot
      ? await walkTree(root, { signal: request.signal, onProgress: request.onProgress })
      : null;
  const files = new Set(tree?.files);
  const skipped = new Map((tree?.skipped ?? []).map((s) => [s.path, s]));
  const wanted = new Set<string>();
  for (const { named: n, path } of inRoot) {
    const found = await filesOf(n, path, root, tree, request.signal);
    for (const file of found.files) {
      wanted.add(file);
      files.add(file);
      skipped.delete(file);
    }
    for (const s of found.skipped) skipped.set(s.path, s);
  }
  if (files.size === 0) throw new UsageError(`${join(root)}: no C files in this folder`);
  return {
    root,
    scope,
    files: [...files].sort(byCodeUnit),
    named: wholeRoot ? null : wanted,
    skipped: [...skipped.values()],
  };
}
