/** A language server process with the small engine of the tests, over the files of a real folder. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { runServer } from "../../src/lsp/server.js";
import { fakeBackend } from "./fakeEngine.js";

function walk(root: string, below = ""): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below ? `${below}/${entry.name}` : entry.name;
    if (entry.isDirectory()) return entry.name.startsWith(".") ? [] : walk(root, path);
    return /\.[ch]$/.test(entry.name) ? [path] : [];
  });
}

function findRoot(path: string): string | null {
  for (let at = path; ; at = dirname(at)) {
    if (["Kconfig", "MAINTAINERS"].every((name) => existsSync(join(at, name)))) return at;
    if (dirname(at) === at) return null;
  }
}

runServer(createConnection(ProposedFeatures.all, process.stdin, process.stdout), {
  version: "0.0.0-test",
  findRoot,
  openTree: async ({ root }) =>
    fakeBackend({
      list: () => walk(root).sort(),
      read: (file) => {
        try {
          return readFileSync(join(root, file), "latin1");
        } catch {
          return null;
        }
      },
    }),
  rulePage: (rule) => `https://example.invalid/${rule}`,
});
