/** The manifest and what it speaks about: settings and commands must be those that the server knows. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { configSchema, defaultConfig } from "../../server/src/lsp/config.js";
import { COMMANDS } from "../../server/src/lsp/handlers/executeCommand.js";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const properties: Record<string, Property> = manifest.contributes.configuration.properties;

interface Property {
  type: string;
  default: unknown;
  enum?: string[];
  description?: string;
  markdownDescription?: string;
  scope?: string;
}

/** Settings of the client alone: which server to start. */
const CLIENT_ONLY = ["lockctx.server.path"];

interface Leaf {
  default: unknown;
  enum: string[] | undefined;
  description: string | undefined;
}

/** Leaves of the server's schema by their dotted key. */
function leaves(schema: z.ZodObject, prefix: string): Map<string, Leaf> {
  const found = new Map<string, Leaf>();
  for (const [key, field] of Object.entries(schema.shape)) {
    const { innerType, defaultValue } = (field as z.ZodDefault).def;
    const inner = innerType as z.ZodType & { options?: string[]; shape?: unknown };
    if (inner.shape) {
      for (const [k, v] of leaves(inner as unknown as z.ZodObject, `${prefix}.${key}`)) found.set(k, v);
    } else {
      const description = (field as z.ZodType).description ?? inner.description;
      found.set(`${prefix}.${key}`, { default: defaultValue, enum: inner.options, description });
    }
  }
  return found;
}

describe("the settings", () => {
  const server = leaves(configSchema, "lockctx");

  it("of the manifest are those of the server, and the client's own", () => {
    expect(Object.keys(properties).sort()).toEqual([...server.keys(), ...CLIENT_ONLY].sort());
  });

  it.each([...server])("%s has the same default, choices and description", (key, leaf) => {
    const property = properties[key]!;
    expect(property.default).toEqual(leaf.default);
    expect(property.enum).toEqual(leaf.enum);
    expect(property.description ?? property.markdownDescription).toBe(leaf.description);
  });

  it("that name a program cannot come from a workspace", () => {
    for (const key of CLIENT_ONLY) expect(properties[key]!.scope).toBe("machine");
  });

  it("have defaults that the server accepts", () => {
    expect(configSchema.safeParse(defaultConfig()).success).toBe(true);
  });
});

describe("the commands", () => {
  const declared: string[] = manifest.contributes.commands.map(({ command }: { command: string }) => command);

  it("include all of the server's, so that they are in the palette", () => {
    expect(declared).toEqual(expect.arrayContaining([...COMMANDS]));
  });

  it("are each registered by the server or by the extension", () => {
    const source = readFileSync(new URL("../src/commands.ts", import.meta.url), "utf8");
    const own = [...source.matchAll(/register\("([\w.]+)"/g)].map((match) => match[1]);
    expect(declared.sort()).toEqual([...COMMANDS, ...own].sort());
  });
});

describe("the problem matchers", () => {
  it("read the findings of the text report, each with its level", () => {
    const matchers: { name: string; severity: string; pattern: { regexp: string } }[] =
      manifest.contributes.problemMatchers;
    const line = (level: string): string =>
      `fs/super.c:286:2: ${level}: __put_super() may sleep [sleep-in-atomic]`;
    for (const [level, severity] of [
      ["high", "error"],
      ["medium", "warning"],
      ["low", "info"],
    ]) {
      const reading = matchers.filter(({ pattern }) => new RegExp(pattern.regexp).test(line(level!)));
      expect(reading.map((matcher) => matcher.severity)).toEqual([severity]);
      const groups = new RegExp(reading[0]!.pattern.regexp).exec(line(level!));
      expect(groups!.slice(1)).toEqual([
        "fs/super.c",
        "286",
        "2",
        "__put_super() may sleep",
        "sleep-in-atomic",
      ]);
    }
  });
});
