/** What the commands that ask about one function share: options, opening the tree, and finding what is meant. */

import { existsSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { type Command, Option } from "commander";
import type { InspectingEngine } from "../engine.js";
import type { FunctionRef, Subject } from "../findings/explain.js";
import type { Workbench } from "../fixes/proof.js";
import { findKernelRoot } from "../host/root.js";
import { isCFile } from "../host/walk.js";
import { TreePositions } from "../report/positions.js";
import { addCacheOptions } from "./cacheOptions.js";
import { UsageError } from "./errors.js";
import { addJobs } from "./jobs.js";
import type { CommandContext } from "./main.js";
import type { ProgressLine } from "./progress.js";
import type { Targets } from "./targets.js";
import { type TreeFlags, withProgram } from "./withTree.js";

export interface QuestionFlags extends TreeFlags {
  color: boolean;
}

/** What was typed: a function's name, a file, or a file with a function or a line of it. */
export interface Query {
  typed: string;
  file?: string;
  name?: string;
  line?: number;
}

const NAME = /^[A-Za-z_]\w*$/;
/** Candidates listed when a name means several functions. */
const MOST_LISTED = 20;

export function parseQuery(typed: string): Query {
  const place = /^(.+):([^:/\\]+)$/.exec(typed);
  if (place) {
    const [, file, rest] = place;
    if (!isCFile(file)) throw new UsageError(`${typed}: ${file} is not a C file (lockctx reads .c and .h)`);
    if (/^\d+$/.test(rest)) {
      if (Number(rest) < 1) throw new UsageError(`${typed}: lines count from 1`);
      return { typed, file, line: Number(rest) };
    }
    if (NAME.test(rest)) return { typed, file, name: rest };
    throw new UsageError(`${typed}: after the file a line or a function's name is needed, not "${rest}"`);
  }
  if (NAME.test(typed)) return { typed, name: typed };
  if (isCFile(typed)) return { typed, file: typed };
  throw new UsageError(`${typed}: a function's name, FILE:LINE or FILE:FUNCTION is needed`);
}

/** `--root`, `--scope`, `--jobs` and the cache as `lockctx check` has them. */
export function questionOptions(command: Command): Command {
  command
    .option(
      "--root <DIR>",
      "the kernel tree (default: found upwards from here by Kconfig, Makefile, MAINTAINERS)",
    )
    .addOption(
      new Option(
        "--scope <SCOPE>",
        "look at the whole tree, or at the named files alone (default: tree, if there is one)",
      ).choices(["files", "tree"]),
    )
    .option("--no-color", "plain text, also on a terminal");
  return addCacheOptions(addJobs(command));
}

export interface Question {
  engine: InspectingEngine;
  /** The engine with the texts that it reads, for asking what an edit would change. */
  bench: Workbench;
  positions: TreePositions;
  targets: Targets;
  line: ProgressLine;
  signal: AbortSignal;
  /** What the query means: a function or a place in one; an error says what to choose from. */
  subject(): Subject;
  /** The file of a query that names nothing but a file. */
  file(): string | null;
}

/** Opens the tree that the query is about, loads it, and hands it to `answer`. */
export async function ask<T>(
  query: Query,
  paths: readonly string[],
  flags: QuestionFlags,
  context: CommandContext,
  answer: (question: Question) => Promise<T>,
): Promise<T> {
  const { cwd, signal } = context;
  const named = query.file === undefined ? [...paths] : [locate(query.file, flags, cwd), ...paths];
  // Without a kernel tree, what stands below here is looked at.
  const isLoose = flags.root === undefined && findKernelRoot(resolve(cwd, named[0] ?? ".")) === null;
  if (isLoose && flags.scope === undefined && named.length > 0 && isBelow(named[0], cwd)) named.push(".");
  return withProgram(named, flags, context, ({ tree, bench, targets, line }) => {
    const positions = new TreePositions(bench.read);
    const inTree = query.file === undefined ? undefined : rootRelative(named[0], targets.root, cwd);
    line.update({ phase: "analysing", done: 0, total: 0 });
    return answer({
      engine: tree.engine,
      bench,
      positions,
      targets,
      line,
      signal,
      subject: () => subjectOf(tree.engine, positions, query, inTree),
      file: () => (query.name === undefined && query.line === undefined ? (inTree ?? null) : null),
    });
  });
}

/** A file as typed is meant from here, or else from the root that was named. */
function locate(file: string, { root }: QuestionFlags, cwd: string): string {
  if (root === undefined || existsSync(resolve(cwd, file))) return file;
  const under = resolve(cwd, root, file);
  return existsSync(under) ? under : file;
}

const isBelow = (path: string, cwd: string): boolean => !relative(cwd, resolve(cwd, path)).startsWith("..");

function rootRelative(path: string, root: string, cwd: string): string {
  return relative(root, resolve(cwd, path)).split(sep).join("/");
}

function subjectOf(
  engine: InspectingEngine,
  positions: TreePositions,
  query: Query,
  file: string | undefined,
): Subject {
  if (query.line !== undefined && file !== undefined) return atLine(engine, positions, query, file);
  if (query.name === undefined)
    throw new UsageError(`${query.typed}: name a function or a line of it (${query.typed}:FUNCTION)`);
  const found = engine.find(query.name, file);
  if (found.length === 1) return { function: found[0] };
  if (found.length > 1) throw new UsageError(severalText(found, positions, query, file));
  throw new UsageError(noneText(engine, positions, query, file));
}

function atLine(engine: InspectingEngine, positions: TreePositions, query: Query, file: string): Subject {
  const range = positions.of(file).lineRange(query.line!);
  if (!range) throw new UsageError(`${query.typed}: the file has fewer lines`);
  // A function may begin in the middle of its first line, or end at the start of its last.
  for (const offset of [range.start, range.end - 1]) {
    const ref = engine.functionRefAt(file, Math.max(range.start, offset));
    if (!ref) continue;
    const signature = ref.site.offset >= range.start && ref.site.offset < range.end;
    return signature ? { function: ref } : { function: ref, range };
  }
  throw new UsageError(`${query.typed}: not inside a function`);
}

const placeOf = (ref: FunctionRef, positions: TreePositions): string =>
  `${ref.file}:${positions.of(ref.file).line(ref.site.offset)}`;

function severalText(
  found: readonly FunctionRef[],
  positions: TreePositions,
  query: Query,
  file: string | undefined,
): string {
  const lines = found.slice(0, MOST_LISTED).map((ref) => {
    const what = ref.kind === "macro" ? "  (macro)" : "";
    return `  ${placeOf(ref, positions)}${what}`;
  });
  if (found.length > MOST_LISTED) lines.push(`  and ${found.length - MOST_LISTED} more`);
  const choose =
    file === undefined && new Set(found.map((f) => f.file)).size > 1
      ? `say which one with its file, such as ${found[0].file}:${query.name}`
      : `say which one with its line, such as ${placeOf(found[0], positions)}`;
  return `${query.name}: there are ${found.length} of this name; ${choose}\n${lines.join("\n")}`;
}

function noneText(
  engine: InspectingEngine,
  positions: TreePositions,
  query: Query,
  file: string | undefined,
): string {
  const elsewhere = file === undefined ? [] : engine.find(query.name!);
  if (elsewhere.length > 0)
    return `${query.typed}: not defined in this file, but in ${placeOf(elsewhere[0], positions)}`;
  const similar = engine.similar(query.name!);
  const hint =
    similar.length > 0
      ? `; similar names: ${similar.join(", ")}`
      : "; is it defined in the files that were read? (--root, --scope)";
  return `${query.name}: no function or macro of this name has a definition here${hint}`;
}

export function showsColors(flags: { color: boolean }): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (!flags.color || NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0";
  return process.stdout.isTTY === true && TERM !== "dumb";
}
