// `npm run rules`: writes docs/rules/<id>.md from the rules in server/src/analysis/rules/.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, ensureInstalled, repoRoot } from "./setup.mjs";

ensureInstalled();
build("server");
const { RULES } = await import("../server/dist/analysis/rules/index.js");
const { renderRulePage } = await import("../server/dist/report/rulePage.js");
const folder = join(repoRoot, "docs", "rules");
mkdirSync(folder, { recursive: true });
for (const rule of RULES) writeFileSync(join(folder, `${rule.id}.md`), renderRulePage(rule));
