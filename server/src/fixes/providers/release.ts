/**
 * Free after unlock, for the put that drops the last reference under the caller's lock: what is taken off its list goes to a
 * private list of the caller, who destroys it once the lock is dropped. Rewrites the helper and every caller of it.
 */
import type { Definition } from "../../code.js";
import type { Finding } from "../../findings/types.js";
import { declareIn, freshName, indentAt, insertAfter, lineEnd, lineStart } from "../layout.js";
import { isContainer } from "../section.js";
import { type FunctionSyntax, K, type Node } from "../syntax.js";
import { startWithComment, type TeardownStep, teardownStep } from "../teardown.js";
import type { Fix, FixEdit, FixSource } from "../types.js";
import { waysOut } from "../waysOut.js";
import { prototypesOf } from "./gfpParameter.js";

export async function releaseFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  const step = teardownStep(finding, source);
  if (step?.index !== 1) return [];
  const helper = step.fn;
  const object = step.syntax.text(step.argument);
  const param = helper.params.findIndex((p) => p.name === object);
  if (param < 0 || source.code.definitions(helper.name).length !== 1) return [];
  const unlink = unlinkBefore(step, object);
  const sites = callersOf(helper, source);
  const where = sites.map((s) => `${s.fn.file}: ${s.fn.name}()`);
  const missing: string[] = [];
  if (!unlink)
    missing.push(
      `${helper.name}() takes ${object} off no list that could carry it: return it to the caller instead`,
    );
  if (prototypesOf(helper, source).length > 0)
    missing.push(`${helper.name}() is also declared elsewhere: the declaration changes with it`);
  if (source.code.installationsOf(helper.name).length > 0)
    missing.push(`${helper.name}() is also called through a pointer`);
  const edits: FixEdit[] = [];
  if (unlink) {
    const made = await rewrite(step, unlink, sites, source);
    edits.push(...made.edits);
    missing.push(...made.missing);
  }
  const lock = finding.context.lock ?? finding.context.how;
  const base: Fix = {
    id: "free-after-unlock",
    kind: "sink",
    title: `Free after unlock: ${helper.name}() hands over what it dropped, its ${sites.length} call${sites.length === 1 ? "" : "s"} destroy it without ${lock}`,
    applicability: "needs-review",
    edits,
    preconditions: [
      `all ${sites.length} calls of ${helper.name}() were found: ${[...new Set(where)].join(", ")}`,
      ...(unlink
        ? [`${object} leaves its list before it is destroyed: the entry is free to be used again`]
        : []),
    ],
    losses: [`The object outlives its last reference until its holder has dropped ${lock}.`],
    warnings: [
      `Nobody may find ${object} any more by other ways than that list; who asks whether its entry is empty sees the private list.`,
    ],
    precedent: ["fs/inode.c: evict_inodes() collects under the lock, dispose_list() after it"],
  };
  if (missing.length === 0) return [base];
  const sketch = [
    `\t/* in ${helper.name}(), instead of ${step.syntax.text(step.statement)} */`,
    `\tvictim = ${object};`,
    "\t/* in each caller, after the unlock */",
    `\tif (victim)\n\t\t${step.call.name}(victim);`,
    ...where.map((w) => `\t/* ${w} */`),
  ].join("\n");
  return [{ ...base, applicability: "sketch", edits: [], sketch, missing }];
}

interface Site {
  fn: Definition;
  syntax: FunctionSyntax;
  node: Node;
  args: Node;
}

function callersOf(helper: Definition, source: FixSource): Site[] {
  const out: Site[] = [];
  for (const fn of source.code.callersOf(helper.name)) {
    if (helper.isStatic && fn.file !== helper.file) continue;
    const syntax = source.syntaxOf(fn);
    for (const call of syntax?.calls(helper.name) ?? [])
      if (call.args) out.push({ fn, syntax: syntax!, node: call.node, args: call.args });
  }
  return out;
}

/** The statement before the destruction that takes the object off a list: `list_del_init(&obj->member)`. */
function unlinkBefore(step: TeardownStep, object: string): { statement: Node; member: string } | null {
  const siblings = step.statement.parent?.children ?? [];
  for (const statement of siblings.slice(0, siblings.indexOf(step.statement))) {
    const call = statement.kind === K.expression_statement ? step.syntax.asCall(statement.children[0]) : null;
    if (!call || !/^list_del(?:_init)?$/.test(call.name) || call.argList.length !== 1) continue;
    const member = new RegExp(`^&\\s*${object}\\s*->\\s*([\\w.]+)$`).exec(step.syntax.text(call.argList[0]));
    if (member) return { statement, member: member[1] };
  }
  return null;
}

