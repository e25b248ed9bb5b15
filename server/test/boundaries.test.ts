/** The invariants of ARCHITECTURE.md that can be read off the imports. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = fileURLToPath(new URL("../src/", import.meta.url));

/** Folders that may touch the world; everything else is the core. */
const ADAPTERS = ["host", "report", "cli", "lsp"];

/** What each part may import, besides itself and the contracts. */
const ALLOWED: Record<string, string[]> = {
  // The two that read raw text are one layer: the normaliser is driven by what the outliner knows of signatures.
  text: ["outline"],
  outline: ["text"],
  syntax: ["text", "outline"],
  kernel: [],
  findings: [],
  program: ["text", "outline", "syntax"],
  analysis: ["text", "outline", "syntax", "program"],
  fixes: ["text", "outline", "syntax", "program", "analysis"],
  host: ["text", "outline", "syntax", "program", "analysis", "fixes"],
  // Of the analysis, a report knows the rules' texts alone; of the fixes, what one is.
  report: ["text", "analysis", "fixes"],
  cli: ["text", "host", "report", "program", "analysis", "fixes", "lsp"],
  lsp: ["text", "host", "report", "program", "analysis", "fixes"],
};
/** Contracts between the parts: plain types and tables that everyone may see. */
const CONTRACTS = ["facts", "findings", "kernel", "engine.ts", "code.ts"];

/** node:module finds tree-sitter's native binding; node:crypto hashes. Neither sees a file of the user. */
const FORBIDDEN_IN_CORE =
  /^(?:node:(?!crypto$|module$)|fs$|path$|os$|child_process$|worker_threads$|vscode|commander$|picocolors$)/;

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const pattern = /^\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\("([^"]+)"\)/gm;
  return [...text.matchAll(pattern)].map((m) => ({
    from: relative(source, file).split("\\").join("/"),
    to: m[2] ?? m[3],
    typeOnly: m[1] !== undefined,
  }));
}

const files = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile() && e.name.endsWith(".ts"))
  .map((e) => join(e.parentPath, e.name));
const imports = files.flatMap(importsOf);
const partOf = (path: string): string => path.split("/")[0];
const inSource = ({ from, to }: Import): string =>
  relative(source, resolve(source, from, "..", to))
    .split("\\")
    .join("/")
    .replace(/\.js$/, ".ts");

describe("imports", () => {
  it("are found at all", () => {
    expect(imports.length).toBeGreaterThan(50);
    expect(imports.some((i) => i.to === "node:fs")).toBe(true);
  });

  it("of the core name no file system, process, terminal, editor or protocol (I1)", () => {
    const wrong = imports.filter((i) => !ADAPTERS.includes(partOf(i.from)) && FORBIDDEN_IN_CORE.test(i.to));
    expect(wrong).toEqual([]);
  });

  it("go one way (I1)", () => {
    const wrong = imports
      .filter((i) => i.to.startsWith("."))
      .map((i) => ({ ...i, to: inSource(i) }))
      .filter(({ from, to }) => {
        const [own, other] = [partOf(from), partOf(to)];
        if (own === other || CONTRACTS.includes(other)) return false;
        return !(ALLOWED[own] ?? []).includes(other);
      });
    expect(wrong).toEqual([]);
  });

  it("of language server types stay in lsp/ (I1, I3)", () => {
    const wrong = imports.filter((i) => partOf(i.from) !== "lsp" && /^vscode/.test(i.to));
    expect(wrong).toEqual([]);
  });

  it("of tree-sitter stay in syntax/", () => {
    const wrong = imports.filter((i) => partOf(i.from) !== "syntax" && /tree-sitter/.test(i.to));
    expect(wrong).toEqual([]);
  });

  it("stand in parts that are known here", () => {
    const parts = new Set(imports.map((i) => partOf(i.from)));
    expect([...parts].filter((p) => !(p in ALLOWED) && !CONTRACTS.includes(p))).toEqual([]);
  });
});

describe("core files", () => {
  it("read no clock and no chance: findings depend on the text alone (I5)", () => {
    const wrong = files
      .filter((f) => !ADAPTERS.includes(partOf(relative(source, f))))
      .filter((f) => /\bMath\.random\(|\bnew Date\(\)|localeCompare\(/.test(readFileSync(f, "utf8")))
      .map((f) => relative(source, f));
    expect(wrong).toEqual([]);
  });

  it("say what they are in their first sentence", () => {
    const wrong = files
      .filter((f) => !/^(?:#!.*\n)?\/(?:\*\*|\/)/.test(readFileSync(f, "utf8")))
      .map((f) => relative(source, f));
    expect(wrong).toEqual([]);
  });
});
