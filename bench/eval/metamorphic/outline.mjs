// Outlining: the statement with the call (or the condition that it stands in) becomes a static helper in front of the
// function, with the locals that it needs as parameters.
import { closing, identifiers, locals, parameters, Skip, skipSpace, statementAt, walk } from "./ctext.mjs";
import { beforeFunction, bodyOf, callAt } from "./simple.mjs";

/** Macros that write to a variable given by name: what they are given cannot be a parameter of a helper. */
const WRITES =
  /^(?:(?:__|unsafe_)?get_user|\w*_irqsave|\w*poll_timeout\w*|for_each_\w+|\w*list_for_each\w*|va_start|va_copy|min_not_zero|swap|wait_event\w*_cmd|xchg|cmpxchg|try_cmpxchg\w*|check_\w+_overflow|rcu_assign_pointer|ACCESS_ONCE|WRITE_ONCE|skb_queue_walk\w*|hash_for_each\w*|typeof|sizeof)$/;

export function outlineStatement(c) {
  const { code, text, fn, at, id } = c;
  const { parts, list } = bodyOf(c);
  callAt(c);
  const s = statementAt(list, at);
  if (!s) throw new Skip("no statement at the call");
  const vars = new Map([
    ...parameters(code, parts.params),
    ...shadowed(parameters(code, parts.params), locals(code, list)),
  ]);
  const helper = `lc_outlined_${id}`;
  const what = extract(code, text, s, at, vars, parts);
  const { names, pointers } = needs(code, what.from, what.to, vars);
  const params = names.map((n) => declare(vars.get(n).type, n, pointers.has(n)));
  const args = names.map((n) => (pointers.has(n) ? `&${n}` : n));
  const body = substituted(code, text, what.from, what.to, pointers);
  const top = beforeFunction(text, code, fn);
  const result = what.type === "void" ? `${body};` : `return ${what.wrap(body)};`;
  const open = what.type.endsWith("*") ? what.type : `${what.type} `;
  const code_ = `static ${open}${helper}(${params.join(", ") || "void"})\n{\n\t${result}\n}\n\n`;
  return {
    edits: [
      { start: top, end: top, text: code_ },
      { start: what.from, end: what.to, text: `${helper}(${args.join(", ")})` },
    ],
    helpers: [helper],
  };
}

/** A local with a parameter's name hides it: such names are odd. */
function shadowed(params, own) {
  return [...own].map(([n, v]) => [n, params.has(n) ? { ...v, odd: true } : v]);
}

/** Which expression moves into the helper and what the helper returns. */
function extract(code, text, s, at, vars, parts) {
  const same = (x) => x;
  if ((s.kind === "if" || s.kind === "while") && s.head && s.head[0] <= at && at < s.head[1])
    return { from: s.head[0], to: s.head[1], type: "int", wrap: (b) => `!!(${b})` };
  if (s.kind === "return") {
    const from = skipSpace(code, s.start + 6);
    const type = text
      .slice(parts.start, parts.nameStart)
      .replace(
        /\b(?:static|inline|__always_inline|noinline|noinline_for_stack|__init|__exit|extern|asmlinkage|__sched|notrace|__must_check|__ref|__cold|__visible|__meminit|__inline|__inline__)\b/g,
        "",
      )
      .replace(/\s+/g, " ")
      .trim();
    if (!/^[A-Za-z_][\w ]*\**$/.test(type) || type === "void") throw new Skip("return type not understood");
    return { from, to: s.end - 1, type, wrap: same };
  }
  if (s.kind === "decl" || s.kind === "expr") {
    const eq = assignment(code, s);
    if (s.kind === "decl" && (eq < 0 || splitTop(code, s) > 1)) throw new Skip("several declarators");
    if (eq < 0) return { from: s.start, to: s.end - 1, type: "void", wrap: same };
    if (at < eq) throw new Skip("call on the left side");
    const left = code.slice(s.start, eq).trim();
    const name = /([A-Za-z_]\w*)$/.exec(left)?.[1];
    const isVariable = s.kind === "decl" || left === name;
    const v = isVariable ? vars.get(name) : undefined;
    if (!v || v.odd || v.array) {
      // `x->y = f()`: the assignment as a whole can move, its base being a value that is only read.
      if (s.kind === "expr" && /->/.test(left))
        return { from: s.start, to: s.end - 1, type: "void", wrap: same };
      throw new Skip("type of the left side not known");
    }
    return {
      from: skipSpace(code, eq + 1),
      to: s.end - 1,
      type: v.type.replace(/\bconst\b\s*(?!.*\*)/, ""),
      wrap: same,
    };
  }
  throw new Skip(`call in the head of a ${s.kind}`);
}

