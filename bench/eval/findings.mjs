// Findings files as the scorers see them: which findings count, and the places that their paths stand at.

const RANK = { high: 2, medium: 1, low: 0 };

/** Sleep rules, not suppressed, sure enough; with only the paths that are sure enough themselves. */
export function counted(findings, least = "medium") {
  const out = [];
  for (const f of findings) {
    if (!/^(?:sleep-in-atomic|gfp-in-atomic)/.test(f.rule) || f.suppressed) continue;
    if (RANK[f.confidence] < RANK[least]) continue;
    const paths = f.paths.filter((p) => (RANK[p.confidence ?? f.confidence] ?? 0) >= RANK[least]);
    out.push({ ...f, paths: paths.length > 0 ? paths : f.paths });
  }
  return out;
}

/** Places of a path in order: every step, then the sleeping call, which stands in the last step's function. */
export function placesOf(path) {
  const steps = path.chain.map(({ function: fn, file, line }) => ({ fn, file, line }));
  const owner = steps.length > 0 ? steps[steps.length - 1].fn : null;
  return [...steps, { fn: owner, file: path.sleep.file, line: path.sleep.line }];
}

/** The paths of findings by every function that they pass. */
export class Paths {
  constructor(findings) {
    this.byFunction = new Map();
    this.findings = findings.length;
    for (const finding of findings) {
      for (const path of finding.paths) {
        const places = placesOf(path);
        const entry = { finding, path, places };
        for (const fn of new Set(places.map((p) => p.fn))) {
          const list = this.byFunction.get(fn);
          if (list) list.push(entry);
          else this.byFunction.set(fn, [entry]);
        }
      }
    }
  }

  /** What a function's paths look like from it on (in that file, where one is given). */
  *from(fn, file) {
    for (const entry of this.byFunction.get(fn) ?? []) {
      const at = entry.places.findIndex((p) => p.fn === fn && (file === undefined || p.file === file));
      if (at >= 0) yield { ...entry, rest: entry.places.slice(at) };
    }
  }

  /** Paths that begin in a function. */
  *beginning(fn) {
    for (const entry of this.byFunction.get(fn) ?? []) if (entry.places[0].fn === fn) yield entry;
  }
}

/** Whether one of the places is within some lines of a line. */
export const standsAt = (places, file, line, slack = 0) =>
  places.some((p) => p.file === file && Math.abs(p.line - line) <= slack);
