/** Stamps: digests of everything besides a file's bytes that its facts depend on. They are part of every key. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MacroClasses, OutlineOptions } from "../../facts/outline.js";
import { contentHash, type Hash } from "./hash.js";

/** What makes facts, relative to this file: a change of its code is another version of the tool. */
const MAKERS = ["text", "outline", "syntax", "facts"];

let tool: Hash | null = null;

/** Version and code of this build of the tool. A bundle has no such folders; there its one file counts. */
export function toolStamp(): Hash {
  if (tool !== null) return tool;
  const hash = createHash("sha1");
  const add = (url: URL): void => {
    hash.update(readFileSync(url));
  };
  let found = 0;
  for (const folder of MAKERS) {
    try {
      const url = new URL(`../../${folder}/`, import.meta.url);
      for (const name of readdirSync(fileURLToPath(url)).sort()) {
        if (!/(?<!\.d)\.[jt]s$/.test(name)) continue;
        hash.update(name);
        add(new URL(name, url));
        found++;
      }
    } catch {
      // Not there: a bundle.
    }
  }
  for (const name of found > 0
    ? ["../../../package.json", "../factTools.js", "../flowCodec.js"]
    : ["./", ""]) {
    try {
      add(new URL(name || import.meta.url, import.meta.url));
    } catch {
      // One of two places is right.
    }
  }
  tool = hash.digest("binary").slice(0, 16);
  return tool;
}

let wholeTool: Hash | null = null;

/** The same for everything that findings depend on: all code and data of this build. */
export function wholeToolStamp(): Hash {
  if (wholeTool !== null) return wholeTool;
  if (!/\/host\/cache\/stamps\.[jt]s$/.test(import.meta.url)) {
    // In a bundle that is one file, which the stamp of what makes facts covers; around it is who knows what.
    wholeTool = toolStamp();
    return wholeTool;
  }
  const hash = createHash("sha1").update(toolStamp(), "latin1");
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:js|json|ts)$/.test(name) && !/^(?:cli|lsp|report)\b/.test(name))
    .sort();
  for (const name of files) hash.update(`${name}\0`).update(readFileSync(join(root, name)));
  wholeTool = hash.digest("binary").slice(0, 16);
  return wholeTool;
}

/** What outlines depend on besides text and tool. */
export const outlineStamp = (options: OutlineOptions): Hash =>
  contentHash(`outline\0${[...options.registrations].sort().join("\0")}`);

/** What flow facts depend on: outlines, and what macros mean in this tree. */
export const flowStamp = (options: OutlineOptions, classes: MacroClasses): Hash =>
  contentHash(`packed flow\0${outlineStamp(options)}\0${classes.digest}`);
