/** The C parser behind one small interface: tree-sitter's WebAssembly build, or its native binding. */
import { createRequire } from "node:module";
import { hasError, loadWasm, WasmCursor, type WasmSource } from "./wasm.js";

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
  /** A walk from the root; several may go on at a time. */
  walk(): CCursor;
  /** The cheapest walk that there is: nothing else may be asked of any parser until its `delete`. */
  sweep(): CCursor;
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
    private readonly open: ((raw: RawTree) => CCursor) | null,
  ) {}
  walk(): CCursor {
    return this.raw.walk();
  }
  sweep(): CCursor {
    return this.open ? this.open(this.raw) : this.raw.walk();
  }
  delete(): void {
    this.raw.delete?.();
  }
}

export type ParserKind = "native" | "wasm";

/** What the WebAssembly back end can do at less cost. */
interface Shortcuts {
  hasError(tree: RawTree): boolean;
  open(tree: RawTree): CCursor;
}

const require = createRequire(import.meta.url);

function nativeParser(): RawParser {
  const Parser = require("tree-sitter") as new () => RawParser;
  const parser = new Parser();
  parser.setLanguage(require("tree-sitter-c"));
  return parser;
}

async function wasmParser(source: WasmSource): Promise<CParser> {
  const { parser, module, language } = await loadWasm(source);
  const shortcuts: Shortcuts | null = module && {
    hasError: (tree) => hasError(module, tree),
    open: (tree) => new WasmCursor(module, language, tree),
  };
  return new CParser(parser as RawParser, "wasm", shortcuts);
}

/** Parses C. One parser serves one thread; trees of the wasm back end must be deleted. */
export class CParser {
  readonly kind: ParserKind;
  private readonly raw: RawParser;
  private readonly shortcuts: Shortcuts | null;

  /** Without arguments: the native binding, loaded at once; throws when it is not there (see `createParser`). */
  constructor(
    raw: RawParser = nativeParser(),
    kind: ParserKind = "native",
    shortcuts: Shortcuts | null = null,
  ) {
    this.raw = raw;
    this.kind = kind;
    this.shortcuts = shortcuts;
  }

  /** Parses text; `old` is a tree of an earlier version to which `edit` was applied. */
  parse(text: string, old?: CTree): CTree {
    // The native binding reads a string through a buffer that must hold all of it, in 16-bit units.
    const options = this.kind === "native" ? { bufferSize: text.length + 16 } : undefined;
    const tree = this.raw.parse(text, old?.raw ?? null, options);
    if (tree === null) throw new Error("the parser gave up");
    const { shortcuts } = this;
    return new Tree(
      tree,
      shortcuts ? shortcuts.hasError(tree) : tree.rootNode.hasError,
      shortcuts?.open ?? null,
    );
  }

  /** Tells a tree about an edit before it is given to `parse` as the old one. */
  edit(tree: CTree, edit: TreeEdit): void {
    (tree.raw as RawTree).edit(edit);
  }
}

/**
 * Loads a parser: the WebAssembly one, the native one, or whichever works. WebAssembly comes first: walking its trees
 * costs less, and it gives their memory back at once.
 */
export async function createParser(
  kind: ParserKind | "auto" = "auto",
  wasm: WasmSource = {},
): Promise<CParser> {
  if (kind === "native") return new CParser();
  try {
    return await wasmParser(wasm);
  } catch (error) {
    if (kind === "wasm") throw error;
    return new CParser();
  }
}
