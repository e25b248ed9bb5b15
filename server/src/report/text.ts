/** The report for people: each finding like a good compiler's error, with its chain; equal ones are told once. */
import pc from "picocolors";
import { calleeOf } from "../findings/fingerprint.js";
import type { Confidence, Finding, FindingPath } from "../findings/types.js";
import { contextWords, entryWords } from "../findings/words.js";
import { outstanding, type Report } from "./report.js";

type Colors = ReturnType<typeof pc.createColors>;

export interface TextOptions {
  colors: boolean;
}

/** Paths written out for one finding; the rest is counted. */
const PATHS_SHOWN = 4;
/** Other places of a cluster written out; the rest is counted. */
const PLACES_SHOWN = 20;
/** Widest column of places before their texts start on their own column. */
const PLACE_WIDTH = 44;

/** One line of a chain: a number (or nothing), a place, a text. */
interface Row {
  number: string;
  place: string;
  text: string;
}

class TextReport {
  private readonly lines: string[] = [];

  constructor(
    private readonly report: Report,
    private readonly c: Colors,
  ) {}

  render(): string {
    const clusters = new Map<string, Finding[]>();
    for (const finding of outstanding(this.report)) {
      const known = clusters.get(finding.cluster);
      if (known) known.push(finding);
      else clusters.set(finding.cluster, [finding]);
    }
    for (const findings of clusters.values()) {
      this.finding(findings[0]);
      this.others(findings.slice(1));
      this.lines.push("");
    }
    this.summary(clusters.size);
    return `${this.lines.join("\n")}\n`;
  }

  private place(site: { file: string; offset: number }): string {
    return `${site.file}:${this.report.positions.of(site.file).line(site.offset)}`;
  }

  private exactPlace(finding: Finding): string {
    const { line, column } = this.report.positions.of(finding.file).at(finding.offset);
    return `${finding.file}:${line}:${column}`;
  }

  private level(confidence: Confidence): string {
    const { c } = this;
    const colour = confidence === "high" ? c.red : confidence === "medium" ? c.yellow : c.blue;
    return c.bold(colour(confidence));
  }

  private finding(finding: Finding): void {
    const { c } = this;
    const place = this.exactPlace(finding);
    this.lines.push(
      `${c.bold(place)}: ${this.level(finding.confidence)}: ${c.bold(finding.message)} ${c.dim(`[${finding.rule}]`)}`,
    );
    const shown = finding.paths.slice(0, PATHS_SHOWN);
    const rows = shown.map((path, i) => this.pathRows(path, i === 0 ? null : finding.paths[0]));
    const entry = this.entryRows(finding);
    const width = Math.min(PLACE_WIDTH, Math.max(...[...entry, ...rows.flat()].map((r) => r.place.length)));
    this.rows(entry, width);
    shown.forEach((path, i) => {
      if (i > 0) this.lines.push(c.dim("    or"));
      this.rows(rows[i], width);
      if (path.condition !== undefined) this.lines.push(`    ${c.dim("condition:")} ${path.condition}`);
    });
    const left = finding.paths.length - shown.length + finding.morePaths;
    if (left > 0) this.lines.push(c.dim(`    and ${left} more ${left === 1 ? "path" : "paths"}`));
    if (finding.reasons.length > 0) this.lines.push(`    ${c.dim("reasons:")} ${finding.reasons.join(", ")}`);
  }

  /** The line that made the context atomic, and how control came there when a callee did it. */
  private entryRows(finding: Finding): Row[] {
    const { context } = finding;
    const positions = this.report.positions.of(context.site.file);
    const line = positions.line(context.site.offset);
    const source = positions.lineText(line).trim();
    const through = (context.through ?? []).map((step, i, all) => ({
      number: "",
      place: this.place(step),
      text: this.c.dim(`${step.function}() -> ${i + 1 < all.length ? all[i + 1].function : context.how}()`),
    }));
    return [
      ...through,
      {
        number: "",
        place: `${context.site.file}:${line}`,
        text: `${source}  ${this.c.cyan(`<- ${entryWords(context)}`)}`,
      },
    ];
  }

