// `npm run bench -- --tree DIR [--json FILE] [--short] [--rounds N] [--growth] [--latency]`: lockctx against the reference.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { latency } from "./latency.mjs";
import { LinkedTree, SHORT_PART } from "./lib/linkedTree.mjs";
import { machine } from "./lib/machine.mjs";
import { fixed, median, spread } from "./lib/numbers.mjs";
import { buildReference } from "./lib/reference.mjs";

const HELP = `npm run bench -- --tree DIR [options]

Measures lockctx on a kernel tree against R, the user CPU time that tree-sitter's C library needs to parse the same .c
files once. Everything runs on a hard-link copy beside DIR with a cache of its own; DIR stays as it is.

  --tree DIR     a kernel tree
  --short        a part of it (${SHORT_PART.join(", ")}), two rounds: minutes, not an hour
  --rounds N     rounds of reference and lockctx, interleaved (default 3, with --short 2)
  --growth       also index and check 1/8, 1/4, 1/2 and all of the tree
  --latency      also the server: keystroke to diagnostics
  --jobs N       worker threads of lockctx (default 2)
  --json FILE    write all measurements there too; bench/results/ always gets them (not with --short)
`;

const { values: args } = parseArgs({
  options: {
    tree: { type: "string" },
    json: { type: "string" },
    rounds: { type: "string" },
    jobs: { type: "string", default: "2" },
    short: { type: "boolean", default: false },
    growth: { type: "boolean", default: false },
    latency: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (args.help || !args.tree) {
  (args.help ? process.stdout : process.stderr).write(HELP);
  process.exit(args.help ? 0 : 2);
}

const bin = fileURLToPath(new URL("../server/bin/lockctx.js", import.meta.url));
const results = fileURLToPath(new URL("./results/", import.meta.url));
const rounds = Number(args.rounds ?? (args.short ? 2 : 3));
const source = resolve(args.tree);
const reference = buildReference();
const { walkTree } = await import("../server/dist/host/walk.js");
const scratch = mkdtempSync(join(tmpdir(), "lockctx-bench-"));
const costFile = join(scratch, "cost.json");
let tree;
let edits = 0;

/** Runs a command and gives what it cost; any failure ends the benchmark, for its numbers would mean nothing. */
function measured(command, options = {}) {
  const { status, signal, error, stderr } = spawnSync(reference.measure, [costFile, ...command], {
    encoding: "utf8",
    stdio: ["pipe", "ignore", "pipe"],
    ...options,
  });
  if (status !== 0)
    throw new Error(
      `${command.slice(0, 4).join(" ")} … ended with ${signal ?? status}: ${error?.message ?? stderr}`,
    );
  return JSON.parse(readFileSync(costFile, "utf8"));
}

const lockctx = (root, cache, ...rest) =>
  measured([process.execPath, bin, ...rest, "--root", root, "--cache-dir", cache, "--jobs", args.jobs], {
    cwd: root,
  });
const check = (root, cache, ...paths) =>
  lockctx(root, cache, "check", ...paths, "--exit-zero", "--format", `json=${join(scratch, "out.json")}`);

function emptyCache(name) {
  const folder = join(scratch, name);
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

const bytesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .reduce((n, e) => n + statSync(join(e.parentPath, e.name)).size, 0);

const addFunction = (text) =>
  `${text}\nstatic inline int lockctx_bench_${++edits}(int x)\n{\n\treturn x + ${edits};\n}\n`;

/** One round over everything; `R` is this round's. */
function round(root, list) {
  const costs = {};
  costs.reference = measured([reference.parse], { input: list });
  costs["index, cold"] = lockctx(root, emptyCache("index"), "index");
  costs["index, warm"] = lockctx(root, join(scratch, "index"), "index");
  const cache = emptyCache("check");
  costs["check, cold"] = check(root, cache);
  // The second run finds every file aged enough to trust its times; the first after an edit may not.
  check(root, cache);
  costs["check, warm"] = check(root, cache);
  tree.edit("fs/super.c", addFunction);
  costs["check, fs/super.c changed"] = check(root, cache);
  tree.edit("include/linux/fs.h", addFunction);
  costs["check, include/linux/fs.h changed"] = check(root, cache);
  costs["check fs/super.c, cold"] = check(root, emptyCache("one"), "fs/super.c");
  check(root, join(scratch, "one"), "fs/super.c");
  costs["check fs/super.c, warm"] = check(root, join(scratch, "one"), "fs/super.c");
  return costs;
}

/** The bars of the speed issue: user CPU (and wall) in units of R, which hold for the whole of Linux 6.12. */
const BARS = {
  "index, cold": [0.15],
  "check, cold": [1.0, 0.6],
  "check, warm": [0.03],
  "check, fs/super.c changed": [0.035],
  "check, include/linux/fs.h changed": [0.1],
  "check fs/super.c, cold": [0.2],
  "check fs/super.c, warm": [0.02],
};

function report(all, list) {
  const names = Object.keys(all[0]);
  const r = median(all.map((c) => c.reference.user));
  const files = list.split("\n").length - 1;
  console.log(
    `\nR = ${r.toFixed(2)} s user CPU: ${files} .c files parsed once (${rounds} rounds, --jobs ${args.jobs})`,
  );
  console.log(`${"".padEnd(36)}  user/R (least–greatest)      wall/R   peak MB   bar`);
  const summary = {};
  for (const name of names.slice(1)) {
    const user = spread(all.map((c) => c[name].user / c.reference.user));
    const wall = spread(all.map((c) => c[name].wall / c.reference.user));
    const peakMb = Math.max(...all.map((c) => c[name].peakMb));
    const bar = BARS[name]
      ? `≤ ${BARS[name][0]} user${BARS[name][1] ? `, ≤ ${BARS[name][1]} wall` : ""}`
      : "";
    console.log(
      `${name.padEnd(36)}${fixed(user.median)} (${user.least.toFixed(3)}–${user.greatest.toFixed(3)})  ${fixed(wall.median)}  ${fixed(peakMb, 0)}   ${bar}`,
    );
    summary[name] = { user, wall, peakMb };
  }
  return { R: r, files, summary };
}

async function growth(root) {
  const { files } = await walkTree(root);
  const rows = [];
  for (const parts of [8, 4, 2, 1]) {
    let i = 0;
    const sub = new LinkedTree(root, { files, keep: () => i++ % parts === 0 });
    try {
      const cache = emptyCache("growth");
      const index = lockctx(sub.root, cache, "index");
      rows.push({ share: 1 / parts, index: index.user, check: check(sub.root, emptyCache("growth")).user });
    } finally {
      sub.remove();
    }
  }
  const whole = rows.at(-1);
  console.log("\ngrowth (user CPU over what linear growth would give; 1 is linear)");
  for (const { share, index, check: cost } of rows)
    console.log(
      `  ${share.toFixed(3)} of the files: index ${(index / (whole.index * share)).toFixed(2)}, check ${(cost / (whole.check * share)).toFixed(2)}`,
    );
  return rows;
}

try {
  const about = machine();
  tree = new LinkedTree(source, { part: args.short ? SHORT_PART : null });
  const { files } = await walkTree(tree.root);
  const list = files
    .filter((f) => f.endsWith(".c"))
    .map((f) => `${join(tree.root, f)}\n`)
    .join("");
  if (!tree.has("fs/super.c") || !tree.has("include/linux/fs.h"))
    throw new Error(`${args.tree}: no kernel tree`);
  const all = [];
  for (let i = 0; i < rounds; i++) {
    process.stderr.write(`round ${i + 1} of ${rounds}\n`);
    all.push(round(tree.root, list));
  }
  const { version } = JSON.parse(readFileSync(new URL("../server/package.json", import.meta.url), "utf8"));
  const out = {
    lockctx: version,
    short: args.short,
    jobs: Number(args.jobs),
    machine: about,
    ...reference.versions,
  };
  Object.assign(out, report(all, list), { rounds: all });
  out.cacheMb = bytesIn(join(scratch, "check")) / 1e6;
  console.log(`\ncache on disk ${out.cacheMb.toFixed(1)} MB (bar: 250 for the whole of 6.12)`);
  if (args.growth) out.growth = await growth(tree.root);
  if (args.latency) out.latency = await latency(tree.root, join(scratch, "check"), args.short);
  const json = `${JSON.stringify(out, null, 1)}\n`;
  if (args.json) writeFileSync(args.json, json);
  if (!args.short) {
    mkdirSync(results, { recursive: true });
    const stamp = new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-");
    writeFileSync(join(results, `${stamp}.json`), json);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  tree?.remove();
  rmSync(scratch, { recursive: true, force: true });
}
