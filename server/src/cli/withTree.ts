/** Opens the tree that a command is about, hands it to the command, and closes it whatever happens. */
import type { InspectingEngine } from "../engine.js";
import type { Workbench } from "../fixes/proof.js";
import { keepHeapSmall } from "../host/heap.js";
import { type OpenTree, openTree } from "../host/tree.js";
import { type CacheFlags, cacheFromFlags, reportCache } from "./cacheOptions.js";
import type { CommandContext } from "./main.js";
import { ProgressLine } from "./progress.js";
import { resolveTargets, type Scope, type Targets } from "./targets.js";

export interface TreeFlags extends CacheFlags {
  root?: string;
  scope?: Scope;
  jobs: number;
}

/** An open tree and what was asked about; the progress line is cleared when the command is done with it. */
export interface OpenedTree {
  tree: OpenTree;
  targets: Targets;
  line: ProgressLine;
}

/** What `use` makes of the files that the paths and flags mean. */
export async function withTree<T>(
  paths: readonly string[],
  flags: TreeFlags,
  { cwd, signal }: CommandContext,
  use: (opened: OpenedTree) => Promise<T>,
): Promise<T> {
  const line = new ProgressLine(process.stderr);
  try {
    const targets = await resolveTargets({
      paths: [...paths],
      root: flags.root,
      scope: flags.scope,
      cwd,
      signal,
      onProgress: (files) => line.update({ phase: "listing files", done: files, total: 0 }),
    });
    const tree = openTree({
      root: targets.root,
      // A worker for each file at most: a question is often about a few files.
      jobs: Math.max(1, Math.min(flags.jobs, targets.files.length)),
      cache: cacheFromFlags(flags, cwd),
    });
    try {
      return await use({ tree, targets, line });
    } finally {
      line.clear();
      await tree.close();
      reportCache(tree.facts);
    }
  } finally {
    line.clear();
  }
}

/** The tree with its program loaded, for questions and fixes. */
export async function withProgram<T>(
  paths: readonly string[],
  flags: TreeFlags,
  context: CommandContext,
  use: (opened: OpenedTree & { bench: Workbench & { engine: InspectingEngine } }) => Promise<T>,
): Promise<T> {
  return withTree(paths, flags, context, async (opened) => {
    const { tree, targets, line } = opened;
    keepHeapSmall();
    await tree.engine.load(targets.files, { progress: line.update, signal: context.signal });
    const bench = {
      engine: tree.engine,
      read: (file: string) => tree.facts.read(file),
      setText: (file: string, text: string | null) => tree.facts.sources.setOverlay(file, text),
    };
    return use({ ...opened, bench });
  });
}
