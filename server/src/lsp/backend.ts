/**
 * Joins the language server to the analysis: the engine over a pool of workers that reads open documents in place of
 * the disk. The only file of `lsp/` that knows how an engine is made.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createEngine } from "../analysis/createEngine.js";
import { cacheSettings } from "../host/cache/folder.js";
import { findKernelRoot, readKernelVersion } from "../host/root.js";
import { openFacts } from "../host/tree.js";
import { walkTree } from "../host/walk.js";
import { loadKernelTables, registrationNames } from "../kernel/load.js";
import { contextRootFacts } from "./contextRoots.js";
import type { OpenTreeOptions, ServerDeps, TreeBackend } from "./deps.js";

async function openTree({ root, scope, contextRoots }: OpenTreeOptions): Promise<TreeBackend> {
  const version = readKernelVersion(root);
  const tables = loadKernelTables(version, contextRootFacts(contextRoots));
  const facts = openFacts({
    root,
    outline: { registrations: registrationNames(tables) },
    cache: cacheSettings(),
  });
  return {
    engine: createEngine({ tables, facts, version }),
    async listFiles(signal) {
      if (scope === "files") return [];
      // Outside of a kernel tree every folder is code that somebody wants to see.
      return (await walkTree(root, { includeOutside: scope === "folder", signal })).files;
    },
    setOverlay: (file, text) => facts.sources.setOverlay(file, text),
    read: (file) => facts.read(file),
    dispose: () => facts.close(),
  };
}

/** Where the pages of the rules are: beside the bundle of the extension, or in the repository. */
const PAGES = ["./docs/rules/", "../../../docs/rules/"];

function rulePage(rule: string): string | undefined {
  for (const folder of PAGES) {
    const page = new URL(`${folder}${rule}.md`, import.meta.url);
    if (existsSync(fileURLToPath(page))) return page.href;
  }
  return undefined;
}

export function createDeps(version: string): ServerDeps {
  return { version, findRoot: findKernelRoot, openTree, rulePage };
}
