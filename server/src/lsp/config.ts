/**
 * The settings of the language server: one schema, read from the client's `lockctx` section. The VS Code manifest
 * declares the same keys; a test holds the two together.
 */
import { z } from "zod";

const contextNames = ["hardirq", "softirq", "nmi", "irq-off", "preempt-off", "rcu", "bh-off"] as const;

const identifier = z.string().regex(/^[A-Za-z_]\w*$/, "not a C identifier");

const contextRoot = z.union([
  z
    .object({
      struct: identifier.describe("Tag of the operations struct, such as my_ops."),
      field: identifier.describe("Its field that holds the callback."),
      context: z.enum(contextNames),
    })
    .strict(),
  z
    .object({
      registration: identifier.describe("Function or macro that registers the callback."),
      arg: z.number().int().min(0).max(15).describe("Index of the argument that is the callback, from 0."),
      context: z.enum(contextNames),
    })
    .strict(),
]);

export const configSchema = z.object({
  root: z
    .string()
    .default("")
    .describe(
      "Root of the kernel tree. Empty: found upwards from the workspace (Kconfig, Makefile, MAINTAINERS).",
    ),
  minConfidence: z
    .enum(["high", "medium", "low"])
    .default("medium")
    .describe("Findings less certain than this are not shown; their number is."),
  paths: z
    .array(z.string())
    .default([])
    .describe("Show findings only in files under these root-relative paths or globs. Empty: everywhere."),
  exclude: z
    .array(z.string())
    .default([])
    .describe("Show no findings in files under these root-relative paths or globs."),
  contextRoots: z
    .array(contextRoot)
    .default([])
    .describe("More callbacks that the kernel enters in atomic context, by ops field or by registration."),
  trace: z
    .object({
      server: z
        .enum(["off", "messages", "verbose"])
        .default("off")
        .describe("Log the protocol's messages; verbose also logs what each analysis took."),
    })
    .default({ server: "off" }),
});

export type ServerConfig = z.infer<typeof configSchema>;
export type ContextRoot = ServerConfig["contextRoots"][number];

export const defaultConfig = (): ServerConfig => configSchema.parse({});

/** Reads settings as a client sends them. A bad value falls back to its default and is named; the rest is kept. */
export function parseConfig(raw: unknown): { config: ServerConfig; problems: string[] } {
  if (raw === null || raw === undefined) return { config: defaultConfig(), problems: [] };
  if (typeof raw !== "object" || Array.isArray(raw)) {
    return { config: defaultConfig(), problems: ["settings must be an object"] };
  }
  const input = raw as Record<string, unknown>;
  const config: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, schema] of Object.entries(configSchema.shape)) {
    // A client that has no value for a key sends null.
    const value = input[key] ?? undefined;
    const result = schema.safeParse(value);
    if (result.success) {
      config[key] = result.data;
    } else {
      config[key] = schema.parse(undefined);
      const issue = result.error.issues[0]!;
      problems.push(`${[key, ...issue.path].join(".")}: ${issue.message}`);
    }
  }
  return { config: config as ServerConfig, problems };
}

/** Whether a root-relative file is under one of the paths: a path prefix, or a glob with `*`, `**` and `?`. */
export function matchesPath(file: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => patternToRegExp(pattern).test(file));
}

const compiled = new Map<string, RegExp>();

function patternToRegExp(pattern: string): RegExp {
  const known = compiled.get(pattern);
  if (known) return known;
  const trimmed = pattern.replace(/^\.?\/+/, "").replace(/\/+$/, "");
  const source = trimmed.replace(/\*\*\/?|\*|\?|[.+^${}()|[\]\\]/g, (token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    return `\\${token}`;
  });
  const regExp = new RegExp(trimmed === "" ? "" : `^${source}(?:/|$)`);
  if (compiled.size > 1000) compiled.clear();
  compiled.set(pattern, regExp);
  return regExp;
}