async function rewrite(
  step: TeardownStep,
  unlink: { statement: Node; member: string },
  sites: readonly Site[],
  source: FixSource,
): Promise<{ edits: FixEdit[]; missing: string[] }> {
  const { fn: helper, syntax } = step;
  const { file } = helper;
  const text = source.read(file)!;
  const missing: string[] = [];
  const edits: FixEdit[] = [];
  const object = syntax.text(step.argument);
  const disposer = `dispose_${step.type.name.replace(/_block$/, "").replace(/s$/, "")}s`;
  if (source.code.has(disposer)) return { edits, missing: [`${disposer}() exists already`] };
  // The helper: a parameter more, and the list instead of the destruction.
  const close = text.lastIndexOf(")", helper.bodyStart);
  edits.push({ file, offset: close, endOffset: close, text: ", struct list_head *dispose" });
  const move = `list_move(&${object}->${unlink.member}, dispose);`;
  const block = step.statement.parent!;
  const isPair =
    block.kind === K.compound_statement &&
    block.children.length === 2 &&
    block.parent?.kind === K.if_statement;
  if (isPair && block.parent!.children.length === 2) {
    const indent = indentAt(text, unlink.statement.start);
    const from = /\s*$/.exec(text.slice(0, block.start))![0].length;
    edits.push({ file, offset: block.start - from, endOffset: block.end, text: `\n${indent}${move}` });
  } else {
    edits.push({ file, offset: unlink.statement.start, endOffset: unlink.statement.end, text: move });
    edits.push({
      file,
      offset: lineStart(text, step.statement.start),
      endOffset: lineEnd(text, step.statement.end) + 1,
      text: "",
    });
  }
  edits.push({
    file,
    offset: startWithComment(text, helper),
    endOffset: startWithComment(text, helper),
    text: [
      `/* Destroys what was taken off its list under the lock; called without it. */`,
      `static void ${disposer}(struct list_head *dispose)`,
      "{",
      `\t${step.type.base} *${object}, *next;`,
      "",
      `\tlist_for_each_entry_safe(${object}, next, dispose, ${unlink.member}) {`,
      `\t\tlist_del_init(&${object}->${unlink.member});`,
      `\t\t${step.call.name}(${object});`,
      "\t}",
      "}",
      "",
      "",
    ].join("\n"),
  });
  for (const fn of new Set(sites.map((s) => s.fn.start))) {
    const own = sites.filter((s) => s.fn.start === fn);
    const [first] = own;
    const locks = await source.locksOf(first.fn);
    const releases: Node[] = [];
    for (const c of locks?.calls ?? []) {
      if (!c.returns || !c.before.some((h) => h.atomic) || c.after.some((h) => h.atomic)) continue;
      const statement = first.syntax.statementOf(first.syntax.nodeAt(c.offset, c.endOffset));
      if (statement.kind === K.expression_statement && isContainer(statement.parent))
        releases.push(statement);
    }
    const reached = new Set<Node>();
    let leaks = first.fn.file !== file || releases.length === 0;
    for (const site of own) {
      const held =
        locks?.calls.find((c) => c.offset === site.node.start)?.before.filter((h) => h.atomic) ?? [];
      const ways = waysOut(first.syntax, first.syntax.statementOf(site.node), releases);
      if (ways.leaks || held.length === 0 || held.some((h) => h.onEntry || h.guard)) leaks = true;
      for (const r of ways.releases) reached.add(r);
    }
    if (leaks) {
      missing.push(`${first.fn.name}() does not drop the lock itself after each call: its callers have to`);
      continue;
    }
    const list = freshName(first.syntax, "dispose");
    edits.push(declareIn(file, text, first.syntax.body, `LIST_HEAD(${list});`));
    for (const site of own)
      edits.push({ file, offset: site.args.end - 1, endOffset: site.args.end - 1, text: `, &${list}` });
    for (const r of reached) edits.push(insertAfter(file, text, r, [`${disposer}(&${list});`]));
  }
  return { edits, missing };
}
