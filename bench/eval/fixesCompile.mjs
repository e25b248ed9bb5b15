// Whether files with a proved edit compile as they did before: every warning and error of the compiler is compared.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyFix } from "./dist.mjs";
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
    if (files.length === 0) return { said: new Map(), made: new Set() };
    for (const f of files) rmSync(join(this.root, f.replace(/\.c$/, ".o")), { force: true });
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
    return { said, made };
  }
}

/**
 * One proved edit of each finding until there are enough, of the kind that was had least often so far. Where the changed file
 * compiles in silence nothing can be new; the others are compiled unchanged too.
 */
export async function compileEach(offered, { count, build: folder, read, root, log }) {
  const build = new Build(folder);
  const kinds = new Map();
  const taken = new Set();
  const candidates = [];
  for await (const { finding, fixes } of offered) {
    if (candidates.length >= count * 1.4) break;
    if (!finding.file.endsWith(".c") || taken.has(finding.file)) continue;
    const free = fixes.filter((fix) => isProved(fix) && fix.edits.every((e) => !taken.has(e.file)));
    free.sort((a, b) => (kinds.get(a.kind) ?? 0) - (kinds.get(b.kind) ?? 0));
    if (free.length === 0) continue;
    const [fix] = free;
    kinds.set(fix.kind, (kinds.get(fix.kind) ?? 0) + 1);
    const texts = applyFix(fix, read);
    for (const file of [finding.file, ...texts.keys()]) taken.add(file);
    const sources = [...new Set([finding.file, ...[...texts.keys()].filter((f) => f.endsWith(".c"))])];
    candidates.push({ finding, fix, texts, sources });
  }
  log(`${candidates.length} edits to compile`);
  const changed = candidates.flatMap((c) => [...c.texts]);
  let after;
  try {
    for (const [file, text] of changed) writeFileSync(join(folder, file), text, "latin1");
    after = build.make(candidates.flatMap((c) => c.sources));
  } finally {
    for (const [file] of changed) writeFileSync(join(folder, file), readFileSync(join(root, file)));
  }
  const quiet = (file) => after.made.has(file) && after.said.get(file).length === 0;
  const doubtful = candidates.filter((c) => !c.sources.every(quiet));
  log(`${doubtful.length} of them with warnings or errors: compiled unchanged`);
  const before = build.make(doubtful.flatMap((c) => c.sources));
  const cases = candidates
    .filter((c) => !doubtful.includes(c) || c.sources.every((f) => before.made.has(f)))
    .slice(0, count);
  const result = {
    edits: cases.length,
    good: 0,
    left: candidates.length - cases.length,
    kinds: Object.fromEntries(kinds),
    bad: [],
  };
  for (const c of cases) {
    const { finding, fix, sources } = c;
    const news = sources.flatMap((f) =>
      added(before.said.get(f) ?? [], after.said.get(f)).map((w) => `${f}: ${w}`),
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
