/** The C parser behind one small interface: tree-sitter's native binding where it loads, its WebAssembly build elsewhere. */
import { createRequire } from "node:module";

/** A walk over a syntax tree. Indices are offsets into the parsed string. */
export interface CCursor {
  readonly nodeType: string;
  /** Number of the node's grammar symbol; the same for all trees of one parser. */
  readonly nodeTypeId: number;
  readonly nodeIsNamed: boolean;
  readonly nodeIsMissing: boolean;
  readonly startIndex: number;
  readonly endIndex: number;
  readonly currentFieldName: string | null | undefined;
  gotoFirstChild(): boolean;
  gotoNextSibling(): boolean;
  gotoParent(): boolean;
  delete?(): void;
}

export interface CTree {
  /** An ERROR or MISSING node is somewhere in the tree. */
  readonly hasError: boolean;
  walk(): CCursor;
  /** Gives the tree's memory back (a no-op for the native parser, whose trees are garbage collected). */
  delete(): void;
  /** The back end's own tree, for incremental parsing. */
  readonly raw: unknown;
}

/** An edit of the text, in string offsets and (row, column) positions, as tree-sitter wants it. */
export interface TreeEdit {
  startIndex: number;
  oldEndIndex: number;
  newEndIndex: number;
  startPosition: { row: number; column: number };
  oldEndPosition: { row: number; column: number };
  newEndPosition: { row: number; column: number };
}

/** What either binding offers of what is used here. */
interface RawTree {
  rootNode: { hasError: boolean };
  walk(): CCursor;
  edit(edit: TreeEdit): unknown;
  delete?(): void;
}
interface RawParser {
  setLanguage(language: unknown): unknown;
  parse(text: string, old?: unknown, options?: { bufferSize?: number }): RawTree | null;
}

class Tree implements CTree {
  constructor(
    readonly raw: RawTree,
    readonly hasError: boolean,
  ) {}
  walk(): CCursor {
    return this.raw.walk();
  }
  delete(): void {
    this.raw.delete?.();
  }
}

export type ParserKind = "native" | "wasm";

/** Bytes or paths of the WebAssembly modules; found next to the packages when not given. */
export interface WasmSource {
  /** tree-sitter-c.wasm */
  language?: Uint8Array | string;
  /** web-tree-sitter.wasm */
  runtime?: Uint8Array | string;
}

const require = createRequire(import.meta.url);

function nativeParser(): RawParser {
  const Parser = require("tree-sitter") as new () => RawParser;
  const parser = new Parser();
  parser.setLanguage(require("tree-sitter-c"));
  return parser;
}

async function wasmParser(source: WasmSource): Promise<RawParser> {
  const { Parser, Language } = await import("web-tree-sitter");
  const runtime = source.runtime ?? require.resolve("web-tree-sitter/web-tree-sitter.wasm");
  await Parser.init(
    typeof runtime === "string" ? { locateFile: () => runtime } : { wasmBinary: runtime as never },
  );
  const language = await Language.load(
    source.language ?? require.resolve("tree-sitter-c/tree-sitter-c.wasm"),
  );
  const parser = new Parser();
  parser.setLanguage(language);
  return parser as unknown as RawParser;
}

/** Parses C. One parser serves one thread; trees of the wasm back end must be deleted. */
export class CParser {
  readonly kind: ParserKind;
  private readonly raw: RawParser;

  /** Without arguments: the native binding, loaded at once; throws when it is not there (see `createParser`). */
  constructor(raw: RawParser = nativeParser(), kind: ParserKind = "native") {
    this.raw = raw;
    this.kind = kind;
  }

  /** Parses text; `old` is a tree of an earlier version to which `edit` was applied. */
  parse(text: string, old?: CTree): CTree {
    // The native binding reads a string through a buffer that must hold all of it (UTF-16) and starts at 32 KB.
    const options =
      this.kind === "native" ? { bufferSize: Math.max(32 << 10, text.length * 2 + 16) } : undefined;
    const tree = this.raw.parse(text, old?.raw ?? null, options);
    if (tree === null) throw new Error("the parser gave up");
    return new Tree(tree, tree.rootNode.hasError);
  }

  /** Tells a tree about an edit before it is given to `parse` as the old one. */
  edit(tree: CTree, edit: TreeEdit): void {
    (tree.raw as RawTree).edit(edit);
  }
}

/** Loads a parser: the native one, the WebAssembly one, or whichever works (native first). */
export async function createParser(
  kind: ParserKind | "auto" = "auto",
  wasm: WasmSource = {},
): Promise<CParser> {
  if (kind !== "wasm") {
    try {
      return new CParser();
    } catch (error) {
      if (kind === "native") throw error;
    }
  }
  return new CParser(await wasmParser(wasm), "wasm");
}
