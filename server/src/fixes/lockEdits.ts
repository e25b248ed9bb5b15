/**
 * Giving a lock another type, in every place of the tree that names it: declaration, set-up, each call, the variables for
 * interrupt flags that nobody needs then, the header. Null where a place is not understood: half a change is worse than none.
 */
import type { LockMention, LockUsers } from "../findings/lockUsers.js";
import { closingBracket, maskCode } from "./mask.js";
import type { FixEdit, FixSource } from "./types.js";

export interface LockChange {
  /** Calls by name: the name to put there; null: the whole statement goes. Calls that are not here cannot be changed. */
  calls: ReadonlyMap<string, string | null>;
  /** Of those, the ones whose second argument (interrupt flags) goes. */
  dropsFlags: ReadonlySet<string>;
  /** `spinlock_t` → `struct mutex`. */
  type: { from: string; to: string };
  /** `DEFINE_SPINLOCK` → `DEFINE_MUTEX`. */
  define: { from: string; to: string };
  /** Header that the declaration needs. */
  header: string;
}

export const SPINLOCK_TO_MUTEX: LockChange = {
  calls: new Map<string, string | null>([
    ["spin_lock", "mutex_lock"],
    ["spin_lock_bh", "mutex_lock"],
    ["spin_lock_irq", "mutex_lock"],
    ["spin_lock_irqsave", "mutex_lock"],
    ["spin_unlock", "mutex_unlock"],
    ["spin_unlock_bh", "mutex_unlock"],
    ["spin_unlock_irq", "mutex_unlock"],
    ["spin_unlock_irqrestore", "mutex_unlock"],
    ["spin_trylock", "mutex_trylock"],
    ["spin_trylock_bh", "mutex_trylock"],
    ["spin_lock_nested", "mutex_lock_nested"],
    ["spin_lock_init", "mutex_init"],
    ["spin_is_locked", "mutex_is_locked"],
    ["assert_spin_locked", "lockdep_assert_held"],
    ["lockdep_assert_held", "lockdep_assert_held"],
    ["lockdep_is_held", "lockdep_is_held"],
    ["lockdep_set_class", "lockdep_set_class"],
    ["guard(spinlock)", "mutex"],
    ["guard(spinlock_irq)", "mutex"],
    ["guard(spinlock_irqsave)", "mutex"],
    ["guard(spinlock_bh)", "mutex"],
  ]),
  dropsFlags: new Set(["spin_lock_irqsave", "spin_unlock_irqrestore"]),
  type: { from: "spinlock_t", to: "struct mutex" },
  define: { from: "DEFINE_SPINLOCK", to: "DEFINE_MUTEX" },
  header: "linux/mutex.h",
};

export const MUTEX_TO_SPINLOCK: LockChange = {
  calls: new Map<string, string | null>([
    ["mutex_lock", "spin_lock"],
    ["mutex_unlock", "spin_unlock"],
    ["mutex_trylock", "spin_trylock"],
    ["mutex_lock_nested", "spin_lock_nested"],
    ["mutex_init", "spin_lock_init"],
    ["mutex_destroy", null],
    ["mutex_is_locked", "spin_is_locked"],
    ["lockdep_assert_held", "lockdep_assert_held"],
    ["lockdep_is_held", "lockdep_is_held"],
    ["lockdep_set_class", "lockdep_set_class"],
    ["guard(mutex)", "spinlock"],
  ]),
  dropsFlags: new Set(),
  type: { from: "struct mutex", to: "spinlock_t" },
  define: { from: "DEFINE_MUTEX", to: "DEFINE_SPINLOCK" },
  header: "linux/spinlock.h",
};

export interface LockEdits {
  edits: FixEdit[];
  /** Functions whose calls change. */
  functions: string[];
  files: string[];
}

export type LockRefusal = { why: string };

/** The edits that give a lock its new type, or why they cannot be made. */
export function retype(users: LockUsers, change: LockChange, source: FixSource): LockEdits | LockRefusal {
  const { lock } = users;
  if (users.unread.length > 0) return { why: `${users.unread[0].name}() could not be read` };
  if (users.escapes.length > 0) return { why: "the lock's address is stored elsewhere" };
  const name = lock.cls.slice(Math.max(lock.cls.lastIndexOf("."), lock.cls.lastIndexOf(":")) + 1);
  const edits: FixEdit[] = [];
  const functions = new Set<string>();
  const touched = new Map<string, LockMention[]>();
  for (const mention of users.mentions) {
    if (!change.calls.has(mention.call))
      return { why: `${mention.function}() passes it to ${mention.call || "a function pointer"}()` };
    if (change.calls.get(mention.call) !== mention.call) functions.add(mention.function);
    const list = touched.get(mention.file);
    if (list) list.push(mention);
    else touched.set(mention.file, [mention]);
  }
  const declared = declaration(lock.file, name, lock.cls, change, source);
  if ("why" in declared) return declared;
  edits.push(declared.edit);
  for (const [file, mentions] of touched) {
    const text = source.read(file);
    if (text === null) return { why: `${file} could not be read` };
    for (const m of mentions) {
      const edit = callEdit(file, text, m, change);
      if (!edit) return { why: `the call of ${m.call}() in ${m.function}() is not understood` };
      edits.push(...edit);
    }
    edits.push(...unusedFlags(file, text, mentions, change, source));
  }
  // A name that is written in a way which is no call: an initialiser, a macro.
  if (!lock.cls.startsWith("struct ")) {
    const stray = strayMention(lock.file, name, users.mentions, declared.edit, source);
    if (stray !== null) return { why: `${lock.file} names it in ${stray}` };
  } else if (hasInitialiser(touched.keys(), lock.file, name, change, source))
    return { why: "an initialiser sets it up" };
  const include = includeEdit(lock.file, change.header, source);
  if (include) edits.push(include);
  const files = [...new Set(edits.map((e) => e.file))].sort();
  return { edits: withoutDoubles(edits), functions: [...functions].sort(), files };
}

