/** Take the object's insides down where no lock is held, before its last reference goes; under the lock only assert that. */
import type { Finding } from "../../findings/types.js";
import { callAt } from "../leaf.js";
import { teardownStep } from "../teardown.js";
import type { Fix, FixSource } from "../types.js";

export function earlierFixes(finding: Finding, source: FixSource): Fix[] {
  const step = teardownStep(finding, source);
  if (!step) return [];
  const { chain } = finding.paths[0];
  // The calls in what is destroyed that sleep, as they are written there.
  const calls = new Set<string>();
  for (const path of finding.paths) {
    const inner = path.chain[step.index + 1];
    const leaf = inner && callAt(inner.file, inner.offset, source);
    if (inner && leaf) for (const c of leaf.syntax.calls(leaf.call.name)) calls.add(leaf.syntax.text(c.node));
  }
  if (calls.size === 0) return [];
  const inner = chain[step.index + 1];
  const callers = source.code
    .callersOf(step.fn.name)
    .map((d) => d.name)
    .slice(0, 9);
  const lock = finding.context.lock ?? finding.context.how;
  const asserted = [...calls].map((c) => /&\s*\w+->[\w.]+/.exec(c)?.[0].replace(/&\s*/, "") ?? null);
  return [
    {
      id: "earlier",
      kind: "earlier",
      title: `Take down earlier, without ${lock}: only assert it in ${inner?.function ?? step.call.name}()`,
      applicability: "sketch",
      edits: [],
      sketch: [
        "\t/* where the object's use ends and no lock is held, before the last reference is dropped */",
        ...[...calls].map((c) => `\t${c};`),
        "",
        `\t/* in ${inner?.function ?? step.call.name}(), instead of them */`,
        ...asserted.map(
          (a) => `\tWARN_ON(${a === null ? "it was not taken down" : `${a} is still set up`});`,
        ),
      ].join("\n"),
      preconditions: [`${[...calls].join("; ")} is what sleeps in it`],
      losses: [
        "An object that never came to the place where its use ends has to be taken down there too (errors at setup).",
      ],
      warnings: [
        `References are given up in ${callers.join(", ")}: none of them may come before that place.`,
      ],
      precedent: [
        "fs/super.c of 4.17: deactivate_locked_super() destroys the LRU lists, destroy_unused_super() those of a half-made one",
      ],
      missing: ["the function that ends the object's use without a lock held"],
    },
  ];
}
