/** A rule's page as Markdown: what `lockctx rule` prints and docs/rules/ holds. */
import type { Rule } from "../analysis/rules/index.js";

/** The file that the example of a page is said to be. */
export const EXAMPLE_FILE = "example.c";

export function renderRulePage(rule: Rule): string {
  const { line, column, confidence, message } = rule.example.finding;
  const list = (items: readonly string[]): string => items.map((i) => `- ${i}`).join("\n");
  const code = (text: string): string => `\`\`\`c\n${text.trimEnd()}\n\`\`\``;
  return `${[
    `# ${rule.id}`,
    `${sentence(rule.title)} Default severity: ${rule.severity}.`,
    "## What it does",
    ...rule.what,
    "## Why it is bad",
    ...rule.whyBad,
    "## Example",
    code(rule.example.code),
    `\`\`\`\n${EXAMPLE_FILE}:${line}:${column}: ${confidence}: ${message} [${rule.id}]\n\`\`\``,
    "## How to repair it",
    list(rule.repair),
    "The example repaired; nothing is found in it:",
    code(rule.example.repaired),
    "## Known limits",
    list(rule.limits),
    "All limits of the analysis are in docs/limits.md.",
    "## Configuration",
    list(rule.configuration),
  ].join("\n\n")}\n`;
}

const sentence = (text: string): string => `${text[0].toUpperCase()}${text.slice(1)}.`;
