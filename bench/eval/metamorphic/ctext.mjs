// C text as the transformations see it: comments and strings blanked, statements and declarations as a tree. It knows no
// types and no macros: whatever it does not surely understand it refuses, and the case is skipped.

/** A transformation cannot be made here; the message is the reason that skips are counted by. */
export class Skip extends Error {}

const WORD = /[A-Za-z0-9_]/;

/** Comments, and what strings and character constants hold, as spaces: same length, same lines. */
export function blank(text) {
  const out = text.split("");
  const clear = (a, b) => {
    for (let k = a; k < b; k++) if (out[k] !== "\n") out[k] = " ";
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "/" && text[i + 1] === "*") {
      let e = text.indexOf("*/", i + 2);
      e = e < 0 ? text.length : e + 2;
      clear(i, e);
      i = e - 1;
    } else if (c === "/" && text[i + 1] === "/") {
      let e = i;
      while (e < text.length && (text[e] !== "\n" || text[e - 1] === "\\")) e++;
      clear(i, e);
      i = e - 1;
    } else if (c === '"' || c === "'") {
      let e = i + 1;
      while (e < text.length && text[e] !== c && text[e] !== "\n") e += text[e] === "\\" ? 2 : 1;
      clear(i + 1, Math.min(e, text.length));
      i = e;
    }
  }
  return out.join("");
}

/** Past the bracket that closes the one at `open`. */
export function closing(code, open, end = code.length) {
  const pairs = { "(": ")", "[": "]", "{": "}" };
  const stack = [];
  for (let i = open; i < end; i++) {
    const c = code[i];
    if (c === "(" || c === "[" || c === "{") stack.push(pairs[c]);
    else if (c === ")" || c === "]" || c === "}") {
      if (stack.pop() !== c) throw new Skip("brackets do not match");
      if (stack.length === 0) return i + 1;
    }
  }
  throw new Skip("brackets do not match");
}

export function skipSpace(code, i, end = code.length) {
  while (i < end && /\s/.test(code[i])) i++;
  return i;
}

export function wordAt(code, i) {
  let e = i;
  while (e < code.length && WORD.test(code[e])) e++;
  return code.slice(i, e);
}

/** Splits [start, end) at commas outside brackets. */
export function splitCommas(code, start, end) {
  const parts = [];
  let from = start;
  for (let i = start; i < end; i++) {
    const c = code[i];
    if (c === "(" || c === "[" || c === "{") i = closing(code, i, end) - 1;
    else if (c === ",") {
      parts.push([from, i]);
      from = i + 1;
    }
  }
  if (code.slice(from, end).trim() !== "" || parts.length > 0) parts.push([from, end]);
  return parts;
}

const JUMPS = new Set(["return", "goto", "break", "continue"]);
const LOOPS = new Set(["while", "for", "switch"]);

/** The statements of a block's inside as a tree: {kind, start, end, head, body, parent}. */
export function statements(code, start, end, parent = null) {
  const list = [];
  for (let i = skipSpace(code, start, end); i < end; i = skipSpace(code, list[list.length - 1].end, end)) {
    list.push(statement(code, i, end, parent));
  }
  return list;
}

