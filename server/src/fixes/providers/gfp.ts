/**
 * GFP_KERNEL → GFP_ATOMIC for an allocation that runs in atomic context. Only where its failure is handled, the size is small
 * and it is not repeated in a loop: an atomic allocation fails in earnest. Never the preferred fix, for often the right one is
 * to allocate before the lock. Never NOFS or NOIO: these still sleep.
 */
import type { Finding, FindingPath, Site } from "../../findings/types.js";
import { constantOf } from "../constants.js";
import { callAt, type LeafCall, type LeafRepair, leafFix, listed, type NoRepair } from "../leaf.js";
import { maskCode } from "../mask.js";
import { K } from "../syntax.js";
import type { Fix, FixSource } from "../types.js";

export const BLOCKING = /\bGFP_(?:KERNEL(?:_ACCOUNT)?|USER|NOFS|NOIO|HIGHUSER(?:_MOVABLE)?)\b/;

const REPLACEMENT: Record<string, string> = { GFP_KERNEL_ACCOUNT: "GFP_ATOMIC | __GFP_ACCOUNT" };
/** Names whose atomic form cannot keep the promise: they map pages, or wait for memory. */
const NEVER = /^(?:kv[mzc]|v[mz]alloc|__vmalloc|devm_k(?:v)|mempool_alloc|vmemdup|kvmemdup)/;
/** Bytes above which an allocation is not small. */
const LARGE = 16384;
/** Allocators by the argument that is a size in bytes. */
const SIZED = /^(?:devm_)?(?:k[mz]alloc|kmalloc_node|kzalloc_node|dma_alloc_coherent|alloc_skb)$/;

export function gfpFixes(finding: Finding, source: FixSource): Fix[] {
  return leafFix(
    "gfp",
    "gfp-atomic",
    finding,
    source,
    gfpRepair,
    (whats) => `Use ${listed(whats)} (may fail under pressure)`,
  ).filter((fix) => fix.edits.length > 0);
}

