/**
 * The steps of a finding in reading order: where the context was entered, each call on the way, the call that may
 * sleep. One list that every output numbers alike.
 */

import type { ChainStep, Finding, FindingPath, Site } from "./types.js";
import { entryWords } from "./words.js";

export interface Step {
  site: Site;
  text: string;
}

/** All steps of one path, complete and in order. */
export function stepsOf(finding: Finding, path: FindingPath = finding.paths[0]!): Step[] {
  const steps: Step[] = [];
  const { context } = finding;
  const through = context.through ?? [];
  for (const [i, step] of through.entries()) {
    const next = through[i + 1]?.function ?? context.how;
    steps.push({ site: step, text: `${step.function}() calls ${nameCall(next)}${viaText(step)}` });
  }
  const last = through[through.length - 1];
  const stated = last !== undefined && sameSite(last, context.site);
  if (stated) steps.pop();
  steps.push({ site: context.site, text: entryWords(context) });
  for (const [i, step] of path.chain.entries()) {
    const next = path.chain[i + 1];
    steps.push({
      site: step,
      text: step.does
        ? `${step.function}() ${step.does}`
        : next
          ? `${step.function}() calls ${nameCall(next.function)}${viaText(step)}`
          : `${step.function}() calls ${nameCall(path.sleep.call)}: ${path.sleep.reason}`,
    });
  }
  return steps;
}

function sameSite(a: Site, b: Site): boolean {
  return a.file === b.file && a.offset === b.offset;
}

function nameCall(name: string): string {
  return /^\w+$/.test(name) ? `${name}()` : name;
}

function viaText(step: ChainStep): string {
  switch (step.via) {
    case "pointer":
      return " through a function pointer";
    case "macro":
      return " (a macro)";
    case "callback":
      return " as a callback";
    default:
      return "";
  }
}

/** The chain in the form that kernel commit messages use: indented calls under the atomic context. */
export function commitMessageText(finding: Finding, lineOf: (site: Site) => number): string {
  const { context } = finding;
  const lock = context.lock ? `${context.how}, ${context.lock}` : context.how;
  const at = (site: Site): string => `${site.file}:${lineOf(site)}`;
  const lines = [`${finding.message}`, "", `(atomic context: ${lock}, ${at(context.site)})`];
  for (const [p, path] of finding.paths.entries()) {
    if (p > 0) lines.push("", path.condition ? `and (${path.condition}):` : "and:");
    else if (path.condition && !finding.message.includes(path.condition))
      lines[lines.length - 1] += ` (${path.condition})`;
    if (path.chain.some((step) => step.does !== undefined)) {
      for (const step of path.chain)
        lines.push(`${step.function}() ${step.does ?? "calls on"} //${at(step)}`);
      continue;
    }
    for (const [i, step] of path.chain.entries()) lines.push(`${"  ".repeat(i)}${step.function}()`);
    lines.push(`${"  ".repeat(path.chain.length)}${path.sleep.call}() //sleep, ${at(path.sleep)}`);
  }
  if (finding.morePaths > 0) lines.push("", `and ${finding.morePaths} more`);
  return `${lines.join("\n")}\n`;
}
