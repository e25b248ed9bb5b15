/** The third-party notices name what lockctx runs with. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("names every shipped package and its version (`npm run notices` writes it anew)", () => {
  const { packages } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { link?: boolean; dev?: boolean; devOptional?: boolean; version: string }>;
  };
  const shipped = Object.entries(packages)
    .filter(([path, e]) => path.startsWith("node_modules/") && !e.link && !e.dev && !e.devOptional)
    .map(([path, e]) => `${path.slice(path.lastIndexOf("node_modules/") + 13)} ${e.version}`);
  const named = [...read("THIRD_PARTY_NOTICES.md").matchAll(/^## (.+)\n\nVersion ([^,]+),/gm)].map(
    ([, name, version]) => `${name} ${version}`,
  );
  expect(named.sort()).toEqual(shipped.sort());
});
