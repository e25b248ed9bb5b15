/** Waiting for a grace period before freeing: the freeing goes into a callback after it. A sketch, for it needs an rcu_head. */
import type { Finding } from "../../findings/types.js";
import { callAt } from "../leaf.js";
import { typeOf } from "../operands.js";
import { structPlace } from "../teardown.js";
import type { Fix, FixSource } from "../types.js";

const WAITS = /^synchronize_(?:rcu(?:_expedited|_bh)?|sched|net)$/;
const FREES = /^k(?:v|z)?free(?:_sensitive)?$/;

export function deferRcuFixes(finding: Finding, source: FixSource): Fix[] {
  for (const path of finding.paths) {
    for (const site of [path.sleep, ...path.chain]) {
      const leaf = callAt(site.file, site.offset, source);
      if (!leaf || !WAITS.test(leaf.call.name)) continue;
      const statement = leaf.syntax.statementOf(leaf.call.node);
      const siblings = statement.parent?.children ?? [];
      const after = siblings
        .slice(siblings.indexOf(statement) + 1)
        .flatMap((n) => leaf.syntax.calls(undefined, n));
      const free = after.find((c) => FREES.test(c.name) && c.argList.length === 1);
      const object = free ? leaf.syntax.text(free.argList[0]) : "obj";
      const type = free ? typeOf(leaf.syntax, free.argList[0], source) : null;
      const place = type ? structPlace(type.name, leaf.fn.file, source) : null;
      const head =
        place &&
        /\bstruct\s+rcu_head\s+(\w+)/.exec(source.read(place.file)!.slice(place.open, place.close))?.[1];
      const field = head ?? "rcu";
      return [
        {
          id: "defer-rcu",
          kind: "defer-rcu",
          title: `Do not wait in ${leaf.fn.name}(): free ${object} after the grace period`,
          applicability: "sketch",
          edits: [],
          sketch: [
            ...(head ? [] : [`\tstruct rcu_head ${field};\t/* in ${type?.base ?? "the object"} */`, ""]),
            `\t/* instead of ${leaf.call.name}() and ${free ? leaf.syntax.text(free.node) : "what follows it"} */`,
            free ? `\tkfree_rcu(${object}, ${field});` : `\tcall_rcu(&${object}->${field}, free_callback);`,
          ].join("\n"),
          preconditions: head ? [`${type?.base} has an rcu_head: ${head}`] : [],
          losses: [
            "The memory is given back later; what must happen before that cannot rely on the wait any more.",
          ],
          warnings: [
            "A callback of call_rcu() runs in softirq context: what sleeps there goes to queue_rcu_work().",
            "A module waits with rcu_barrier() before it is unloaded.",
          ],
          precedent: ["net/ipv4/devinet.c: inet_free_ifa() frees in an RCU callback"],
          missing: [
            head
              ? "that nothing else after the wait depends on it"
              : "a struct rcu_head in the object, and that nothing else after the wait depends on it",
          ],
        },
      ];
    }
  }
  return [];
}
