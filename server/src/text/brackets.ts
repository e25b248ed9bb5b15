/** Pairs brackets over a file whose #if branches may open and close them on their own. */
import { D, K, type Tokens } from "./tokens.js";

/** Where matching found the text not to be well-formed. */
export interface MatchReport {
  /** Token index at which an #if branch leaves another nesting than it found, in order. */
  ragged: number[];
  /** Braces were left open or closed too often. */
  unbalanced: boolean;
}

/**
 * Pairs brackets. Of an #if group the first branch that is not dead decides the nesting that follows; the others start
 * from the nesting that the #if found. Nesting is a persistent stack (each open bracket knows its parent), so that taking
 * it up again costs nothing.
 */
export function matchBrackets(text: string, t: Tokens): MatchReport {
  const first = pair(text, t, false);
  if (!first.unbalanced) return first;
  const second = pair(text, t, true);
  second.unbalanced = true;
  return second;
}

function pair(text: string, t: Tokens, recover: boolean): MatchReport {
  const { kind, match, parent, brace, marks, markCount } = t;
  const ragged: number[] = [];
  let unbalanced = false;
  let top = -1;
  let lastClose = -1;
  const groups = t.dn > 0 ? new IfGroups(text, t, ragged) : null;
  let m = 0;
  for (;;) {
    // Directives stand between tokens: all brackets before the next one, then that one.
    const until = groups === null ? t.n + 1 : groups.next;
    for (; m < markCount; m++) {
      const i = marks[m];
      if (i >= until) break;
      const k = kind[i];
      if (k === K.LParen || k === K.LBracket || k === K.LBrace) {
        if (
          recover &&
          k === K.LBrace &&
          top >= 0 &&
          isColumnZero(text, t.start[i]) &&
          kind[i - 1] === K.RParen
        ) {
          // A function starts here, so whatever is open was never closed.
          closeAll(t, top, lastClose);
          top = -1;
        }
        parent[i] = top;
        match[i] = -1;
        brace[i] = top < 0 ? -1 : kind[top] === K.LBrace ? top : brace[top];
        top = i;
      } else if (k === K.RParen || k === K.RBracket) {
        match[i] = -1;
        const want = k === K.RParen ? K.LParen : K.LBracket;
        // A stray bracket must not close a brace; an unclosed one of the other sort is dropped.
        let o = top;
        for (let s = 0; s < 8 && o >= 0 && kind[o] !== want && kind[o] !== K.LBrace; s++) o = parent[o];
        if (o >= 0 && kind[o] === want) {
          if (match[o] < 0) match[o] = i;
          match[i] = o;
          top = parent[o];
        }
      } else if (k === K.RBrace) {
        match[i] = -1;
        let o = top < 0 ? -1 : kind[top] === K.LBrace ? top : brace[top];
        if (recover && o >= 0 && isColumnZero(text, t.start[i])) {
          for (let s = 0; s < 64 && brace[o] >= 0; s++) o = brace[o];
        }
        if (o >= 0) {
          if (match[o] < 0) match[o] = i;
          match[i] = o;
          top = parent[o];
        } else unbalanced = true;
        lastClose = i;
      }
    }
    if (groups === null || until > t.n) break;
    top = groups.pass(top);
  }
  if (top >= 0 && (kind[top] === K.LBrace || brace[top] >= 0)) {
    unbalanced = true;
    if (recover) closeAll(t, top, lastClose);
  }
  return { ragged, unbalanced };
}

/** Walks the directives and tells the nesting that each #if, #else and #endif leaves. */
class IfGroups {
  /** Token before which the next directive stands; past all tokens when there is none. */
  next: number;
  private d = 0;
  // Frames of open #ifs: nesting at the #if, nesting after the branch that decides (-2: none yet), branch is dead.
  private readonly saved: number[] = [];
  private readonly decided: number[] = [];
  private readonly dead: boolean[] = [];

  constructor(
    private readonly text: string,
    private readonly t: Tokens,
    private readonly ragged: number[],
  ) {
    this.next = t.dn > 0 ? t.dTok[0] : t.n + 1;
  }

  /** The nesting behind the next directive, given that before it. */
  pass(top: number): number {
    const { t, d, saved, decided, dead } = this;
    const k = t.dKind[d];
    const f = saved.length - 1;
    if (k === D.If || k === D.Ifdef || k === D.Ifndef) {
      saved.push(top);
      decided.push(-2);
      dead.push(k === D.If && isZero(this.text, t.dArg[d], t.dEnd[d]));
    } else if ((k === D.Elif || k === D.Else) && f >= 0) {
      if (!dead[f] && decided[f] === -2) decided[f] = top;
      if (top !== saved[f]) this.ragged.push(t.dTok[d]);
      top = saved[f];
      dead[f] = false;
    } else if (k === D.Endif && f >= 0) {
      if (top !== saved[f]) this.ragged.push(t.dTok[d]);
      if (decided[f] !== -2) top = decided[f];
      else if (dead[f]) top = saved[f];
      saved.pop();
      decided.pop();
      dead.pop();
    }
    this.d++;
    this.next = this.d < t.dn ? t.dTok[this.d] : t.n + 1;
    return top;
  }
}

/** Ends the outermost open brace at the last closing one that was seen. */
function closeAll(t: Tokens, top: number, lastClose: number): void {
  let o = t.kind[top] === K.LBrace ? top : t.brace[top];
  for (let s = 0; s < 1000 && o >= 0; s++) {
    const up = t.brace[o];
    if (up < 0) break;
    o = up;
  }
  if (o >= 0 && t.match[o] < 0 && lastClose > o) t.match[o] = lastClose;
}

function isColumnZero(text: string, i: number): boolean {
  return i === 0 || text.charCodeAt(i - 1) === 10;
}

/** Whether an #if's condition is a literal 0. */
export function isZero(text: string, from: number, to: number): boolean {
  return /^[ \t]*0[ \t]*(?:$|[\r\n/])/.test(text.slice(from, Math.min(to, from + 40)));
}
