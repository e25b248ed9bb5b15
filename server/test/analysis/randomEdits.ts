/**
 * A small program of several files, and edits of it as people make them: bodies, signatures, macros, types in headers,
 * tables of functions, new and removed functions and files. The same seed gives the same edits.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseCase } from "../fixtures/caseFile.js";
import { fixturesFolder } from "../fixtures/harness.js";

/** Deterministic numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The shipped example and some scenarios, each in a folder of its own; what they share by name is part of the program. */
export function program(): Map<string, string> {
  const texts = new Map<string, string>();
  const example = join(fixturesFolder, "put-super");
  for (const file of readdirSync(example, { recursive: true, encoding: "utf8" })) {
    if (/\.[ch]$/.test(file)) texts.set(file, readFileSync(join(example, file), "latin1"));
  }
  const cases = join(fixturesFolder, "cases");
  for (const name of [
    "flow/returns-with-lock.c",
    "interprocedural/cross-file.c",
    "names/macro-as-function.c",
    "pointers/ops-table.c",
    "callbacks/timer.c",
    "gfp/parameter.c",
    "gfp/alias-macro.c",
    "names/private-header.c",
    "names/lock-macros.c",
    "pointers/hook-variable.c",
    "conditions/regmap.c",
    "stale-cursor/memcg-split.c",
  ]) {
    for (const f of parseCase(readFileSync(join(cases, name), "utf8")).files)
      texts.set(`drivers/${name.replace(/\W/g, "_")}/${f.path.split("/").pop()}`, f.text);
  }
  texts.set("include/linux/made.h", MADE_HEADER);
  texts.set("lib/made.c", MADE_CODE);
  return texts;
}

/** What the edits below are about: types, macros and tables that code of other files rests on. */
const MADE_HEADER = `#ifndef MADE_H
#define MADE_H
typedef struct made_inner made_inner_t;
struct made_inner {
	spinlock_t lock;
	struct mutex slow;
};
struct made {
	made_inner_t in;
	const struct made_ops *ops;
	gfp_t gfp;
};
struct made_ops {
	void (*sync)(struct made *m);
	void (*kick)(struct made *m);
};
#define MADE_GFP MADE_FLAGS
#define MADE_FLAGS GFP_KERNEL
#define MADE_WAIT 1
#define made_hold(m) spin_lock(&(m)->in.lock)
#define made_drop(m) spin_unlock(&(m)->in.lock)
#define __made
static inline void made_nap(struct made *m)
{
	msleep(1);
}
void made_sync(struct made *m);
#endif
`;

const MADE_CODE = `#include <linux/made.h>
static struct made_ops made_table = {
	.sync = made_sync,
	.kick = made_kick,
};
static void made_kick(struct made *m)
{
	udelay(1);
}
void made_sync(struct made *m)
{
	made_nap(m);
}
static void made_take(struct made *m)
{
	spin_lock(&m->in.lock);
}
void made_use(struct made *m)
{
	made_hold(m);
	m->ops->kick(m);
	m->ops->sync(m);
	kmalloc(8, MADE_GFP);
	made_drop(m);
	made_take(m);
	if (MADE_WAIT)
		made_sync(m);
	spin_unlock(&m->in.lock);
}
static int __made made_timer(struct timer_list *t)
{
	made_nap(0);
	return 0;
}
void made_start(struct made *m)
{
	timer_setup(&m->timer, made_timer, 0);
}
`;

const STATEMENTS = [
  "msleep(1);",
  "made_use(m);",
  "made_sync(m);",
  "spin_lock(&m->in.lock);",
  "spin_unlock(&m->in.lock);",
  "mutex_lock(&m->in.slow);",
  "kmalloc(8, MADE_GFP);",
  "kmalloc(8, m->gfp);",
  "m->ops->sync(m);",
  "m->ops->sync = made_kick;",
  "made_hold(m);",
  "made_drop(m);",
  "if (MADE_WAIT)\n\t\tmsleep(1);",
  "made_alias(m);",
  "made_each(m)\n\t\tmsleep(1);",
  "made_new_1(m);",
  "made_new_2(m);",
  "timer_setup(&m->timer, made_new_1, 0);",
  "lockdep_assert_held(&m->in.lock);",
];

