/** Chooses among the `#if` branches inside a function, so that what is left is one well-formed text. */
import { conditionText } from "../outline/conds.js";
import type { Edits } from "./edits.js";
import { D, type Tokens } from "./tokens.js";

/** Whether a name that an `#if` asks for is on, undefined when the file does not say. */
export type Switches = (name: string) => boolean | undefined;

/** The switches of a file: names that it defines as 0 or 1, once and for all. */
export function fileSwitches(text: string): Switches {
  const known = new Map<string, boolean | undefined>();
  return (name) => {
    if (!known.has(name)) {
      const all = [
        ...text.matchAll(new RegExp(`^[ \\t]*#[ \\t]*(?:define|undef)[ \\t]+${name}\\b(.*)$`, "gm")),
      ];
      const value =
        all.length === 1 ? /^[ \t]+\(?([01])\)?[ \t]*(?:\/[/*].*)?\r?$/.exec(all[0][1])?.[1] : undefined;
      known.set(name, value === undefined ? undefined : value === "1");
    }
    return known.get(name);
  };
}

/** A condition and whether its truth is turned round, so that `#ifdef X` and `#if !defined(X)` are decided together. */
function normal(kind: number, raw: string): { key: string; negate: boolean } {
  if (kind === D.Ifdef || kind === D.Ifndef) {
    const word = /^\w+/.exec(raw)?.[0] ?? raw;
    return { key: `defined(${word})`, negate: kind === D.Ifndef };
  }
  let key = raw;
  let negate = false;
  for (;;) {
    const not = /^!\s*(\(.*\)|[\w]+\([^()]*\)|\w+)$/.exec(key);
    if (not === null) break;
    key = not[1];
    negate = !negate;
  }
  return { key, negate };
}

/** Without jump labels static keys are plain counters: code for that case is no way to sleep that anybody builds. */
const ALWAYS = new Set(["1", "defined(__KERNEL__)", "defined(CONFIG_JUMP_LABEL)"]);
const NEVER = new Set([
  "0",
  "defined(__cplusplus)",
  "defined(__ASSEMBLY__)",
  "defined(__ASSEMBLER__)",
  "defined(__CHECKER__)",
]);

/**
 * Blanks directives and the branches that are not chosen. Variant 0 takes features as configured in (the first branch that
 * is not a stub), variant 1 the other way; `#if 0` stays out in both. Equal conditions are decided alike throughout the
 * function, which keeps braces that are split over several groups balanced. `switches`: what a plain name is defined as in
 * the file, where it says so once. Returns the number of variants that there are.
 */
export function chooseBranches(
  text: string,
  t: Tokens,
  variant: 0 | 1,
  edits: Edits,
  switches: Switches = () => undefined,
): number {
  const truth = new Map<string, boolean>();
  let open = false;
  const decide = (kind: number, raw: string): boolean => {
    const { key, negate } = normal(kind, raw);
    if (ALWAYS.has(key)) return !negate;
    if (NEVER.has(key)) return negate;
    const known = /^\w+$/.test(key) ? switches(key) : undefined;
    if (known !== undefined) return known !== negate;
    let value = truth.get(key);
    if (value === undefined) {
      open = true;
      // `#ifndef CONFIG_X` asks for what is done without the feature; other negations are as good as any condition.
      const feature = !negate || key.includes("CONFIG_");
      value = variant === 0 ? feature : !feature;
      truth.set(key, value);
    }
    return value !== negate;
  };
  // Frames: a branch was taken; the present one is on; where the present one began; the frame above is on.
  const frames: { taken: boolean; on: boolean; from: number; outer: boolean }[] = [];
  let on = true;
  for (let d = 0; d < t.dn; d++) {
    const k = t.dKind[d];
    const top = frames[frames.length - 1];
    if (k >= D.If && k <= D.Ifndef) {
      const yes: boolean = on && decide(k, conditionText(text.slice(t.dArg[d], t.dEnd[d])));
      if (on) edits.blank(t.dStart[d], t.dEnd[d], "cond-branch");
      frames.push({ taken: yes, on: yes, from: t.dEnd[d], outer: on });
      on = on && yes;
    } else if (k === D.Elif || k === D.Else) {
      if (top === undefined) {
        // The range begins inside a branch: the others are not ours.
        edits.blank(t.dStart[d], t.dEnd[d], "cond-branch");
        frames.push({ taken: true, on: false, from: t.dEnd[d], outer: true });
        on = false;
        continue;
      }
      if (top.outer && !top.on) edits.blank(top.from, t.dStart[d], "cond-branch");
      const yes: boolean =
        top.outer &&
        !top.taken &&
        (k === D.Else || elif(decide, conditionText(text.slice(t.dArg[d], t.dEnd[d])), variant));
      if (top.outer) edits.blank(t.dStart[d], t.dEnd[d], "cond-branch");
      top.on = yes;
      top.taken ||= yes;
      top.from = t.dEnd[d];
      on = top.outer && yes;
    } else if (k === D.Endif) {
      if (top === undefined) {
        edits.blank(t.dStart[d], t.dEnd[d], "cond-branch");
        continue;
      }
      if (top.outer && !top.on) edits.blank(top.from, t.dStart[d], "cond-branch");
      if (top.outer) edits.blank(t.dStart[d], t.dEnd[d], "cond-branch");
      on = top.outer;
      frames.pop();
    } else if (on) edits.blank(t.dStart[d], t.dEnd[d], "other");
  }
  for (const f of frames) if (f.outer && !f.on) edits.blank(f.from, text.length, "cond-branch");
  return open ? 2 : 1;
}

/** An #elif is reached when what came before is off: in either variant it is then the branch to look at. */
function elif(decide: (kind: number, raw: string) => boolean, raw: string, variant: 0 | 1): boolean {
  const { key } = normal(D.If, raw);
  if (variant === 1 && !NEVER.has(key)) return true;
  return decide(D.If, raw);
}
