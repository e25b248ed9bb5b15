// Moving: a function and the static functions that it calls go to a new file of the same directory. The new file gets the
// old one's directives and types, prototypes and `extern` declarations of what stays; what is used across loses `static`.
import { closing, identifiers, Skip, skipSpace, splitCommas, wordAt } from "./ctext.mjs";

const MOST_MOVED = 40;

/** Macros that define a variable, with the type to declare it by. */
const DEFINERS = new Map(
  Object.entries({
    DEFINE_SPINLOCK: "spinlock_t",
    DEFINE_RAW_SPINLOCK: "raw_spinlock_t",
    DEFINE_RWLOCK: "rwlock_t",
    DEFINE_SEQLOCK: "seqlock_t",
    DEFINE_MUTEX: "struct mutex",
    DECLARE_RWSEM: "struct rw_semaphore",
    DEFINE_SEMAPHORE: "struct semaphore",
    LIST_HEAD: "struct list_head",
    HLIST_HEAD: "struct hlist_head",
    DECLARE_WAIT_QUEUE_HEAD: "wait_queue_head_t",
    DECLARE_COMPLETION: "struct completion",
    DEFINE_IDR: "struct idr",
    DEFINE_IDA: "struct ida",
    DEFINE_XARRAY: "struct xarray",
    DEFINE_XARRAY_ALLOC: "struct xarray",
    DECLARE_WORK: "struct work_struct",
    DECLARE_DELAYED_WORK: "struct delayed_work",
    DEFINE_TIMER: "struct timer_list",
    DECLARE_TASKLET: "struct tasklet_struct",
  }),
);

/** The top level of a file: {kind, name, start, end, bodyStart, depth}; `depth` counts the #if around it. */
export function topLevel(code) {
  const items = [];
  let depth = 0;
  for (let i = skipSpace(code, 0); i < code.length; i = skipSpace(code, i)) {
    if (code[i] === ";") {
      i++;
      continue;
    }
    if (code[i] === "#") {
      let e = i;
      while (e < code.length && (code[e] !== "\n" || code[e - 1] === "\\")) e++;
      const word = /^#\s*(\w*)/.exec(code.slice(i, e))?.[1] ?? "";
      if (word.startsWith("if")) depth++;
      if (word === "endif") depth--;
      items.push({ kind: "directive", name: word, start: i, end: e, depth });
      i = e;
      continue;
    }
    const item = declaration(code, i, depth);
    items.push(item);
    i = item.end;
  }
  if (depth !== 0) throw new Skip("file not understood");
  return items;
}

