// `npm run eval`: scores the linter on a kernel tree and prints the measures with their bars (docs/evaluation.md).
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

if (process.argv[2] === "fixes") {
  await import("./fixes.mjs");
  process.exit();
}

const HELP = `npm run eval -- --tree DIR [options]
       npm run eval -- fixes --help      what is offered as repair, and whether it holds

  --tree DIR           the kernel tree
  --name NAME          what the truth calls it (default: the folder's name)
  --truth DIR          folder with bugs.json, non-bugs.json, inject.py
  --only LIST          of: bugs, seeded, metamorphic, kernel-doc (default: all that the options allow)
  --findings FILE      findings of the tree (check --min-confidence low --format json=FILE) instead of a new check
  --seeded DIR         a tree that inject.py made, instead of a new one
  --seeded-findings F  its findings instead of a new check
  --seed N             of injection and samples (default 1)
  --count N            seeded calls (default 400)
  --cases N            findings, and silent regions, of the metamorphic runs (default 200)
  --part DIR           these folders alone instead of what the sample needs (metamorphic) or the tree (kernel-doc);
                       may be repeated; include/ is always read
  --whole              metamorphic runs over the whole tree
  --jobs N             worker threads
  --out FILE           counts and misses as JSON
  --quiet              no misses, only the table
`;

const here = fileURLToPath(new URL(".", import.meta.url));
const cli = join(here, "../../server/bin/lockctx.js");

class Wrong extends Error {}

function options() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        tree: { type: "string" },
        name: { type: "string" },
        truth: { type: "string" },
        only: { type: "string" },
        findings: { type: "string" },
        seeded: { type: "string" },
        "seeded-findings": { type: "string" },
        seed: { type: "string", default: "1" },
        count: { type: "string", default: "400" },
        cases: { type: "string", default: "200" },
        part: { type: "string", multiple: true },
        whole: { type: "boolean", default: false },
        jobs: { type: "string" },
        out: { type: "string" },
        quiet: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new Wrong(error.message);
  }
  if (values.help) return null;
  if (!values.tree) throw new Wrong("--tree DIR is needed (--help says more)");
  // npm runs scripts in the package's folder; paths are relative to where npm was called.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  for (const key of ["tree", "truth", "findings", "seeded", "seeded-findings", "out"]) {
    if (values[key] === undefined) continue;
    values[key] = resolve(cwd, values[key]);
    if (key !== "out" && !existsSync(values[key])) throw new Wrong(`--${key} ${values[key]}: not there`);
  }
  for (const key of ["seed", "count", "cases", "jobs"]) {
    if (values[key] === undefined) continue;
    values[key] = Number(values[key]);
    if (!Number.isInteger(values[key]) || values[key] < 0)
      throw new Wrong(`--${key}: a whole number is needed`);
  }
  const known = ["bugs", "seeded", "metamorphic", "kernel-doc"];
  const only = values.only?.split(",") ?? known;
  for (const o of only) if (!known.includes(o)) throw new Wrong(`--only ${o}: one of ${known.join(", ")}`);
  return { ...values, only: new Set(only), name: values.name ?? basename(values.tree) };
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Wrong(`${file}: ${error.message}`);
  }
}

function runTool(command, args) {
  const result = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (result.error) throw new Wrong(`could not run ${command}: ${result.error.message}`);
  if (result.status !== 0) throw new Wrong(`${command} ${args[0]} failed (${result.status})`);
}

/** Findings of a tree, of every confidence. */
function check(tree, jobs, temporary) {
  const file = join(temporary, "findings.json");
  const more = jobs === undefined ? [] : ["--jobs", String(jobs)];
  const args = [
    cli,
    "check",
    "--root",
    tree,
    "--min-confidence",
    "low",
    "--exit-zero",
    "--format",
    `json=${file}`,
  ];
  runTool(process.execPath, [...args, ...more]);
  return readJson(file).findings;
}

