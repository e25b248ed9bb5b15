// The measures, the bar of each, and how a run stands against them.

/** `at least` bars have a minimum of right answers in per cent, `at most` bars a maximum. */
export const BARS = {
  "real bugs": { least: 93, what: "real bugs found" },
  "fixed bugs": { least: 97, what: "fixed bugs silent" },
  "non-bugs": { least: 88, what: "non-bugs silent" },
  d0: { least: 99, what: "seeded, direct: found" },
  guard: { least: 99, what: "seeded, under a guard: found" },
  d1: { least: 98, what: "seeded, one call below: found" },
  d2: { least: 96, what: "seeded, two calls below: found" },
  x1: { least: 96, what: "seeded, in another file: found" },
  alike: { least: 99, what: "seeded look-alikes: silent" },
  after: { least: 98, what: "seeded after the unlock: silent" },
  mguard: { least: 98, what: "seeded under a mutex guard: silent" },
  "metamorphic findings": { least: 97, what: "metamorphic: findings kept" },
  "metamorphic silence": { least: 99, what: "metamorphic: silent regions still silent" },
  "any context": { most: 3, what: "kernel-doc any context, sleeps always" },
  "may sleep": { least: 85, what: "kernel-doc may sleep, sleeps" },
};

const percent = (n, of) => (100 * n) / of;

export function holds(measure, n, of) {
  const bar = BARS[measure];
  if (!bar || of === 0) return null;
  return bar.most === undefined ? percent(n, of) >= bar.least : percent(n, of) <= bar.most;
}

/** Rows are {measure, n, of}; measures without a bar are shown indented. */
export function render(rows) {
  const lines = rows.map(({ measure, n, of }) => {
    const bar = BARS[measure];
    const ok = holds(measure, n, of);
    return [
      bar ? bar.what : `  ${measure}`,
      `${n}/${of}`,
      of === 0 ? "-" : `${percent(n, of).toFixed(1)} %`,
      bar ? (bar.most === undefined ? `≥ ${bar.least} %` : `≤ ${bar.most} %`) : "",
      ok === null ? "" : ok ? "ok" : "MISSED",
    ];
  });
  const all = [["measure", "count", "share", "bar", ""], ...lines];
  const widths = all[0].map((_, i) => Math.max(...all.map((l) => l[i].length)));
  return all
    .map((l) =>
      l
        .map((cell, i) => (i === 1 || i === 2 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
