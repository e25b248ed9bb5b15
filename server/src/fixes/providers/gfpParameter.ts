/**
 * The sleeping allocation is in a callee that sleepable callers use too: the flags become a parameter, passed down the chain.
 * Rewrites the definitions, their prototypes and every call by name over the tree.
 */
import type { Definition } from "../../code.js";
import type { Finding } from "../../findings/types.js";
import { includedFiles } from "../constants.js";
import { callAt } from "../leaf.js";
import { maskCode } from "../mask.js";
import type { Fix, FixEdit, FixSource } from "../types.js";
import { failureCheck, literalFlag } from "./gfp.js";

/** More call sites than a reviewer will look at. */
const MOST_SITES = 40;

export function gfpParameterFixes(finding: Finding, source: FixSource): Fix[] {
  const path = finding.paths[0];
  if (!path || finding.paths.length > 1) return [];
  const chain = path.chain;
  for (let i = 1; i < chain.length; i++) {
    const leaf = callAt(chain[i].file, chain[i].offset, source);
    const literal = leaf && literalFlag(leaf);
    if (!leaf || !literal) continue;
    if (!failureCheck(leaf, source) || chain.slice(0, i).some((s) => s.via !== undefined && s.via !== "call"))
      return [];
    const fns = chain.slice(1, i + 1).map((s) => source.functionAt(s.file, s.offset));
    return fns.every((f): f is Definition => f !== null) ? plan(finding, fns, literal, source) : [];
  }
  return [];
}

function plan(
  finding: Finding,
  fns: readonly Definition[],
  literal: { flag: string; offset: number },
  source: FixSource,
): Fix[] {
  const last = fns[fns.length - 1];
  const edits: FixEdit[] = [
    { file: last.file, offset: literal.offset, endOffset: literal.offset + literal.flag.length, text: "gfp" },
  ];
  const names = new Set(fns.map((f) => f.name));
  const own = finding.offset;
  let others = 0;
  let sites = 0;
  for (const [depth, fn] of fns.entries()) {
    const single =
      source.code.definitions(fn.name).length === 1 &&
      fn.kind === "function" &&
      source.code.installationsOf(fn.name).length === 0;
    if (!single || fn.params.some((p) => p.name === "gfp" || p.type === "gfp_t")) return [];
    const signature = signatureEdit(fn, source);
    if (!signature) return [];
    edits.push(signature);
    const prototypes = prototypesOf(fn, source);
    if (!fn.isStatic && prototypes.length === 0) return [];
    edits.push(...prototypes);
    for (const caller of source.code.callersOf(fn.name)) {
      if (fn.isStatic && caller.file !== fn.file) continue;
      const syntax = source.syntaxOf(caller);
      if (!syntax || syntax.hasError) return [];
      const calls = syntax.calls(fn.name);
      if (calls.length === 0) return [];
      for (const call of calls) {
        sites++;
        const isOwn = caller.file === finding.file && call.node.start === own;
        const inChain = depth > 0 && names.has(caller.name);
        if (!isOwn && !inChain) others++;
        const flag = isOwn ? "GFP_ATOMIC" : inChain ? "gfp" : literal.flag;
        const at = call.args!.end - 1;
        edits.push({
          file: caller.file,
          offset: at,
          endOffset: at,
          text: `${call.argList.length > 0 ? ", " : ""}${flag}`,
        });
      }
    }
  }
  // Without other callers the flag is better changed where it stands.
  if (others === 0 || sites > MOST_SITES) return [];
  const list = fns.map((f) => `${f.name}()`).join(", ");
  return [
    {
      id: "gfp-parameter",
      kind: "gfp-parameter",
      title: `Pass the allocation flags to ${list}: GFP_ATOMIC from here, ${literal.flag} from ${others} other call${others === 1 ? "" : "s"}`,
      applicability: "needs-review",
      edits,
      preconditions: [
        `${list}: one definition each, called by name only`,
        `all ${sites} calls and the prototypes are changed`,
        "the failure of the allocation is handled",
      ],
      losses: ["From here the allocation does not wait for memory: it fails where it did not before."],
      warnings: ["Other callers keep their flags; they may be in atomic context as well."],
      precedent: ["net/core/dst_cache.c: dst_cache_init() takes the flags from its callers"],
    },
  ];
}

function signatureEdit(fn: Definition, source: FixSource): FixEdit | null {
  const text = source.read(fn.file)!;
  return parameterEdit(fn.file, text, fn.nameStart + fn.name.length, fn.bodyStart);
}

/** The edit that adds the parameter to the list that opens after `from`. */
function parameterEdit(file: string, text: string, from: number, until: number): FixEdit | null {
  const code = maskCode(text.slice(from, until));
  const open = code.indexOf("(");
  if (open === -1) return null;
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if (code[i] === "(") depth++;
    else if (code[i] === ")" && --depth === 0) {
      const inner = code.slice(open + 1, i).trim();
      if (inner.includes("...")) return null;
      const isVoid = inner === "void" || inner === "";
      return {
        file,
        offset: from + (isVoid ? open + 1 : i),
        endOffset: from + i,
        text: isVoid ? "gfp_t gfp" : ", gfp_t gfp",
      };
    }
  }
  return null;
}

/** Declarations of the function in its own file and in headers that it or its callers include. */
export function prototypesOf(fn: Definition, source: FixSource): FixEdit[] {
  const files = new Set<string>([fn.file]);
  const add = (file: string): void => {
    for (const f of includedFiles(file, source)) {
      if (files.has(f)) continue;
      files.add(f);
      for (const deeper of includedFiles(f, source)) files.add(deeper);
    }
  };
  // A private header may declare static functions too.
  add(fn.file);
  if (!fn.isStatic) for (const caller of source.code.callersOf(fn.name)) add(caller.file);
  const out: FixEdit[] = [];
  const pattern = new RegExp(
    `^(?!\\s*(?:return|else)\\b)[\\w \\t*]*[\\w*]\\s*\\*?\\b${fn.name}\\s*\\(`,
    "gm",
  );
  for (const file of files) {
    const text = source.read(file);
    if (!text?.includes(fn.name)) continue;
    for (const found of maskCode(text).matchAll(pattern)) {
      const at = found.index + found[0].length - 1;
      if (file === fn.file && found.index <= fn.nameStart && fn.nameStart < found.index + found[0].length)
        continue;
      if (source.code.functionAt(file, found.index + 1)) continue;
      const end = text.indexOf(";", at);
      if (end === -1 || /[{}]/.test(text.slice(at, end))) continue;
      const edit = parameterEdit(file, text, at, end);
      if (edit) out.push(edit);
    }
  }
  return out;
}
