/** What providers look at, over an engine: texts and symbols as they are now, and syntax trees made when asked for. */
import type { CodeView, Definition } from "../code.js";
import type { Engine, FunctionLocks } from "../engine.js";
import type { Finding } from "../findings/types.js";
import { type CParser, createParser } from "../syntax/parser.js";
import { type FunctionSyntax, parseFunction } from "./syntax.js";
import type { FixSource } from "./types.js";

let parser: Promise<CParser> | null = null;

export interface SourceOptions {
  engine: Engine;
  read(file: string): string | null;
  quick?: boolean;
  signal?: AbortSignal;
  /** Findings as they stand; of the finding's file at least. */
  findings: readonly Finding[];
}

/** A source for the fixes of one or more findings; good until the next edit. */
export async function createFixSource(options: SourceOptions): Promise<FixSource> {
  parser ??= createParser();
  return new Source(options, await parser);
}

class Source implements FixSource {
  readonly engine: Engine;
  readonly code: CodeView;
  readonly findings: readonly Finding[];
  private readonly texts = new Map<string, string | null>();
  private readonly locks = new Map<string, Promise<FunctionLocks | null>>();
  private readonly trees = new Map<string, FunctionSyntax | null>();

  constructor(
    private readonly options: SourceOptions,
    private readonly parser: CParser,
  ) {
    this.engine = options.engine;
    this.code = options.engine.code;
    this.findings = options.findings;
  }

  get quick(): boolean {
    return this.options.quick ?? false;
  }

  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  get version(): { major: number; minor: number } | null {
    return this.code.version;
  }

  read(file: string): string | null {
    let text = this.texts.get(file);
    if (text === undefined) {
      text = this.options.read(file);
      this.texts.set(file, text);
    }
    return text;
  }

  functionAt(file: string, offset: number): Definition | null {
    return this.code.functionAt(file, offset);
  }

  syntaxOf(fn: Definition): FunctionSyntax | null {
    const key = `${fn.file}:${fn.start}`;
    let tree = this.trees.get(key);
    if (tree === undefined) {
      const text = this.read(fn.file);
      tree = text === null ? null : parseFunction(text, fn, this.code.macroClasses, this.parser);
      this.trees.set(key, tree);
    }
    return tree;
  }

  locksOf(fn: Definition): Promise<FunctionLocks | null> {
    const key = `${fn.file}:${fn.start}`;
    let locks = this.locks.get(key);
    if (!locks) {
      locks = this.engine.locksOf(fn.file, fn.nameStart, this.signal);
      this.locks.set(key, locks);
    }
    return locks;
  }

  has(name: string): boolean {
    const { tables } = this.code;
    return (
      this.code.has(name) ||
      tables.neverSleeps.has(name) ||
      tables.sleepers.has(name) ||
      tables.locks.has(name)
    );
  }
}