function withoutDoubles(edits: readonly FixEdit[]): FixEdit[] {
  const seen = new Set<string>();
  return edits.filter((e) => {
    const key = `${e.file}:${e.offset}:${e.endOffset}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The declaration: `static DEFINE_SPINLOCK(name)` at file level, `spinlock_t name;` in a struct. */
function declaration(
  file: string,
  name: string,
  cls: string,
  change: LockChange,
  source: FixSource,
): { edit: FixEdit } | LockRefusal {
  const text = source.read(file);
  if (text === null) return { why: `${file} could not be read` };
  const code = maskCode(text);
  if (!cls.startsWith("struct ")) {
    const defined = new RegExp(`\\b${change.define.from}(?=\\s*\\(\\s*${name}\\s*\\))`).exec(code);
    if (defined) return { edit: replace(file, defined.index, change.define.from, change.define.to) };
    const plain = typedName(code, 0, code.length, name, change);
    return plain ?? { why: `its declaration in ${file} is not understood` };
  }
  const tag = /^struct (\w+)/.exec(cls)?.[1] ?? "";
  // `struct tag {` or `typedef struct {…} tag;`: the struct of a nested member is its parent's.
  const opened = new RegExp(`\\b(?:struct|union)\\s+${tag}\\b[^;{}()]*\\{`).exec(code);
  if (!opened) return { why: `struct ${tag} is not found in ${file}` };
  const open = opened.index + opened[0].length - 1;
  const close = closingBracket(code, open);
  if (close < 0) return { why: `struct ${tag} is not understood` };
  return (
    typedName(code, open, close, name, change, file) ?? {
      why: `the field ${name} of struct ${tag} shares its declaration with others`,
    }
  );

  function typedName(
    masked: string,
    from: number,
    to: number,
    field: string,
    { type }: LockChange,
    inFile = file,
  ): { edit: FixEdit } | null {
    const words = type.from.replace(/ /g, "\\s+");
    const found = [
      ...masked.slice(from, to).matchAll(new RegExp(`\\b(${words})(\\s+)${field}(?:\\s+\\w+)*\\s*;`, "g")),
    ];
    if (found.length !== 1) return null;
    const at = from + found[0].index;
    // The name keeps its column where the types differ by a tab's width only; elsewhere one blank is enough.
    return { edit: { file: inFile, offset: at, endOffset: at + found[0][1].length, text: type.to } };
  }
}

const replace = (file: string, offset: number, from: string, to: string): FixEdit => ({
  file,
  offset,
  endOffset: offset + from.length,
  text: to,
});

function callEdit(file: string, text: string, m: LockMention, change: LockChange): FixEdit[] | null {
  const to = change.calls.get(m.call);
  if (to === undefined) return null;
  if (to === null) {
    // The whole statement: only where it stands alone on its line.
    const line = text.lastIndexOf("\n", m.offset) + 1;
    const end = text.indexOf("\n", m.callEnd) + 1;
    if (text.slice(line, m.offset).trim() !== "" || text.slice(m.callEnd, end).trim() !== ";") return null;
    return [{ file, offset: line, endOffset: end, text: "" }];
  }
  if (m.call.startsWith("guard(")) {
    const cls = m.call.slice(6, -1);
    const at = text.indexOf(cls, m.offset);
    return at < 0 || at > m.callEnd ? null : [replace(file, at, cls, to)];
  }
  if (!text.startsWith(m.call, m.offset)) return null;
  const edits = to === m.call ? [] : [replace(file, m.offset, m.call, to)];
  if (change.dropsFlags.has(m.call)) {
    const open = text.indexOf("(", m.offset);
    const comma = topLevelComma(text, open, m.callEnd);
    if (comma < 0) return null;
    edits.push({ file, offset: comma, endOffset: m.callEnd - 1, text: "" });
  }
  return edits;
}

function topLevelComma(text: string, open: number, end: number): number {
  let depth = 0;
  for (let i = open; i < end; i++) {
    const c = text[i];
    if (c === "(" || c === "[") depth++;
    else if (c === ")" || c === "]") depth--;
    else if (c === "," && depth === 1) return i;
  }
  return -1;
}

/** Declarations of flags variables that nothing uses any more. */
function unusedFlags(
  file: string,
  text: string,
  mentions: readonly LockMention[],
  change: LockChange,
  source: FixSource,
): FixEdit[] {
  const out: FixEdit[] = [];
  const byFunction = new Map<string, LockMention[]>();
  for (const m of mentions)
    if (change.dropsFlags.has(m.call)) byFunction.set(m.function, [...(byFunction.get(m.function) ?? []), m]);
  for (const list of byFunction.values()) {
    const fn = source.functionAt(file, list[0].offset);
    if (!fn) continue;
    const code = maskCode(text.slice(fn.start, fn.end));
    const names = new Set(
      list.map((m) => {
        const comma = topLevelComma(text, text.indexOf("(", m.offset), m.callEnd);
        return comma < 0 ? "" : text.slice(comma + 1, m.callEnd - 1).trim();
      }),
    );
    for (const name of names) {
      if (!/^\w+$/.test(name)) continue;
      const uses = [...code.matchAll(new RegExp(`\\b${name}\\b`, "g"))].map((u) => fn.start + u.index);
      const left = uses.filter((at) => !list.some((m) => m.offset <= at && at < m.callEnd));
      // One use is left: the declaration.
      if (left.length !== 1) continue;
      const edit = undeclare(file, text, left[0], name);
      if (edit) out.push(edit);
    }
  }
  return out;
}

/** Takes a variable out of its declaration, or the declaration away when it holds nothing else. */
export function undeclare(file: string, text: string, at: number, name: string): FixEdit | null {
  const from = text.lastIndexOf("\n", at) + 1;
  const end = text.indexOf("\n", at);
  const line = text.slice(from, end < 0 ? text.length : end);
  if (new RegExp(`^\\s*(?:unsigned\\s+)?(?:long|int)\\s+${name}(?:\\s*=\\s*\\w+)?\\s*;\\s*$`).test(line)) {
    let to = from + line.length + 1;
    const before = text.slice(0, from);
    const blank = /^[ \t]*\r?\n/.exec(text.slice(to));
    // The only declaration: the blank line after it goes too.
    if (blank && /\{[ \t]*\r?\n$/.test(before)) to += blank[0].length;
    return { file, offset: from, endOffset: to, text: "" };
  }
  const column = at - from;
  const after = /^\s*,\s*/.exec(line.slice(column + name.length));
  if (after) return { file, offset: at, endOffset: at + name.length + after[0].length, text: "" };
  const lead = /,\s*$/.exec(line.slice(0, column));
  if (lead && /^\s*;/.test(line.slice(column + name.length)))
    return { file, offset: at - lead[0].length, endOffset: at + name.length, text: "" };
  return null;
}

/** A place at file level that names a file-level lock and is no part of the edits; null for none. */
function strayMention(
  file: string,
  name: string,
  mentions: readonly LockMention[],
  declared: FixEdit,
  source: FixSource,
): string | null {
  const text = source.read(file)!;
  const code = maskCode(text);
  for (const m of code.matchAll(new RegExp(`\\b${name}\\b`, "g"))) {
    const at = m.index;
    if (mentions.some((x) => x.file === file && x.offset <= at && at < x.callEnd)) continue;
    const line = code.slice(code.lastIndexOf("\n", at) + 1, code.indexOf("\n", at));
    if (
      at > declared.offset &&
      at - declared.endOffset < 200 &&
      line.includes(code.slice(declared.offset, declared.endOffset))
    )
      continue;
    if (/^\s*(?:EXPORT_SYMBOL|extern\b)/.test(line)) return `"${line.trim()}"`;
    return `"${line.trim().slice(0, 60)}"`;
  }
  return null;
}

function hasInitialiser(
  files: Iterable<string>,
  home: string,
  name: string,
  change: LockChange,
  source: FixSource,
): boolean {
  const initialiser = new RegExp(
    `\\.\\s*${name}\\s*=\\s*(?:__SPIN_LOCK|__MUTEX|SPIN_LOCK|\\(?\\s*${change.type.from})`,
  );
  for (const file of new Set([...files, home])) {
    const text = source.read(file);
    if (text !== null && initialiser.test(text)) return true;
  }
  return false;
}

/** Includes the header after the last <linux/…> one that is not later in the alphabet; null when it is there. */
export function includeEdit(file: string, header: string, source: FixSource): FixEdit | null {
  if (source.code.includes(file).includes(header)) return null;
  const text = source.read(file);
  if (text === null) return null;
  const lines = [...text.matchAll(/^#[ \t]*include[ \t]+<(linux\/[\w/.-]+)>[^\n]*\n/gm)];
  if (lines.length === 0) return null;
  const sorted = lines.every((l, i) => i === 0 || lines[i - 1][1] <= l[1]);
  const after = sorted ? (lines.filter((l) => l[1] < header).pop() ?? null) : lines[lines.length - 1];
  const offset = after ? after.index + after[0].length : lines[0].index;
  return { file, offset, endOffset: offset, text: `#include <${header}>\n` };
}