function statement(code, i, end, parent) {
  if (code[i] === "#") throw new Skip("preprocessor lines in the body");
  const node = { kind: "expr", start: i, end: i, head: null, body: [], parent };
  if (code[i] === "{") {
    node.kind = "block";
    node.end = closing(code, i, end);
    node.body = statements(code, i + 1, node.end - 1, node);
    return node;
  }
  const word = wordAt(code, i);
  let at = skipSpace(code, i + word.length, end);
  const under = (from) => {
    const child = statement(code, skipSpace(code, from, end), end, node);
    node.body.push(child);
    return child.end;
  };
  if (word === "do") {
    node.kind = "do";
    const e = skipSpace(code, under(at), end);
    if (wordAt(code, e) !== "while") throw new Skip("body not understood");
    node.end = semicolon(code, e, end);
    return node;
  }
  if (word === "if" || LOOPS.has(word)) {
    if (code[at] !== "(") throw new Skip("body not understood");
    node.kind = word;
    const close = closing(code, at, end);
    node.head = [at + 1, close - 1];
    node.end = under(close);
    const next = skipSpace(code, node.end, end);
    if (word === "if" && wordAt(code, next) === "else") node.end = under(next + 4);
    return node;
  }
  if (word === "else") throw new Skip("body not understood");
  if (word === "case" || word === "default") {
    node.kind = "label";
    while (at < end && code[at] !== ":") at = "([{".includes(code[at]) ? closing(code, at, end) : at + 1;
    node.end = at + 1;
    return node;
  }
  if (JUMPS.has(word)) {
    node.kind = word;
    node.end = semicolon(code, i, end);
    return node;
  }
  if (word !== "" && code[at] === ":" && code[at + 1] !== ":") {
    node.kind = "label";
    node.end = at + 1;
    return node;
  }
  if (word !== "" && code[at] === "(") {
    const close = closing(code, at, end);
    const next = skipSpace(code, close, end);
    // A loop macro, or a guard with a scope: parentheses, and then a statement.
    if (code[next] === "{" || /[A-Za-z_]/.test(code[next] ?? "")) {
      node.kind = "macro";
      node.head = [at + 1, close - 1];
      node.end = under(next);
      return node;
    }
  }
  node.end = semicolon(code, i, end);
  if (isDeclaration(code.slice(i, node.end))) node.kind = "decl";
  return node;
}

function semicolon(code, i, end) {
  while (i < end) {
    const c = code[i];
    if (c === ";") return i + 1;
    if (c === "#") throw new Skip("preprocessor lines in the body");
    if (c === "(" || c === "[" || c === "{") i = closing(code, i, end);
    else if (c === "}" || c === ")" || c === "]") throw new Skip("body not understood");
    else i++;
  }
  throw new Skip("body not understood");
}

const TYPE_WORD =
  /^(?:const|static|struct|union|enum|unsigned|signed|volatile|register|extern|long|short|int|char|bool|void|float|double|typeof|__typeof__|u8|u16|u32|u64|s8|s16|s32|s64|DEFINE_\w+|DECLARE_\w+|LIST_HEAD|CLASS|\w+_ONSTACK)\b/;

