/**
 * Builds the typed tables of kernel facts for one kernel version out of the shipped data and a user's additions.
 * Pure: the data are modules, so that this runs wherever the core runs and bundles without a file beside it.
 */
import { checkTables } from "./check.js";
import { SHIPPED } from "./data.js";
import type { Fragment } from "./schema.js";
import type {
  ContextAssertion,
  ContextTest,
  GfpFunction,
  GuardClass,
  KernelTables,
  KernelVersion,
  LockPrimitive,
  ObjectProperty,
  OpsField,
  Registration,
  SleepCondition,
  Sleeper,
} from "./types.js";
import { fromWritten } from "./written.js";

/** A user's own facts, as `parseAdditions` (additions.ts) returns them. */
export interface Additions {
  /** What to call them in errors: the configuration file's name. */
  origin: string;
  fragment: Fragment;
}

/** The facts given are malformed or contradict each other; `problems` says where, one sentence each. */
export class KernelTableError extends Error {
  override readonly name = "KernelTableError";
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

let shipped: Additions[] | null = null;

/**
 * The tables for a kernel version (null: the newest known). Additions come last and win: an entry replaces the shipped
 * one of that name, a name put in `neverSleeps` or `hardStops` is no sleeper any more, and the other way round.
 * @throws {KernelTableError} naming the file and the entry
 */
export function loadKernelTables(
  version: KernelVersion | null,
  own: readonly Additions[] = [],
): KernelTables {
  shipped ??= SHIPPED.map(({ file, content }) => ({
    origin: `kernel/data/${file}`,
    fragment: fromWritten(content),
  }));
  const tables = new Builder(version);
  for (const source of shipped) tables.add(source, false);
  for (const source of own) tables.add(source, true);
  if (tables.problems.length > 0) throw new KernelTableError(tables.problems);
  if (own.length > 0) {
    const contradictions = checkTables(tables);
    if (contradictions.length > 0) {
      throw new KernelTableError(contradictions.map((p) => `${own.map((o) => o.origin).join(", ")}: ${p}`));
    }
  }
  return tables;
}

/** Names whose calls the outliner records with their arguments. */
export function registrationNames(tables: KernelTables): Set<string> {
  const names = new Set(tables.registrations.keys());
  for (const field of tables.opsFields.values()) {
    if (field.unlessCall) names.add(field.unlessCall.name);
  }
  return names;
}

interface Entry {
  since?: KernelVersion;
  until?: KernelVersion;
  source?: string;
}

/** Joins fragments in order; the maps are the result. */
class Builder implements KernelTables {
  readonly locks = new Map<string, LockPrimitive>();
  readonly guards = new Map<string, GuardClass>();
  readonly sleepers = new Map<string, Sleeper>();
  readonly neverSleeps = new Set<string>();
  readonly hardStops = new Set<string>();
  readonly noReturn = new Set<string>();
  readonly registrations = new Map<string, Registration>();
  readonly opsFields = new Map<string, OpsField>();
  readonly contextTests = new Map<string, ContextTest>();
  readonly gfp = new Map<string, boolean>();
  readonly gfpModifiers = new Set<string>();
  readonly gfpTests = new Map<string, number>();
  readonly gfpFunctions = new Map<string, GfpFunction>();
  readonly lockTypes: Map<
    string,
    KernelTables["lockTypes"] extends ReadonlyMap<string, infer T> ? T : never
  > = new Map();
  readonly assertions = new Map<string, ContextAssertion>();
  readonly problems: string[] = [];
  private readonly properties = new Map<string, ObjectProperty>();

  constructor(private readonly version: KernelVersion | null) {}

