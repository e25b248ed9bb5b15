/**
 * Hands the sleeping part to a work item. For the destruction of an object: at the place where it is destroyed, for it is done
 * once. For a callback: the whole callback, with the work item set up where the callback is and cancelled where it is stopped.
 */
import type { Finding } from "../../findings/types.js";
import { indentAt, insertAfter } from "../layout.js";
import { callAt } from "../leaf.js";
import { squeezed, typeOf } from "../operands.js";
import { addWorkField } from "../scaffold.js";
import { type FunctionSyntax, K, type Node } from "../syntax.js";
import { startWithComment, teardownStep } from "../teardown.js";
import type { Fix, FixEdit, FixSource } from "../types.js";

export function deferFixes(finding: Finding, source: FixSource): Fix[] {
  return [...deferDestruction(finding, source), ...deferCallback(finding, source)];
}

function deferDestruction(finding: Finding, source: FixSource): Fix[] {
  const step = teardownStep(finding, source);
  if (!step || step.call.callee.kind !== K.identifier) return [];
  const { fn, syntax, call, statement } = step;
  const text = source.read(fn.file)!;
  const object = syntax.text(step.argument);
  // Used again in the same block: then it is not gone after this call.
  const siblings = statement.parent?.children ?? [];
  const root = /^\w+/.exec(object)?.[0];
  if (!root || object.startsWith("&")) return [];
  const rest = siblings.slice(siblings.indexOf(statement) + 1);
  if (rest.some((s) => new RegExp(`\\b${root}\\b`).test(syntax.text(s)))) return [];
  const short = call.name.replace(/^_+/, "");
  const worker = [`${short}_work`, `${short}_deferred`, `deferred_${short}`].find((n) => !source.code.has(n));
  if (worker === undefined) return [];
  const field = addWorkField(step.type.name, `${short.split("_")[0]}_work`, fn.file, source);
  const variable = /^\w+$/.test(object) ? object : "obj";
  const name = field?.name ?? `${short}_work`;
  const func = [
    `static void ${worker}(struct work_struct *work)`,
    "{",
    `\t${step.type.base} *${variable} = container_of(work, ${step.type.base}, ${name});`,
    "",
    `\t${call.name}(${variable});`,
    "}",
    "",
    "",
  ].join("\n");
  const indent = indentAt(text, statement.start);
  const schedule = [`INIT_WORK(&${object}->${name}, ${worker});`, `schedule_work(&${object}->${name});`];
  const inBraces =
    statement.parent?.kind === K.compound_statement || statement.parent?.kind === K.case_statement;
  const replaced = inBraces
    ? schedule.join(`\n${indent}`)
    : `{\n${indent}${schedule.join(`\n${indent}`)}\n${indent.replace(/\t$/, "")}}`;
  const missing: string[] = [];
  if (!field)
    missing.push(`the definition of ${step.type.base} was not found, or cannot take a field at its end`);
  const base: Fix = {
    id: "defer-work",
    kind: "defer-work",
    title: `Defer: a work item does ${call.name}()`,
    applicability: "needs-review",
    edits: [],
    preconditions: [
      `${fn.name}() does not touch ${object} after it`,
      `${call.name}() runs once for an object: its work item can be set up there`,
    ],
    losses: [
      "The object lives on until the work item has run; whoever waits for it to be gone has to flush the work.",
    ],
    warnings: [
      "A module that has such work under way must flush it before it is unloaded (its own workqueue, or flush_scheduled_work).",
    ],
    precedent: ["fs/super.c: destroy_super_work() of 4.17", "kernel/fork.c: mmput_async()"],
  };
  if (missing.length > 0 || !field)
    return [
      {
        ...base,
        applicability: "sketch",
        sketch: `\tstruct work_struct ${name};\t/* in ${step.type.base} */\n\n${func}\t/* instead of ${syntax.text(statement)} */\n\t${schedule.join("\n\t")}`,
        missing,
      },
    ];
  const at = startWithComment(text, fn);
  const edits: FixEdit[] = [
    ...field.edits,
    { file: fn.file, offset: at, endOffset: at, text: func },
    { file: fn.file, offset: statement.start, endOffset: statement.end, text: replaced },
  ];
  return [{ ...base, edits }];
}

