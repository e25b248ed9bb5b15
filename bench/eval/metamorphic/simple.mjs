// Transformations inside one function: the call as a macro, the lock as a guard, a branch that does nothing. Each takes a
// case ({id, text, code, fn, at, lockAt}) and gives edits; all throw Skip where they would not be sure to keep the meaning.
import {
  closing,
  identifiers,
  isDeclaration,
  lineStart,
  Skip,
  skipSpace,
  splitCommas,
  statementAt,
  statements,
  takeApart,
  walk,
  wordAt,
} from "./ctext.mjs";

/** The call at an offset: its name and the brackets of its arguments. */
export function callAt({ code, at }) {
  const name = wordAt(code, at);
  if (name === "") throw new Skip("no call at the place");
  const open = skipSpace(code, at + name.length);
  if (code[open] !== "(") throw new Skip("no call at the place");
  return { name, start: at, open, end: closing(code, open) };
}

function isMember(code, at) {
  let p = at - 1;
  while (p >= 0 && /\s/.test(code[p])) p--;
  return code[p] === "." || (code[p] === ">" && code[p - 1] === "-");
}

/** Body of the case's function as statements; the same for all transformations. */
export function bodyOf({ code, fn }) {
  const parts = takeApart(code, fn);
  return { parts, list: statements(code, parts.bodyStart + 1, closing(code, parts.bodyStart, fn.end) - 1) };
}

/** `callee(a, b)` becomes `lc_wrapped_1(a, b)`, a macro defined in front of the function. */
export function wrapInMacro(c) {
  const { code, text, fn, id } = c;
  const call = callAt(c);
  if (isMember(code, call.start)) throw new Skip("call through a member");
  if (/^(?:if|while|for|switch|return|sizeof|typeof|do|else|case|goto)$/.test(call.name))
    throw new Skip("no call at the place");
  const next = code[skipSpace(code, call.end)];
  if (next === "{" || /[A-Za-z_]/.test(next ?? "")) throw new Skip("macro with a body");
  if (code.slice(call.start, call.end).includes("#")) throw new Skip("preprocessor lines in the call");
  const args = splitCommas(code, call.open + 1, call.end - 1).map((_, i) => `a${i}`);
  const macro = `lc_wrapped_${id}`;
  const define = `#define ${macro}(${args.join(", ")}) ${call.name}(${args.join(", ")})\n`;
  const at = beforeFunction(text, code, fn);
  return {
    edits: [
      { start: at, end: at, text: define },
      { start: call.start, end: call.start + call.name.length, text: macro },
    ],
    helpers: [macro],
  };
}

/** Where something can be put in front of a function: the start of its first line. */
export function beforeFunction(text, code, fn) {
  const at = lineStart(text, fn.start);
  if (code.slice(at, fn.start).trim() !== "") throw new Skip("function does not begin a line");
  if (at >= 2 && text[at - 2] === "\\") throw new Skip("function does not begin a line");
  return at;
}

/** A branch on a variable that nothing else uses, right after the lock or else before the statement of the call. */
export function addBranch(c) {
  const { text, code, fn, id, at, lockAt } = c;
  const { list } = bodyOf(c);
  const place = placeForStatement(code, list, lockAt, at);
  const top = beforeFunction(text, code, fn);
  return {
    edits: [
      { start: top, end: top, text: `static int lc_seen_${id}, lc_count_${id};\n` },
      { start: place, end: place, text: ` if (lc_seen_${id}) lc_count_${id}++; ` },
    ],
    helpers: [],
  };
}

function placeForStatement(code, list, lockAt, at) {
  const lock = lockAt === null ? null : statementAt(list, lockAt);
  // Declarations may follow an open brace only; after a statement there are none in kernel style.
  if (lock?.kind === "expr" && isInBlock(code, lock)) {
    const next = skipSpace(code, lock.end);
    if (!isDeclaration(code.slice(next, next + 200))) return lock.end;
  }
  let s = statementAt(list, at);
  while (s && !(isInBlock(code, s) && s.kind !== "decl")) s = s.parent;
  if (!s) throw new Skip("no place for a statement");
  return s.start;
}

/** Whether a statement stands among others in braces, not alone under an if or a loop. */
function isInBlock(code, s) {
  if (s.parent && s.parent.kind !== "block") return false;
  let p = s.start - 1;
  while (p >= 0 && /\s/.test(code[p])) p--;
  return ";{}:".includes(code[p]);
}