  add({ origin, fragment: f }: Additions, replaces: boolean): void {
    const fill = <T extends Entry, V>(
      table: string,
      to: Map<string, V>,
      rows: T[],
      key: (row: T) => string,
      value: (row: T) => V,
    ) => {
      const seen = new Set<string>();
      for (const row of rows) {
        if (!this.holds(row)) continue;
        const name = key(row);
        if (seen.has(name) || (!replaces && to.has(name))) {
          this.problems.push(`${origin}: ${table}: "${name}" is given twice for ${this.versionText()}`);
        }
        seen.add(name);
        to.set(name, value(row.source === "" ? { ...row, source: origin } : row));
      }
    };
    const byName = (row: { name: string }) => row.name;

    fill("locks", this.locks, f.locks, byName, (row) => row);
    fill("guards", this.guards, f.guards, byName, (row) => row);
    fill("registrations", this.registrations, f.registrations, byName, (row) => row);
    const fields = f.opsFields.flatMap(({ fields, ...row }) => fields.map((field) => ({ ...row, field })));
    fill(
      "opsFields",
      this.opsFields,
      fields,
      (row) => `${row.struct}.${row.field}`,
      (row) => row,
    );
    fill("contextTests", this.contextTests, f.contextTests, byName, (row) => row);
    fill("lockTypes", this.lockTypes, f.lockTypes, byName, ({ atomic, kind }) => ({ atomic, kind }));
    fill("assertions", this.assertions, f.assertions, byName, ({ says, arg }) => ({ says, arg }));
    fill("gfpFunctions", this.gfpFunctions, f.gfpFunctions, byName, ({ result, arg }) =>
      result === "argument" ? { result, arg: arg ?? 0 } : { result },
    );
    fill("gfpTests", this.gfpTests, f.gfpTests, byName, ({ arg }) => arg);
    for (const row of f.gfp) {
      if (!this.holds(row)) continue;
      if (!replaces && (this.gfp.has(row.name) || this.gfpModifiers.has(row.name))) {
        this.problems.push(`${origin}: gfp: "${row.name}" is given twice for ${this.versionText()}`);
      }
      this.gfp.delete(row.name);
      this.gfpModifiers.delete(row.name);
      if (row.blocks === null) this.gfpModifiers.add(row.name);
      else this.gfp.set(row.name, row.blocks);
    }

    fill(
      "properties",
      this.properties,
      f.properties,
      byName,
      ({ name: _, source: __, note: ___, ...row }) => row,
    );
    fill("sleepers", this.sleepers, f.sleepers, byName, (row) => ({
      ...row,
      condition: this.condition(row.condition, `${origin}: sleepers "${row.name}"`),
    }));
    if (replaces) {
      for (const { name } of f.sleepers) {
        this.neverSleeps.delete(name);
        this.hardStops.delete(name);
      }
    }
    for (const table of ["neverSleeps", "hardStops", "noReturn"] as const) {
      for (const row of f[table]) {
        if (!this.holds(row)) continue;
        for (const name of row.names) {
          if (!replaces && this[table].has(name)) {
            this.problems.push(`${origin}: ${table}: "${name}" is given twice for ${this.versionText()}`);
          }
          this[table].add(name);
          if (replaces && table !== "noReturn") this.sleepers.delete(name);
        }
      }
    }
  }

  /** Puts the property that a written condition names in its place. */
  private condition(written: Fragment["sleepers"][number]["condition"], where: string): SleepCondition {
    if (written.kind !== "object" || written.property === undefined) return written as SleepCondition;
    const property = this.properties.get(written.property);
    if (property === undefined) this.problems.push(`${where}: no property "${written.property}" is given`);
    return { ...written, property };
  }

  private holds({ since, until }: Entry): boolean {
    if (this.version === null) return until === undefined;
    if (since !== undefined && compare(this.version, since) < 0) return false;
    return until === undefined || compare(this.version, until) < 0;
  }

  private versionText(): string {
    return this.version === null ? "the newest kernel" : `Linux ${this.version.major}.${this.version.minor}`;
  }
}

function compare(a: KernelVersion, b: KernelVersion): number {
  return a.major - b.major || a.minor - b.minor;
}
