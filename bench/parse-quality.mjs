#!/usr/bin/env node
/**
 * Measures how well kernel C is read: the outliner's function names against universal-ctags', and the share of functions
 * whose normalised text parses without ERROR or MISSING nodes.
 *
 * usage: node bench/parse-quality.mjs TREE [--sample N] [--under DIR] [--worst N] [--show N] [--macros] [--no-ctags]
 *
 * Needs the built server (npm run build) and, for the first figure, `ctags` (universal-ctags) on the path.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { harvestMacroClasses } from "../server/dist/outline/macroClasses.js";
import { outlineFile } from "../server/dist/outline/outline.js";
import { createParser } from "../server/dist/syntax/parser.js";
import { LineIndex } from "../server/dist/text/lineIndex.js";
import { normaliseFunction, normaliseMacroBody } from "../server/dist/text/normalise.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: "string", default: "1500" },
    under: { type: "string", default: "" },
    worst: { type: "string", default: "15" },
    show: { type: "string", default: "0" },
    macros: { type: "boolean", default: false },
    "no-ctags": { type: "boolean", default: false },
  },
});
const root = positionals[0];
if (root === undefined) {
  console.error(
    "usage: node bench/parse-quality.mjs TREE [--sample N] [--under DIR] [--worst N] [--show N] [--macros] [--no-ctags]",
  );
  process.exit(2);
}
const SKIP = new Set(["tools", "Documentation", "scripts", "samples", "usr", "rust"]);
const all = [];
(function walk(dir) {
  for (const e of readdirSync(path.join(root, dir), { withFileTypes: true })) {
    const p = dir === "" ? e.name : `${dir}/${e.name}`;
    if (e.isDirectory()) {
      if (dir !== "" || !SKIP.has(e.name)) walk(p);
    } else if (e.isFile() && /\.[ch]$/.test(e.name)) all.push(p);
  }
})("");
all.sort();
const read = (f) => readFileSync(path.join(root, f), "latin1");

// Macro classes come from the whole tree; that pass is also the outliner's speed.
const options = { registrations: new Set() };
let bytes = 0;
let outlineMs = 0;
function* outlines() {
  for (const f of all) {
    const text = read(f);
    bytes += text.length;
    const t0 = performance.now();
    const outline = outlineFile(text, f, options);
    outlineMs += performance.now() - t0;
    yield { path: f, outline };
  }
}
const { classes } = harvestMacroClasses(outlines());
console.log(
  `outline: ${all.length} files, ${(bytes / 1e6).toFixed(0)} MB, ${(outlineMs / 1e3).toFixed(1)} s, ${(bytes / outlineMs / 1e3).toFixed(0)} MB/s`,
);
console.log(
  `macro classes: ${classes.attribute.size} attributes, ${classes.loop.size} loops, ${classes.storage.size} storage, ${classes.bare.size} bare; ${classes.digest}`,
);

// A sample that is the same every time: evenly spaced in the sorted list.
const eligible = all.filter((f) => f.startsWith(values.under) && !f.includes("/asic_reg/"));
const wanted = Math.min(Number(values.sample) || eligible.length, eligible.length);
const sample = Array.from({ length: wanted }, (_, i) => eligible[Math.floor((i * eligible.length) / wanted)]);

const parser = await createParser("auto");
const MACROS = (1 << 2) | (1 << 3) | (1 << 10);
const dirs = new Map();
const stat = (f) => {
  const d = f
    .split("/")
    .slice(0, f.startsWith("drivers/") || f.startsWith("arch/") ? 2 : 1)
    .join("/");
  let s = dirs.get(d);
  if (!s) dirs.set(d, (s = { fns: 0, bad: 0, tags: 0, missed: 0 }));
  return s;
};
const bad = [];
let fns = 0;
let badAny = 0;
let macros = 0;
let badMacros = 0;
let normMs = 0;
let normBytes = 0;
let variants = 0;
const ours = new Map();
for (const f of sample) {
  const text = read(f);
  const o = outlineFile(text, f, options);
  const lines = new LineIndex(text);
  const names = new Set();
  const byLine = new Map();
  for (let i = 0, k = 0; i < o.fn.length; i += 14, k++) {
    const [name, flags, start, nameStart, , end] = o.fn.subarray(i, i + 14);
    if (flags & 4) {
      if (!values.macros) continue;
      macros++;
      const m = normaliseMacroBody(text, o, k, classes);
      const tree = parser.parse(m.text);
      if (tree.hasError) {
        badMacros++;
        bad.push({ f, line: lines.at(start).line, name: `#${o.names[name]}`, text: m.text, macro: true });
      }
      tree.delete();
      continue;
    }
    if (flags & MACROS) continue;
    fns++;
    stat(f).fns++;
    names.add(o.names[name]);
    byLine.set(lines.at(nameStart).line, o.names[name]);
    byLine.set(lines.at(start).line, o.names[name]);
    const t0 = performance.now();
    const n = normaliseFunction(text, start, end, classes, 0);
    normMs += performance.now() - t0;
    normBytes += end - start;
    if (n.text.length !== end - start) throw new Error(`length changed: ${f}:${o.names[name]}`);
    const texts = [n.text];
    if (n.variants > 1) {
      variants++;
      texts.push(normaliseFunction(text, start, end, classes, 1).text);
    }
    let failed = false;
    texts.forEach((s, v) => {
      const tree = parser.parse(s);
      if (tree.hasError) {
        if (!failed) bad.push({ f, line: lines.at(nameStart).line, name: o.names[name], text: s, v });
        failed = true;
      }
      tree.delete();
    });
    if (failed) {
      badAny++;
      stat(f).bad++;
    }
  }
  ours.set(f, { names, byLine });
  await new Promise((r) => setImmediate(r));
}
const pc = (a, b) => `${((100 * a) / Math.max(b, 1)).toFixed(3)} %`;
console.log(`sample: ${sample.length} files, ${fns} functions (${variants} with variants)`);
console.log(`functions with ERROR or MISSING: ${badAny} (${pc(badAny, fns)}); bar 0.3 %, goal 0.05 %`);
if (values.macros)
  console.log(`macro bodies with ERROR or MISSING: ${badMacros} of ${macros} (${pc(badMacros, macros)})`);
console.log(`normaliser: ${(normBytes / 1e6).toFixed(1)} MB, ${(normBytes / normMs / 1e3).toFixed(0)} MB/s`);

if (!values["no-ctags"]) {
  const out = execFileSync(
    "ctags",
    ["--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=n", "-f", "-", "-L", "-"],
    {
      cwd: root,
      input: sample.join("\n"),
      maxBuffer: 1 << 30,
      encoding: "latin1",
    },
  );
  let tags = 0;
  const missed = [];
  for (const row of out.split("\n")) {
    const m = /^([^\t!]+)\t([^\t]+)\t.*\tline:(\d+)/.exec(row);
    if (!m) continue;
    tags++;
    const o = ours.get(m[2]);
    stat(m[2]).tags++;
    // A function made by a macro (SYSCALL_DEFINE2 …) goes by the name that the macro gives it.
    if (o.names.has(m[1]) || (/^[A-Z_0-9]+$|SYSCALL_DEFINE/.test(m[1]) && o.byLine.has(Number(m[3]))))
      continue;
    missed.push(`${m[2]}:${m[3]}: ${m[1]}`);
    stat(m[2]).missed++;
  }
  console.log(
    `names: ${tags - missed.length} of ctags' ${tags} functions found (${pc(tags - missed.length, tags)}); bar 99 %`,
  );
  for (const m of missed.slice(0, Number(values.worst))) console.log(`  missed ${m}`);
}
console.log("worst directories:");
const table = [...dirs].map(([d, s]) => ({ d, ...s })).sort((a, b) => b.bad - a.bad || b.missed - a.missed);
for (const r of table.slice(0, Number(values.worst))) {
  console.log(
    `  ${r.d.padEnd(28)} ${String(r.fns).padStart(7)} functions, ${r.bad} unparsed (${pc(r.bad, r.fns)}), ${r.missed} of ${r.tags} names missed`,
  );
}
bad.sort((a, b) => Number(a.macro ?? false) - Number(b.macro ?? false));
console.log("unparsed functions:");
for (const b of bad.slice(0, Number(values.worst)))
  console.log(`  ${b.f}:${b.line} ${b.name}${b.v ? " (variant 1)" : ""}`);

/** The line of the first ERROR or MISSING node of a text. */
function firstError(text) {
  const tree = parser.parse(text);
  const c = tree.walk();
  let at = -1;
  const visit = () => {
    if (at >= 0) return;
    if (c.nodeType === "ERROR" || c.nodeIsMissing) {
      at = c.startIndex;
      return;
    }
    if (c.gotoFirstChild()) {
      do visit();
      while (at < 0 && c.gotoNextSibling());
      c.gotoParent();
    }
  };
  visit();
  tree.delete();
  return at;
}
const shown = Number(values.show);
for (let i = 0; i < bad.length && i < shown; i++) {
  const b = bad[i];
  const at = firstError(b.text);
  const lines = b.text.split("\n");
  const line = b.text.slice(0, at).split("\n").length - 1;
  console.log(`--- ${b.f}:${b.line} ${b.name}${b.v ? " (variant 1)" : ""}`);
  for (let l = Math.max(0, line - 2); l < Math.min(lines.length, line + 3); l++)
    console.log(`${l === line ? ">" : " "} ${lines[l].slice(0, 160)}`);
}
