// The cases of a metamorphic run: findings and silent lock regions of a loaded program, chosen the same way every time.
import { blank, closing, Skip, statements, takeApart } from "./ctext.mjs";
import { callsIn } from "./outline.mjs";
import { LOCKS, regionOf } from "./simple.mjs";

/** FNV-1a: a fixed shuffle that depends on nothing but the words and the seed. */
export function hash(text, seed = 1) {
  let h = (2166136261 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619) >>> 0;
  return h;
}

const directory = (file) => file.slice(0, file.lastIndexOf("/") + 1);

/** Findings in turn of rules, one a file, in the order of a hash. Works on engine findings and on those of a file. */
export function sampleFindings(findings, count, seed) {
  const byRule = new Map();
  for (const f of findings) {
    if (!/\.[ch]$/.test(f.file)) continue;
    const list = byRule.get(f.rule);
    if (list) list.push(f);
    else byRule.set(f.rule, [f]);
  }
  const queues = [...byRule.keys()].sort().map((rule) =>
    byRule
      .get(rule)
      .map((f) => ({ f, h: hash(`${f.file}:${f.function}:${f.fingerprint}`, seed) }))
      .sort((a, b) => a.h - b.h || (a.f.file < b.f.file ? -1 : 1)),
  );
  const files = new Set();
  const out = [];
  for (let turn = 0; out.length < count && queues.some((q) => q.length > 0); turn++) {
    const queue = queues[turn % queues.length];
    let next = queue.shift();
    while (next && files.has(next.f.file)) next = queue.shift();
    if (!next) continue;
    files.add(next.f.file);
    out.push(next.f);
  }
  return out;
}

/** Folders that a sample of findings needs to be found again without the rest of the tree. */
export function foldersOf(findings) {
  const out = new Set();
  for (const f of findings) {
    const files = [f.file, f.context.file, ...(f.context.through ?? []).map((s) => s.file)];
    for (const p of f.paths) files.push(...p.chain.map((s) => s.file), p.sleep.file);
    for (const file of files) if (file) out.add(directory(file));
  }
  return [...out].sort();
}

/** What a transformation needs to know of a finding of the engine. */
export function findingCase(id, finding, read, engine) {
  const text = read(finding.file);
  const code = blank(text);
  const fn = engine.functionAt(finding.file, finding.offset);
  if (!fn) throw new Skip("function not found");
  const { site, through } = finding.context;
  const isHere =
    site.file === finding.file && fn.start <= site.offset && site.offset < fn.end && !through?.length;
  const path = finding.paths[0];
  const owner = path.chain[path.chain.length - 1].function;
  return {
    id,
    kind: "finding",
    file: finding.file,
    text,
    code,
    fn,
    at: finding.offset,
    lockAt: isHere && /^\w+\s*\(/.test(code.slice(site.offset, site.offset + 80)) ? site.offset : null,
    rule: finding.rule,
    confidence: finding.confidence,
    sink: { fn: owner, call: path.sleep.call },
    words: finding.message,
  };
}

const LOCK_STATEMENT = new RegExp(`^[ \\t]+(${[...LOCKS].join("|")})\\s*\\(`, "gm");

/** Functions with a lock region that nothing was said about, at most one a file. `isSilent` tells of (file, function). */
export function silentCases(files, count, seed, firstId, read, engine, isSilent) {
  const out = [];
  const order = files.map((f) => ({ f, h: hash(f, seed) })).sort((a, b) => a.h - b.h || (a.f < b.f ? -1 : 1));
  for (const { f: file } of order) {
    if (out.length >= count) break;
    const text = read(file);
    if (text === null) continue;
    const code = blank(text);
    const made = silentRegion(file, text, code, engine, isSilent);
    if (made) out.push({ ...made, id: firstId + out.length });
  }
  return out;
}

function silentRegion(file, text, code, engine, isSilent) {
  for (const m of code.matchAll(LOCK_STATEMENT)) {
    const lockAt = m.index + m[0].indexOf(m[1]);
    const fn = engine.functionAt(file, lockAt);
    if (!fn || !isSilent(file, fn.name)) continue;
    try {
      const parts = takeApart(code, fn);
      const list = statements(code, parts.bodyStart + 1, closing(code, parts.bodyStart, fn.end) - 1);
      const { inside } = regionOf(code, list, lockAt);
      const calls = [...callsIn(code, inside)].filter(
        (c) => !LOCKS.has(c.name) && !/unlock|_irq(?:save|restore)$/.test(c.name),
      );
      if (calls.length === 0) continue;
      return {
        kind: "silent",
        file,
        text,
        code,
        fn,
        at: calls[0].at,
        lockAt,
        words: `${m[1]} … ${calls[0].name}()`,
      };
    } catch (error) {
      if (!(error instanceof Skip)) throw error;
    }
  }
  return null;
}
