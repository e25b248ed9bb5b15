/**
 * Drop the lock, sleep, retake it, look again. Never an edit: what has to be looked at again is a question of meaning. The
 * sketch lists what the function learnt under the lock before the call and relies on after it.
 */
import type { Finding } from "../../findings/types.js";
import { operandsOf, writtenIn } from "../operands.js";
import { calleeNeedsLock, loopsAround, sectionOf } from "../section.js";
import { K } from "../syntax.js";
import type { Fix, FixSource } from "../types.js";

export async function dropRetakeFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  const section = await sectionOf(finding, source);
  if (!section?.acquire || section.held.length !== 1 || calleeNeedsLock(section, source)) return [];
  const { syntax, acquire, statement, releases, fn } = section;
  const text = source.read(fn.file)!;
  const release = releases.find((r) => r.start > statement.end) ?? releases[0];
  const last = releases[releases.length - 1];
  const before = operandsIn(acquire.end, statement.start);
  const after = operandsIn(statement.end, Math.max(statement.end, last.start));
  const places = [...before.places].filter((p) => after.places.has(p));
  const written = writtenIn(syntax, acquire.end, statement.start);
  const learnt = [...written].filter((v) => /^\w+$/.test(v) && after.variables.has(v));
  const inWalk = loopsAround(statement).some(
    (loop) =>
      loop.start > acquire.start && /\b\w*for_each\w*\s*\(/.test(text.slice(loop.start, loop.start + 80)),
  );
  const again = [
    ...learnt.map((v) => `${v}: found under the lock; hold a reference on it, or look it up again`),
    ...places.map((p) => `${p}: read before and used after; read it again`),
    ...(inWalk
      ? [
          "the list walk: the next element may be gone; restart, or keep a reference or a cursor (rule stale-cursor)",
        ]
      : []),
  ];
  const code = (node: { start: number; end: number }): string => text.slice(node.start, node.end);
  return [
    {
      id: "drop-retake",
      kind: "drop-retake",
      title: `Drop ${section.lockText}, sleep, retake it and look again`,
      applicability: "sketch",
      edits: [],
      sketch: [
        `\t${code(release)}`,
        `\t${statement.kind === K.expression_statement ? code(statement) : `${code(section.call.node)};`}`,
        `\t${code(acquire)}`,
        "\t/* Look again at what may have changed meanwhile: */",
        ...(again.length > 0 ? again : ["nothing that the function itself read before the call"]).map(
          (a) => `\t/* - ${a} */`,
        ),
      ].join("\n"),
      preconditions: [
        "the lock is taken in this function, not by its callers",
        "no other lock that forbids sleeping is held",
      ],
      losses: [`What ${section.lockText} protects can change during the call: the section is two sections.`],
      warnings: [],
      precedent: ["mm/dmapool.c: dma_pool_alloc() drops the pool's lock to allocate a page"],
      missing:
        again.length > 0 ? again : ["whether the object is still there and in the same state after the call"],
    },
  ];

  function operandsIn(from: number, to: number): { variables: Set<string>; places: Set<string> } {
    const nodes = [...syntax.walk()].filter(
      (n) =>
        n.start >= from &&
        n.end <= to &&
        n.parent !== null &&
        !(n.parent.start >= from && n.parent.end <= to),
    );
    return operandsOf(syntax, nodes);
  }
}
