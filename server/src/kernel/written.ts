/**
 * How kernel facts are written, and how the shipped ones become typed values. The schema (schema.ts) says the same and
 * checks it; a test holds the two together. Shipped data has been checked by that test, so loading it needs no checker:
 * a start costs milliseconds, not a tenth of a second.
 */
import type { Fragment } from "./schema.js";
import { Ctx, type KernelVersion } from "./types.js";

/** Names of the context bits. */
export const BITS = {
  preempt: Ctx.Preempt,
  bh: Ctx.Bh,
  irq: Ctx.Irq,
  hardirq: Ctx.Hardirq,
  softirq: Ctx.Softirq,
  nmi: Ctx.Nmi,
  rcu: Ctx.Rcu,
  "pagefault-off": Ctx.PagefaultOff,
  "non-block": Ctx.NonBlock,
} as const;
export type BitName = keyof typeof BITS;

export const bitsOf = (names: readonly BitName[]): number => names.reduce((sum, name) => sum | BITS[name], 0);

/** "6.5" → { major: 6, minor: 5 }. */
export function versionOf(text: string): KernelVersion {
  const [major, minor] = text.split(".").map(Number);
  return { major, minor };
}

/** What an entry means where it says nothing. */
export const DEFAULTS = {
  properties: {},
  locks: { lock: null },
  guards: { takesLock: true, conditional: false, sleeps: false },
  sleepers: { group: "own", condition: { kind: "always" }, boundary: true, allocation: false },
  neverSleeps: {},
  hardStops: {},
  noReturn: {},
  registrations: { confidence: "medium" },
  opsFields: { confidence: "medium" },
  contextTests: {},
  gfp: {},
  gfpFunctions: {},
  gfpTests: {},
  lockTypes: {},
  assertions: {},
} as const;

type Row = Record<string, unknown>;

/** Shipped data as typed values. Not for input that nobody has checked. */
export function fromWritten(content: unknown): Fragment {
  const written = content as Record<string, Row[] | undefined>;
  const tables: Record<string, unknown> = "about" in written ? { about: written.about } : {};
  for (const [table, defaults] of Object.entries(DEFAULTS)) {
    tables[table] = (written[table] ?? []).map((row) => convert({ source: "", ...defaults, ...row }));
  }
  return tables as Fragment;
}

function convert(row: Row): Row {
  for (const key of ["adds", "trueMeansAny", "falseMeansNone"]) {
    if (row[key] !== undefined) row[key] = bitsOf(row[key] as BitName[]);
  }
  for (const key of ["since", "until"]) {
    if (row[key] !== undefined) row[key] = versionOf(row[key] as string);
  }
  const lock = row.lock as { from: string; index?: number } | string | null | undefined;
  if (lock !== null && typeof lock === "object") row.lock = { from: lock.from, index: lock.index ?? 0 };
  return row;
}
