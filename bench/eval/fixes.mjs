// `npm run eval -- fixes`: what is offered on real bugs, and whether every proved edit removes its finding and makes no
// other. Runs on parts of the trees: the folders of each bug, what its chain passes, and the core of the kernel.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  createEngine,
  createInProcessHost,
  loadKernelTables,
  offerFixes,
  readKernelVersion,
  unifiedDiff,
  walkTree,
} from "./dist.mjs";
import { applyEach, isProved, sample } from "./fixesApply.mjs";
import { compileEach } from "./fixesCompile.mjs";

const HELP = `npm run eval -- fixes --trees DIR --truth DIR [options]
       npm run eval -- fixes --trees DIR --tree NAME --part DIR… (--apply N | --compile N --build DIR)

  --trees DIR      folder with the kernel trees, each under the name that the truth calls it
  --truth DIR      folder with bugs.json
  --tree NAME      only bugs of this tree (may be repeated)
  --bug ID         only this bug (may be repeated); prints what is offered with its diff
  --apply N        also apply every proved edit of N findings of the parts that were read, and check again
  --compile N      also compile N files before and after a proved edit, and compare what the compiler says
  --build DIR      with --compile: a configured copy of the tree, which is changed and changed back
  --part DIR       with --apply, --compile: findings of these folders of the tree instead (may be repeated)
  --out FILE       everything as JSON
  --quiet          no bug by bug list
`;

/** What the truth calls the repair that upstream made, as kinds of fixes; docs/fixes/README.md explains it. */
export const KIND_NAMES = {
  msleep_to_mdelay: ["delay"],
  gfp_atomic: ["gfp", "gfp-parameter"],
  move_out_of_lock: ["sink", "hoist", "dispose-list", "earlier"],
  change_lock_type: ["lock-type"],
  defer_workqueue: ["defer-work"],
  drop_lock: ["drop-retake", "sink"],
  "remove call": ["remove", "variant"],
};

/** Always read: where the primitives and the helpers of most chains are. */
const CORE = [
  "include",
  "kernel",
  "mm",
  "lib",
  "drivers/base",
  "drivers/net/phy",
  "drivers/clk/clk.c",
  "net/core",
  "drivers/gpio/gpiolib.c",
  "drivers/regulator/core.c",
  "drivers/pci/pci.c",
  "fs/sysfs",
  "fs/kernfs",
  "drivers/phy/phy-core.c",
  "drivers/i2c",
  "drivers/usb/core",
];

