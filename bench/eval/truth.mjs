// Scores findings against what is known of a tree: seeded calls, real bugs, their fixes, and right code that looks wrong.
import { counted, Paths, standsAt } from "./findings.mjs";

/** Counts of right answers by measure, and the wrong ones. */
export class Tally {
  constructor() {
    this.counts = new Map();
    this.misses = [];
  }
  add(measure, right, miss) {
    const c = this.counts.get(measure) ?? { right: 0, of: 0 };
    c.of++;
    if (right) c.right++;
    this.counts.set(measure, c);
    if (!right && miss) this.misses.push({ measure, ...miss });
  }
}

/** Why something was not found: what was said of the same place below the threshold, or of its function. */
function nearMiss(all, fn, hits) {
  for (const { path } of hits(all)) {
    return `found at ${path.confidence ?? "low"} confidence (${(path.reasons ?? []).join(", ") || "no reason given"})`;
  }
  const others = [...all.from(fn)].length;
  return others > 0 ? `${others} other paths pass ${fn}` : `nothing passes ${fn}`;
}

/** Seeded calls: `cases` as inject.py lists them. */
export function scoreSeeded(findings, cases, least = "medium") {
  const tally = new Tally();
  const sure = new Paths(counted(findings, least));
  const all = new Paths(counted(findings, "low"));
  for (const c of cases) {
    const reached = (paths) =>
      [...paths.from(c.atomic_function)].filter((p) => standsAt(p.rest, c.file, c.line));
    if (c.expect === "finding") {
      const right = reached(sure).length > 0;
      tally.add(c.kind, right, right ? null : { ...c, why: nearMiss(all, c.atomic_function, reached) });
    } else {
      const wrong = [...sure.beginning(c.atomic_function)].find((p) => standsAt(p.places, c.file, c.line));
      tally.add(c.kind, !wrong, wrong && { ...c, why: wrong.finding.message });
    }
  }
  return tally;
}

/** Real bugs of one tree, and bugs of older trees that it has fixed. */
export function scoreBugs(findings, bugs, tree, least = "medium") {
  const tally = new Tally();
  const sure = new Paths(counted(findings, least));
  const all = new Paths(counted(findings, "low"));
  for (const b of bugs) {
    if (b.tree === tree) {
      const reached = (paths) =>
        [...paths.from(b.lock_function, b.file)].filter((p) =>
          standsAt(p.rest, b.sleep_file, b.sleep_line, 2),
        );
      const right = reached(sure).length > 0;
      const miss = {
        kind: b.category,
        file: b.sleep_file,
        line: b.sleep_line,
        text: b.sleeping_call,
        chain: b.call_sites.map((s) => `${s.function} (${s.file}:${s.line})`),
      };
      tally.add("real bugs", right, right ? null : { ...miss, why: nearMiss(all, b.lock_function, reached) });
    }
    if (b.fixed_in === tree) {
      const names = new Set(b.sleeping_call.match(/[A-Za-z_]\w*/g) ?? []);
      const again = [...sure.from(b.fixed_function, b.fixed_file)].find((p) => names.has(p.path.sleep.call));
      tally.add(
        "fixed bugs",
        !again,
        again && {
          kind: b.category,
          file: b.fixed_file,
          line: again.finding.line,
          chain: [],
          why: again.finding.message,
        },
      );
    }
  }
  return tally;
}

/** Right code that looks wrong. */
export function scoreNonBugs(findings, nonBugs, tree, least = "medium") {
  const tally = new Tally();
  const sure = new Paths(counted(findings, least));
  for (const n of nonBugs) {
    if (n.tree !== tree) continue;
    const wrong = (sure.byFunction.get(n.function) ?? []).find((p) => standsAt(p.places, n.file, n.line, 2));
    const why = wrong && `${wrong.finding.message} [${n.why_not_a_bug ?? ""}]`;
    tally.add(
      "non-bugs",
      !wrong,
      wrong && { kind: n.pattern ?? "", file: n.file, line: n.line, chain: [], why },
    );
  }
  return tally;
}
