/**
 * A user's own facts: checked against the schema, with errors that name the file and the entry. Apart from the loader,
 * because only this needs the schema checker.
 */
import type { z } from "zod";
import { type Additions, KernelTableError } from "./load.js";
import { fragmentSchema } from "./schema.js";

/**
 * Checks a user's facts (see docs/kernel-facts.md): `{ "sleepers": [{ "name": "my_wait" }], … }`.
 * @param origin what to call them in errors: the configuration file's name
 * @throws {KernelTableError} with one problem for each thing wrong
 */
export function parseAdditions(origin: string, tables: unknown): Additions {
  const result = fragmentSchema.safeParse(tables);
  if (!result.success) {
    throw new KernelTableError(
      describeIssues(tables, result.error).map((problem) => `${origin}: ${problem}`),
    );
  }
  return { origin, fragment: result.data };
}

/** What is wrong with a fragment, one sentence each, naming the entry: `locks[3] "my_lock": pair: not a C identifier`. */
function describeIssues(value: unknown, error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const [table, row, ...rest] = issue.path;
    if (table === undefined) return issue.message;
    if (row === undefined) return `${String(table)}: ${issue.message}`;
    const entry = entryLabel(value, String(table), row);
    const field = rest.length > 0 ? `${rest.map(String).join(".")}: ` : "";
    return `${String(table)}[${String(row)}]${entry}: ${field}${issue.message}`;
  });
}

function entryLabel(value: unknown, table: string, row: PropertyKey): string {
  const entry = (value as Record<string, unknown[] | undefined>)[table]?.[Number(row)];
  if (typeof entry !== "object" || entry === null) return "";
  const { name, struct, topic } = entry as Record<string, unknown>;
  const label = name ?? struct ?? topic;
  return label === undefined ? "" : ` "${String(label)}"`;
}
