/** Random edits of the program of list walks. The same seed gives the same edits. */
import type { Edit } from "./randomEdits.js";
import { REMOVE } from "./walkProgram.js";

type Random = () => number;
const pick = <T>(list: readonly T[], rnd: Random): T => list[Math.floor(rnd() * list.length)];

const STATEMENTS = [
  "mutex_lock(&s->lock);",
  "mutex_unlock(&s->lock);",
  "spin_lock(&s->spin);",
  "spin_unlock(&s->spin);",
  "shelf_lock(s);",
  "shelf_unlock(s);",
  "shelf_relax(s);",
  "shelf_pause(s);",
  "shelf_step_off(s);",
  "shelf_step_on(s);",
  "shelf_visit_one(s, b);",
  "shelf_check(s);",
  "shelf_must(s);",
  "shelf_new_1(s);",
  "shelf_new_2(s);",
  "box_keep(b);",
  "box_get(b);",
  "box_new_get(s, b);",
  "list_del(&b->link);",
  "list_del(&b->other);",
  "hlist_del(&b->link);",
  "box_unlink(b);",
  "box_lose(b);",
  "shelf_inner(s);",
  "shelf_outer(s);",
  "shelf_walk_held(s);",
  "shelf_deep(s);",
  "lockdep_assert_held(&s->lock);",
  "lockdep_assert_held(&s->spin);",
  "s->ops->visit = shelf_walk;",
  "s->ops->drop = box_remove;",
  "for_each_box(b, s) box_work(b);",
  "far_take(&s->spin);",
  "far_remove(b);",
  "return;",
];

const FUNCTIONS = [
  "void shelf_must(struct shelf *s)\n{\n\tlockdep_assert_held(&s->lock);\n}\n",
  "void shelf_new_1(struct shelf *s)\n{\n\tshelf_pause(s);\n}\n",
  "void shelf_new_2(struct shelf *s)\n{\n\tshelf_new_1(s);\n}\n",
  "static inline void shelf_new_1(struct shelf *s)\n{\n\tspin_lock(&s->spin);\n}\n",
  "static void shelf_new_2(struct shelf *s)\n{\n\tmutex_unlock(&s->lock);\n\tmutex_lock(&s->lock);\n}\n",
  "static void shelf_step_on(struct shelf *s)\n{\n}\n",
  "void box_new_get(struct shelf *s, struct box *b)\n{\n\tbox_get(b);\n\tshelf_relax(s);\n}\n",
  "void shelf_caller(struct shelf *s)\n{\n\tshelf_lock(s);\n\tshelf_walk_spin(s);\n\tshelf_inner(s);\n\tshelf_unlock(s);\n}\n",
  "void box_caller(struct shelf *s, struct box *b)\n{\n\tmutex_lock(&all_shelves.lock);\n\tbox_unlink(b);\n\tbox_lose(b);\n\tmutex_unlock(&all_shelves.lock);\n}\n",
  "static struct shelf_ops more = {\n\t.visit = shelf_inner,\n};\n",
  "static struct shelf_ops some = {\n\t.visit = shelf_outer,\n\t.drop = box_lose,\n};\n",
];

const MACROS = [
  "#define for_each_box(b, s) list_for_each_entry(b, &(s)->boxes, link)",
  "#define for_each_box(b, s) list_for_each_entry_rcu(b, &(s)->boxes, link)",
  "#define for_each_box(b, s) for (b = (s)->first; b; b = b->next)",
  "#define for_each_box(b, s) for (b = box_first(s); b; b = box_after(b))",
  "#define for_each_box_named(b, s) for_each_box(b, s)",
  "#define for_each_box_named(b, s) for_each_box_chain(b)",
  "#define for_each_box_chain(b) for (b = first_box; b; b = b->next)",
  "#define for_each_box_chain(b) while (0)",
  "#define shelf_relax(s) cond_resched_lock(&(s)->spin)",
  "#define shelf_check(s) do { } while (0)",
  "#define shelf_pause shelf_walk_held",
  "#define shelf_turn_2 shelf_far_relax",
  "#define for_each_box for_each_box_chain",
];

