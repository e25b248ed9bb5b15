/** An explanation for people: why it is atomic, why it may sleep, what would change that, what is not decided. */
import pc from "picocolors";
import type { CallerContext, ExplainedPath, Explanation, OwnContext } from "../findings/explain.js";
import type { ChainStep, Site } from "../findings/types.js";
import { contextWords, REASON_WORDS } from "../findings/words.js";
import type { TreePositions } from "./positions.js";

const SHOWN = 12;

export function renderExplanation(
  e: Explanation,
  positions: TreePositions,
  options: { colors: boolean },
): string {
  return new ExplanationText(e, positions, pc.createColors(options.colors)).render();
}

class ExplanationText {
  private readonly lines: string[] = [];

  constructor(
    private readonly e: Explanation,
    private readonly positions: TreePositions,
    private readonly c: ReturnType<typeof pc.createColors>,
  ) {}

  render(): string {
    const { e, c } = this;
    const at = e.at ?? e.function.site;
    const what = e.function.kind === "macro" ? " (a macro)" : "";
    this.lines.push(`${c.bold(`${this.place(at)}: ${e.function.name}()`)}${what}`);
    if (e.at) this.lines.push(`    ${this.source(e.at)}`);
    this.atomic();
    this.sleeps();
    this.undecided();
    this.findings();
    return `${this.lines.join("\n")}\n`;
  }

  private place(site: Site): string {
    return `${site.file}:${this.positions.of(site.file).line(site.offset)}`;
  }

  private source(site: Site): string {
    const positions = this.positions.of(site.file);
    return positions.lineText(positions.line(site.offset)).trim();
  }

  private heading(text: string): void {
    this.lines.push("", this.c.bold(text));
  }

  private atomic(): void {
    const { e } = this;
    this.heading(e.at ? "Why is this place atomic?" : "Why is it atomic?");
    if (e.own.length === 0 && e.callers.length === 0) {
      this.lines.push(
        `  It is not, as far as is known: it holds nothing${e.at ? " here" : ""}, and ${this.callersSeen()}.`,
      );
      return;
    }
    for (const own of e.own) this.own(own);
    if (e.own.length === 0) this.lines.push(`  It holds nothing itself${e.at ? " here" : ""}.`);
    for (const caller of e.callers) this.caller(caller);
    if (e.callers.length === 0) this.lines.push(`  And ${this.callersSeen()}.`);
    else if (e.callersLeft > 0) this.lines.push(this.c.dim(`  ${e.callersLeft} callers were not looked at`));
  }

  private callersSeen(): string {
    const { callersSeen, callersLeft } = this.e;
    if (callersSeen === 0 && callersLeft === 0) return "no caller of it was found";
    const seen = `none of the ${callersSeen} callers looked at holds anything when it calls`;
    return callersLeft > 0 ? `${seen} (${callersLeft} were not looked at)` : seen;
  }

  private own({ context, asserted, maybe, calls, otherwise }: OwnContext): void {
    const { c } = this;
    const how = asserted ? "says that it is held" : `since ${context.how}()`.replace("())", ")");
    const some = maybe ? ", on some ways to here" : "";
    this.lines.push(`  ${c.cyan(contextWords(context))}: ${how}${some}`);
    this.lines.push(`    ${this.place(context.site)}  ${this.source(context.site)}`);
    for (const step of context.through ?? [])
      this.lines.push(`    ${this.place(step)}  in ${step.function}()`);
    if (!this.e.at) {
      const text = calls.map(
        (call) => `${call.name}() (${this.positions.of(call.site.file).line(call.site.offset)})`,
      );
      this.lines.push(`    calls under it: ${text.length === 0 ? "none" : text.join(", ")}`);
    }
    this.lines.push(c.dim(`    ${otherwise}`));
  }

  private caller({ context, from, chain, maybe, otherwise }: CallerContext): void {
    const { c } = this;
    if (from === "callback") {
      const whose = chain.length > 0 ? `${chain[0].function}()` : `${this.e.function.name}()`;
      this.lines.push(`  ${c.cyan(contextWords(context))}: the kernel enters ${whose} so (${context.how})`);
    } else {
      const some = maybe ? " on some ways" : "";
      this.lines.push(
        `  ${c.cyan(contextWords(context))}: held${some} by ${chain[0].function}() when it calls`,
      );
    }
    this.lines.push(`    ${this.place(context.site)}  ${this.source(context.site)}`);
    this.chain(chain, this.e.function.name);
    this.lines.push(c.dim(`    ${otherwise}`));
  }

  private chain(chain: readonly ChainStep[], last: string): void {
    chain.forEach((step, i) => {
      const next = i + 1 < chain.length ? chain[i + 1].function : last;
      const via = step.via === undefined || step.via === "call" ? "" : this.c.dim(` (${step.via})`);
      this.lines.push(`    ${this.place(step)}  ${step.function}() -> ${next}()${via}`);
    });
  }

  private sleeps(): void {
    const { sleeps, at } = this.e;
    this.heading(at ? "Why may this place sleep?" : "Why may it sleep?");
    if (sleeps.verdict === "never") this.lines.push("  It does not.");
    else if (sleeps.verdict === "unknown")
      this.lines.push("  No way to a sleep is known; what is not decided (below) may be one.");
    for (const path of sleeps.paths.slice(0, SHOWN)) this.path(path);
    const left = sleeps.morePaths + Math.max(0, sleeps.paths.length - SHOWN);
    if (left > 0) this.lines.push(this.c.dim(`  and ${left} more ${left === 1 ? "way" : "ways"}`));
  }

  private path(path: ExplainedPath): void {
    const { c } = this;
    const { sleep, chain, condition, otherwise } = path;
    this.lines.push(
      `  ${c.bold(`${sleep.call}()`)} ${sleep.reason}${condition === undefined ? "" : ` (${condition})`} ${c.dim(`[${path.confidence}]`)}`,
    );
    this.chain(chain.slice(0, -1), chain[chain.length - 1].function);
    this.lines.push(`    ${this.place(sleep)}  ${chain[chain.length - 1].function}() -> ${sleep.call}()`);
    for (const reason of path.reasons)
      this.lines.push(c.dim(`    because ${REASON_WORDS[reason]} (${reason})`));
    for (const text of otherwise) this.lines.push(c.dim(`    ${text}`));
    if (otherwise.length === 0) this.lines.push(c.dim("    nothing on the way keeps it from sleeping"));
  }

  private undecided(): void {
    const { undecided } = this.e;
    this.heading("What was not decided");
    if (undecided.length === 0) this.lines.push("  Nothing.");
    for (const u of undecided) {
      const text = u.kind === "condition" ? u.text : `${u.text}()`;
      this.lines.push(`  ${this.place(u.site)}  ${text}: ${u.why}`);
    }
  }

  private findings(): void {
    const { findings } = this.e;
    if (findings.length === 0) return;
    this.heading("Findings");
    for (const f of findings) {
      const off = f.suppressed ? `; suppressed: ${f.suppressed.reason}` : "";
      this.lines.push(`  ${this.place(f)}: ${f.confidence}: ${f.message} [${f.rule}]${off}`);
    }
  }
}
