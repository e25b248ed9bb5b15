/** Tokenizes C with the grammars as VS Code does, and answers the scopes that lockctx adds. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import oniguruma from "vscode-oniguruma";
import textmate, { type IGrammar } from "vscode-textmate";

const here = import.meta.dirname ?? __dirname;
const require = createRequire(import.meta.url);
const GRAMMARS: Record<string, string> = {
  "source.c": join(here, "c.tmLanguage.json"),
  "source.c.lockctx": join(here, "../lockctx.tmLanguage.json"),
  "comment.c.lockctx": join(here, "../lockctx-comments.tmLanguage.json"),
};

let grammar: Promise<IGrammar> | undefined;

async function load(): Promise<IGrammar> {
  const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) => {
      const path = GRAMMARS[scope];
      return path ? textmate.parseRawGrammar(readFileSync(path, "utf8"), path) : null;
    },
    getInjections: (scope) => (scope === "source.c" ? ["source.c.lockctx", "comment.c.lockctx"] : []),
  });
  return (await registry.loadGrammar("source.c"))!;
}

/** `[text, scope]` of every token that got a scope ending in `.lockctx`, scope without that ending. */
export async function lockctxTokens(source: string): Promise<[string, string][]> {
  const c = await (grammar ??= load());
  const found: [string, string][] = [];
  let state = textmate.INITIAL;
  for (const line of source.split("\n")) {
    const { tokens, ruleStack } = c.tokenizeLine(line, state);
    state = ruleStack;
    for (const { startIndex, endIndex, scopes } of tokens) {
      const own = scopes.filter((scope) => scope.endsWith(".lockctx")).pop();
      if (own) found.push([line.slice(startIndex, endIndex), own.replace(/\.lockctx$/, "")]);
    }
  }
  return found;
}