/** What sets up, and what stops, the thing that calls the callback. */
const STOPS =
  /^(?:del_timer_sync|timer_delete_sync|timer_shutdown_sync|del_timer|timer_delete|hrtimer_cancel|tasklet_kill|unregister_netdev(?:ice)?|free_irq|irq_work_sync)$/;

function deferCallback(finding: Finding, source: FixSource): Fix[] {
  const { context } = finding;
  // Entered by the kernel in atomic context, not by a lock of its own: that a work item would take as well.
  if (!["softirq", "hardirq", "callback"].includes(context.kind) || context.lock !== undefined) return [];
  const fn = source.functionAt(finding.file, finding.offset);
  const syntax = fn && source.syntaxOf(fn);
  const text = source.read(finding.file);
  if (!fn || !syntax || text === null || fn.kind === "macro" || fn.params.length === 0) return [];
  // A handler of interrupts is made a threaded one instead: it has to say whether the interrupt was its own.
  if (fn.returnType === "irqreturn_t") return [];
  const owner = ownerOf(syntax, source);
  const worker = `${fn.name}_work`;
  const body = `${fn.name}_task`;
  const missing: string[] = [];
  const field = owner && addWorkField(owner.struct, `${shortName(fn.name)}_work`, fn.file, source);
  const name = field?.name ?? `${shortName(fn.name)}_work`;
  if (!owner)
    missing.push("the driver's own object, from which a work item could be reached, was not found in it");
  else if (!field)
    missing.push(`the definition of struct ${owner.struct} was not found, or cannot take a field at its end`);
  if (fn.returnType !== "")
    missing.push(`it returns a value: what it returns has to be known before the work has run`);
  if (source.code.has(worker) || source.code.has(body)) missing.push(`${worker}() exists already`);
  const back = owner && backToParameter(syntax, owner, source);
  if (owner && back === null)
    missing.push(
      `from struct ${owner.struct} no way back to ${fn.params[0]?.name ?? "the argument"} was found`,
    );
  const setup = owner && field ? setupOf(finding, fn.name, owner.struct, source) : null;
  if (owner && field && !setup) missing.push("where the object is set up: INIT_WORK() belongs there");
  const stop = owner && field ? stopOf(fn.file, owner.struct, source) : null;
  if (owner && field && !stop) missing.push("where it is taken down: cancel_work_sync() belongs there");
  const struct = owner ? `struct ${owner.struct}` : "struct OBJECT";
  const variable = owner?.variable ?? "obj";
  const args = fn.params.map((p, i) => (i === 0 ? (back ?? p.name) : "0")).join(", ");
  const signature = text.slice(fn.start, fn.bodyStart).trimEnd();
  const pointer = owner?.declaration ?? `${struct} *${variable} = …;`;
  const tail = [
    "",
    "",
    `static void ${worker}(struct work_struct *work)`,
    "{",
    `\t${struct} *${variable} = container_of(work, ${struct}, ${name});`,
    "",
    `\t${body}(${args});`,
    "}",
    "",
    signature,
    "{",
    `\t${pointer}`,
    "",
    `\tschedule_work(&${variable}->${name});`,
    "}",
  ].join("\n");
  const base: Fix = {
    id: "defer-callback",
    kind: "defer-work",
    title: `Defer: ${fn.name}() only schedules a work item that does its work`,
    applicability: "needs-review",
    edits: [],
    preconditions: [
      ...(owner ? [`its object is ${struct}`] : []),
      ...(setup ? [`it is set up in ${setup.where}(), where the work item is too`] : []),
      ...(stop ? [`${stop.where}() stops it; the work item is cancelled there`] : []),
    ],
    losses: ["The work is done later, in process context; several calls before it has run are one."],
    warnings: [
      "Locks that the body takes without disabling interrupts or softirqs need that now, where a handler takes them too.",
      ...(fn.params.length > 1
        ? [
            `The work has no value for ${fn.params
              .slice(1)
              .map((p) => p.name)
              .join(", ")}.`,
          ]
        : []),
    ],
    precedent: [
      "drivers/net/ethernet/ibm/ibmvnic.c: resets run in a work item",
      "drivers/net/ethernet/broadcom/tg3.c: tg3_tx_timeout() schedules tg3_reset_task()",
    ],
  };
  if (missing.length > 0 || !owner || !field || !setup || !stop) {
    const sketch = [
      `\tstruct work_struct ${name};\t/* in ${struct} */`,
      `\tINIT_WORK(&${variable}->${name}, ${worker});\t/* at setup */`,
      `\tcancel_work_sync(&${variable}->${name});\t/* at teardown */`,
      tail.trim(),
    ].join("\n\n");
    return [{ ...base, applicability: "sketch", sketch, missing }];
  }
  const isStatic = /\bstatic\b/.test(signature);
  const edits: FixEdit[] = [
    ...field.edits,
    { file: fn.file, offset: fn.nameStart, endOffset: fn.nameStart + fn.name.length, text: body },
    ...(isStatic ? [] : [{ file: fn.file, offset: fn.start, endOffset: fn.start, text: "static " }]),
    { file: fn.file, offset: fn.end, endOffset: fn.end, text: tail },
    setup.edit(name, worker),
    stop.edit(name),
  ];
  const early = setup.offset < fn.end && setup.file === fn.file;
  if (early) {
    const first = source.code.functionsIn(fn.file)[0];
    const at = startWithComment(text, first ?? fn);
    edits.push({
      file: fn.file,
      offset: at,
      endOffset: at,
      text: `static void ${worker}(struct work_struct *work);\n\n`,
    });
  }
  return [{ ...base, edits }];
}

