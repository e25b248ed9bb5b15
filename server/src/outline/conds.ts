/** The #if structure of a file: one record a branch, and what a place in the file stands under. */
import { FnFlag } from "../facts/outline.js";
import { isZero } from "../text/brackets.js";
import { D, type Tokens } from "../text/tokens.js";
import type { State } from "./state.js";

/** A condition's text without comments and needless blanks; `defined X` becomes `defined(X)`. */
export function conditionText(raw: string): string {
  return raw
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*|\\\r?\n/g, " ")
    .replace(/\s+/g, " ")
    .replace(/\bdefined (\w+)/g, "defined($1)")
    .replace(/\bdefined ?\( ?(\w+) ?\)/g, "defined($1)")
    .trim();
}

/** Whether a condition chooses what stands in for a feature that is off. */
const isStub = (text: string): boolean =>
  /^!\s*(?:defined\(CONFIG_\w+\)|IS_(?:ENABLED|REACHABLE|BUILTIN)\(\w+\))$/.test(text);

/**
 * Walks a file's directives in step with the functions that are recorded (in order of their offsets) and tells the
 * innermost branch and the flags of each.
 */
export class CondWalk {
  /** Per directive: index + 1 into conds of the branch that starts with it or is resumed after it; flags likewise. */
  private readonly after: Int32Array;
  private readonly flags: Int32Array;
  private d = -1;

  constructor(
    private readonly t: Tokens,
    s: State,
    fileEnd: number,
  ) {
    const { text } = s;
    // Open groups: cond index (0-based, -1 for an include guard), texts of earlier branches, outer cond and flags.
    const stack: { cond: number; texts: string[]; outer: number; outerFlags: number; guard: boolean }[] = [];
    let cur = 0;
    let flags = 0;
    this.after = new Int32Array(t.dn);
    this.flags = new Int32Array(t.dn);
    const guard = includeGuard(text, t);
    const open = (cond: string, parent: number, start: number): number => {
      const at = s.conds.n / 4;
      s.conds.push(s.names.text(cond.length > 400 ? cond.slice(0, 400) : cond));
      s.conds.push(parent);
      s.conds.push(start);
      s.conds.push(fileEnd);
      return at;
    };
    const close = (cond: number, end: number): void => {
      if (cond >= 0) s.conds.a[cond * 4 + 3] = end;
    };
    for (let d = 0; d < t.dn; d++) {
      const k = t.dKind[d];
      if (k >= D.If && k <= D.Ifndef) {
        const frame = { cond: -1, texts: [] as string[], outer: cur, outerFlags: flags, guard: d === guard };
        if (!frame.guard && stack.length < 200) {
          const raw = conditionText(text.slice(t.dArg[d], t.dEnd[d]));
          const word = /^\w+/.exec(raw)?.[0] ?? raw;
          const cond = k === D.If ? raw : k === D.Ifdef ? `defined(${word})` : `!defined(${word})`;
          frame.texts.push(cond);
          frame.cond = open(cond, cur, t.dEnd[d]);
          cur = frame.cond + 1;
          if (k === D.If && isZero(text, t.dArg[d], t.dEnd[d])) flags |= FnFlag.Dead | FnFlag.ElseBranch;
          else if (isStub(cond)) flags |= FnFlag.ElseBranch;
        }
        stack.push(frame);
      } else if ((k === D.Elif || k === D.Else) && stack.length > 0) {
        const frame = stack[stack.length - 1];
        if (frame.cond >= 0) {
          close(frame.cond, t.dStart[d]);
          const first = frame.texts[0];
          const earlier =
            frame.texts.length > 20
              ? "…"
              : frame.texts.length === 1
                ? first
                : frame.texts.map((x) => `(${x})`).join(" || ");
          const not = `!(${earlier})`;
          flags = frame.outerFlags;
          if (k === D.Elif) {
            const raw = conditionText(text.slice(t.dArg[d], t.dEnd[d]));
            frame.texts.push(raw);
            frame.cond = open(`${not} && (${raw})`, frame.outer, t.dEnd[d]);
          } else {
            frame.cond = open(not, frame.outer, t.dEnd[d]);
            // The #else of a stub is the real thing.
            if (!(frame.texts.length === 1 && (isStub(first) || first === "0"))) flags |= FnFlag.ElseBranch;
          }
          cur = frame.cond + 1;
        }
      } else if (k === D.Endif && stack.length > 0) {
        const frame = stack.pop()!;
        close(frame.cond, t.dStart[d]);
        cur = frame.outer;
        flags = frame.outerFlags;
      }
      this.after[d] = cur;
      this.flags[d] = flags;
    }
    if (stack.length > 0) s.problems.push("an #if without #endif");
  }

  private advance(offset: number): void {
    while (this.d + 1 < this.after.length && this.t.dStart[this.d + 1] < offset) this.d++;
  }
  /** Index + 1 of the innermost branch at an offset; offsets must not decrease from call to call. */
  condAt(offset: number): number {
    this.advance(offset);
    return this.d < 0 ? 0 : this.after[this.d];
  }
  /** FnFlag.Dead and FnFlag.ElseBranch as they hold at an offset; offsets must not decrease from call to call. */
  flagsAt(offset: number): number {
    this.advance(offset);
    return this.d < 0 ? 0 : this.flags[this.d];
  }
  /** Whether an #if or #else stands in [from, to); from must not be before the last offset asked for. */
  splits(from: number, to: number): boolean {
    for (let d = Math.max(this.d, 0); d < this.after.length && this.t.dStart[d] < to; d++) {
      const k = this.t.dKind[d];
      if (this.t.dStart[d] >= from && k >= D.If && k <= D.Endif) return true;
    }
    return false;
  }
}

/** Index of the directive that opens the file's include guard, or -1. A guard says nothing about its content. */
function includeGuard(text: string, t: Tokens): number {
  for (let d = 0; d < Math.min(t.dn, 3); d++) {
    const k = t.dKind[d];
    if (k !== D.Ifndef && k !== D.If) continue;
    if (t.dTok[d] > 0 || d + 1 >= t.dn || t.dKind[d + 1] !== D.Define || t.dTok[d + 1] > 0) return -1;
    const name = /^\s*(?:!\s*defined\s*\(?\s*)?(\w+)/.exec(text.slice(t.dArg[d], t.dEnd[d]))?.[1];
    const defined = /^\s*(\w+)\s*(?:$|[\d/])/.exec(text.slice(t.dArg[d + 1], t.dEnd[d + 1]))?.[1];
    return name !== undefined && name === defined ? d : -1;
  }
  return -1;
}
