/** The findings file: one schema for types, validation and the shipped JSON Schema. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findingsFileSchema, findingsJsonSchema } from "../../src/findings/schema.js";
import { renderFile, toFile } from "../../src/report/file.js";
import { makeReport } from "../../src/report/report.js";
import { emptyStats, finding } from "../fixtures/fakeEngine.js";

const report = (phases: { name: string; wallMs: number; cpuMs: number; rssMb: number }[] = []) =>
  makeReport(
    { findings: [finding({ reasons: ["state-guarded"] })], stats: { ...emptyStats(), phases } },
    { root: "/tree", minConfidence: "low", read: () => "text\n", named: null },
  );

describe("the findings file", () => {
  it("has the shipped JSON Schema (`npm run schema` writes it anew)", () => {
    const shipped = readFileSync(new URL("../../schema/findings.schema.json", import.meta.url), "utf8");
    expect(JSON.parse(shipped)).toEqual(JSON.parse(JSON.stringify(findingsJsonSchema())));
  });

  it("is what a report becomes", () => {
    const file = JSON.parse(JSON.stringify(toFile(report())));
    expect(findingsFileSchema.parse(file)).toEqual(file);
  });

  it("is written in pieces that make the same", () => {
    for (const phases of [false, true]) {
      const text = [...renderFile(report(), { phases })].join("");
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(toFile(report(), { phases }))));
    }
    const none = makeReport(
      { findings: [], stats: emptyStats() },
      { root: "/tree", minConfidence: "low", read: () => null, named: null },
    );
    expect(JSON.parse([...renderFile(none, {})].join("")).findings).toEqual([]);
  });

  it("is refused when a field is missing or of another kind", () => {
    const file = JSON.parse(JSON.stringify(toFile(report())));
    for (const broken of [
      { ...file, version: 2 },
      { ...file, findings: [{ ...file.findings[0], line: 0 }] },
      { ...file, findings: [{ ...file.findings[0], reasons: ["no-such-reason"] }] },
      { ...file, findings: [{ ...file.findings[0], paths: [] }] },
    ]) {
      expect(findingsFileSchema.safeParse(broken).success).toBe(false);
    }
  });

  it("holds times only when they were asked for, so that it is the same on every run", () => {
    const timed = report([{ name: "outline", wallMs: 1, cpuMs: 1, rssMb: 1 }]);
    expect(toFile(timed).stats).not.toHaveProperty("phases");
    expect(toFile(timed, { phases: true }).stats.phases).toHaveLength(1);
  });
});