const shortName = (name: string): string => {
  const parts = name.split("_").filter((p) => p !== "");
  return (
    parts
      .slice(-2)
      .join("_")
      .replace(/_(?:handler|callback|func|fn)$/, "") || name
  );
};

interface Owner {
  struct: string;
  variable: string;
  /** The declaration that finds it from the callback's arguments, as written. */
  declaration: string;
}

/** The driver's own object: the first local that is made from the arguments. */
function ownerOf(syntax: FunctionSyntax, source: FixSource): Owner | null {
  for (const node of syntax.body.children) {
    if (node.kind !== K.declaration) break;
    const text = syntax.text(node).replace(/\s+/g, " ");
    const found =
      /^struct (\w+) \* ?(\w+) = (?:\([^()]*\) ?)?((?:netdev_priv|from_timer|from_tasklet|timer_container_of|container_of|dev_get_drvdata|\w+_priv)\(.*\)|\w+);$/.exec(
        text,
      );
    if (!found) continue;
    const params = syntax.definition.params.map((p) => p.name);
    if (!params.some((p) => new RegExp(`\\b${p}\\b`).test(found[3]))) continue;
    const [own] = source.code.structs(found[1], syntax.definition.file);
    if (!own || own.file.startsWith("include/")) continue;
    return { struct: found[1], variable: found[2], declaration: text };
  }
  return null;
}

/** How the callback's first argument is reached from its object: a field of that type, or the address of a member. */
function backToParameter(syntax: FunctionSyntax, owner: Owner, source: FixSource): string | null {
  const { file, params } = syntax.definition;
  const type = params[0]?.type;
  const member =
    /(?:from_timer|from_tasklet|timer_container_of)\(\w+, ?\w+, ?([\w.]+)\)|container_of\(\w+, ?struct \w+, ?([\w.]+)\)/.exec(
      owner.declaration,
    );
  if (member) return `&${owner.variable}->${member[1] ?? member[2]}`;
  if (!type) return null;
  if (type === "long") return `(unsigned long)${owner.variable}`;
  const fields = source.code.structs(owner.struct, file)[0]?.fields ?? [];
  const same = fields.filter((f) => f.type === type && f.isPointer && !f.isArray);
  return same.length === 1 ? `${owner.variable}->${same[0].name}` : null;
}

interface Place {
  where: string;
  file: string;
  offset: number;
  edit(field: string, worker?: string): FixEdit;
}

