/** A loop that frees what it takes off a list under the lock: it collects on a private list, which is emptied after unlock. */
import type { Finding } from "../../findings/types.js";
import { declareIn, freshName, indentAt, insertAfter, removeStatement } from "../layout.js";
import { operandsOf } from "../operands.js";
import { contains, isLoop, isSurelyAfter, sectionOf } from "../section.js";
import { K, type Node } from "../syntax.js";
import type { Fix, FixEdit, FixSource } from "../types.js";
import { waysOut } from "../waysOut.js";

const WALK =
  /^(list_for_each_entry_safe(?:_reverse)?)\s*\(\s*(\w+)\s*,\s*(\w+)\s*,\s*([^,]+),\s*([\w.]+)\s*\)/;

export async function disposeListFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  const s = await sectionOf(finding, source);
  if (!s?.acquire) return [];
  const { syntax, statement, fn, releases } = s;
  const file = fn.file;
  const text = source.read(file)!;
  const body = statement.parent;
  const loop = body?.parent;
  if (!body || !loop || !isLoop(loop) || body.kind !== K.compound_statement || s.acquire.start > loop.start)
    return [];
  const walk = WALK.exec(text.slice(loop.start, body.start));
  if (!walk || releases.some((r) => contains(loop, r))) return [];
  const [, , element, next, , member] = walk;
  const unlink = body.children.find((n) => {
    const call = n.kind === K.expression_statement ? syntax.asCall(n.children[0]) : null;
    return (
      call !== null &&
      /^list_del(?:_init)?$/.test(call.name) &&
      new RegExp(`^&\\s*${element}\\s*->\\s*${member}$`).test(syntax.text(call.argList[0] ?? statement))
    );
  });
  if (!unlink) return [];
  // From the sleeping call on everything in the body is about the element alone.
  const moved = body.children.slice(body.children.indexOf(statement)).filter((n) => n !== unlink);
  const aboutElement = (n: Node): boolean => {
    const { variables } = operandsOf(syntax, [n]);
    return (
      n.kind === K.expression_statement &&
      [...variables].every((v) => v === element || /^[A-Z_0-9]+$/.test(v))
    );
  };
  if (!moved.every(aboutElement)) return [];
  const ways = waysOut(syntax, loop, releases);
  if (
    ways.leaks ||
    ways.around ||
    ways.releases.length === 0 ||
    !ways.releases.every((r) => isSurelyAfter(syntax, loop, r))
  )
    return [];
  const list = freshName(syntax, "dispose");
  const move = `list_move(&${element}->${member}, &${list});`;
  const lines = [
    `list_for_each_entry_safe(${element}, ${next}, &${list}, ${member}) {`,
    `\t${syntax.text(unlink)}`,
    ...moved.map((n) => `\t${syntax.text(n)}`),
    "}",
  ];
  const edits: FixEdit[] = [declareIn(file, text, syntax.body, `LIST_HEAD(${list});`)];
  if (body.children.length === moved.length + 1) {
    const indent = indentAt(text, unlink.start);
    const blank = /\s*$/.exec(text.slice(0, body.start))![0].length;
    edits.push({ file, offset: body.start - blank, endOffset: body.end, text: `\n${indent}${move}` });
  } else {
    edits.push({ file, offset: unlink.start, endOffset: unlink.end, text: move });
    edits.push(...moved.map((n) => removeStatement(file, text, n)));
  }
  edits.push(...ways.releases.map((r) => insertAfter(file, text, r, lines)));
  return [
    {
      id: "dispose-list",
      kind: "dispose-list",
      title: `Collect on a private list, ${s.call.name}() after the unlock`,
      applicability: "needs-review",
      edits,
      preconditions: [
        `${element} leaves its list in the loop: its ${member} is free to be used again`,
        `what moves out is about ${element} alone`,
      ],
      losses: [`The elements are off the list and not yet gone for a while after ${s.lockText} is dropped.`],
      warnings: [`Nobody may find ${element} any more by other ways than that list.`],
      precedent: [
        "fs/inode.c: evict_inodes() collects under the lock, dispose_list() after it",
        "fs/namespace.c: dput_to_list()",
      ],
    },
  ];
}
