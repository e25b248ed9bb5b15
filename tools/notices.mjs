// `npm run notices`: writes THIRD_PARTY_NOTICES.md from the packages that run with lockctx (not those that build or test it).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled, repoRoot } from "./setup.mjs";

ensureInstalled();
const { packages } = JSON.parse(readFileSync(join(repoRoot, "package-lock.json"), "utf8"));
const shipped = Object.entries(packages)
  .filter(
    ([path, entry]) => path.startsWith("node_modules/") && !entry.link && !entry.dev && !entry.devOptional,
  )
  .map(([path, entry]) => ({ path, name: path.slice(path.lastIndexOf("node_modules/") + 13), entry }))
  .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

function licenceText(folder) {
  try {
    const name = readdirSync(folder).find((f) => /^licen[cs]e(\.|$)/i.test(f));
    return name ? readFileSync(join(folder, name), "utf8").replace(/\r\n/g, "\n").trim() : null;
  } catch {
    return null;
  }
}

const parts = shipped.map(({ path, name, entry }) => {
  const text =
    licenceText(join(repoRoot, path)) ?? `(The package ships no licence file; it declares ${entry.license}.)`;
  return `## ${name}\n\nVersion ${entry.version}, ${entry.license}\n\n\`\`\`\n${text}\n\`\`\`\n`;
});
const head = `# Third-party notices

lockctx itself is under the MIT licence (LICENSE). It runs with the packages below, each under its own licence.
Kernel sources are no part of it. Written by \`npm run notices\`.
`;
writeFileSync(join(repoRoot, "THIRD_PARTY_NOTICES.md"), [head, ...parts].join("\n"));