/** After the statement that registers the callback, or gets the object where the device is made. */
function setupOf(
  finding: Finding,
  callback: string,
  struct: string,
  source: FixSource,
): (Place & { edit(field: string, worker: string): FixEdit }) | null {
  const { site } = finding.context;
  const leaf = callAt(site.file, site.offset, source);
  const made =
    leaf && /setup|init|request/.test(leaf.call.name)
      ? objectIn(leaf.syntax, leaf.call.argList, struct, source)
      : null;
  if (leaf && made && leaf.fn.name !== callback) {
    const statement = leaf.syntax.statementOf(leaf.call.node);
    if (statement.parent?.kind === K.compound_statement && statement.kind === K.expression_statement)
      return placeAfter(leaf.fn.file, leaf.fn.name, statement, made, source);
  }
  for (const fn of source.code.functionsIn(finding.file)) {
    const text = source.read(fn.file)!.slice(fn.bodyStart, fn.end);
    if (
      !/\b(?:alloc_etherdev\w*|devm_alloc_etherdev\w*|alloc_netdev\w*|register_netdev(?:ice)?)\s*\(/.test(
        text,
      )
    )
      continue;
    const syntax = source.syntaxOf(fn);
    for (const statement of syntax?.body.children ?? []) {
      if (statement.kind !== K.expression_statement) continue;
      const found = /^(\w+)\s*=\s*netdev_priv\s*\(/.exec(syntax!.text(statement));
      const type = found && typeOf(syntax!, statement.children[0].children[0], source);
      if (found && type?.name === struct) return placeAfter(fn.file, fn.name, statement, found[1], source);
    }
  }
  return null;
}

function placeAfter(
  file: string,
  where: string,
  statement: Node,
  object: string,
  source: FixSource,
): Place & { edit(field: string, worker: string): FixEdit } {
  const text = source.read(file)!;
  return {
    where,
    file,
    offset: statement.start,
    edit: (field, worker) =>
      insertAfter(file, text, statement, [`INIT_WORK(&${object}->${field}, ${worker});`]),
  };
}

/** The pointer to the struct among the arguments: `&x->timer` has x. */
function objectIn(
  syntax: FunctionSyntax,
  args: readonly Node[],
  struct: string,
  source: FixSource,
): string | null {
  for (const arg of args) {
    for (const node of syntax.walk(arg)) {
      if (node.kind !== K.identifier && node.kind !== K.field_expression) continue;
      const type = typeOf(syntax, node, source);
      if (type?.name === struct && type.stars === 1) return squeezed(syntax.text(node));
    }
  }
  return null;
}

/** After the call that stops the callback for good, in a function that has the object at hand. */
function stopOf(file: string, struct: string, source: FixSource): Place | null {
  const text = source.read(file)!;
  for (const fn of source.code.functionsIn(file)) {
    if (
      !/remove|exit|close|stop|release|disconnect|shutdown|destroy|free|unbind|detach|uninit|cleanup|probe/.test(
        fn.name,
      ) ||
      /probe/.test(fn.name)
    )
      continue;
    const syntax = source.syntaxOf(fn);
    if (!syntax) continue;
    for (const call of syntax.calls()) {
      if (!STOPS.test(call.name)) continue;
      const statement = syntax.statementOf(call.node);
      if (statement.kind !== K.expression_statement || statement.parent?.kind !== K.compound_statement)
        continue;
      const object = objectIn(syntax, call.argList, struct, source) ?? localOf(syntax, struct);
      if (object === null) continue;
      return {
        where: fn.name,
        file,
        offset: statement.start,
        edit: (field) => insertAfter(file, text, statement, [`cancel_work_sync(&${object}->${field});`]),
      };
    }
  }
  return null;
}

function localOf(syntax: FunctionSyntax, struct: string): string | null {
  for (const node of syntax.body.children) {
    if (node.kind !== K.declaration) break;
    const found = new RegExp(`^struct\\s+${struct}\\s*\\*\\s*(\\w+)\\s*=`).exec(syntax.text(node));
    if (found) return found[1];
  }
  const param = syntax.definition.params.find((p) => p.isPointer && p.type === struct);
  return param?.name ?? null;
}
