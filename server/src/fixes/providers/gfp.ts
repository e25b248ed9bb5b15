/**
 * GFP_KERNEL → GFP_ATOMIC for an allocation that runs in atomic context. Only where the result is checked: an atomic
 * allocation fails in earnest. Never the preferred fix, for often the right one is to allocate before the lock.
 */
import type { Finding, Site } from "../../findings/types.js";
import { closingBracket, maskCode } from "../mask.js";
import type { Fix, FixSource } from "../types.js";

const BLOCKING = /\bGFP_(?:KERNEL(?:_ACCOUNT)?|USER|NOFS|NOIO|HIGHUSER(?:_MOVABLE)?)\b/;

const REPLACEMENT: Record<string, string> = { GFP_KERNEL_ACCOUNT: "GFP_ATOMIC | __GFP_ACCOUNT" };

export function gfpFixes(finding: Finding, source: FixSource): Fix[] {
  const fixes: Fix[] = [];
  const seen = new Set<string>();
  for (const path of finding.paths) {
    // The literal stands where it was first written: in the finding's own call, or in a call further down.
    for (const step of path.chain) {
      const key = `${step.file}:${step.offset}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const fix = fixAt(finding, step, source);
      if (fix) {
        fixes.push(fix);
        break;
      }
    }
  }
  return fixes;
}

function fixAt(finding: Finding, site: Site, source: FixSource): Fix | null {
  const text = source.read(site.file);
  const fn = text === null ? null : source.functionAt(site.file, site.offset);
  if (text === null || !fn) return null;
  const masked = maskCode(text.slice(fn.start, fn.end));
  const call = site.offset - fn.start;
  const open = masked.indexOf("(", call);
  const close = open === -1 ? -1 : closingBracket(masked, open);
  if (close === -1 || !/^[\w\s]*$/.test(masked.slice(call, open))) return null;
  const flag = BLOCKING.exec(masked.slice(open, close));
  if (!flag) return null;
  const check = resultCheck(masked, call, close);
  if (!check) return null;
  const offset = fn.start + open + flag.index;
  const elsewhere = site.file !== finding.file || fn.name !== finding.function;
  const warnings = [
    "Atomic allocations draw on a small reserve and fail under memory pressure.",
    "Allocating before the lock is taken keeps the blocking allocation.",
  ];
  if (elsewhere) warnings.push(`${fn.name}() then allocates atomically for its other callers too.`);
  return {
    id: "gfp-atomic",
    kind: "gfp",
    title: `Use GFP_ATOMIC instead of ${flag[0]}${elsewhere ? ` in ${fn.name}()` : ""} (may fail under pressure)`,
    applicability: "needs-review",
    edits: [
      {
        file: site.file,
        offset,
        endOffset: offset + flag[0].length,
        text: REPLACEMENT[flag[0]] ?? "GFP_ATOMIC",
      },
    ],
    preconditions: [check],
    warnings,
  };
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
    `\\b(?:IS_ERR|IS_ERR_OR_NULL|ZERO_OR_NULL_PTR)\\s*\\(\\s*${escaped}\\s*\\)`,
    `\\bif\\s*\\([^;{}]*${escaped}\\s*(?:<|!=|==)`,
    `(?<![\\w.])${escaped}\\s*\\?`,
  ];
  return new RegExp(tests.join("|")).test(masked.slice(close)) ? `${name} is checked after the call` : null;
}
