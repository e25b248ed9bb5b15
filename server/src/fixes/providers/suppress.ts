/** Silences a finding with a comment that says why it cannot happen. The author writes the reason. */
import type { Finding } from "../../findings/types.js";
import type { Fix, FixSource } from "../types.js";

const PLACEHOLDER = "explain why this cannot sleep here";

export function suppressFixes(finding: Finding, source: FixSource): Fix[] {
  const text = source.read(finding.file);
  if (text === null) return [];
  const lineStart = text.lastIndexOf("\n", finding.offset - 1) + 1;
  // A line that continues a macro or a directive cannot have a comment line put before it.
  const previous = text.slice(0, Math.max(0, lineStart - 1)).replace(/\r$/, "");
  const lineEnd = text.indexOf("\n", lineStart);
  const line = text.slice(lineStart, lineEnd === -1 ? text.length : lineEnd);
  if (previous.endsWith("\\") || /^\s*#/.test(line)) return [];
  const indent = /^[ \t]*/.exec(line)![0];
  const eol = line.endsWith("\r") ? "\r\n" : "\n";
  const head = `${indent}/* lockctx-ignore ${finding.rule}: `;
  return [
    {
      id: "suppress",
      kind: "suppress",
      title: `Suppress ${finding.rule} here with a reason`,
      applicability: "needs-review",
      edits: [
        {
          file: finding.file,
          offset: lineStart,
          endOffset: lineStart,
          text: `${head}${PLACEHOLDER} */${eol}`,
          placeholder: { start: head.length, end: head.length + PLACEHOLDER.length },
        },
      ],
      preconditions: [],
      warnings: ["The comment hides the finding from everyone; its reason is all that a reviewer has."],
    },
  ];
}
