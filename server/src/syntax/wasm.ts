/**
 * tree-sitter's WebAssembly build, and a cursor over its trees that calls the module's own functions.
 *
 * The library's cursor copies its state into the module's memory before every step and out of it after. The state stays
 * where it is as long as nothing else is asked of the module, so a walk from one end to the other needs none of that.
 * Parsing and walking take a fifth less time than with the native binding, whose every call costs more than the step
 * itself; a large check as a whole some 5 % (docs/measurements.md).
 */
import { createRequire } from "node:module";
import type { CCursor } from "./parser.js";

/** Paths or bytes of the WebAssembly modules; found next to the packages when not given. */
export interface WasmSource {
  /** tree-sitter-c.wasm */
  language?: Uint8Array | string;
  /** web-tree-sitter.wasm */
  runtime?: Uint8Array | string;
}

type OfTree = (tree: number) => number;
/** What is called of the module; it is what the library's own cursor calls. */
const NAMES = [
  "_ts_tree_root_node_wasm",
  "_ts_node_has_error_wasm",
  "_ts_tree_cursor_new_wasm",
  "_ts_tree_cursor_delete_wasm",
  "_ts_tree_cursor_goto_first_child_wasm",
  "_ts_tree_cursor_goto_next_sibling_wasm",
  "_ts_tree_cursor_goto_parent_wasm",
  "_ts_tree_cursor_current_node_type_id_wasm",
  "_ts_tree_cursor_current_node_is_named_wasm",
  "_ts_tree_cursor_current_node_is_missing_wasm",
  "_ts_tree_cursor_current_field_id_wasm",
  "_ts_tree_cursor_start_index_wasm",
  "_ts_tree_cursor_end_index_wasm",
] as const;
export type WasmModule = Record<(typeof NAMES)[number], OfTree>;

interface WasmLanguage {
  types: string[];
  fields: (string | null)[];
}

/** What of a library's tree is used here: where it lies in the module's memory. */
interface Placed {
  0: number;
}

const require = createRequire(import.meta.url);

/** The module, once the library has made it; it is made once in a process. */
let made: object | null = null;

/** A parser of the library, and the module behind it: null when it is not as this file knows it. */
export async function loadWasm(
  source: WasmSource,
): Promise<{ parser: unknown; module: WasmModule | null; language: WasmLanguage }> {
  const { Parser, Language } = await import("web-tree-sitter");
  const runtime = source.runtime ?? require.resolve("web-tree-sitter/web-tree-sitter.wasm");
  // The loader makes the module out of the object with its options.
  const options: object =
    typeof runtime === "string" ? { locateFile: () => runtime } : { wasmBinary: runtime };
  await Parser.init(options as never);
  made ??= options;
  const language = await Language.load(
    source.language ?? require.resolve("tree-sitter-c/tree-sitter-c.wasm"),
  );
  const parser = new Parser();
  parser.setLanguage(language);
  const known = NAMES.every((name) => typeof (made as Partial<WasmModule>)[name] === "function");
  return { parser, module: known ? (made as WasmModule) : null, language };
}

/** Whether an ERROR or MISSING node is in the tree. */
export function hasError(module: WasmModule, tree: unknown): boolean {
  const at = (tree as Placed)[0];
  module._ts_tree_root_node_wasm(at);
  return module._ts_node_has_error_wasm(at) === 1;
}

/** From the root of a tree; good until anything else is asked of the module. */
export class WasmCursor implements CCursor {
  private readonly tree: number;

  constructor(
    private readonly module: WasmModule,
    private readonly language: WasmLanguage,
    tree: unknown,
  ) {
    this.tree = (tree as Placed)[0];
    // Leaves the root node, then the cursor, where the other functions look for it.
    module._ts_tree_root_node_wasm(this.tree);
    module._ts_tree_cursor_new_wasm(this.tree);
  }
  get nodeType(): string {
    return this.language.types[this.nodeTypeId] ?? "ERROR";
  }
  get nodeTypeId(): number {
    return this.module._ts_tree_cursor_current_node_type_id_wasm(this.tree);
  }
  get nodeIsNamed(): boolean {
    return this.module._ts_tree_cursor_current_node_is_named_wasm(this.tree) === 1;
  }
  get nodeIsMissing(): boolean {
    return this.module._ts_tree_cursor_current_node_is_missing_wasm(this.tree) === 1;
  }
  get startIndex(): number {
    return this.module._ts_tree_cursor_start_index_wasm(this.tree);
  }
  get endIndex(): number {
    return this.module._ts_tree_cursor_end_index_wasm(this.tree);
  }
  get currentFieldName(): string | null {
    return this.language.fields[this.module._ts_tree_cursor_current_field_id_wasm(this.tree)] ?? null;
  }
  gotoFirstChild(): boolean {
    return this.module._ts_tree_cursor_goto_first_child_wasm(this.tree) === 1;
  }
  gotoNextSibling(): boolean {
    return this.module._ts_tree_cursor_goto_next_sibling_wasm(this.tree) === 1;
  }
  gotoParent(): boolean {
    return this.module._ts_tree_cursor_goto_parent_wasm(this.tree) === 1;
  }
  delete(): void {
    this.module._ts_tree_cursor_delete_wasm(this.tree);
  }
}