/** Each may leave the text as it was where it does not apply. */
const KINDS: Record<string, (text: string, rnd: Random) => string> = {
  insert(text, rnd) {
    const lines = text.split("\n");
    const places = lines.flatMap((line, i) => (/^\t+.*[;{]$|^\{$/.test(line) ? [i] : []));
    if (places.length > 0) lines.splice(pick(places, rnd) + 1, 0, `\t${pick(STATEMENTS, rnd)}`);
    return lines.join("\n");
  },
  replace(text, rnd) {
    const lines = text.split("\n");
    const places = lines.flatMap((line, i) => (/^\t+\w+\(.*\);$/.test(line) ? [i] : []));
    if (places.length > 0) lines[pick(places, rnd)] = `\t${pick(STATEMENTS, rnd)}`;
    return lines.join("\n");
  },
  delete(text, rnd) {
    const lines = text.split("\n");
    const places = lines.flatMap((line, i) => (/^\t+\w+\(.*\);$/.test(line) ? [i] : []));
    if (places.length > 0) lines.splice(pick(places, rnd), 1);
    return lines.join("\n");
  },
  newFunction(text, rnd) {
    const end = text.lastIndexOf("#endif");
    const at = end >= 0 ? end : text.length;
    return text.slice(0, at) + pick(FUNCTIONS, rnd) + text.slice(at);
  },
  removeFunction(text, rnd) {
    const all = [...text.matchAll(/^(?:static |void |int )[^;\n]*\n\{\n[\s\S]*?^\}\n/gm)];
    if (all.length === 0) return text;
    const f = pick(all, rnd);
    return text.slice(0, f.index) + text.slice(f.index + f[0].length);
  },
  head(text, rnd) {
    const all = [...text.matchAll(/^(?:static |void |int )[^;\n]*\n(?=\{)/gm)];
    if (all.length === 0) return text;
    const f = pick(all, rnd);
    const was = f[0];
    const now = pick(
      [
        was.startsWith("static ") ? was.slice(7) : `static ${was}`,
        was.replace("\n", "\n\t__must_hold(&s->lock)\n"),
        was.replace(/(\w+)\(/, "$1_x("),
        was.replace("_x(", "("),
        `int __init ${was.replace(/^(?:static )?\w+ /, "")}`,
      ],
      rnd,
    );
    return text.slice(0, f.index) + now + text.slice(f.index + was.length);
  },
  macro(text, rnd) {
    const all = [...text.matchAll(/^#define \w+\(.*\n(?:\t.*\n)?/gm)];
    // Mostly another expansion of the same name.
    const [same] = all.length > 0 ? (pick(all, rnd)[0].match(/\w+(?=\()/) ?? []) : [];
    const others = MACROS.filter((m) => m.includes(`${same}(`) && rnd() < 0.8);
    if (same && others.length > 0) {
      const was = all.find((m) => m[0].startsWith(`#define ${same}(`))!;
      return `${text.slice(0, was.index)}${pick(others, rnd)}\n${text.slice(was.index + was[0].length)}`;
    }
    const now = `${pick(MACROS, rnd)}\n`;
    if (all.length === 0 || rnd() < 0.3) return text.replace("\n", `\n${now}`);
    const m = pick(all, rnd);
    return text.slice(0, m.index) + (rnd() < 0.8 ? now : "") + text.slice(m.index + m[0].length);
  },
  comment: (text, rnd) =>
    text.startsWith("/*") ? text.slice(text.indexOf("\n") + 1) : `/* ${rnd()} */\n${text}`,
  field(text, rnd) {
    const name = rnd() < 0.5 ? "spin" : "lock";
    const type = pick(["spinlock_t", "raw_spinlock_t", "struct mutex", "struct rw_semaphore"], rnd);
    return text.replace(new RegExp(`^\\t[\\w ]+ ${name};$`, "m"), `\t${type} ${name};`);
  },
  ownType(text, rnd) {
    const type = `struct shelf {\n\tstruct list_head boxes;\n\t${pick(["spinlock_t", "struct mutex"], rnd)} lock;\n\tspinlock_t spin;\n};\n`;
    const at = text.indexOf("struct shelf {");
    if (at < 0) return text.replace("\n", `\n${type}`);
    return text.slice(0, at) + (rnd() < 0.5 ? "" : type) + text.slice(text.indexOf("};\n", at) + 3);
  },
  value: (text) =>
    text.includes("*t = s;")
      ? text.replace("*t = s;", "*t = &all_shelves;")
      : text.replace("*t = &all_shelves;", "*t = s;"),
  table: (text, rnd) =>
    text.replace(
      /\.(visit|drop) = \w+/,
      `.$1 = ${pick(["shelf_inner", "box_unlink", "shelf_outer", "box_lose"], rnd)}`,
    ),
  condition(text, rnd) {
    const all = [...text.matchAll(/^(?:static |void |int )[^;\n]*\n\{\n[\s\S]*?^\}\n/gm)];
    if (/^#if 0$/m.test(text)) return text.replace(/^#if 0\n|^#endif \/\* 0 \*\/\n/gm, "");
    if (all.length === 0) return text;
    const f = pick(all, rnd);
    return `${text.slice(0, f.index)}#if 0\n${f[0]}#endif /* 0 */\n${text.slice(f.index + f[0].length)}`;
  },
};

export function nextWalkEdit(
  texts: ReadonlyMap<string, string>,
  original: ReadonlyMap<string, string>,
  rnd: Random,
): Edit {
  const gone = [...original.keys()].filter((path) => !texts.has(path));
  const dice = rnd();
  if (gone.length > 0 && dice < 0.3) {
    const path = pick(gone, rnd);
    return { path, text: original.get(path)!, kind: "comes back" };
  }
  if (dice < 0.32) {
    const path = `${pick(["drivers/box/core", "drivers/box", "lib"], rnd)}/new.c`;
    const text = `#include <linux/box.h>\n${pick(FUNCTIONS, rnd)}${REMOVE}`;
    return { path, text: texts.has(path) ? null : text, kind: "new file" };
  }
  const path = pick([...texts.keys()], rnd);
  if (dice < 0.34) return { path, text: null, kind: "removed file" };
  if (dice < 0.6 && original.has(path)) return { path, text: original.get(path)!, kind: "back" };
  const kind = pick(Object.keys(KINDS), rnd);
  return { path, text: KINDS[kind](texts.get(path)!, rnd), kind };
}