const MACROS = [
  "#define MADE_FLAGS GFP_ATOMIC",
  "#define MADE_FLAGS GFP_KERNEL",
  "#define MADE_GFP GFP_NOWAIT",
  "#define MADE_WAIT 0",
  "#define made_alias made_sync",
  "#define made_alias made_kick",
  "#define made_alias(m) made_use(m)",
  "#define made_hold(m) mutex_lock(&(m)->in.slow)",
  "#define made_drop(m) do { } while (0)",
  "#define __made __init",
  "#define __made",
  "#define __made_too __made",
  "#define made_each(m) for (; m; m = m->next)",
  "#define made_each(m) list_for_each_entry(m, &all, list)",
  "#define spin_lock_made(l) spin_lock(l)",
];

/** Members and types: what a lock is, what a table holds. */
const TYPES: readonly [RegExp, readonly string[]][] = [
  [/spinlock_t lock;/, ["struct mutex lock;", "raw_spinlock_t lock;", "int lock;"]],
  [/(struct mutex|raw_spinlock_t|int) lock;/, ["spinlock_t lock;"]],
  [/made_inner_t in;/, ["struct made_inner in;", "struct other in;"]],
  [/struct (made_inner|other) in;/, ["made_inner_t in;"]],
  [/typedef struct made_inner made_inner_t;\n/, ["", "typedef struct made made_inner_t;\n"]],
  [/const struct made_ops \*ops;/, ["const struct codec_ops *ops;", ""]],
  [/void \(\*sync\)\(struct made \*m\);/, ["void (*sync)(struct made *m, int n);", ""]],
];

const NEW_FILES: readonly [string, string][] = [
  ["lib/new.c", "void made_sync(struct made *m)\n{\n\tudelay(1);\n}\n"],
  [
    "lib/more.c",
    "void made_new_1(struct made *m)\n{\n\tmade_use(m);\n}\nvoid made_alias(struct made *m)\n{\n\tmsleep(1);\n}\n",
  ],
  [
    "lib/made_local.h",
    "static inline void made_nap(struct made *m)\n{\n\tudelay(1);\n}\nstruct made_inner {\n\tstruct mutex lock;\n};\n",
  ],
  [
    "fs/new.c",
    "static struct made_ops other_table = {\n\t.sync = list_lru_destroy,\n};\nvoid list_lru_destroy(struct list_lru *lru)\n{\n\tudelay(1);\n}\n",
  ],
];

type Random = () => number;
const pick = <T>(list: readonly T[], rnd: Random): T => list[Math.floor(rnd() * list.length)];

/** A function definition in kernel style: where its head, its body and its end are. */
const FUNCTION =
  /^((?:static |inline |int |void |struct |bool |__\w+ )[\w\s*]*?\b)(\w+)\(([^()]*)\)\n\{\n([\s\S]*?)^\}\n/gm;

function aFunction(text: string, rnd: Random): RegExpExecArray | null {
  const all = [...text.matchAll(FUNCTION)];
  return all.length > 0 ? pick(all, rnd) : null;
}

function spliced(text: string, at: number, remove: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + remove);
}

