/**
 * Joins the language server to the analysis: the engine over a pool of workers that reads open documents in place of
 * the disk. The only file of `lsp/` that knows how an engine is made.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createEngine } from "../analysis/createEngine.js";
import type { Engine } from "../engine.js";
import { cacheSettings } from "../host/cache/folder.js";
import type { FactsHost } from "../host/factsHost.js";
import { ImageFindings } from "../host/imageFindings.js";
import { KeptFindingsFolder } from "../host/keptFindings.js";
import { loadImage, wholeQuestion } from "../host/loadTree.js";
import { nearFiles } from "../host/nearFiles.js";
import { openFacts } from "../host/openFacts.js";
import { findKernelRoot, readKernelVersion } from "../host/root.js";
import { Sources } from "../host/sources.js";
import { walkTree, wouldList } from "../host/walk.js";
import { loadKernelTables, registrationNames } from "../kernel/load.js";
import { contextRootFacts } from "./contextRoots.js";
import type { EngineBackend, OpenTreeOptions, ServerDeps, TreeBackend } from "./deps.js";

/** Workers are for loading and for what many files say; what is typed needs none. They are started again in 0.1 s. */
const IDLE_LIMIT_MS = 10_000;

async function openTree({ root, scope, contextRoots }: OpenTreeOptions): Promise<TreeBackend> {
  const version = readKernelVersion(root);
  const tables = loadKernelTables(version, contextRootFacts(contextRoots));
  const cache = cacheSettings();
  const outline = { registrations: registrationNames(tables) };
  const open = (): OpenedEngine => {
    const facts = openFacts({
      root,
      outline,
      cache,
      buffersHere: true,
      idleLimitMs: IDLE_LIMIT_MS,
    });
    return new OpenedEngine(createEngine({ tables, facts, version }), facts);
  };
  // What contexts the user has named is in no image.
  const question = contextRoots.length === 0 ? wholeQuestion(version) : null;
  const image = cache && question !== null ? new ImageFindings(cache, root, outline, question) : null;
  // Opened when it is first needed: by then the cache has what the near part has made.
  let whole: OpenedEngine | null = null;
  const theWhole = (): OpenedEngine => {
    whole ??= open();
    return whole;
  };
  const disk = new Sources(root);
  const readDisk = (file: string): string | null => {
    const source = disk.read(file);
    return "text" in source ? source.text : null;
  };
  return {
    get engine() {
      return theWhole().engine;
    },
    async listFiles(signal) {
      if (scope === "files") return [];
      // Outside of a kernel tree every folder is code that somebody wants to see.
      return (await walkTree(root, { includeOutside: scope === "folder", signal })).files;
    },
    recall: async (files, options = {}) => {
      const { engine, facts } = theWhole();
      return question !== null && loadImage(engine, facts, files, question, options);
    },
    setOverlay: (file, text) => theWhole().setOverlay(file, text),
    prepareBuffers: () => void whole?.facts.prepareBuffers?.(),
    read: (file) => (whole ? whole.read(file) : readDisk(file)),
    dispose: async () => whole?.dispose(),
    ...(scope === "kernel" && {
      belongs: (file: string) => wouldList(root, file),
      openNear: open,
      nearFiles: (files: Iterable<string>, all: readonly string[]) => nearFiles(files, all, readDisk),
      kept: cache && new KeptFindingsFolder(cache, root, [version, contextRoots], image),
    }),
  };
}

class OpenedEngine implements EngineBackend {
  constructor(
    readonly engine: Engine,
    readonly facts: FactsHost,
  ) {}

  setOverlay(file: string, text: string | null): void {
    this.facts.sources.setOverlay(file, text);
  }

  read(file: string): string | null {
    return this.facts.read(file);
  }

  dispose(): Promise<void> {
    return this.facts.close();
  }
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
