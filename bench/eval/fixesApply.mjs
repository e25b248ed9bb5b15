// Whether proved edits hold: each is applied alone, what may have changed is checked again, and findings are compared.
import { applyFix, offerFixes } from "./dist.mjs";

export const isProved = (fix) =>
  fix.applicability !== "sketch" && fix.kind !== "suppress" && fix.kind !== "annotate";

/** Findings of these files in the order of a hash of what they are about, a few a file at most. */
export async function sample(engine, files, { count, perFile }) {
  const { findings } = await engine.check({ focus: files, inside: true });
  const seen = new Map();
  return findings
    .filter((f) => f.confidence !== "low" && files.has(f.file) && !f.suppressed)
    .sort((a, b) => hash(a.fingerprint) - hash(b.fingerprint))
    .filter((f) => {
      seen.set(f.file, (seen.get(f.file) ?? 0) + 1);
      return seen.get(f.file) <= perFile;
    })
    .slice(0, count);
}

function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return h >>> 0;
}

/**
 * Applies every proved edit of the findings alone. Compared is what is found in all of these files: callers count too.
 */
export async function applyEach(name, chosen, engine, bench, { files, applied, times, log }) {
  const all = async (touched) => {
    const focus = new Set([...files, ...touched]);
    return tally((await engine.check({ focus, inside: true })).findings);
  };
  const known = new Map();
  const offered = [];
  for (const [i, finding] of chosen.entries()) {
    applied.findings++;
    if (i % 10 === 9)
      log(`${name}: ${i + 1} findings, ${applied.edits} edits, ${applied.bad.length} not good`);
    await engine.check({ focus: new Set([finding.file]), inside: true });
    const began = performance.now();
    const fixes = await offerFixes(finding, bench, { editsOnly: true });
    times.push(Math.round(performance.now() - began));
    offered.push({ finding, fixes });
    for (const fix of fixes.filter(isProved)) {
      applied.edits++;
      const texts = applyFix(fix, bench.read);
      const touched = [...texts.keys()];
      const outside = touched.filter((f) => !files.has(f)).sort();
      const set = outside.join();
      if (!known.has(set)) known.set(set, await all(outside));
      for (const [file, text] of texts) bench.setText(file, text);
      await engine.update(touched);
      const is = await all(outside);
      for (const file of touched) bench.setText(file, null);
      await engine.update(touched);
      let was = known.get(set);
      const newIn = () => [...is].filter(([k, n]) => n > (was.get(k) ?? 0)).map(([k]) => k);
      // What is known of lock wrappers grows with the questions asked: compare with the same knowledge.
      if (newIn().length > 0) {
        was = await all(outside);
        known.clear();
        known.set(set, was);
      }
      const gone = (is.get(key(finding)) ?? 0) < (was.get(key(finding)) ?? 0);
      const news = newIn();
      const { kinds } = applied;
      kinds[fix.kind] ??= { edits: 0, good: 0 };
      kinds[fix.kind].edits++;
      if (gone && news.length === 0) {
        applied.good++;
        kinds[fix.kind].good++;
      } else {
        const { file, function: fn } = finding;
        applied.bad.push({ tree: name, file, function: fn, fix: fix.id, gone, news });
        log(`NOT GOOD: ${JSON.stringify(applied.bad[applied.bad.length - 1])}`);
      }
    }
  }
  return offered;
}

/** Findings as they are shown by default: what little is left of low confidence is told with the fix. */
function tally(findings) {
  const counts = new Map();
  for (const f of findings)
    if (!f.suppressed && f.confidence !== "low") counts.set(key(f), (counts.get(key(f)) ?? 0) + 1);
  return counts;
}

function key(f) {
  const p = f.paths[0];
  return [
    f.rule,
    f.file,
    f.function,
    f.context.kind,
    f.context.lockClass ?? "",
    p.chain[1]?.function ?? p.sleep.call,
  ].join(":");
}
