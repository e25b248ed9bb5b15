/** `textDocument/hover`: the context at this point and where it was entered; whether the call here may sleep, and how. */
import type { CancellationToken, Hover, HoverParams } from "vscode-languageserver";
import { MarkupKind } from "vscode-languageserver";
import type { PointInfo } from "../../engine.js";
import type { Finding, Site } from "../../findings/types.js";
import { offsetOf, signalOf } from "../fromProto.js";
import { fromBytes } from "../positions.js";
import type { Session } from "../session.js";
import { type Place, toLocation } from "../toProto.js";

export async function hover(
  session: Session,
  params: HoverParams,
  token: CancellationToken,
): Promise<Hover | null> {
  const found = await session.find(params.textDocument.uri);
  if (!found) return null;
  const { tree, file, document } = found;
  const offset = offsetOf(document.positions, params.position);
  const word = wordAt(document.positions.bytes, offset);
  if (!word) return null;
  const positions = document.positions;
  const known = await tree.pointInfo(file, word.start, signalOf(token));
  if (!known || document.positions !== positions) return null;
  const info = withFindings(known, tree.findings.get(file) ?? [], word);
  const formats = session.capabilities.textDocument?.hover?.contentFormat;
  const markdown = !formats || formats.includes(MarkupKind.Markdown);
  const text = new HoverText(session.place(tree), markdown);
  const name = positions.bytes.slice(word.start, word.end);
  if (!text.render(info, name)) return null;
  return {
    contents: {
      kind: markdown ? MarkupKind.Markdown : MarkupKind.PlainText,
      value: fromBytes(text.toString()),
    },
    range: positions.rangeOf(word.start, word.end),
  };
}

export function wordAt(text: string, offset: number): { start: number; end: number } | null {
  let start = offset;
  let end = offset;
  while (start > 0 && /\w/.test(text[start - 1]!)) start--;
  while (end < text.length && /\w/.test(text[end]!)) end++;
  return start < end && /[A-Za-z_]/.test(text[start]!) ? { start, end } : null;
}

/** Adds what the findings know about the place: at the call that was found, and at the line that made it atomic. */
export function withFindings(
  info: PointInfo,
  findings: readonly Finding[],
  word: { start: number; end: number },
): PointInfo {
  const result: PointInfo = { ...info, contexts: [...info.contexts] };
  for (const finding of findings) {
    const { context } = finding;
    const taken = context.site.file === finding.file && context.site.offset === word.start;
    if (finding.offset === word.start && !result.call) {
      const name = finding.paths[0]?.chain[1]?.function ?? finding.paths[0]?.sleep.call;
      if (name) result.call = { name, targets: [], sleeps: "may", paths: finding.paths };
    }
    const here = finding.offset === word.start || taken;
    const isNew = !result.contexts.some(
      (c) => c.site.file === context.site.file && c.site.offset === context.site.offset,
    );
    if (here && isNew) {
      const { kind, lock, lockClass, how, site } = context;
      result.contexts.push({ kind, lock, lockClass, how, site });
    }
    if (taken && !result.lock)
      result.lock = { name: context.how, op: "acquire", lock: context.lock, lockClass: context.lockClass };
  }
  return result;
}

/** Writes what is known in a few lines; markdown has links to the places. */
class HoverText {
  private readonly lines: string[] = [];

  constructor(
    private readonly place: Place,
    private readonly markdown: boolean,
  ) {}

  /** False when there is nothing worth saying. */
  render(info: PointInfo, name: string): boolean {
    const { call, lock, contexts } = info;
    // A word that is neither a call, a lock nor the function itself says something only inside a context.
    if (!call && !lock && (name !== info.function || contexts.length === 0)) return false;
    if (call) this.renderCall(call);
    if (lock) {
      const which = lock.lockClass ?? lock.lock;
      this.lines.push(`${this.code(lock.name)}: ${lock.op}${which ? ` of ${this.code(which)}` : ""}`);
    }
    if (contexts.length === 0) {
      this.lines.push(`Not atomic here, as far as ${this.code(`${info.function}()`)} shows.`);
    } else {
      this.lines.push(
        `**Atomic** here in ${this.code(`${info.function}()`)}:`.replaceAll("**", this.markdown ? "**" : ""),
      );
      for (const context of contexts) {
        const held = context.lock ? `, ${this.code(context.lock)} held` : "";
        this.lines.push(
          `- ${this.code(context.how)}${held} (${context.kind}), since ${this.link(context.site)}`,
        );
      }
    }
    return true;
  }

  private renderCall(call: NonNullable<PointInfo["call"]>): void {
    const name = this.code(`${call.name}()`);
    if (call.sleeps === "never") {
      this.lines.push(`${name} does not sleep.`);
    } else if (call.sleeps === "unknown") {
      this.lines.push(`Whether ${name} may sleep is not known.`);
    } else {
      this.lines.push(`${name} **may sleep**:`.replaceAll("**", this.markdown ? "**" : ""));
      for (const path of call.paths.slice(0, 3)) {
        const chain = path.chain.map((step) => this.code(step.function)).join(" → ");
        const condition = path.condition ? `; condition: ${path.condition}` : "";
        const arrow = chain ? `${chain} → ` : "";
        this.lines.push(
          `- ${arrow}${this.code(path.sleep.call)} at ${this.link(path.sleep)}: ${path.sleep.reason}${condition}`,
        );
      }
      if (call.paths.length > 3) this.lines.push(`- and ${call.paths.length - 3} more`);
    }
    if (call.targets.length > 1) this.lines.push(`One of ${call.targets.length} functions is called here.`);
    this.lines.push("");
  }

  private code(text: string): string {
    return this.markdown ? `\`${text.replaceAll("`", "'")}\`` : text;
  }

  private link(site: Site): string {
    const { uri, range } = toLocation(this.place, site);
    const line = range.start.line + 1;
    const label = `${site.file}:${line}`;
    return this.markdown ? `[${label}](${uri}#L${line})` : label;
  }

  toString(): string {
    return this.lines.join("\n");
  }
}
