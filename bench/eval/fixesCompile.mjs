// Whether files with a proved edit compile as they did before: every warning and error of the compiler is compared.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyFix, offerFixes } from "./dist.mjs";
import { isProved } from "./fixesApply.mjs";

/** A configured kernel tree: objects of files in it can be made. */
class Build {
  constructor(root) {
    this.root = root;
    if (!existsSync(join(root, ".config")) || !existsSync(join(root, "include/generated/autoconf.h")))
      throw new Error(`${root} is not configured: make allmodconfig prepare modules_prepare`);
  }

  /** What the compiler says of each file, and which objects came out. All in one run of make. */
  make(files) {
    const objects = files.map((f) => f.replace(/\.c$/, ".o"));
    const args = ["-k", "-s", `-j${process.env.JOBS ?? 2}`, ...objects];
    const run = spawnSync("make", args, { cwd: this.root, encoding: "latin1", maxBuffer: 1 << 28 });
    const said = new Map(files.map((f) => [f, []]));
    const made = new Set(files.filter((f) => !run.stderr.includes(`${f.replace(/\.c$/, ".o")}] Error`)));
    for (const f of files) if (!existsSync(join(this.root, f.replace(/\.c$/, ".o")))) made.delete(f);
    for (const line of run.stderr.split("\n")) {
      const m = /^(\.\/)?([\w./+-]+\.[ch]):\d+:(?:\d+:)? (warning|error|fatal error): (.*)$/.exec(line);
      if (m && said.has(m[2])) said.get(m[2]).push(`${m[3]}: ${m[4]}`);
    }
    return { said, made, log: run.stderr };
  }
}

/** One proved edit of each finding until there are enough, of the kind that was had least often so far. */
export async function compileEach(chosen, bench, { count, build: folder, root, log }) {
  const build = new Build(folder);
  const kinds = new Map();
  const taken = new Set();
  const cases = [];
  const candidates = [];
  let failed = 0;
  for (const finding of chosen) {
    if (candidates.length >= count * 1.5) break;
    if (!finding.file.endsWith(".c") || taken.has(finding.file)) continue;
    const fixes = (await offerFixes(finding, bench, { editsOnly: true })).filter(isProved);
    const free = fixes.filter((fix) => fix.edits.every((e) => !taken.has(e.file)));
    free.sort((a, b) => (kinds.get(a.kind) ?? 0) - (kinds.get(b.kind) ?? 0));
    if (free.length === 0) continue;
    const [fix] = free;
    kinds.set(fix.kind, (kinds.get(fix.kind) ?? 0) + 1);
    const texts = applyFix(fix, bench.read);
    for (const file of [finding.file, ...texts.keys()]) taken.add(file);
    const sources = [...new Set([finding.file, ...[...texts.keys()].filter((f) => f.endsWith(".c"))])];
    candidates.push({ finding, fix, texts, sources });
    if (candidates.length % 10 === 0) log(`${candidates.length} edits to compile`);
  }
  const before = build.make([...new Set(candidates.flatMap((c) => c.sources))]);
  for (const c of candidates) {
    if (cases.length >= count) break;
    if (c.sources.every((f) => before.made.has(f))) cases.push(c);
    else failed++;
  }
  log(`${cases.length} edits; ${failed} files left out that do not build unchanged`);
  const files = [...new Set(cases.flatMap((c) => c.sources))];
  const changed = cases.flatMap((c) => [...c.texts]);
  let after;
  try {
    for (const [file, text] of changed) writeFileSync(join(folder, file), text, "latin1");
    after = build.make(files);
  } finally {
    for (const [file] of changed) writeFileSync(join(folder, file), readFileSync(join(root, file)));
  }
  const result = { edits: cases.length, good: 0, left: failed, kinds: Object.fromEntries(kinds), bad: [] };
  for (const { finding, fix, sources } of cases) {
    const news = sources.flatMap((f) =>
      added(before.said.get(f), after.said.get(f)).map((w) => `${f}: ${w}`),
    );
    const broken = sources.filter((f) => !after.made.has(f));
    if (news.length === 0 && broken.length === 0) result.good++;
    else result.bad.push({ file: finding.file, function: finding.function, fix: fix.id, news, broken });
  }
  return result;
}

/** What is said more often than before. */
function added(before, after) {
  const left = [...before];
  return after.filter((w) => {
    const i = left.indexOf(w);
    if (i >= 0) left.splice(i, 1);
    return i < 0;
  });
}
