/** Says in the code what was found: that a function may sleep, or that it wants a lock held. Repairs nothing by itself. */
import type { Finding } from "../../findings/types.js";
import { eolOf, indentAt } from "../layout.js";
import { type FunctionSyntax, K } from "../syntax.js";
import type { Fix, FixEdit, FixSource } from "../types.js";

export function annotateFixes(finding: Finding, source: FixSource): Fix[] {
  return [...mightSleep(finding, source), ...assertHeld(finding, source)];
}

/** In the callee that sleeps on some of its ways: the kernel's own check then speaks on all of them. */
function mightSleep(finding: Finding, source: FixSource): Fix[] {
  const path = finding.paths[0];
  const step = path?.chain[path.chain.length - 1];
  if (!step || path.chain.length < 2 || (path.confidence === "high" && !path.condition)) return [];
  const fn = source.functionAt(step.file, step.offset);
  const syntax = fn && source.syntaxOf(fn);
  if (!fn || !syntax || syntax.calls("might_sleep").length > 0) return [];
  // Who calls it must be looked at: in a hurry only those of one file are.
  if (source.quick && !fn.isStatic) return [];
  // The function that the chain enters last and that decides whether to sleep.
  return [
    {
      id: "might-sleep",
      kind: "annotate",
      title: `Say that ${fn.name}() may sleep: might_sleep() at its start`,
      applicability: "needs-review",
      edits: [atStart(syntax, source, "might_sleep();")],
      preconditions: [`${fn.name}() sleeps on some of its ways`],
      warnings: [
        "It repairs nothing: with CONFIG_DEBUG_ATOMIC_SLEEP the kernel warns also where the sleep is not reached.",
      ],
    },
  ];
}

/** In the helper that is called under a lock and says so nowhere but in a comment. */
function assertHeld(finding: Finding, source: FixSource): Fix[] {
  const { lock, lockClass } = finding.context;
  const step = finding.paths[0]?.chain[1];
  // Only a lock that the helper can name: a variable of the file.
  if (!step || !lock || !/^\w+$/.test(lock) || lockClass !== `${step.file}:${lock}`) return [];
  const fn = source.functionAt(step.file, step.offset);
  const syntax = fn && source.syntaxOf(fn);
  const text = source.read(step.file);
  if (
    !fn ||
    !syntax ||
    text === null ||
    syntax.calls().some((c) => /lockdep_assert|assert_spin_locked/.test(c.name))
  )
    return [];
  const comment =
    /\/\*(?:[^*]|\*(?!\/))*\*\/\s*$/.exec(text.slice(Math.max(0, fn.start - 600), fn.start))?.[0] ?? "";
  if (!/\b(?:hold|held|under)/i.test(comment) || !source.has("lockdep_assert_held")) return [];
  return [
    {
      id: "assert-held",
      kind: "annotate",
      title: `Assert that ${fn.name}() is called with ${lock} held`,
      applicability: "needs-review",
      edits: [atStart(syntax, source, `lockdep_assert_held(&${lock});`)],
      preconditions: [`the comment above ${fn.name}() asks for it`],
      warnings: ["It repairs nothing: with lockdep the kernel checks what the comment says."],
    },
  ];
}

function atStart(syntax: FunctionSyntax, source: FixSource, line: string): FixEdit {
  const { file } = syntax.definition;
  const text = source.read(file)!;
  const eol = eolOf(text);
  const { body } = syntax;
  let at = body.start + 1;
  let declared = false;
  for (const child of body.children) {
    if (child.kind !== K.declaration) break;
    at = child.end;
    declared = true;
  }
  const end = text.indexOf("\n", at);
  const place = end === -1 ? at : end - (text[end - 1] === "\r" ? 1 : 0);
  const first = body.children[0];
  const indent = first ? indentAt(text, first.start) : "\t";
  const follows = body.children.some((c) => c.kind !== K.declaration);
  return {
    file,
    offset: place,
    endOffset: place,
    text: `${declared ? eol : ""}${eol}${indent}${line}${!declared && follows ? eol : ""}`,
  };
}
