/**
 * The findings file (`--format json`): one zod schema from which the TypeScript types, the validation in tests and the
 * JSON Schema in `server/schema/` all come. Lines and columns count from 1, columns in UTF-16 units; ends are exclusive.
 */
import * as z from "zod";
import { CONTEXT_KINDS, REASONS } from "./words.js";

const position = z.number().int().min(1);
const count = z.number().int().min(0);

export const confidenceSchema = z.enum(["high", "medium", "low"]);

export const ruleSchema = z.enum([
  "sleep-in-atomic",
  "sleep-in-atomic-callback",
  "gfp-in-atomic",
  "stale-cursor",
]);

export const reasonSchema = z.enum(REASONS).describe("Why a finding is less than certain");

export const contextKindSchema = z.enum(CONTEXT_KINDS);

export const chainStepSchema = z
  .object({
    function: z.string(),
    file: z.string(),
    line: position,
    via: z
      .enum(["macro", "pointer", "callback"])
      .optional()
      .describe("How the next function is reached; a plain call when absent"),
    does: z.string().optional().describe("What happens in the line, where it is not a call of the next step"),
  })
  .describe("A function and the line in it of its call to the next; of the sleeping call in the last step");

export const sleepSchema = z.object({
  call: z.string().describe("Bare name of the callee that may sleep"),
  reason: z.string(),
  file: z.string(),
  line: position,
});

export const pathSchema = z.object({
  confidence: confidenceSchema,
  reasons: z.array(reasonSchema),
  condition: z.string().optional().describe("When it sleeps; always when absent"),
  chain: z.array(chainStepSchema).min(1),
  sleep: sleepSchema,
});

export const contextSchema = z.object({
  kind: contextKindSchema,
  lock: z.string().optional().describe("The lock expression as in the source"),
  lockClass: z.string().optional().describe("Such as fs/super.c:sb_lock or struct foo.lock"),
  how: z.string().describe("What entered the context: spin_lock, request_irq, lockdep_assert_held …"),
  file: z.string(),
  line: position,
  through: z
    .array(chainStepSchema)
    .optional()
    .describe("From the finding's function to the acquire in a callee"),
});

export const fixSchema = z.object({
  title: z.string(),
  kind: z.string(),
  applicability: z.enum(["safe", "needs-review", "sketch"]),
  preconditions: z.array(z.string()),
  warnings: z.array(z.string()),
  edits: z.array(
    z.object({
      file: z.string(),
      line: position,
      column: position,
      endLine: position,
      endColumn: position,
      newText: z.string(),
    }),
  ),
});

export const findingSchema = z.object({
  rule: ruleSchema,
  confidence: confidenceSchema,
  reasons: z.array(reasonSchema),
  file: z.string().describe("Relative to the root, with forward slashes"),
  line: position,
  column: position,
  endLine: position,
  endColumn: position,
  function: z.string().describe("The function that made the context atomic, or the callback"),
  message: z.string(),
  context: contextSchema,
  paths: z.array(pathSchema).min(1).max(16).describe("One for each sleeping site, shortest first"),
  morePaths: count.describe("Paths left out"),
  fixes: z.array(fixSchema),
  fingerprint: z.string().describe("Survives edits that do not touch what the finding is about"),
  cluster: z.string().describe("Shared by findings with the same callee and sleeping sites"),
  suppressed: z.object({ reason: z.string() }).nullable(),
});

export const statsSchema = z.object({
  files: count,
  skippedFiles: z.array(z.object({ path: z.string(), reason: z.string() })),
  bytes: count,
  functions: count,
  macros: count,
  calls: count,
  resolvedCalls: count,
  unresolvedCalls: count,
  analysedFunctions: count,
  unparsedFunctions: count,
  undecidedConditions: count,
  cappedStates: count,
  findings: count.describe("In this file, suppressed ones left out"),
  hiddenFindings: count.describe("Below the wanted confidence"),
  suppressedFindings: count,
  testFindings: count.describe("In test code that was not named on the command line"),
  phases: z
    .array(z.object({ name: z.string(), wallMs: z.number(), cpuMs: z.number(), rssMb: z.number() }))
    .optional()
    .describe("Only with --stats: the rest of the file is the same on every run"),
});

export const findingsFileSchema = z
  .object({
    version: z.literal(1),
    root: z.string().describe("Absolute path that all other paths are relative to"),
    stats: statsSchema,
    findings: z.array(findingSchema),
  })
  .describe("What lockctx check --format json writes");

export type FindingsFile = z.infer<typeof findingsFileSchema>;
export type FileFinding = z.infer<typeof findingSchema>;
export type FilePath = z.infer<typeof pathSchema>;
export type FileStats = z.infer<typeof statsSchema>;
export type FileChainStep = z.infer<typeof chainStepSchema>;

/** The JSON Schema of the findings file, as in server/schema/findings.schema.json. */
export const findingsJsonSchema = (): Record<string, unknown> => ({
  title: "lockctx findings",
  ...z.toJSONSchema(findingsFileSchema, { target: "draft-2020-12" }),
});