/** What can be done to one file. Each may leave the text as it was where it does not apply. */
const KINDS: Record<string, (text: string, rnd: Random) => string> = {
  statement(text, rnd) {
    const f = aFunction(text, rnd);
    if (!f) return text;
    const lines = f[4].split("\n").slice(0, -1);
    lines.splice(Math.floor(rnd() * (lines.length + 1)), 0, `\t${pick(STATEMENTS, rnd)}`);
    return spliced(text, f.index, f[0].length, `${f[1]}${f[2]}(${f[3]})\n{\n${lines.join("\n")}\n}\n`);
  },
  line(text, rnd) {
    const lines = text.split("\n");
    const at = Math.floor(rnd() * lines.length);
    if (rnd() < 0.5) lines.splice(at, 1);
    else lines.splice(at, 0, rnd() < 0.5 ? "\tmsleep(1);" : "");
    return lines.join("\n");
  },
  sleep: (text) => text.replace(/mutex_lock|msleep|down_read/, (m) => (m === "msleep" ? "udelay" : "msleep")),
  flags: (text) =>
    text.replace(/GFP_KERNEL|GFP_ATOMIC/, (m) => (m === "GFP_KERNEL" ? "GFP_ATOMIC" : "GFP_KERNEL")),
  unlock: (text, rnd) => text.replace(/\b(spin_unlock\(.*?\);)/, (m) => (rnd() < 0.5 ? `/* ${m} */` : m)),
  rename(text, rnd) {
    const f = aFunction(text, rnd);
    if (!f) return text;
    const to = f[2].endsWith("_x") ? f[2].slice(0, -2) : `${f[2]}_x`;
    return text.replace(new RegExp(`\\b${f[2]}\\(`), `${to}(`);
  },
  signature(text, rnd) {
    const f = aFunction(text, rnd);
    if (!f) return text;
    const [, before, name, params] = f;
    const now = pick(
      [
        `${before}${name}(${params}, int extra)`,
        `${before}${name}(gfp_t gfp, ${params})`,
        `${before}${name}(${params.replace(/struct \w+/, "struct made")})`,
        `${before}${name}(${params.split(",").slice(1).join(",").trim() || "void"})`,
        before.startsWith("static ")
          ? `${before.slice(7)}${name}(${params})`
          : `static ${before}${name}(${params})`,
        `${before.replace("void", "int")}${name}(${params})`,
        `${before}${name}(${params})\n\t__must_hold(&sb_lock)`,
      ],
      rnd,
    );
    return spliced(text, f.index, before.length + name.length + params.length + 2, now);
  },
  newFunction(text, rnd) {
    const f = aFunction(text, rnd);
    const made = `${rnd() < 0.5 ? "static " : ""}void made_new_${rnd() < 0.5 ? 1 : 2}(struct made *m)\n{\n\t${pick(STATEMENTS, rnd)}\n${f ? `\t${f[2]}(m);\n` : ""}}\n`;
    return f ? spliced(text, f.index, 0, made) : text + made;
  },
  removeFunction(text, rnd) {
    const f = aFunction(text, rnd);
    return f ? spliced(text, f.index, f[0].length, "") : text;
  },
  macro(text, rnd) {
    const all = [...text.matchAll(/^#define .*\n/gm)];
    const m = all.length > 0 ? pick(all, rnd) : null;
    const now = `${pick(MACROS, rnd)}\n`;
    if (!m || rnd() < 0.4) return spliced(text, text.indexOf("\n") + 1, 0, now);
    return spliced(text, m.index, m[0].length, rnd() < 0.7 ? now : "");
  },
  type(text, rnd) {
    for (const [what, into] of [...TYPES].sort(() => rnd() - 0.5))
      if (what.test(text)) return text.replace(what, pick(into, rnd));
    return text;
  },
  newType: (text, rnd) =>
    `${pick(["struct made_inner {\n\tstruct mutex lock;\n};\n", "typedef struct codec made_inner_t;\n", "static struct made *m;\n", "struct made { spinlock_t in; };\n"], rnd)}${text}`,
  table(text, rnd) {
    const all = [...text.matchAll(/\.(\w+) = (\w+),/g)];
    if (all.length === 0)
      return `${text}\nstatic struct made_ops more_${Math.floor(rnd() * 2)} = {\n\t.${pick(["sync", "kick"], rnd)} = ${aFunction(text, rnd)?.[2] ?? "made_use"},\n};\n`;
    const m = pick(all, rnd);
    const to = rnd() < 0.3 ? null : (aFunction(text, rnd)?.[2] ?? "made_use");
    return spliced(text, m.index, m[0].length, to === null ? "" : `.${m[1]} = ${to},`);
  },
  include(text, rnd) {
    const all = [...text.matchAll(/^#include .*\n/gm)];
    if (all.length > 0 && rnd() < 0.5) return spliced(text, all[0].index, all[0][0].length, "");
    return `#include ${pick(['"made_local.h"', "<linux/made.h>", '"x.h"'], rnd)}\n${text}`;
  },
};

export interface Edit {
  path: string;
  /** Null: the file is removed. */
  text: string | null;
  kind: string;
}

/** The next edit of these texts; now and then a file comes back to what it was, appears or vanishes. */
export function nextEdit(
  texts: ReadonlyMap<string, string>,
  original: ReadonlyMap<string, string>,
  rnd: Random,
): Edit {
  const gone = [...original.keys()].filter((path) => !texts.has(path));
  const dice = rnd();
  if (gone.length > 0 && dice < 0.15) {
    const path = pick(gone, rnd);
    return { path, text: original.get(path)!, kind: "comes back" };
  }
  if (dice < 0.2) {
    const [path, text] = pick(NEW_FILES, rnd);
    return { path, text: texts.has(path) ? null : text, kind: texts.has(path) ? "removed file" : "new file" };
  }
  const path = pick([...texts.keys()], rnd);
  if (dice < 0.22 && gone.length < 3) return { path, text: null, kind: "removed file" };
  if (dice < 0.42 && original.has(path)) return { path, text: original.get(path)!, kind: "back" };
  const kind = pick(Object.keys(KINDS), rnd);
  return { path, text: KINDS[kind](texts.get(path)!, rnd), kind };
}

export const EDIT_KINDS: readonly string[] = [
  ...Object.keys(KINDS),
  "back",
  "comes back",
  "new file",
  "removed file",
];
