/** The README shows what the command really prints. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { lockctx } from "./cli/lockctx.js";
import { fixturesFolder } from "./fixtures/harness.js";

it("shows the example as it is reported now", async () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const shown = /^\$ npm start\n([\s\S]*?)\n```$/m.exec(readme)?.[1];
  const { stdout } = await lockctx(["check"], { cwd: join(fixturesFolder, "put-super") });
  expect(shown).toBe(stdout.trimEnd());
});