/** Lock primitives and the guard class of each; the release of a lock is the pair of its name. */
const GUARDS = new Map(
  Object.entries({
    spin_lock: ["spinlock", "spin_unlock"],
    spin_lock_irq: ["spinlock_irq", "spin_unlock_irq"],
    spin_lock_bh: ["spinlock_bh", "spin_unlock_bh"],
    spin_lock_irqsave: ["spinlock_irqsave", "spin_unlock_irqrestore"],
    raw_spin_lock: ["raw_spinlock", "raw_spin_unlock"],
    raw_spin_lock_irq: ["raw_spinlock_irq", "raw_spin_unlock_irq"],
    raw_spin_lock_irqsave: ["raw_spinlock_irqsave", "raw_spin_unlock_irqrestore"],
    read_lock: ["read_lock", "read_unlock"],
    read_lock_irq: ["read_lock_irq", "read_unlock_irq"],
    read_lock_irqsave: ["read_lock_irqsave", "read_unlock_irqrestore"],
    write_lock: ["write_lock", "write_unlock"],
    write_lock_irq: ["write_lock_irq", "write_unlock_irq"],
    write_lock_irqsave: ["write_lock_irqsave", "write_unlock_irqrestore"],
    rcu_read_lock: ["rcu", "rcu_read_unlock"],
    preempt_disable: ["preempt", "preempt_enable"],
    local_irq_disable: ["irq", "local_irq_enable"],
    local_irq_save: ["irqsave", "local_irq_restore"],
  }),
);
export const LOCKS = new Set(GUARDS.keys());
const NO_LOCK = new Set(["rcu", "preempt", "irq", "irqsave"]);

/** The lock and its one release in the same block become a guard with the scope of what was between them. */
export function lockAsGuard(c) {
  const { code, text, lockAt, at, id } = c;
  if (lockAt === null) throw new Skip("no lock in the function");
  const { list } = bodyOf(c);
  const region = regionOf(code, list, lockAt);
  if (!(region.lock.end <= at && at < region.unlock.start)) throw new Skip("call outside the plain region");
  const lock = callAt({ code, at: region.lock.start });
  const [guard] = GUARDS.get(lock.name);
  const object = NO_LOCK.has(guard)
    ? ""
    : text.slice(...splitCommas(code, lock.open + 1, lock.end - 1)[0]).trim();
  const scoped = id % 2 === 0;
  const head = scoped
    ? `scoped_guard(${guard}${object ? `, ${object}` : ""}) {`
    : `{ guard(${guard})(${object});`;
  return {
    edits: [
      { start: region.lock.start, end: region.lock.end, text: head },
      { start: region.unlock.start, end: region.unlock.end, text: "}" },
    ],
    helpers: [],
  };
}

/** A lock statement, its release in the same block, and what stands between: nothing that leaves or enters it. */
export function regionOf(code, list, lockAt) {
  const lock = statementAt(list, lockAt);
  if (lock?.kind !== "expr" || lock.start !== lockAt) throw new Skip("lock is no statement");
  const call = callAt({ code, at: lockAt });
  const pair = GUARDS.get(call.name);
  if (!pair) throw new Skip("lock without a guard");
  if (!isInBlock(code, lock)) throw new Skip("lock under a condition");
  const object = normal(code, call);
  const siblings = lock.parent ? lock.parent.body : list;
  const from = siblings.indexOf(lock) + 1;
  const isRelease = (s) =>
    s.kind === "expr" &&
    wordAt(code, s.start) === pair[1] &&
    normal(code, callAt({ code, at: s.start })) === object;
  const to = siblings.findIndex((s, i) => i >= from && isRelease(s));
  if (to < 0) throw new Skip("release in another block");
  let uses = 0;
  for (const s of walk(list))
    if (
      isRelease(s) ||
      (s.kind === "expr" && wordAt(code, s.start) === call.name && sameLock(code, s, object))
    )
      uses++;
  if (uses !== 2) throw new Skip("lock taken or released several times");
  const inside = siblings.slice(from, to);
  for (const s of walk(inside)) {
    if (
      ["return", "goto", "label", "break", "continue"].includes(s.kind) &&
      !(
        s.kind === "label" &&
        /^(?:case|default)\b/.test(code.slice(s.start, s.end)) &&
        isUnder(s, inside, "switch")
      )
    )
      if (!((s.kind === "break" || s.kind === "continue") && isUnder(s, inside, "loop")))
        throw new Skip("jump out of the region");
  }
  if (inside.some((s) => s.kind === "decl")) throw new Skip("declaration in the region");
  // The same object must mean the same lock at both ends.
  return { lock, unlock: siblings[to], inside };
}

function sameLock(code, s, object) {
  const open = skipSpace(code, s.start + wordAt(code, s.start).length);
  return code[open] === "(" && normal(code, callAt({ code, at: s.start })) === object;
}

function isUnder(s, inside, kind) {
  for (let p = s.parent; p && !inside.includes(s); s = p, p = p.parent) {
    if (kind === "switch" ? p.kind === "switch" : ["while", "for", "do", "switch", "macro"].includes(p.kind))
      return true;
    if (inside.includes(p)) return false;
  }
  return false;
}

/** All arguments without spaces: the lock, and the flags that go with it. */
function normal(code, call) {
  return code.slice(call.open + 1, call.end - 1).replace(/\s+/g, "");
}

/** Names used in a text range, for those who look for calls. */
export const namesIn = (code, a, b) => [...identifiers(code, a, b)].map((x) => x.name);
