/** The parser of this thread, loaded when it is first wanted: that takes longer than a thousand outlines. */
import type { CParser } from "../syntax/parser.js";

let loading: Promise<CParser> | null = null;

/** WebAssembly, or the native parser where that does not load; the variable LOCKCTX_PARSER forces one. */
export function loadParser(): Promise<CParser> {
  loading ??= import("../syntax/parser.js").then(({ createParser }) => {
    const forced = process.env.LOCKCTX_PARSER;
    return createParser(forced === "native" || forced === "wasm" ? forced : "auto");
  });
  return loading;
}