/** Offset of the first plain `=` of a statement outside brackets, or -1. */
function assignment(code, s) {
  for (let i = s.start; i < s.end; i++) {
    if ("([{".includes(code[i])) i = closing(code, i, s.end) - 1;
    else if (code[i] === "=") return /[=]/.test(code[i + 1]) || /[=!<>+\-*/%&|^]/.test(code[i - 1]) ? -1 : i;
  }
  return -1;
}

function splitTop(code, s) {
  let n = 1;
  for (let i = s.start; i < s.end; i++) {
    if ("([{".includes(code[i])) i = closing(code, i, s.end) - 1;
    else if (code[i] === ",") n++;
  }
  return n;
}

/** The locals that an expression uses, and those of which it takes the address. */
function needs(code, from, to, vars) {
  const names = [];
  const plain = new Set();
  const pointers = new Set();
  if (/\b(?:return|goto)\b|\(\{|[{}#]/.test(code.slice(from, to)))
    throw new Skip("statement in the expression");
  for (const { name, at } of identifiers(code, from, to)) {
    if (WRITES.test(name) && code[skipSpace(code, at + name.length)] === "(")
      throw new Skip("macro that writes a variable");
    const v = vars.get(name);
    if (!v) continue;
    if (v.odd) throw new Skip("type of a local not understood");
    if (!names.includes(name)) names.push(name);
    const after = code.slice(skipSpace(code, at + name.length), at + name.length + 6);
    const before = code.slice(0, at).trimEnd();
    if (/^(?:=[^=]|\+\+|--|(?:[-+*/%&|^]|<<|>>)=)/.test(after) || /(?:\+\+|--)$/.test(before))
      throw new Skip("local written in the expression");
    if (/(?:^|[(,=!?:&|]\s*|\breturn\s*)&$/.test(before.slice(-12)) && !before.endsWith("&&")) {
      if (v.array) throw new Skip("address of an array");
      // `&p->x` reads p; `&x` and `&x.y` need x itself.
      if (after.startsWith("->") || after.startsWith("[")) plain.add(name);
      else pointers.add(name);
    } else plain.add(name);
  }
  for (const p of pointers) if (plain.has(p)) throw new Skip("local used by value and by address");
  return { names, pointers };
}

function declare(type, name, pointer) {
  const t = pointer ? `${type} *` : type;
  return t.endsWith("*") ? `${t}${name}` : `${t} ${name}`;
}

/** The expression with `&x` as `x` (now a pointer), and `&x.y` as `&(*x).y`. */
function substituted(code, text, from, to, pointers) {
  let out = "";
  let done = from;
  for (const { name, at } of identifiers(code, from, to)) {
    if (!pointers.has(name)) continue;
    const amp = code.lastIndexOf("&", at);
    const isWhole = !/^[.[]/.test(code.slice(skipSpace(code, at + name.length)));
    out += text.slice(done, isWhole ? amp : at) + (isWhole ? name : `(*${name})`);
    done = at + name.length;
  }
  return (out + text.slice(done, to)).trim();
}

/** Every call that a list of statements holds, for those who choose a target. */
export function* callsIn(code, list) {
  for (const s of walk(list)) {
    if (s.kind !== "expr") continue;
    const m = /^([A-Za-z_]\w*)\s*\(/.exec(code.slice(s.start, s.end));
    if (m) yield { name: m[1], at: s.start, statement: s };
  }
}
