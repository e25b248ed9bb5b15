/**
 * The written form of kernel facts: what `data/*.json` and a user's own additions may say, checked with zod.
 *
 * Every file is a *fragment*: an object with one list a table. Bits, versions and defaults are written for people
 * ("preempt", "6.5", no `condition` means always) and turned into the typed form of types.ts on the way in.
 */
import { z } from "zod";
import { Ctx } from "./types.js";

const BITS = {
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

const identifier = z.string().regex(/^[A-Za-z_]\w*$/, "not a C identifier");
const index = z.number().int().min(0).max(15);
const text = z.string().min(1);
const bits = z
  .array(z.enum(Object.keys(BITS) as [keyof typeof BITS, ...(keyof typeof BITS)[]]))
  .transform((names) => names.reduce((sum, name) => sum | BITS[name], 0));
const version = z
  .string()
  .regex(/^\d+\.\d+$/, 'a version is written "6.5"')
  .transform((v) => {
    const [major, minor] = v.split(".").map(Number);
    return { major, minor };
  });
/** `since`: the first release that the entry holds for; `until`: the first that it no longer holds for. */
const period = { since: version.optional(), until: version.optional() };
const provenance = { source: z.string().default(""), note: text.optional() };

const contextKind = z.enum([
  "spinlock",
  "rwlock",
  "raw-spinlock",
  "bit-spinlock",
  "seqlock",
  "preempt-off",
  "irq-off",
  "softirq-off",
  "rcu",
  "hardirq",
  "softirq",
  "nmi",
  "callback",
  "other",
]);
const entryContext = z.enum([
  "hardirq",
  "softirq",
  "nmi",
  "irq-off",
  "preempt-off",
  "rcu",
  "bh-off",
  "spinlock",
  "process",
]);
const confidence = z.enum(["high", "medium", "low"]);

const regex = text.refine((source) => {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}, "not a regular expression");

export const lockSchema = z.strictObject({
  name: identifier,
  op: z.enum(["acquire", "release", "try", "conditional", "conditional-release", "drop-retake", "none"]),
  kind: contextKind,
  adds: bits,
  lock: z
    .strictObject({ from: z.enum(["arg", "out", "return"]), index: index.default(0) })
    .nullable()
    .default(null),
  heldWhen: z.enum(["nonzero", "zero", "nonnull", "null"]).optional(),
  flagsArg: index.optional(),
  pair: identifier.optional(),
  sleeps: z.boolean().optional(),
  ...period,
  ...provenance,
});

export const guardSchema = z.strictObject({
  name: identifier,
  takesLock: z.boolean().default(true),
  adds: bits,
  kind: contextKind,
  conditional: z.boolean().default(false),
  sleeps: z.boolean().default(false),
  ...period,
  ...provenance,
});

export const conditionSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("always") }),
  z.strictObject({ kind: z.literal("gfp"), arg: index }),
  z.strictObject({
    kind: z.literal("arg"),
    arg: index,
    negate: z.boolean().optional(),
    above: z.number().int().min(0).optional(),
  }),
  z.strictObject({ kind: z.literal("flag-absent"), arg: index, flags: z.array(identifier).min(1) }),
  z.strictObject({ kind: z.literal("pagefault") }),
  z.strictObject({ kind: z.literal("unless-in-interrupt") }),
  z.strictObject({ kind: z.literal("last-reference") }),
  z.strictObject({
    kind: z.literal("object"),
    what: text,
    property: z
      .strictObject({
        structs: z.array(identifier).min(1),
        field: identifier,
        values: z.array(text).min(1),
        only: z.boolean().optional(),
      })
      .optional(),
  }),
  z.strictObject({ kind: z.literal("state"), what: text }),
  z.strictObject({ kind: z.literal("argc"), count: index }),
  z.strictObject({
    kind: z.literal("drops-lock"),
    lock: z.strictObject({
      arg: index.optional(),
      field: identifier.optional(),
      global: identifier.optional(),
      command: index.optional(),
      rcu: z.boolean().optional(),
    }),
    gfp: index.optional(),
  }),
]);

export const sleeperSchema = z.strictObject({
  name: identifier,
  group: text.default("own"),
  condition: conditionSchema.default({ kind: "always" }),
  boundary: z.boolean().default(true),
  allocation: z.boolean().default(false),
  ...period,
  ...provenance,
});

export const registrationSchema = z.strictObject({
  name: identifier,
  callbacks: z.array(
    z.strictObject({ arg: index, field: identifier.optional(), context: entryContext, what: text }),
  ),
  unless: z.strictObject({ arg: index, matches: regex }).optional(),
  confidence: confidence.default("medium"),
  ...period,
  ...provenance,
});

export const opsFieldSchema = z.strictObject({
  struct: identifier,
  /** Fields of that struct of which all of this is true. */
  fields: z.array(identifier).min(1),
  context: entryContext,
  what: text,
  lock: text.optional(),
  unless: z
    .strictObject({ struct: identifier.optional(), field: identifier, values: z.array(text).min(1) })
    .optional(),
  unlessCall: z
    .strictObject({ name: identifier, object: index, arg: index, matches: regex, context: entryContext })
    .optional(),
  confidence: confidence.default("medium"),
  ...period,
  ...provenance,
});

export const contextTestSchema = z.strictObject({
  name: identifier,
  trueMeansAny: bits,
  falseMeansNone: bits,
  negate: z.boolean().optional(),
  ...period,
  ...provenance,
});

export const gfpNameSchema = z.strictObject({
  name: identifier,
  /** null: a modifier that neither allows nor forbids. */
  blocks: z.boolean().nullable(),
  ...period,
  ...provenance,
});

export const gfpFunctionSchema = z.strictObject({
  name: identifier,
  result: z.enum(["blocking", "non-blocking", "by-context", "argument"]),
  arg: index.optional(),
  ...period,
  ...provenance,
});

export const lockTypeSchema = z.strictObject({
  name: identifier,
  atomic: z.boolean(),
  kind: z.union([contextKind, z.literal("mutex")]),
  ...provenance,
});

export const assertionSchema = z.strictObject({
  name: identifier,
  says: z.enum(["lock-held-by-type", "spinlock-held", "process", "irq-off", "preempt-off", "softirq", "rcu"]),
  arg: index.optional(),
  ...period,
  ...provenance,
});

/** Names that mean one thing and need no more: one list a topic, so that a reader sees why a name is there. */
export const nameListSchema = z.strictObject({
  topic: text,
  names: z.array(identifier),
  ...period,
  ...provenance,
});

/** A file of facts. Every table is optional. */
export const fragmentSchema = z.strictObject({
  about: z.string().optional(),
  locks: z.array(lockSchema).default([]),
  guards: z.array(guardSchema).default([]),
  sleepers: z.array(sleeperSchema).default([]),
  neverSleeps: z.array(nameListSchema).default([]),
  hardStops: z.array(nameListSchema).default([]),
  noReturn: z.array(nameListSchema).default([]),
  registrations: z.array(registrationSchema).default([]),
  opsFields: z.array(opsFieldSchema).default([]),
  contextTests: z.array(contextTestSchema).default([]),
  gfp: z.array(gfpNameSchema).default([]),
  gfpFunctions: z.array(gfpFunctionSchema).default([]),
  lockTypes: z.array(lockTypeSchema).default([]),
  assertions: z.array(assertionSchema).default([]),
});

export type Fragment = z.output<typeof fragmentSchema>;

/** What is wrong with a fragment, one sentence each, naming the entry: `locks[3] "my_lock": pair: not a C identifier`. */
export function describeIssues(value: unknown, error: z.ZodError): string[] {
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