/** The literal stands where it was first written: in the finding's own call, or in a call further down. */
export function gfpRepair(
  path: FindingPath,
  finding: Finding,
  source: FixSource,
): LeafRepair | NoRepair | null {
  const seen = new Set<string>();
  for (const site of [...path.chain, path.sleep]) {
    const key = `${site.file}:${site.offset}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const repair = repairAt(site, finding, source);
    if (repair) return repair;
  }
  return null;
}

/** Place of a blocking gfp flag among a call's own arguments. */
export function literalFlag(leaf: LeafCall): { flag: string; offset: number; index: number } | null {
  for (const [index, argument] of leaf.call.argList.entries()) {
    // A flag of a call inside the arguments belongs to that call.
    if (leaf.syntax.calls(undefined, argument).length > 0) continue;
    const found = BLOCKING.exec(maskCode(leaf.syntax.text(argument)));
    if (found) return { flag: found[0], offset: argument.start + found.index, index };
  }
  return null;
}

function repairAt(site: Site, finding: Finding, source: FixSource): LeafRepair | NoRepair | null {
  const leaf = callAt(site.file, site.offset, source);
  const literal = leaf && literalFlag(leaf);
  if (!leaf || !literal) return null;
  const { fn, call, syntax } = leaf;
  if (NEVER.test(call.name)) return { why: `${call.name}() cannot allocate in atomic context` };
  const check = failureCheck(leaf, source);
  if (!check) return { why: `nothing looks at whether ${call.name}() failed` };
  if (isRepeated(leaf))
    return { why: `${call.name}() stands in a loop: each round would draw on the reserve` };
  if (SIZED.test(call.name)) {
    const size = constantOf(
      syntax.text(call.argList[/dma_alloc|devm/.test(call.name) ? 1 : 0]),
      fn.file,
      source,
    );
    if (size !== null && size > LARGE) return { why: `${size} bytes are too many for the atomic reserve` };
  }
  const elsewhere = fn.file !== finding.file || fn.name !== finding.function;
  const warnings = [
    "Atomic allocations draw on a small reserve and fail under memory pressure.",
    "Allocating before the lock is taken keeps the blocking allocation.",
  ];
  if (elsewhere) warnings.push(`${fn.name}() then allocates atomically for its other callers too.`);
  const text = REPLACEMENT[literal.flag] ?? "GFP_ATOMIC";
  return {
    edits: [{ file: fn.file, offset: literal.offset, endOffset: literal.offset + literal.flag.length, text }],
    what: `GFP_ATOMIC instead of ${literal.flag}${elsewhere ? ` in ${fn.name}()` : ""}`,
    checks: [check, "it is not in a loop"],
    losses: ["The allocation does not wait for memory: it fails where it did not before."],
    warnings,
    precedent: ["Documentation/core-api/memory-allocation.rst: GFP_ATOMIC and GFP_NOWAIT"],
  };
}

function isRepeated({ call }: LeafCall): boolean {
  for (let n = call.node.parent; n; n = n.parent)
    if (n.kind === K.for_statement || n.kind === K.while_statement || n.kind === K.do_statement) return true;
  return false;
}

/** How a failure of the call is handled, in words, or null when it is not. */
export function failureCheck({ fn, syntax, call }: LeafCall, source: FixSource): string | null {
  const text = maskCode(source.read(fn.file)!.slice(fn.start, fn.end));
  const check = resultCheck(text, call.node.start - fn.start, call.node.end - fn.start - 1);
  if (check) return check;
  const statement = syntax.statementOf(call.node);
  // A function that returns nothing has to live with a failure by itself.
  const callees = source.code.resolve(call.name, fn.file).filter((d) => d.kind === "function");
  if (
    statement.kind === K.expression_statement &&
    callees.length > 0 &&
    callees.every((d) => d.returnType === "")
  )
    return `${call.name}() returns nothing: it handles its failures itself`;
  if (statement.kind === K.return_statement) return "the caller gets the result";
  return null;
}

/** How the result of the call is checked in this function, in words, or null when it is not. */
export function resultCheck(masked: string, call: number, close: number): string | null {
  const statementStart = Math.max(
    masked.lastIndexOf(";", call),
    masked.lastIndexOf("{", call),
    masked.lastIndexOf("}", call),
  );
  const before = masked.slice(statementStart + 1, call);
  if (/\b(?:if|while)\s*\([^;{}]*$/.test(before)) return "the call stands in a condition";
  if (/^\s*return\b[^;]*$/.test(before)) return null;
  const target = /([A-Za-z_][\w.[\]\s>-]*?)\s*=\s*(?:\([^()]*\)\s*)?$/.exec(before)?.[1];
  if (target === undefined) return null;
  const name = target.replace(/\s*(->|\.)\s*/g, "$1").replace(/^[\s\S]*\s/, "");
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/->/g, "\\s*->\\s*");
  const tests = [
    `\\bif\\s*\\([^;{}]*!\\s*${escaped}(?![\\w.\\[]|->)`,
    `\\bif\\s*\\(\\s*(?:un)?(?:likely\\s*\\(\\s*)?${escaped}\\s*[)&|<]`,
    `${escaped}\\s*[!=]=\\s*NULL\\b`,
    `\\b(?:IS_ERR|IS_ERR_OR_NULL|ZERO_OR_NULL_PTR|xa_err|xa_is_err)\\s*\\(\\s*${escaped}\\s*\\)`,
    `\\bif\\s*\\([^;{}]*${escaped}\\s*(?:<|!=|==)`,
    `(?<![\\w.])${escaped}\\s*\\?`,
    `\\breturn\\s+${escaped}\\s*;`,
  ];
  return new RegExp(tests.join("|")).test(masked.slice(close)) ? `${name} is checked after the call` : null;
}