const log = (text) => process.stderr.write(`${text}\n`);

async function main() {
  const o = options();
  if (!o) {
    process.stdout.write(HELP);
    return 0;
  }
  const { loadedModules } = await modules();
  const rows = [];
  const misses = [];
  const temporary = mkdtempSync(join(tmpdir(), "lockctx-eval-"));
  try {
    let findings = o.findings ? readJson(o.findings).findings : null;
    const treeFindings = () => {
      findings ??= check(o.tree, o.jobs, temporary);
      return findings;
    };
    const context = { o, rows, misses, temporary, treeFindings, ...loadedModules };
    if (o.only.has("bugs") && o.truth) bugs(context);
    if (o.only.has("seeded") && (o.truth || o.seeded)) seeded(context);
    if (o.only.has("metamorphic")) await metamorphicRun(context);
    if (o.only.has("kernel-doc")) await kernelDocRun(context);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  if (!o.quiet) for (const m of misses) process.stdout.write(`${missLine(m)}\n`);
  if (rows.length > 0) process.stdout.write(`${loadedModules.render(rows)}\n`);
  if (o.out) writeFileSync(o.out, `${JSON.stringify({ tree: o.name, rows, misses }, null, 1)}\n`);
  return rows.some((r) => loadedModules.holds(r.measure, r.n, r.of) === false) ? 1 : 0;
}

/** Loaded late: help and usage errors need no built server. */
async function modules() {
  if (!existsSync(join(here, "../../server/dist/engine.js")))
    throw new Wrong("the server is not built: npm run build");
  const [truth, table, dist, run, doc] = await Promise.all([
    import("./truth.mjs"),
    import("./table.mjs"),
    import("./dist.mjs"),
    import("./metamorphic/run.mjs"),
    import("./kerneldoc.mjs"),
  ]);
  return { loadedModules: { ...truth, ...table, ...dist, ...run, ...doc } };
}

function add(context, tally, measures) {
  for (const measure of measures) {
    const c = tally.counts.get(measure);
    if (c) context.rows.push({ measure, n: c.right, of: c.of });
  }
  context.misses.push(...tally.misses);
}

function bugs(context) {
  const { o, treeFindings, scoreBugs, scoreNonBugs } = context;
  const found = treeFindings();
  add(context, scoreBugs(found, readJson(join(o.truth, "bugs.json")), o.name), ["real bugs", "fixed bugs"]);
  add(context, scoreNonBugs(found, readJson(join(o.truth, "non-bugs.json")), o.name), ["non-bugs"]);
}

function seeded(context) {
  const { o, temporary, scoreSeeded } = context;
  // Hard links need one file system: the copy stands beside the tree.
  const made = o.seeded ? null : `${o.tree}-seeded-${o.seed}-${process.pid}`;
  const tree = o.seeded ?? made;
  try {
    if (made) {
      const script = join(o.truth, "inject.py");
      runTool("python3", [script, o.tree, made, "--seed", String(o.seed), "--count", String(o.count)]);
    }
    const file = o["seeded-findings"];
    const found = file ? readJson(file).findings : check(tree, o.jobs, temporary);
    const tally = scoreSeeded(found, readJson(join(tree, "injected.json")));
    add(context, tally, ["d0", "guard", "d1", "d2", "x1", "alike", "after", "mguard"]);
  } finally {
    if (made) rmSync(made, { recursive: true, force: true });
  }
}

async function metamorphicRun(context) {
  const {
    o,
    treeFindings,
    openTree,
    walkTree,
    sampleFindings,
    foldersOf,
    partOf,
    metamorphic,
    TRANSFORMATIONS,
  } = context;
  let { files } = await walkTree(o.tree);
  let wanted = null;
  if (o.part) files = partOf(files, foldersBelow(files, o.part));
  else {
    const shown = treeFindings().filter((f) => f.confidence !== "low" && !f.suppressed);
    wanted = sampleFindings(shown, o.cases, o.seed);
    if (!o.whole) files = partOf(files, foldersOf(wanted));
  }
  log(`metamorphic: ${files.length} files`);
  const tree = openTree({ root: o.tree, jobs: o.jobs });
  try {
    await tree.engine.load(files);
    const { results, skipped } = await metamorphic({
      engine: tree.engine,
      facts: tree.facts,
      files,
      wanted,
      count: o.cases,
      silentCount: o.cases,
      seed: o.seed,
      log,
    });
    for (const [kind, measure] of [
      ["finding", "metamorphic findings"],
      ["silent", "metamorphic silence"],
    ]) {
      const of = results.filter((r) => r.case.kind === kind);
      context.rows.push({ measure, n: of.filter((r) => r.right).length, of: of.length });
      for (const name of Object.keys(TRANSFORMATIONS)) {
        const some = of.filter((r) => r.kind === name);
        context.rows.push({
          measure: `${kind}: ${name}`,
          n: some.filter((r) => r.right).length,
          of: some.length,
        });
      }
    }
    for (const r of results.filter((x) => !x.right))
      context.misses.push({
        measure: `metamorphic ${r.case.kind}`,
        kind: r.kind,
        file: r.case.file,
        function: r.case.fn.name,
        text: r.case.words,
        why: r.why,
      });
    const order = [...skipped].sort((a, b) => b[1] - a[1]);
    log(`skipped cases:\n${order.map(([why, n]) => `  ${String(n).padStart(5)}  ${why}`).join("\n")}`);
    context.skipped = Object.fromEntries(order);
  } finally {
    await tree.close();
  }
}

function foldersBelow(files, parts) {
  const prefixes = parts.map((p) => `${p.replace(/\/+$/, "")}/`);
  return files
    .filter((f) => prefixes.some((p) => f.startsWith(p)))
    .map((f) => f.slice(0, f.lastIndexOf("/") + 1));
}

async function kernelDocRun(context) {
  const {
    o,
    walkTree,
    partOf,
    readKernelVersion,
    axiomEngine,
    axiomTables,
    WorkerPool,
    kernelDoc,
    describe,
  } = context;
  let { files } = await walkTree(o.tree);
  if (o.part) files = partOf(files, foldersBelow(files, o.part));
  const version = readKernelVersion(o.tree);
  const registrations = new Set(axiomTables(version).registrations.keys());
  const facts = new WorkerPool({ root: o.tree, outline: { registrations }, jobs: o.jobs });
  try {
    const engine = axiomEngine(version, facts);
    await engine.load(files);
    const { any, may } = await kernelDoc(engine);
    context.rows.push({ measure: "any context", n: any.sleeps, of: any.of });
    context.rows.push({ measure: "may sleep", n: may.sleeps, of: may.of });
    for (const v of any.wrong) context.misses.push({ measure: "any context", text: describe(v) });
    for (const v of may.wrong) context.misses.push({ measure: "may sleep", text: describe(v) });
    if (any.unknown + may.unknown > 0)
      log(`${any.unknown + may.unknown} functions with kernel-doc could not be read`);
  } finally {
    await facts.close();
  }
}

function missLine(m) {
  const place = m.file ? ` ${m.file}${m.line ? `:${m.line}` : ""}` : "";
  const fn = m.function ? ` ${m.function}()` : m.atomic_function ? ` in ${m.atomic_function}()` : "";
  const chain = m.chain?.length ? ` | expected: ${m.chain.join(" > ")}` : "";
  return `MISS ${m.measure}${m.kind && m.kind !== m.measure ? ` ${m.kind}` : ""}${place}${fn}: ${m.text ?? ""}${chain}${m.why ? ` | ${m.why}` : ""}`;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Wrong)) throw error;
  process.stderr.write(`eval: ${error.message}\n`);
  process.exitCode = 2;
}
