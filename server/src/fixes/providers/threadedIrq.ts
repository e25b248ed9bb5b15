/** A hard interrupt handler that sleeps runs as an interrupt thread: request_irq → request_threaded_irq. */
import type { Finding } from "../../findings/types.js";
import { closingBracket, maskCode } from "../mask.js";
import type { Fix, FixEdit, FixSource } from "../types.js";

/** Ways to register a handler: argument of the handler and of the flags, and the threaded form. */
const REGISTRATIONS: Readonly<Record<string, { handler: number; flags: number; threaded: string }>> = {
  request_irq: { handler: 1, flags: 2, threaded: "request_threaded_irq" },
  devm_request_irq: { handler: 2, flags: 3, threaded: "devm_request_threaded_irq" },
};

interface Registration {
  file: string;
  name: string;
  offset: number;
  args: { text: string; start: number; end: number }[];
}

export function threadedIrqFixes(finding: Finding, source: FixSource): Fix[] {
  if (finding.rule === "stale-cursor" || !/^(?:devm_)?request_irq\b/.test(finding.context.how)) return [];
  const handler = finding.function;
  const all = registrationsOf(handler, finding, source);
  if (all === null || all.length === 0) return [];
  const edits: FixEdit[] = [];
  let shared = false;
  for (const r of all) {
    const form = REGISTRATIONS[r.name];
    if (!form) return [];
    const flags = r.args[form.flags];
    const first = r.args[form.handler];
    if (!flags || !first) return [];
    if (/IRQF_NO_THREAD|IRQF_PERCPU|__IRQF_TIMER|IRQF_TIMER/.test(flags.text)) return [];
    shared ||= /IRQF_SHARED/.test(flags.text);
    edits.push({ file: r.file, offset: r.offset, endOffset: r.offset + r.name.length, text: form.threaded });
    edits.push({ file: r.file, offset: first.start, endOffset: first.start, text: "NULL, " });
    if (!/IRQF_ONESHOT/.test(flags.text)) {
      const atom = /^[\w]+$|^[\w\s|]+$/.test(flags.text);
      const text =
        flags.text === "0" ? "IRQF_ONESHOT" : `${atom ? flags.text : `(${flags.text})`} | IRQF_ONESHOT`;
      edits.push({ file: r.file, offset: flags.start, endOffset: flags.end, text });
    }
  }
  return [
    {
      id: "threaded-irq",
      kind: "threaded-irq",
      title: `Run ${handler}() as an interrupt thread`,
      applicability: "needs-review",
      edits,
      preconditions: [
        `${all.length === 1 ? "the place" : `all ${all.length} places`} in the tree where ${handler}() is registered ${all.length === 1 ? "is" : "are"} changed`,
        "the line stays masked until the thread is done (IRQF_ONESHOT)",
      ],
      losses: [
        "The handler starts later: after a context switch to its thread.",
        "It can be preempted, and no longer excludes the code of its CPU that turns interrupts off.",
      ],
      warnings: [
        ...(shared
          ? ["The line is shared: all of its handlers must agree on IRQF_ONESHOT, or requesting it fails."]
          : []),
        "A device that needs an answer within microseconds needs a hard handler that acknowledges it, and the thread for the rest.",
      ],
      precedent: ["kernel/irq/manage.c: request_threaded_irq() with a NULL handler wakes the thread itself"],
    },
  ];
}

/** Everywhere that the handler is registered; null where it is used in another way too. */
function registrationsOf(handler: string, finding: Finding, source: FixSource): Registration[] | null {
  const definition = source.functionAt(finding.file, finding.offset);
  const files = definition?.isStatic
    ? [finding.file]
    : [...new Set([finding.file, finding.context.site.file])];
  if (!definition?.isStatic && source.code.installationsOf(handler).length > 0) return null;
  const out: Registration[] = [];
  for (const file of files) {
    const text = source.read(file);
    if (text === null) return null;
    const code = maskCode(text);
    for (const m of code.matchAll(new RegExp(`\\b${handler}\\b`, "g"))) {
      const at = m.index;
      if (/^\s*\(/.test(code.slice(at + handler.length))) {
        // Its definition, a declaration, or a call from elsewhere, which then is no interrupt.
        continue;
      }
      const call = callAround(code, text, at);
      if (!call || !(call.name in REGISTRATIONS)) return null;
      out.push({ file, ...call });
    }
  }
  return out;
}

/** The call that an offset is an argument of. */
function callAround(code: string, text: string, at: number): Omit<Registration, "file"> | null {
  let depth = 0;
  for (let i = at; i > 0 && at - i < 400; i--) {
    const c = code[i];
    if (c === ")") depth++;
    else if (c === ";" || c === "{" || c === "}") return null;
    else if (c === "(") {
      if (depth-- > 0) continue;
      const name = /(\w+)\s*$/.exec(code.slice(Math.max(0, i - 80), i));
      const close = closingBracket(code, i);
      if (!name || close < 0) return null;
      return {
        name: name[1],
        offset: i - (name[0].length - 0),
        args: argsOf(code, text, i + 1, close),
      };
    }
  }
  return null;
}

function argsOf(code: string, text: string, from: number, to: number): Registration["args"] {
  const out: Registration["args"] = [];
  let depth = 0;
  let start = from;
  const push = (end: number): void => {
    let s = start;
    let e = end;
    while (s < e && /\s/.test(text[s])) s++;
    while (e > s && /\s/.test(text[e - 1])) e--;
    out.push({ text: text.slice(s, e), start: s, end: e });
  };
  for (let i = from; i < to; i++) {
    const c = code[i];
    if (c === "(" || c === "[" || c === "{") depth++;
    else if (c === ")" || c === "]" || c === "}") depth--;
    else if (c === "," && depth === 0) {
      push(i);
      start = i + 1;
    }
  }
  push(to);
  return out;
}
