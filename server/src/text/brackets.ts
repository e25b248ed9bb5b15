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
  const { kind, match, parent, start, n } = t;
  const ragged: number[] = [];
  let unbalanced = false;
  let top = -1;
  let d = 0;
  const dn = t.dKind.length;
  let nextD = dn > 0 ? t.dTok[0] : n + 1;
  // Frames of open #ifs: nesting at the #if, nesting after the branch that decides (-2: none yet), branch is dead.
  const saved: number[] = [];
  const decided: number[] = [];
  const dead: boolean[] = [];
  // Nearest enclosing open brace of an open bracket lives in `hash`, which brackets do not use otherwise.
  const brace = t.hash;
  let lastClose = -1;
  for (let i = 0; i <= n; i++) {
    while (i === nextD) {
      const k = t.dKind[d];
      if (k === D.If || k === D.Ifdef || k === D.Ifndef) {
        saved.push(top);
        decided.push(-2);
        dead.push(k === D.If && isZero(text, t.dArg[d], t.dEnd[d]));
      } else if ((k === D.Elif || k === D.Else) && saved.length > 0) {
        const f = saved.length - 1;
        if (!dead[f] && decided[f] === -2) decided[f] = top;
        if (top !== saved[f]) ragged.push(i);
        top = saved[f];
        dead[f] = false;
      } else if (k === D.Endif && saved.length > 0) {
        const f = saved.length - 1;
        if (top !== saved[f]) ragged.push(i);
        if (decided[f] !== -2) top = decided[f];
        else if (dead[f]) top = saved[f];
        saved.pop();
        decided.pop();
        dead.pop();
      }
      d++;
      nextD = d < dn ? t.dTok[d] : n + 1;
    }
    const k = kind[i];
    if (k === K.LParen || k === K.LBracket || k === K.LBrace) {
      if (recover && k === K.LBrace && top >= 0 && isColumnZero(text, start[i]) && kind[i - 1] === K.RParen) {
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
      if (recover && o >= 0 && isColumnZero(text, start[i])) {
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
  if (top >= 0 && (kind[top] === K.LBrace || brace[top] >= 0)) {
    unbalanced = true;
    if (recover) closeAll(t, top, lastClose);
  }
  return { ragged, unbalanced };
}

/** Ends the outermost open brace at the last closing one that was seen. */
function closeAll(t: Tokens, top: number, lastClose: number): void {
  let o = t.kind[top] === K.LBrace ? top : t.hash[top];
  for (let s = 0; s < 1000 && o >= 0; s++) {
    const up = t.hash[o];
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