const { values } = parseArgs({
  args: process.argv.slice(process.argv[2] === "fixes" ? 3 : 2),
  options: {
    trees: { type: "string" },
    truth: { type: "string" },
    tree: { type: "string", multiple: true },
    bug: { type: "string", multiple: true },
    apply: { type: "string", default: "0" },
    compile: { type: "string", default: "0" },
    build: { type: "string" },
    part: { type: "string", multiple: true },
    out: { type: "string" },
    quiet: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const lacks = !values.trees || !(values.truth || (values.tree && values.part));
if (values.help || lacks || (Number(values.compile) > 0 && !values.build)) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
const cwd = process.env.INIT_CWD ?? process.cwd();
const trees = resolve(cwd, values.trees);
const bugs = values.truth
  ? JSON.parse(readFileSync(join(resolve(cwd, values.truth), "bugs.json"), "utf8")).filter(
      (b) => (!values.tree || values.tree.includes(b.tree)) && (!values.bug || values.bug.includes(b.id)),
    )
  : [];

/** A partial tree, analysed. */
async function open(root, files) {
  const version = readKernelVersion(root);
  const tables = loadKernelTables(version);
  const facts = createInProcessHost({
    root,
    outline: { registrations: new Set(tables.registrations.keys()) },
  });
  const engine = createEngine({ tables, facts, version });
  await engine.load(files);
  const bench = {
    engine,
    read: (file) => facts.read(file),
    setText: (file, text) => facts.sources.setOverlay(file, text),
  };
  return { engine, facts, bench };
}

async function filesUnder(root, parts) {
  const files = new Set();
  for (const part of parts) {
    const path = join(root, part);
    if (!existsSync(path)) continue;
    if (/\.[ch]$/.test(part)) files.add(part);
    else for (const f of (await walkTree(root, { under: part, includeOutside: true })).files) files.add(f);
  }
  return [...files].sort();
}

const lineOf = (text, offset) => text.slice(0, offset).split("\n").length;

/** Findings that show this bug: a path through the lock's function to the sleeping call. */
function findingsOf(bug, findings, read) {
  const isNear = (site, file, line) =>
    site.file === file && Math.abs(lineOf(read(file) ?? "", site.offset) - line) <= 2;
  return findings
    .filter((f) =>
      f.paths.some((p) => {
        const from = p.chain.findIndex((s) => s.function === bug.lock_function && s.file === bug.file);
        return (
          from >= 0 &&
          [...p.chain.slice(from), p.sleep].some((s) => isNear(s, bug.sleep_file, bug.sleep_line))
        );
      }),
    )
    .sort((a, b) => Number(b.function === bug.lock_function) - Number(a.function === bug.lock_function));
}

const log = (text) => process.stderr.write(`${text}\n`);
const counts = (fix) => fix.kind !== "suppress" && fix.kind !== "annotate";
const times = [];
const results = [];
const applied = { findings: 0, edits: 0, good: 0, kinds: {}, bad: [] };
let compiled = null;
for (const name of values.truth ? [...new Set(bugs.map((b) => b.tree))] : values.tree) {
  const root = join(trees, name);
  const own = bugs.filter((b) => b.tree === name);
  const folders = own.flatMap((b) => [
    dirname(b.file),
    ...b.call_sites.map((s) => (/^(include|kernel)\//.test(s.file) ? s.file : dirname(s.file))),
  ]);
  const parts = [
    ...new Set([
      ...CORE,
      ...folders.filter((f) => f.includes("/") || !existsSync(join(root, f, "Kconfig"))),
      ...own.flatMap((b) => [b.file, b.sleep_file, ...b.call_sites.map((s) => s.file)]),
      ...(values.part ?? []),
    ]),
  ];
  const files = await filesUnder(root, parts);
  const { engine, bench } = await open(root, files);
  const focus = new Set(own.flatMap((b) => b.call_sites.map((s) => s.file).concat(b.file)));
  const { findings } = await engine.check({ focus });
  if (!values.quiet)
    process.stdout.write(
      `${name}: ${files.length} files, ${findings.length} findings in the files of ${own.length} bugs\n`,
    );
  for (const bug of own) {
    const hits = findingsOf(bug, findings, bench.read);
    const entry = {
      id: bug.id,
      tree: name,
      kind: bug.fix_kind,
      fixedIn: bug.fixed_in ?? null,
      found: hits.length > 0,
      fixes: [],
    };
    results.push(entry);
    if (hits.length === 0) {
      if (!values.quiet) process.stdout.write(`- ${bug.id}: not found\n`);
      continue;
    }
    // An editor has analysed the open file before anyone asks for fixes.
    await engine.check({ focus: new Set([hits[0].file]), inside: true });
    const began = performance.now();
    const fixes = await offerFixes(hits[0], bench);
    entry.ms = Math.round(performance.now() - began);
    times.push(entry.ms);
    entry.fixes = fixes.map((f) => ({
      id: f.id,
      kind: f.kind,
      applicability: f.applicability,
      title: f.title,
      missing: f.missing,
    }));
    if (!values.quiet) {
      process.stdout.write(`- ${bug.id} (${bug.fix_kind}, ${entry.ms} ms): ${hits[0].message}\n`);
      for (const f of fixes) {
        if (!counts(f) && !values.bug) continue;
        process.stdout.write(
          `    ${isProved(f) ? "PROVED" : "sketch"} ${f.id}: ${f.title}${f.missing?.length ? `  [${f.missing.join("; ").slice(0, 200)}]` : ""}\n`,
        );
        if (values.bug)
          process.stdout.write(`${f.edits.length ? unifiedDiff(f.edits, bench.read) : (f.sketch ?? "")}\n`);
      }
    }
  }
  const within = new Set(values.part ? await filesUnder(root, values.part) : focus);
  let offered = null;
  if (Number(values.apply) > 0) {
    const chosen = await sample(engine, within, { count: Number(values.apply), perFile: 3 });
    const options = { files: within, applied, times, log: values.quiet ? () => {} : log };
    offered = await applyEach(name, chosen, engine, bench, options);
  }
  if (Number(values.compile) > 0 && compiled === null) {
    offered ??= offers(
      await sample(engine, within, { count: 20 * Number(values.compile), perFile: 1 }),
      bench,
    );
    const options = {
      count: Number(values.compile),
      build: resolve(cwd, values.build),
      read: bench.read,
      root,
      log,
    };
    compiled = await compileEach(offered, options);
  }
}

async function* offers(chosen, bench) {
  for (const finding of chosen)
    yield { finding, fixes: await offerFixes(finding, bench, { editsOnly: true }) };
}

const found = results.filter((r) => r.found);
const some = found.filter((r) => r.fixes.some(counts));
const proved = found.filter((r) => r.fixes.some(isProved));
const named = found.filter((r) => r.fixedIn && KIND_NAMES[r.kind]);
const matched = named.filter((r) => r.fixes.some((f) => KIND_NAMES[r.kind].includes(f.kind)));
const ratio = (a, b) => `${a}/${b}${b ? ` = ${((100 * a) / b).toFixed(1)} %` : ""}`;
times.sort((a, b) => a - b);
const rows = [
  ["bugs found in these parts", ratio(found.length, results.length), ""],
  ["with an alternative", ratio(some.length, found.length), ">= 90 %"],
  ["with a proved edit", ratio(proved.length, found.length), ">= 60 %"],
  ["upstream's kind among those offered", ratio(matched.length, named.length), ">= 70 %"],
  [
    "time of one finding's fixes, p50 / p95 (ms)",
    `${times[Math.floor(times.length / 2)] ?? 0} / ${times[Math.floor(times.length * 0.95)] ?? 0}`,
    "p95 <= 150",
  ],
];
if (applied.findings > 0)
  rows.push([
    "proved edits: finding gone, none new",
    `${ratio(applied.good, applied.edits)} (${applied.findings} findings)`,
    "100 %",
  ]);
if (compiled)
  rows.push(["proved edits: compile without a new warning", ratio(compiled.good, compiled.edits), ">= 95 %"]);
process.stdout.write("\n");
for (const [what, value, bar] of rows)
  process.stdout.write(`${what.padEnd(46)} ${value.padEnd(24)} ${bar}\n`);
for (const r of named.filter((n) => !matched.includes(n)))
  process.stdout.write(`  kind not offered: ${r.tree} ${r.id} (${r.kind})\n`);
for (const b of applied.bad) process.stdout.write(`  NOT GOOD: ${JSON.stringify(b)}\n`);
for (const b of compiled?.bad ?? []) process.stdout.write(`  NOT GOOD: ${JSON.stringify(b)}\n`);
if (values.out)
  writeFileSync(resolve(cwd, values.out), JSON.stringify({ results, applied, compiled }, null, 1));
