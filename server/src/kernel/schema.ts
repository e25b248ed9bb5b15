/**
 * The written form of kernel facts: what `data/*.json` and a user's own additions may say, checked with zod.
 *
 * Every file is a *fragment*: an object with one list a table. Bits, versions and defaults are written for people
 * ("preempt", "6.5", no `condition` means always) and turned into the typed form of types.ts on the way in.
 */
import { z } from "zod";
import { BITS, type BitName, bitsOf, DEFAULTS, versionOf } from "./written.js";

const identifier = z.string().regex(/^[A-Za-z_]\w*$/, "not a C identifier");
const index = z.number().int().min(0).max(15);
const text = z.string().min(1);
const bits = z.array(z.enum(Object.keys(BITS) as [BitName, ...BitName[]])).transform(bitsOf);
const version = z
  .string()
  .regex(/^\d+\.\d+$/, 'a version is written "6.5"')
  .transform(versionOf);
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
    .default(DEFAULTS.locks.lock),
  heldWhen: z.enum(["nonzero", "zero", "nonnull", "null"]).optional(),
  flagsArg: index.optional(),
  pair: identifier.optional(),
  sleeps: z.boolean().optional(),
  ...period,
  ...provenance,
});

export const guardSchema = z.strictObject({
  name: identifier,
  takesLock: z.boolean().default(DEFAULTS.guards.takesLock),
  adds: bits,
  kind: contextKind,
  conditional: z.boolean().default(DEFAULTS.guards.conditional),
  sleeps: z.boolean().default(DEFAULTS.guards.sleeps),
  ...period,
  ...provenance,
});

/** A property of an object that decides about sleeping; conditions refer to it by name. */
export const propertySchema = z.strictObject({
  name: identifier,
  structs: z.array(identifier).min(1),
  field: identifier,
  values: z.array(text).min(1),
  only: z.boolean().optional(),
  calls: z.array(identifier).optional(),
  contraryCalls: z.array(identifier).optional(),
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
    /** The name of an entry of `properties`. */
    property: identifier.optional(),
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
      preempt: z.boolean().optional(),
    }),
    gfp: index.optional(),
  }),
]);

export const sleeperSchema = z.strictObject({
  name: identifier,
  group: text.default(DEFAULTS.sleepers.group),
  condition: conditionSchema.default(DEFAULTS.sleepers.condition),
  boundary: z.boolean().default(DEFAULTS.sleepers.boundary),
  allocation: z.boolean().default(DEFAULTS.sleepers.allocation),
  ...period,
  ...provenance,
});

export const registrationSchema = z.strictObject({
  name: identifier,
  callbacks: z.array(
    z.strictObject({ arg: index, field: identifier.optional(), context: entryContext, what: text }),
  ),
  unless: z.strictObject({ arg: index, matches: regex }).optional(),
  confidence: confidence.default(DEFAULTS.registrations.confidence),
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
  confidence: confidence.default(DEFAULTS.opsFields.confidence),
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

export const gfpTestSchema = z.strictObject({ name: identifier, arg: index, ...period, ...provenance });

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
  properties: z.array(propertySchema).default([]),
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
  gfpTests: z.array(gfpTestSchema).default([]),
  lockTypes: z.array(lockTypeSchema).default([]),
  assertions: z.array(assertionSchema).default([]),
});

export type Fragment = z.output<typeof fragmentSchema>;
