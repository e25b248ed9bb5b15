/**
 * An object that points to an array which is allocated and freed for itself, taken down on the way to the sleep: one
 * allocation for the array with its header leaves users one pointer, and makes freeing one call. A change of a data
 * structure, so a sketch with what was found.
 */
import type { Definition } from "../../code.js";
import type { Finding } from "../../findings/types.js";
import { maskCode } from "../mask.js";
import { squeezed, typeOf } from "../operands.js";
import { type FunctionSyntax, K, type Node } from "../syntax.js";
import { DESTROYS } from "../teardown.js";
import type { Fix, FixSource } from "../types.js";

const FREE = /^(?:k|v|kv)free(?:_rcu|_sensitive)?$/;
const ARRAY_ALLOC =
  /\b(k[vmzc]*alloc_array\w*|k?v?[kv]calloc\w*|kvmalloc\w*|k[mz]alloc\w*|vz?alloc\w*)\s*\(([^;]*)\)\s*;/;

interface FreedArray {
  /** The free, as written, and who makes it. */
  free: string;
  fn: Definition;
  /** `struct foo` that points to the array, and its field. */
  owner: string;
  field: string;
  /** `struct bar` of the elements, null where the type is not told. */
  element: string | null;
}

export function oneAllocationFixes(finding: Finding, source: FixSource): Fix[] {
  if (!finding.paths.some((p) => p.chain.some((s) => DESTROYS.test(s.function)))) return [];
  const found = freedArray(finding, source);
  if (!found) return [];
  const { owner, field, element, fn } = found;
  const made = allocationOf(found, source);
  const users = usersOf(found, source);
  const item = element ?? "item";
  const name = `${owner}_${field}`;
  return [
    {
      id: "one-allocation",
      kind: "one-allocation",
      title: `Put the array ${owner}.${field} and its header into one allocation: users keep one pointer, and freeing is one call`,
      applicability: "sketch",
      edits: [],
      sketch: [
        `\tstruct ${name} {	/* what is kept about the array, and the array */`,
        "\t\tstruct rcu_head rcu;	/* where readers may still be at it */",
        "\t\tint nr;",
        `\t\tstruct ${item} items[];`,
        "\t};",
        "",
        `\t/* where it is made${made ? ` (${made.where}(): ${made.call})` : ""}: */`,
        `\tnew = kvzalloc(struct_size(new, items, nr), GFP_KERNEL);`,
        `\t/* under ${finding.context.lock ?? "the lock"}, instead of ${found.free} and what goes with it: */`,
        `\told = obj->${field};`,
        `\tobj->${field} = NULL;`,
        "\t/* after the unlock: */",
        "\tkvfree(old);",
      ].join("\n"),
      preconditions: [
        `${fn.name}() frees ${owner}.${field} by itself: ${found.free}`,
        users.length > 0
          ? `${users.length} functions use the field: ${users.slice(0, 6).join(", ")}${users.length > 6 ? " …" : ""}`
          : "nobody else was seen to use the field",
      ],
      losses: ["The array cannot grow in place: a larger one is a new allocation with its header."],
      warnings: [
        "It removes the finding only together with a repair of what sleeps: it makes what is left under the lock one pointer.",
        "Who resizes the array must swap the one pointer, and free the old one when no reader is left.",
      ],
      missing: [
        `that everything kept about the array moves into its header, and no user holds a pointer into it across the swap`,
        `what is done to ${owner} before the free under the lock that sleeps`,
      ],
    },
  ];
}

/** The first free of an array that an object points to, in the functions on the way to the sleep. */
function freedArray(finding: Finding, source: FixSource): FreedArray | null {
  const seen = new Set<string>();
  for (const path of finding.paths) {
    for (const step of path.chain) {
      const fn = source.functionAt(step.file, step.offset);
      if (!fn || seen.has(`${fn.file}:${fn.start}`)) continue;
      seen.add(`${fn.file}:${fn.start}`);
      const syntax = source.syntaxOf(fn);
      if (!syntax) continue;
      for (const call of syntax.calls()) {
        if (!FREE.test(call.name) || call.argList.length === 0) continue;
        const found = arrayIn(call.argList[0], `${syntax.text(call.node)}`, fn, syntax, source);
        if (found) return found;
      }
    }
  }
  return null;
}

function arrayIn(
  arg: Node,
  free: string,
  fn: Definition,
  syntax: FunctionSyntax,
  source: FixSource,
): FreedArray | null {
  const isElement = arg.kind === K.subscript_expression;
  const place = isElement ? arg.children[0] : arg;
  if (place?.kind !== K.field_expression || !place.children[1]) return null;
  const owner = typeOf(syntax, place.children[0], source);
  const field = syntax.text(place.children[1]);
  if (!owner?.base.startsWith("struct ")) return null;
  const type = source.code.fieldType(owner.name, field, fn.file);
  if (!type || type.isFunctionPointer || /^(?:char|u8|void)$/.test(type.type)) return null;
  const code = maskCode(source.read(fn.file) ?? "");
  const indexed = new RegExp(`(?:->|\\.)${field}\\s*\\[`).test(code);
  const found = { free, fn, owner: owner.name, field, element: type.isStruct ? type.type : null };
  const alloc = allocationOf(found, source);
  return isElement || indexed || alloc?.isArray ? found : null;
}

/** Where the array is allocated, in the file that frees it. */
function allocationOf(
  { fn, field }: Pick<FreedArray, "fn" | "field">,
  source: FixSource,
): { where: string; call: string; isArray: boolean } | null {
  const text = source.read(fn.file) ?? "";
  for (const def of source.code.functionsIn(fn.file)) {
    const body = maskCode(text.slice(def.bodyStart, def.end));
    const at = new RegExp(`(?:->|\\.)${field}(?:\\[[^\\]]*\\])?\\s*=\\s*(?=\\w*alloc)`).exec(body);
    const alloc = at && ARRAY_ALLOC.exec(body.slice(at.index + at[0].length));
    if (alloc?.index !== 0) continue;
    const isArray = /array|calloc/.test(alloc[1]) || /\*/.test(alloc[2]);
    return { where: def.name, call: `${alloc[1]}(${squeezed(alloc[2]).replace(/,/g, ", ")})`, isArray };
  }
  return null;
}

/** Functions of the file that name the field. */
function usersOf({ fn, field }: FreedArray, source: FixSource): string[] {
  const code = maskCode(source.read(fn.file) ?? "");
  const word = new RegExp(`(?:->|\\.)${field}\\b`);
  return source.code
    .functionsIn(fn.file)
    .filter((d) => d.start !== fn.start && word.test(code.slice(d.bodyStart, d.end)))
    .map((d) => `${d.name}()`);
}
