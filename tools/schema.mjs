// `npm run schema`: writes server/schema/findings.schema.json from the zod schema of the findings file.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, ensureInstalled, repoRoot } from "./setup.mjs";

ensureInstalled();
build("server");
const { findingsJsonSchema } = await import("../server/dist/findings/schema.js");
const folder = join(repoRoot, "server", "schema");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "findings.schema.json"), `${JSON.stringify(findingsJsonSchema(), null, 2)}\n`);