function declaration(code, start, depth) {
  let sawEquals = false;
  let body = -1;
  for (let i = start; i < code.length; i++) {
    const c = code[i];
    if (c === "#") throw new Skip("preprocessor lines inside a declaration");
    if (c === "(" || c === "[") {
      i = closing(code, i) - 1;
      // A macro that makes something by itself stands alone on its line.
      const head = code.slice(start, i + 1);
      if (
        c === "(" &&
        /^[A-Z_0-9]+\s*\(/.test(head) &&
        skipSpace(code, start + wordAt(code, start).length) === code.indexOf("(", start)
      ) {
        const next = skipSpace(code, i + 1);
        const fresh = code.slice(i + 1, next).includes("\n");
        if (
          closing(code, code.indexOf("(", start)) === i + 1 &&
          fresh &&
          /[A-Za-z_#/]/.test(code[next] ?? "#")
        )
          return { kind: "macro", name: wordAt(code, start), start, end: i + 1, depth };
      }
    } else if (c === "=") sawEquals = true;
    else if (c === ";") return classify(code, start, i + 1, depth, sawEquals, body);
    else if (c === "{") {
      const head = code.slice(start, i).trimEnd();
      if (!sawEquals && /\)\s*(?:__\w+\s*)*$/.test(head) && !/^typedef\b/.test(head)) {
        const end = closing(code, i);
        return { kind: "function", name: functionName(code, start, i), start, end, bodyStart: i, depth };
      }
      if (!sawEquals) body = i;
      i = closing(code, i) - 1;
    } else if (c === "}" || c === ")" || c === "]") throw new Skip("file not understood");
  }
  throw new Skip("file not understood");
}

const ATTRIBUTES =
  /^(?:__attribute__|__printf|__scanf|__aligned|__section|__acquires|__releases|__must_hold|__cond_acquires|__alloc_size)$/;

function functionName(code, start, end) {
  for (const m of code.slice(start, end).matchAll(/([A-Za-z_]\w*)\s*\(/g))
    if (!ATTRIBUTES.test(m[1])) return m[1];
  return "";
}

function classify(code, start, end, depth, sawEquals, body) {
  const text = code.slice(start, end);
  const item = { kind: "odd", name: "", start, end, depth };
  const first = wordAt(code, start);
  if (first === "typedef") return { ...item, kind: "type" };
  const m = /^(?:static\s+)?([A-Z][A-Z_0-9]+)\s*\(/.exec(text);
  if (m) return { ...item, kind: "macro", name: m[1] };
  if (body >= 0) {
    const close = closing(code, body);
    const rest = code
      .slice(close, end - 1)
      .trim()
      .replace(/\b__\w+(?:\s*\([^)]*\))?/g, "")
      .trim();
    return rest === "" ? { ...item, kind: "type" } : item;
  }
  if (/^(?:struct|union|enum)\s+\w+\s*;$/.test(text)) return { ...item, kind: "type" };
  const head = sawEquals
    ? code.slice(start, start + topEquals(code, start, end))
    : code.slice(start, end - 1);
  if (!sawEquals && /\)\s*(?:__\w+(?:\s*\([^)]*\))?\s*)*$/.test(head) && !/\(\s*\*/.test(head))
    return { ...item, kind: "prototype", name: functionName(code, start, end) };
  const parts = splitCommas(code, start, start + head.length);
  if (/\(/.test(head) || (sawEquals && splitCommas(code, start, end - 1).length > 1)) return item;
  const name = /([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*(?:__\w+\s*)*$/.exec(head)?.[1] ?? "";
  if (name === "" || parts.length > 1) return item;
  return { ...item, kind: "variable", name, head: head.trimEnd() };
}

function topEquals(code, start, end) {
  for (let i = start; i < end; i++) {
    if ("([{".includes(code[i])) i = closing(code, i, end) - 1;
    else if (code[i] === "=") return i - start;
  }
  return end - start;
}

const withoutStatic = (text) =>
  text.replace(/\b(?:static|inline|__always_inline|__inline|__inline__)\b\s*/g, "");

/** Moves the case's function; `isUnique` says whether a name has one definition in the whole program. */
export function moveFunction(c, isUnique) {
  const { text, code, fn, file, id } = c;
  if (!file.endsWith(".c")) throw new Skip("function in a header");
  const items = topLevel(code);
  const byName = new Map();
  for (const it of items) {
    if (it.kind !== "function" || it.name === "") continue;
    byName.set(it.name, byName.has(it.name) ? null : it);
  }
  const self = byName.get(fn.name);
  if (!self || self.start > fn.start + 200) throw new Skip("function not found at the top level");
  const isStatic = (it) => /\bstatic\b/.test(code.slice(it.start, it.bodyStart));
  const moved = new Set([self]);
  const shown = new Set();
  const used = new Set();
  for (const it of moved) {
    if (it.depth > 0) throw new Skip("function under #if");
    if (/#\s*(?:define|undef|include)/.test(code.slice(it.start, it.end)))
      throw new Skip("macro defined in the body");
    for (const { name, at } of identifiers(code, it.start, it.end)) {
      used.add(name);
      if (!byName.has(name) || name === it.name) continue;
      const other = byName.get(name);
      if (other === null) throw new Skip("callee with several definitions");
      if (!isStatic(other) || moved.has(other)) continue;
      if (code[skipSpace(code, at + name.length)] === "(") moved.add(other);
      else shown.add(other);
    }
    if (moved.size > MOST_MOVED) throw new Skip("too many static callees");
  }
  const crossing = [...moved, ...shown];
  for (const it of crossing) {
    if (it.depth > 0) throw new Skip("function under #if");
    if (isStatic(it) && !isUnique(it.name)) throw new Skip("name is not unique in the tree");
    if (/^[A-Z_0-9]+\s*\(/.test(code.slice(it.start, it.bodyStart)))
      throw new Skip("function made by a macro");
  }
  const names = new Set(crossing.map((it) => it.name));
  const prototype = (it) => `${withoutStatic(text.slice(it.start, it.bodyStart)).trimEnd()};`;
  const there = [];
  const edits = [];
  for (const it of items) {
    const own = text.slice(it.start, it.end);
    if (moved.has(it)) {
      there.push(withoutStatic(text.slice(it.start, it.bodyStart)) + text.slice(it.bodyStart, it.end));
      edits.push({ start: it.start, end: it.end, text: prototype(it) });
    } else if (it.kind === "function") {
      if (shown.has(it) || (used.has(it.name) && !isStatic(it))) there.push(prototype(it));
      if (shown.has(it))
        edits.push({
          start: it.start,
          end: it.bodyStart,
          text: withoutStatic(text.slice(it.start, it.bodyStart)),
        });
    } else if (it.kind === "directive" || it.kind === "type") there.push(own);
    else if (it.kind === "prototype") {
      if (names.has(it.name) || !/\bstatic\b/.test(own)) there.push(withoutStatic(own));
      if (names.has(it.name)) edits.push({ start: it.start, end: it.end, text: withoutStatic(own) });
    } else shareVariable(it, { code, text, used, there, edits });
  }
  const at = file.lastIndexOf("/") + 1;
  const to = `${file.slice(0, at)}lc_moved_${id}_${file.slice(at)}`;
  return { edits, helpers: [], newFile: { path: to, text: `${there.join("\n")}\n` } };
}

/** A variable that the moved functions use is declared there and loses `static` here. */
function shareVariable(it, { code, text, used, there, edits }) {
  const own = text.slice(it.start, it.end);
  const mentions = [...identifiers(code, it.start, it.end)].some((x) => used.has(x.name));
  if (it.kind === "variable") {
    if (!used.has(it.name)) return;
    const head = withoutStatic(text.slice(it.start, it.start + it.head.length));
    there.push(`${/\bextern\b/.test(head) ? "" : "extern "}${head};`);
    if (/^static\b/.test(own))
      edits.push({ start: it.start, end: it.end, text: own.replace(/^static\s+/, "") });
    return;
  }
  if (!mentions) return;
  if (it.kind === "macro") {
    if (
      /^(?:EXPORT_SYMBOL|MODULE_|module_|ALLOW_ERROR|NOKPROBE|TRACE_|BTF_|__setup|early_param|late_initcall)/i.test(
        it.name,
      )
    )
      return;
    const type = DEFINERS.get(it.name);
    const open = code.indexOf("(", it.start);
    const [a, b] = splitCommas(code, open + 1, closing(code, open) - 1)[0] ?? [0, 0];
    const name = code.slice(a, b).trim();
    if (!used.has(name)) {
      if (type || it.name === "DEFINE_PER_CPU") return;
      throw new Skip("file-level macro");
    }
    if (!type) throw new Skip("file-level macro");
    there.push(`extern ${type} ${name};`);
    if (/^static\b/.test(own))
      edits.push({ start: it.start, end: it.end, text: own.replace(/^static\s+/, "") });
    return;
  }
  // Several declarators, a struct with its variable, a pointer to a function.
  throw new Skip("declaration not understood");
}