export function isDeclaration(text) {
  if (TYPE_WORD.test(text)) return true;
  return /^[A-Za-z_]\w*[\s*][\s*]*[A-Za-z_]\w*\s*(?:[;=,[]|__\w+)/.test(text);
}

/** Every statement of a tree, outermost first. */
export function* walk(list) {
  for (const s of list) {
    yield s;
    yield* walk(s.body);
  }
}

/** The innermost statement around an offset. */
export function statementAt(list, offset) {
  let best = null;
  for (const s of walk(list)) if (s.start <= offset && offset < s.end) best = s;
  return best;
}

/** A function's text taken apart: where its name, parameters and body are. */
export function takeApart(code, { name, start, end }) {
  const open = bodyStart(code, start, end);
  const at = code.slice(start, open).search(new RegExp(`\\b${name}\\s*\\(`));
  if (at < 0) throw new Skip("function made by a macro");
  const nameStart = start + at;
  const paren = code.indexOf("(", nameStart);
  const close = closing(code, paren, open);
  if (code.slice(close, open).includes(";")) throw new Skip("old-style parameters");
  if (code.slice(start, open).includes("#")) throw new Skip("preprocessor lines in the head");
  return { name, start, end, nameStart, params: [paren + 1, close - 1], bodyStart: open };
}

function bodyStart(code, start, end) {
  for (let i = start; i < end; i++) {
    if (code[i] === "(" || code[i] === "[") i = closing(code, i, end) - 1;
    else if (code[i] === "{") return i;
  }
  throw new Skip("no body");
}

/** Names with their types: parameters of a function, declarators of a declaration. `odd` ones cannot be handed on. */
export function parameters(code, [start, end]) {
  const out = new Map();
  for (const [a, b] of splitCommas(code, start, end)) {
    const text = code.slice(a, b).trim().replace(/\s+/g, " ");
    if (text === "void" || text === "" || text === "...") continue;
    const m = /^(.*?[\s*])([A-Za-z_]\w*)\s*((?:\[[^\]]*\])*)$/.exec(text);
    if (!m || /\(/.test(text)) {
      for (const w of text.match(/[A-Za-z_]\w*/g) ?? []) out.set(w, { type: "", odd: true });
      continue;
    }
    out.set(m[2], typed(m[1], m[3]));
  }
  return out;
}

function typed(spec, arrays) {
  const type = spec.replace(/\b(?:register|__maybe_unused|__always_unused|__unused)\b/g, "").trim();
  if (
    /__|\bstatic\b|typeof|\{/.test(
      type.replace(/__(?:be|le|u|s)\d+|__user|__iomem|__rcu|__kernel_\w+|__poll_t/g, ""),
    )
  )
    return { type, odd: true };
  const count = (arrays.match(/\[/g) ?? []).length;
  return count > 1
    ? { type, odd: true }
    : { type: count === 1 ? `${type} *` : type, odd: false, array: count === 1 };
}

/** The variables that a body declares, anywhere in it; one that is declared twice is odd. */
export function locals(code, list) {
  const out = new Map();
  const put = (name, what) => out.set(name, out.has(name) ? { ...what, odd: true } : what);
  for (const s of walk(list)) {
    if (s.kind !== "decl") {
      if (s.kind === "for" && isDeclaration(code.slice(s.head[0], s.head[1]).trim()))
        for (const w of code
          .slice(...s.head)
          .split(";")[0]
          .match(/[A-Za-z_]\w*/g) ?? [])
          put(w, { type: "", odd: true });
      continue;
    }
    const odd = () => {
      for (const w of code.slice(s.start, s.end).match(/[A-Za-z_]\w*/g) ?? [])
        put(w, { type: "", odd: true });
    };
    const m =
      /^((?:(?:const|volatile|register|unsigned|signed|long|short|struct|union|enum|static)\s+)*(?:[A-Za-z_]\w*)(?:\s+(?:const|int|long|char|__user|__iomem|__rcu))*)(?=[\s*])/.exec(
        code.slice(s.start, s.end),
      );
    if (!m || /^\s*(?:DEFINE|DECLARE|LIST_HEAD|CLASS|typeof|static)\b/.test(m[1])) {
      odd();
      continue;
    }
    // `unsigned flags`: the last word of the specifiers is the name.
    let spec = m[1];
    if (/^\s*[=;,[]/.test(code.slice(s.start + spec.length, s.end)))
      spec = spec.replace(/\s+[A-Za-z_]\w*$/, "");
    for (const [a, b] of splitCommas(code, s.start + spec.length, s.end - 1)) {
      const d = /^\s*(\**)\s*(?:const\s+)?([A-Za-z_]\w*)\s*((?:\[[^\]]*\])*)\s*(?:=|$)/.exec(
        code.slice(a, b),
      );
      if (d) put(d[2], typed(`${spec.replace(/\s+/g, " ")} ${d[1]}`, d[3]));
      else odd();
    }
  }
  return out;
}

/** Identifiers in [a, b) with offsets; members (`.x`, `->x`) are left out. */
export function* identifiers(code, a, b) {
  const re = /[A-Za-z_]\w*/g;
  re.lastIndex = a;
  for (let m = re.exec(code); m && m.index < b; m = re.exec(code)) {
    if (m.index > 0 && WORD.test(code[m.index - 1])) continue;
    let p = m.index - 1;
    while (p >= 0 && /\s/.test(code[p])) p--;
    if (code[p] === "." && code[p - 1] !== ".") continue;
    if (code[p] === ">" && code[p - 1] === "-") continue;
    yield { name: m[0], at: m.index };
  }
}

/** Applies edits ({start, end, text}, not overlapping) to a text. */
export function edited(text, edits) {
  let out = "";
  let from = 0;
  for (const e of [...edits].sort((x, y) => x.start - y.start || x.end - y.end)) {
    if (e.start < from) throw new Skip("edits overlap");
    out += text.slice(from, e.start) + e.text;
    from = e.end;
  }
  return out + text.slice(from);
}

/** Start of the line of an offset. */
export const lineStart = (text, at) => text.lastIndexOf("\n", at - 1) + 1;
