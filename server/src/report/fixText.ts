/** The alternatives for a finding side by side, for people: what each does, what was checked, what it costs. */
import pc from "picocolors";
import type { Finding } from "../findings/types.js";
import type { Fix } from "../fixes/types.js";
import type { TreePositions } from "./positions.js";

/** Digits of a fingerprint that name a finding on the command line. */
export const ID_DIGITS = 10;

export const fixId = (finding: Finding, fix: Fix): string =>
  `${finding.fingerprint.slice(0, ID_DIGITS)}:${fix.id}`;

/** `brief`: one line a fix. */
export function renderAlternatives(
  finding: Finding,
  fixes: readonly Fix[],
  positions: TreePositions,
  options: { colors: boolean; brief?: boolean },
): string {
  const c = pc.createColors(options.colors);
  const { line, column } = positions.of(finding.file).at(finding.offset);
  const out = [`${c.bold(`${finding.file}:${line}:${column}`)}: ${finding.message}`];
  const shown = fixes.filter((f) => f.kind !== "suppress");
  if (shown.length === 0) out.push("    no alternative is known");
  for (const [i, fix] of shown.entries()) {
    const state =
      fix.applicability === "sketch" ? c.yellow("sketch") : c.green(`proved, ${fix.applicability}`);
    out.push(`  ${i + 1}. ${c.bold(fix.title)}  [${state}]  ${c.dim(fixId(finding, fix))}`);
    if (options.brief) continue;
    const list = (head: string, items: readonly string[] | undefined): void => {
      for (const item of items ?? []) out.push(`       ${head} ${item}`);
    };
    list("checked:", fix.preconditions);
    list("lost:   ", fix.losses);
    list("mind:   ", fix.warnings);
    list("missing:", fix.missing);
    list("as in:  ", fix.precedent);
  }
  return `${out.join("\n")}\n`;
}
