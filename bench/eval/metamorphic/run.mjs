// Metamorphic runs: changes that keep the meaning of the code are laid over files in memory, all cases of one kind at once
// (each case has files of its own), and what was found or silent before must be so after.
import { findingCase, foldersOf, sampleFindings, silentCases } from "./cases.mjs";
import { edited, Skip } from "./ctext.mjs";
import { moveFunction } from "./move.mjs";
import { outlineStatement } from "./outline.mjs";
import { addBranch, lockAsGuard, wrapInMacro } from "./simple.mjs";

export const TRANSFORMATIONS = {
  outline: (c) => outlineStatement(c),
  macro: (c) => wrapInMacro(c),
  guard: (c) => lockAsGuard(c),
  branch: (c) => addBranch(c),
  move: (c, engine) => moveFunction(c, (name) => engine.definitions(name).length <= 1),
};

const isShown = (f) => f.confidence !== "low" && !f.suppressed && f.rule !== "stale-cursor";
const shownPaths = (f) => f.paths.filter((p) => p.confidence !== "low");

/** Applies a transformation: texts by path, and the names that came into being. */
export function transform(kind, c, engine) {
  const { edits, helpers, newFile } = TRANSFORMATIONS[kind](c, engine);
  const texts = new Map([[c.file, edited(c.text, edits)]]);
  if (newFile) texts.set(newFile.path, newFile.text);
  return { texts, helpers };
}

/** Whether the finding is still there: same function, same sink. Says what became of it where it is not. */
export function judgeFinding(c, findings, files, helpers) {
  const owners = new Set([c.fn.name, ...helpers]);
  const mine = findings.filter((f) => files.has(f.file) && owners.has(f.function));
  const reaches = (p) => {
    const last = p.chain[p.chain.length - 1].function;
    return (
      p.sleep.call === c.sink.call && (last === c.sink.fn || (c.sink.fn === c.fn.name && owners.has(last)))
    );
  };
  const sure = mine.filter((f) => isShown(f) && shownPaths(f).some(reaches));
  if (sure.length > 0) return { right: true, confidence: sure[0].confidence };
  const doubtful = mine.flatMap((f) => f.paths).find(reaches);
  if (doubtful) return { right: false, why: `now low: ${doubtful.reasons.join(", ")}` };
  const elsewhere = mine.flatMap((f) => f.paths);
  if (elsewhere.length === 0) return { right: false, why: "nothing found" };
  const p = elsewhere[0];
  return { right: false, why: `other sink: ${p.chain.map((s) => s.function).join(" > ")} > ${p.sleep.call}` };
}

/** Whether nothing is said about the function of a silent case. */
export function judgeSilent(c, findings, files, helpers) {
  const fresh = new Set(helpers);
  for (const f of findings) {
    if (!isShown(f)) continue;
    for (const p of shownPaths(f)) {
      const via = p.chain.find(
        (s) => fresh.has(s.function) || (s.function === c.fn.name && files.has(s.file)),
      );
      if (via)
        return {
          right: false,
          why: `${f.message} (${p.chain.map((s) => s.function).join(" > ")} > ${p.sleep.call})`,
        };
    }
  }
  return { right: true };
}

/** Files to load for a sample, of all files of the tree. */
export function partOf(files, folders) {
  const wanted = new Set(folders);
  return files.filter((f) => f.startsWith("include/") || wanted.has(f.slice(0, f.lastIndexOf("/") + 1)));
}

/**
 * Runs all transformations over a loaded engine. `wanted`: findings of a file to look for again; null: those of the engine.
 * The engine and the overlays are as they were afterwards.
 */
export async function metamorphic({ engine, facts, files, wanted, count, silentCount, seed, log }) {
  const read = (file) => facts.read(file);
  const base = (await engine.check({ focus: wanted ? new Set(wanted.map((f) => f.file)) : null })).findings;
  const skipped = new Map();
  const skip = (kind, reason) =>
    skipped.set(`${kind}: ${reason}`, (skipped.get(`${kind}: ${reason}`) ?? 0) + 1);
  const cases = [];
  for (const f of chosen(base, wanted, count, seed, skip)) {
    try {
      cases.push(findingCase(cases.length + 1, { ...f, paths: shownPaths(f) }, read, engine));
    } catch (error) {
      if (!(error instanceof Skip)) throw error;
      skip("finding", error.message);
    }
  }
  const taken = new Set(cases.map((c) => c.file));
  // Nothing said: at any confidence shown, in it or through it.
  let silent = silentCases(
    files.filter((f) => f.endsWith(".c") && !taken.has(f)),
    silentCount,
    seed,
    cases.length + 1,
    read,
    engine,
    () => true,
  );
  if (silent.length > 0) {
    const focus = new Set(silent.map((c) => c.file));
    const before = wanted ? (await engine.check({ focus })).findings : base;
    const loud = silent.filter((c) => !judgeSilent(c, before, new Set([c.file]), []).right);
    silent = silent.filter((c) => !loud.includes(c));
    for (const _ of loud) skip("silent", "something is said of it");
  }
  cases.push(...silent);
  log?.(`${cases.length - silent.length} findings, ${silent.length} silent regions`);
  const results = [];
  for (const kind of Object.keys(TRANSFORMATIONS)) {
    results.push(...(await runKind(kind, cases, { engine, facts, skip })));
    log?.(`${kind}: done`);
  }
  return { results, skipped };
}

/** Findings of the engine to try; those of a file are looked up by place. */
function chosen(base, wanted, count, seed, skip) {
  const shown = base.filter((f) => isShown(f) && shownPaths(f).length > 0);
  if (!wanted) return sampleFindings(shown, count, seed);
  const out = [];
  for (const w of wanted) {
    const there = shown.find((f) => f.fingerprint === w.fingerprint && f.file === w.file);
    if (there) out.push(there);
    else skip("finding", "not found in the part of the tree that was loaded");
  }
  return out;
}

async function runKind(kind, cases, { engine, facts, skip }) {
  const made = [];
  const changed = new Set();
  for (const c of cases) {
    try {
      const { texts, helpers } = transform(kind, c, engine);
      if ([...texts.keys()].some((f) => changed.has(f))) throw new Skip("file of another case");
      for (const [file, text] of texts) {
        facts.sources.setOverlay(file, text);
        changed.add(file);
      }
      made.push({ c, files: new Set(texts.keys()), helpers });
    } catch (error) {
      if (!(error instanceof Skip)) throw error;
      skip(`${c.kind} ${kind}`, error.message);
    }
  }
  if (made.length === 0) return [];
  await engine.update([...changed].sort());
  const { findings } = await engine.check({ focus: changed });
  for (const file of changed) facts.sources.setOverlay(file, null);
  await engine.update([...changed].sort());
  return made.map(({ c, files, helpers }) => {
    const judge = c.kind === "finding" ? judgeFinding : judgeSilent;
    return { kind, case: c, ...judge(c, findings, files, helpers) };
  });
}

export { foldersOf, sampleFindings };
