/** Rules and their pages: the pages are current, and their examples give exactly what they show. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { RULES } from "../../src/analysis/rules/index.js";
import { ruleSchema } from "../../src/findings/schema.js";
import { renderRulePage } from "../../src/report/rulePage.js";
import { analyse } from "../fixtures/harness.js";

const folder = fileURLToPath(new URL("../../../docs/rules/", import.meta.url));

describe.each(RULES.map((r) => [r.id, r] as const))("%s", (_id, rule) => {
  it("has a page that is current (npm run rules)", () => {
    expect(readFileSync(`${folder}${rule.id}.md`, "utf8")).toBe(renderRulePage(rule));
  });

  it("reports exactly the finding that its page shows", async () => {
    const { findings } = await analyse({ "example.c": rule.example.code }, { minConfidence: "low" });
    expect(
      findings.map(({ rule: id, line, column, confidence, message }) => ({
        id,
        line,
        column,
        confidence,
        message,
      })),
    ).toEqual([{ id: rule.id, ...rule.example.finding }]);
  });

  it("reports nothing in the repaired example", async () => {
    expect(rule.example.repaired).not.toBe(rule.example.code);
    const { findings } = await analyse({ "example.c": rule.example.repaired }, { minConfidence: "low" });
    expect(findings).toEqual([]);
  });

  it("is silenced by the comment that its page shows", async () => {
    const page = renderRulePage(rule);
    const comment = /`(\/\* lockctx-ignore [^`]*\*\/)`/.exec(page)![1];
    const lines = rule.example.code.split("\n");
    lines.splice(rule.example.finding.line - 1, 0, `\t${comment}`);
    const { findings } = await analyse({ "example.c": lines.join("\n") }, { minConfidence: "low" });
    expect(findings.map((f) => f.suppressed)).toEqual([{ reason: "reason" }]);
  });
});

it("every page is of a rule, and every rule of the findings file that can be reported has one", () => {
  expect(existsSync(folder)).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(RULES.map((r) => `${r.id}.md`).sort());
  for (const rule of RULES) expect(ruleSchema.options).toContain(rule.id);
});
