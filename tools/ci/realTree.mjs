// Checks on a real kernel tree: `realTree.mjs REPORT.json`. Each check says in one line what held or what did not.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kernelTree } from "./kernelTree.mjs";
import { measure } from "./lockctx.mjs";

/** What the whole tree may cost, in seconds of CPU. */
const LIMIT_SECONDS = 15 * 60;
const LIMIT_MB = 6 * 1024;
/** A part that is large enough to have every kind of chain and small enough to be run twice. */
const PART = ["block", "drivers/usb/core", "fs/ext4", "fs/nfs", "ipc", "mm", "net/core", "sound/core"];
/** Where the outline's functions are compared with those of universal-ctags. */
const OUTLINE_PART = ["block", "crypto", "drivers/net/ethernet", "drivers/usb", "fs", "kernel", "mm", "net"];
const LEAST_FOUND = 0.99;
const MOST_UNPARSED = 0.003;

let passed = 0;
let failed = 0;
function check(name, ok, detail = "") {
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? "ok" : "not ok"} - ${name}${detail ? `: ${detail}` : ""}`);
}

const scratch = mkdtempSync(join(tmpdir(), "lockctx-real-"));
try {
  await checks();
} catch (error) {
  check("the checks run to their end", false, error instanceof Error ? error.message : String(error));
} finally {
  rmSync(scratch, { recursive: true, force: true });
  const report = { numPassedTests: passed, numFailedTests: failed, success: failed === 0 };
  writeFileSync(process.argv[2], JSON.stringify(report));
}

async function checks() {
  const { folder, version } = kernelTree();
  console.log(`linux-source-6.12 ${version}`);
  const { findingsFileSchema } = await import("../../server/dist/findings/schema.js");

  const whole = await wholeTree(folder);
  if (whole !== null) {
    const parsed = findingsFileSchema.safeParse(whole);
    check(
      "the findings file has its schema",
      parsed.success,
      parsed.success ? "" : parsed.error.issues[0].message,
    );
    checkPlaces(folder, whole.findings);
    checkStats(whole.stats);
    const again = whole.findings.filter((f) => f.paths.some((p) => throughListLru(f, p)));
    check(
      "nothing goes through list_lru_destroy under sb_lock",
      again.length === 0,
      again.map((f) => f.function).join(),
    );
    const fingerprints = new Set(whole.findings.map((f) => f.fingerprint));
    check("fingerprints tell all findings apart", fingerprints.size === whole.findings.length);
  }
  await sameForAnyJobs(folder);
  await compareWithCtags(folder);
  printSpeed(folder);
}

/** Ratios against the reference on a part of the tree: printed, never asserted, for this machine may be busy. */
function printSpeed(folder) {
  if (spawnSync("cc", ["--version"]).status !== 0) {
    console.log("no C compiler: speed is not compared");
    return;
  }
  const bench = join(import.meta.dirname, "../../bench/bench.mjs");
  spawnSync(process.execPath, [bench, "--tree", folder, "--short", "--rounds", "1"], {
    stdio: ["ignore", "inherit", "inherit"],
    timeout: 300_000,
  });
}

async function wholeTree(folder) {
  const file = join(scratch, "whole.json");
  const run = await measure(["check", "--exit-zero", "--stats", "--format", `json=${file}`], {
    cwd: folder,
    limitSeconds: LIMIT_SECONDS,
  });
  process.stdout.write(run.stderr);
  const cost = `${run.cpu.toFixed(0)} s of CPU, ${run.seconds.toFixed(0)} s, ${run.mb.toFixed(0)} MB`;
  const ended = !run.timedOut && run.code === 0;
  check(
    "the whole tree is checked to its end",
    ended,
    ended ? cost : `${cost}, exit ${run.code} ${run.stderr.slice(-300)}`,
  );
  if (!ended) return null;
  check(`the whole tree takes at most ${LIMIT_SECONDS} s of CPU`, run.cpu <= LIMIT_SECONDS, cost);
  check(`the whole tree takes at most ${LIMIT_MB} MB`, run.mb <= LIMIT_MB, cost);
  const result = JSON.parse(readFileSync(file, "utf8"));
  check("the whole tree has findings", result.findings.length > 0, String(result.findings.length));
  return result;
}

function throughListLru(finding, path) {
  return (
    finding.context.lock === "sb_lock" && path.chain.some((step) => step.function === "list_lru_destroy")
  );
}

/** Every file and line that a finding names is there, and what is said to be called stands in it. */
function checkPlaces(folder, findings) {
  const lines = new Map();
  const linesOf = (file) => {
    let known = lines.get(file);
    if (!known) {
      try {
        known = readFileSync(join(folder, file), "utf8").split("\n");
      } catch {
        known = [];
      }
      lines.set(file, known);
    }
    return known;
  };
  const wrong = [];
  const stands = (site, what) => {
    if (linesOf(site.file)[site.line - 1] === undefined) wrong.push(`${what} ${site.file}:${site.line}`);
  };
  for (const finding of findings) {
    stands(finding, "finding");
    stands(finding.context, "context");
    for (const path of finding.paths) {
      for (const step of path.chain) stands(step, "step");
      stands(path.sleep, "sleep");
    }
    const text = linesOf(finding.file)[finding.line - 1] ?? "";
    const callee = text.slice(finding.column - 1, finding.endColumn - 1);
    // The callee's name, a call through a member, or a guard with its class.
    if (finding.line === finding.endLine && !/^[\w\s.[\]>()*-]*[\w)\]]$/.test(callee)) {
      wrong.push(`callee "${callee}" at ${finding.file}:${finding.line}:${finding.column}`);
    }
  }
  check("every finding names existing files and lines", wrong.length === 0, wrong.slice(0, 3).join("; "));
}

function checkStats(stats) {
  const share = stats.unparsedFunctions / Math.max(1, stats.analysedFunctions);
  const percent = `${(share * 100).toFixed(3)} % of ${stats.analysedFunctions}`;
  check(
    `at most ${MOST_UNPARSED * 100} % of the parsed functions have errors`,
    share <= MOST_UNPARSED,
    percent,
  );
  const lost = stats.skippedFiles.filter((s) =>
    /could not be analysed|took longer|ended its worker/.test(s.reason),
  );
  check(
    "no file is lost to an error of ours",
    lost.length === 0,
    lost
      .map((s) => `${s.path}: ${s.reason}`)
      .slice(0, 3)
      .join("; "),
  );
}

async function sameForAnyJobs(folder) {
  const runs = [];
  for (const jobs of ["1", "2"]) {
    const run = await measure(
      // From the sources both times: a kept result would answer the second.
      ["check", "--no-cache", "--scope", "files", "--format", "json", "--exit-zero", "--jobs", jobs, ...PART],
      {
        cwd: folder,
        limitSeconds: LIMIT_SECONDS / 3,
      },
    );
    runs.push(run);
  }
  const [one, two] = runs;
  const ended = one.code === 0 && two.code === 0;
  const detail = ended
    ? `${one.seconds.toFixed(0)} s and ${two.seconds.toFixed(0)} s`
    : `exit ${one.code} and ${two.code}`;
  check("one and two jobs give the same, byte for byte", ended && one.stdout === two.stdout, detail);
}

/** Names of functions by file, as universal-ctags sees them and as the outline does. */
async function compareWithCtags(folder) {
  const { outlineFile } = await import("../../server/dist/outline/outline.js");
  const { Fn, FN_STRIDE } = await import("../../server/dist/facts/outline.js");
  const ctags = spawnSync(
    "ctags",
    ["-R", "--languages=C", "--langmap=C:.c", "--kinds-C=f", "--sort=no", "-f", "-", ...OUTLINE_PART],
    { cwd: folder, encoding: "latin1", maxBuffer: 1 << 30 },
  );
  if (ctags.status !== 0) return check("universal-ctags runs", false, ctags.error?.message ?? ctags.stderr);
  const byFile = new Map();
  for (const row of ctags.stdout.split("\n")) {
    const [name, file] = row.split("\t");
    if (!file || name.startsWith("!_")) continue;
    if (!byFile.has(file)) byFile.set(file, new Set());
    byFile.get(file).add(name);
  }
  let all = 0;
  let found = 0;
  const missed = [];
  for (const [file, names] of byFile) {
    const outline = outlineFile(readFileSync(join(folder, file), "latin1"), file, {
      registrations: new Set(),
    });
    const ours = new Set();
    for (let i = 0; i < outline.fn.length; i += FN_STRIDE) ours.add(outline.names[outline.fn[i + Fn.name]]);
    for (const name of names) {
      all++;
      if (ours.has(name)) found++;
      else missed.push(`${name} (${file})`);
    }
  }
  const share = found / Math.max(1, all);
  const detail = `${found} of ${all} (${(share * 100).toFixed(2)} %); missed ${missed.slice(0, 3).join(", ")}`;
  check(
    `the outline has ${LEAST_FOUND * 100} % of the functions that ctags finds`,
    share >= LEAST_FOUND,
    detail,
  );
}