  /** A path's steps; of a further path only those that differ from the first one's. */
  private pathRows(path: FindingPath, first: FindingPath | null): Row[] {
    const { chain, sleep } = path;
    let same = 0;
    if (first) {
      // The step before the first different function is told again: it is where the paths part.
      while (
        same + 1 < chain.length &&
        same + 1 < first.chain.length &&
        chain[same + 1].function === first.chain[same + 1].function &&
        chain[same].file === first.chain[same].file &&
        chain[same].offset === first.chain[same].offset
      ) {
        same++;
      }
    }
    const rows = chain.slice(same, -1).map((step, i) => {
      const next = chain[same + i + 1];
      const how = step.via === undefined || step.via === "call" ? "" : this.c.dim(` (${step.via})`);
      return {
        number: String(same + i + 1),
        place: this.place(step),
        text: step.does
          ? `${step.function}() ${step.does}`
          : `${step.function}() -> ${next.function}()${how}`,
      };
    });
    const last = chain[chain.length - 1];
    rows.push({
      number: String(chain.length),
      place: this.place(sleep),
      text: last.does
        ? `${last.function}() ${this.c.bold(last.does)}: ${sleep.reason}`
        : `${last.function}() -> ${this.c.bold(`${sleep.call}()`)} sleeps: ${sleep.reason}`,
    });
    return rows;
  }

  private rows(rows: readonly Row[], width: number): void {
    for (const { number, place, text } of rows) {
      this.lines.push(`${number.padStart(3)} ${place.padEnd(width)}  ${text}`);
    }
  }

  private others(findings: readonly Finding[]): void {
    if (findings.length === 0) return;
    const { c } = this;
    const callee = calleeOf(findings[0]);
    const contexts = new Set(findings.map((f) => contextWords(f.context)));
    const where = contexts.size === 1 ? `, ${[...contexts][0]}` : "";
    const calls = findings.length === 1 ? "call" : "calls";
    const alike =
      findings[0].rule === "stale-cursor"
        ? `${findings.length} more of these walks`
        : `${findings.length} more ${calls} of ${callee}() with the same sleeps`;
    this.lines.push(`    ${alike}${where}:`);
    for (const finding of findings.slice(0, PLACES_SHOWN)) {
      const context = contexts.size === 1 ? "" : `, ${contextWords(finding.context)}`;
      this.lines.push(
        `      ${this.exactPlace(finding)}: ${this.level(finding.confidence)}: ${finding.function}()${c.dim(context)}`,
      );
    }
    if (findings.length > PLACES_SHOWN) this.lines.push(`      and ${findings.length - PLACES_SHOWN} more`);
  }

  private summary(clusters: number): void {
    const { report } = this;
    const shown = outstanding(report);
    const parts: string[] = [];
    if (shown.length === 0) {
      parts.push("nothing found");
    } else {
      const levels = (["high", "medium", "low"] as const)
        .map((level) => [level, shown.filter((f) => f.confidence === level).length] as const)
        .filter(([, n]) => n > 0)
        .map(([level, n]) => `${n} ${level}`);
      const groups =
        clusters === shown.length ? "" : ` in ${clusters} ${clusters === 1 ? "cluster" : "clusters"}`;
      parts.push(
        `${shown.length} ${shown.length === 1 ? "finding" : "findings"}${groups} (${levels.join(", ")})`,
      );
    }
    if (report.hidden > 0) parts.push(`${report.hidden} below confidence ${report.minConfidence} hidden`);
    if (report.stats.suppressedFindings > 0) parts.push(`${report.stats.suppressedFindings} suppressed`);
    if (report.inTests > 0) parts.push(`${report.inTests} in test code left out`);
    const { files, functions, skippedFiles } = report.stats;
    const number = (n: number) => n.toLocaleString("en-US");
    const plural = (n: number, word: string) => `${number(n)} ${n === 1 ? word : `${word}s`}`;
    const skipped = skippedFiles.length === 0 ? "" : `, ${number(skippedFiles.length)} skipped`;
    this.lines.push(`${this.c.bold(parts.join("; "))}`);
    this.lines.push(this.c.dim(`${plural(files, "file")}, ${plural(functions, "function")}${skipped}`));
  }
}

export function renderText(report: Report, options: TextOptions): string {
  return new TextReport(report, pc.createColors(options.colors)).render();
}
