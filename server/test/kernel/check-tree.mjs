#!/usr/bin/env node
/**
 * Checks the kernel facts against real trees: does every name exist in at least one of them, and does every ops field
 * exist in its struct? A misspelt name is otherwise silent: it simply never matches.
 *
 *   node server/test/kernel/check-tree.mjs TREE…        (or LOCKCTX_TREE=TREE:TREE…)
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const DATA = join(dirname(fileURLToPath(import.meta.url)), "../../src/kernel/data");
const SKIP = new Set(["tools", "Documentation", "scripts", "samples", ".git", "asic_reg"]);

/** What is missing in all of the trees, one line each, and what was left out and why. */
export function checkTrees(trees) {
  const versions = trees.map(versionOf);
  const { names, fields, skipped } = wanted(versions);
  const missing = new Map([...names].map(([name, where]) => [name, where]));
  const seenFields = new Map([...fields.keys()].map((struct) => [struct, null]));
  let files = 0;
  for (const tree of trees) {
    for (const file of sources(tree)) {
      const text = readFileSync(file, "latin1");
      files++;
      for (const [name] of text.matchAll(/[A-Za-z_]\w+/g)) missing.delete(name);
      if (file.endsWith(".h")) collectFields(text, seenFields);
    }
  }
  const problems = [...missing].map(([name, where]) => `${where}: "${name}" is in none of the trees`);
  for (const [struct, expected] of fields) {
    const members = seenFields.get(struct);
    if (members === null) continue; // a typedef or macro of another struct
    for (const field of expected) {
      if (!members.has(field)) problems.push(`ops.json: struct ${struct} has no member "${field}"`);
    }
  }
  return { problems: problems.sort(), skipped, names: names.size, files };
}

function wanted(versions) {
  const names = new Map();
  const fields = new Map();
  const skipped = [];
  const reachable = ({ since, until }) =>
    versions.some(
      (v) => !(since && compare(v, parse(since)) < 0) && !(until && compare(v, parse(until)) >= 0),
    );
  for (const file of readdirSync(DATA)) {
    const { about: _, ...tables } = JSON.parse(readFileSync(join(DATA, file), "utf8"));
    for (const [table, rows] of Object.entries(tables)) {
      for (const row of rows) {
        const all = table === "properties" ? propertyNames(row) : (row.names ?? [row.name ?? row.struct]);
        if (!reachable(row)) {
          skipped.push(
            `${file}: ${all.join(", ")} (since ${row.since ?? "ever"}, until ${row.until ?? "now"})`,
          );
          continue;
        }
        // `CLASS(name_try)` is pasted together from two arguments; a builtin is the compiler's.
        for (const name of all) {
          if (table === "guards" && /_(try|intr|kill)$/.test(name)) continue;
          if (!name.startsWith("__builtin_")) names.set(name, `${file} ${table}`);
        }
        if (table === "opsFields") {
          const set = fields.get(row.struct) ?? new Set();
          for (const field of row.fields) set.add(field);
          fields.set(row.struct, set);
        }
      }
    }
  }
  return { names, fields, skipped };
}

/** A property has a name of our own; what must exist is what it refers to. */
const propertyNames = (row) => [
  ...row.structs,
  row.field,
  ...(row.calls ?? []),
  ...(row.contraryCalls ?? []),
];

function* sources(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      if (!SKIP.has(entry.name)) yield* sources(`${dir}${sep}${entry.name}`);
    } else if (entry.isFile() && /\.[ch]$/.test(entry.name)) yield `${dir}${sep}${entry.name}`;
  }
}

/** Adds the words of each wanted struct's body; enough to tell a member that is not there. */
function collectFields(text, seen) {
  for (const match of text.matchAll(/^(?:typedef\s+)?struct\s+(\w+)\s*\{/gm)) {
    if (!seen.has(match[1])) continue;
    let depth = 1;
    let at = match.index + match[0].length;
    const start = at;
    for (; at < text.length && depth > 0; at++) {
      if (text[at] === "{") depth++;
      else if (text[at] === "}") depth--;
    }
    const members = seen.get(match[1]) ?? new Set();
    const body = text.slice(start, at).replace(/\/\*.*?\*\//gs, "");
    for (const [, pointer, plain] of body.matchAll(
      /\(\s*\*(?:\s*const\b)?\s*(\w+)\s*\)|\b(\w+)\s*(?:;|\[)/g,
    )) {
      members.add(pointer ?? plain);
    }
    for (const [type, , name] of body.matchAll(/\b(\w+)(\s+|\s*\*\s*)(\w+)\s*[,;]/g))
      members.add(name ?? type);
    seen.set(match[1], members);
  }
}

function versionOf(tree) {
  const makefile = readFileSync(join(tree, "Makefile"), "utf8");
  const field = (key) => Number(new RegExp(`^${key} = (\\d+)`, "m").exec(makefile)?.[1]);
  const version = [field("VERSION"), field("PATCHLEVEL")];
  if (version.some(Number.isNaN)) throw new Error(`${tree}: no VERSION and PATCHLEVEL in its Makefile`);
  return version;
}
const parse = (text) => text.split(".").map(Number);
const compare = (a, b) => a[0] - b[0] || a[1] - b[1];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const trees = process.argv.slice(2);
  if (trees.length === 0) trees.push(...(process.env.LOCKCTX_TREE ?? "").split(":").filter(Boolean));
  if (trees.length === 0) {
    console.error("usage: check-tree.mjs TREE…   (kernel source trees; or set LOCKCTX_TREE=TREE:TREE)");
    process.exit(2);
  }
  const { problems, skipped, names, files } = checkTrees(trees);
  for (const problem of problems) console.log(problem);
  console.log(
    `${names} names looked up in ${files} files of ${trees.length} trees: ${problems.length} missing`,
  );
  console.log(`${skipped.length} entries are of other versions than these trees`);
  process.exit(problems.length > 0 ? 1 : 0);
}
