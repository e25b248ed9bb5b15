/**
 * Repairs that change who does the work, as sketches with what was found: mark the object dead under the spinlock and let
 * whoever works on it free it; split the long section of the sleeping lock into one an element, with a cursor.
 */
import type { LockUsers } from "../../findings/lockUsers.js";
import type { Finding, FindingPath } from "../../findings/types.js";
import { maskCode } from "../mask.js";
import type { Fix, FixSource } from "../types.js";
import { whoUses } from "../whoUses.js";
import { relyingText, shortName } from "./lockType.js";

const TEARS_DOWN = /free|destroy|release|put|unregister|delete|remove|del\b|exit|cleanup|fini/;
/** Fields that can carry one more state without growing the struct. */
const STATE_FIELD =
  /^(?:flags?|state|status|dead|dying|closing|removed|gone|stopped|\w*_flags?|\w*_state|id|shrinker_id|refs?|count|\w*_count)$/;
const SLEEPING_LOCK = /^(?:mutex_lock|down_(?:read|write)|down)(?:_\w+)?$/;

export async function ownerFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  if (finding.rule === "stale-cursor") return [cursorSketch(finding, source)];
  const out: Fix[] = [];
  const seen = new Set<string>();
  for (const path of finding.paths) {
    if (!SLEEPING_LOCK.test(path.sleep.call)) continue;
    const { locks } = await source.engine.lockAt(path.sleep.file, path.sleep.offset);
    if (locks.length !== 1 || seen.has(locks[0].cls)) continue;
    seen.add(locks[0].cls);
    const users = await whoUses(locks[0], source);
    if (!users) continue;
    const dead = markDead(finding, path, users, source);
    if (dead) out.push(dead);
    const split = splitWithCursor(users, source);
    if (split) out.push(split);
  }
  // One of each says it: the first path is the shortest.
  const first = (id: string): Fix[] => out.filter((f) => f.id === id).slice(0, 1);
  return [...first("mark-dead"), ...first("split-with-cursor")];
}

// ---- mark dead ----------------------------------------------------------------------------------------------------

/** The object that is torn down on the way: the first pointer to a struct that a function of the chain is given. */
function victimOf(path: FindingPath, source: FixSource): { struct: string; fn: string; file: string } | null {
  for (let i = path.chain.length - 1; i > 0; i--) {
    const step = path.chain[i];
    if (!TEARS_DOWN.test(step.function)) continue;
    const [fn] = source.code.resolve(step.function, step.file);
    const param = fn?.params.find((p) => p.isStruct && p.isPointer);
    if (param) return { struct: param.type, fn: step.function, file: step.file };
  }
  return null;
}

function markDead(finding: Finding, path: FindingPath, users: LockUsers, source: FixSource): Fix | null {
  const victim = victimOf(path, source);
  if (!victim) return null;
  const [struct] = source.code.structs(victim.struct, victim.file);
  const chain = new Set(path.chain.map((c) => c.function));
  const workers = users.functions.filter((f) => !chain.has(f.function.name));
  const fields = (struct?.fields ?? []).filter(
    (f) => !f.isFunctionPointer && !f.isStruct && STATE_FIELD.test(f.name),
  );
  const pointers = (struct?.fields ?? []).filter((f) => f.isPointer && !f.isFunctionPointer);
  const mark = fields[0];
  const lock = shortName(users.lock);
  const best = workers.find((w) => w.sections.some((s) => walks(s, source))) ?? workers[0];
  const worker = best ? `${best.function.name}()` : `whoever holds ${lock}`;
  const how = mark
    ? [
        `${victim.struct}.${mark.name} is there already: a sign or a bit of it can say that the object is dead`,
        ...fields.slice(1, 4).map((f) => `or ${victim.struct}.${f.name}`),
      ]
    : pointers.length > 0
      ? [`no field for a state was found; a NULL in ${victim.struct}.${pointers[0].name} may say it`]
      : [`no field of struct ${victim.struct} was found that could say it: it needs one`];
  return {
    id: "mark-dead",
    kind: "mark-dead",
    title: `Mark the ${victim.struct} dead under ${finding.context.lock ?? "the lock"} and let ${worker} free it`,
    applicability: "sketch",
    edits: [],
    sketch: [
      `\t/* ${finding.function}(), under ${finding.context.lock ?? "the lock"}: */`,
      `\tif (/* ${worker} is at work on it */)`,
      `\t\tobj->${mark?.name ?? "dead"} = /* dead */;`,
      "\telse",
      `\t\t/* nobody is: ${victim.fn}() may go on, without ${lock} */;`,
      "",
      `\t/* ${worker}, under ${lock}, when it is done with the element: */`,
      `\tif (obj->${mark?.name ?? "dead"} /* is dead */)`,
      "\t\t/* unlink and free it here */;",
      ...how.map((h) => `\t/* - ${h} */`),
    ].join("\n"),
    preconditions: [
      workers.length > 0
        ? `${lock} is taken by ${workers
            .map((f) => `${f.function.name}()`)
            .slice(0, 6)
            .join(", ")} too: those work on the objects`
        : `nobody but the chain itself was seen to take ${lock}`,
    ],
    losses: ["The object lives on for a while after it was dropped, still on its list."],
    warnings: [
      "Everyone who walks the list must skip what is marked.",
      "The mark and the question whether somebody is at work must be made under one lock that does not sleep.",
    ],
    missing: [
      "which state of the field means dead, and that nothing else writes it meanwhile",
      "where the one at work learns of the mark: after its last use of the object",
    ],
  };
}

// ---- split --------------------------------------------------------------------------------------------------------

/** Whether a section walks a list, by the text between its ends. */
function walks(
  section: LockUsers["functions"][number]["sections"][number],
  source: FixSource,
): string | null {
  const text = source.read(section.acquire.file);
  const last = section.releases[section.releases.length - 1];
  if (text === null || !last) return null;
  const m = /\b(\w*(?:list|sk)_for_each\w*|for_each_\w*entry\w*)\s*\(\s*(\w+)/.exec(
    maskCode(text.slice(section.acquire.offset, last.site.offset)),
  );
  return m ? `${m[1]}(${m[2]}, …)` : null;
}

function splitWithCursor(users: LockUsers, source: FixSource): Fix | null {
  const lock = shortName(users.lock);
  for (const f of users.functions) {
    for (const s of f.sections) {
      const walk = walks(s, source);
      if (!walk) continue;
      const others = users.functions.filter((o) => o !== f);
      const touched = [...new Set([...s.writes, ...s.reads].map((a) => a.name))].slice(0, 6);
      return {
        id: "split-with-cursor",
        kind: "cursor",
        title: `Split the section of ${lock} in ${f.function.name}() into one an element, with a cursor`,
        applicability: "sketch",
        edits: [],
        sketch: [
          `\t/* ${f.function.name}(): */`,
          "\ttake the lock; put a cursor in front of the first element;",
          `\twhile (there is an element after the cursor) {	/* ${walk} */`,
          "\t\tmove the cursor behind it, take a reference;",
          "\t\tdrop the lock; work on the element; take the lock;",
          "\t\tdrop the reference;",
          "\t}",
          "\ttake the cursor out; drop the lock;",
        ].join("\n"),
        preconditions: [`${f.function.name}() walks a list with ${lock} held: ${walk}`],
        losses: [
          `The walk no longer excludes the other users of ${lock} as a whole: ${
            others
              .map((o) => `${o.function.name}()`)
              .slice(0, 6)
              .join(", ") || "none was found"
          }.`,
        ],
        warnings: [
          "Trap: after the lock was dropped the next pointer of the old element may lead to freed memory. The _safe macros do not help; removal must know the cursor, or the element must be held (rule stale-cursor).",
          `Trap: what relied on the old lock for exclusion loses it${
            touched.length > 0 ? ` (${f.function.name}() touches ${touched.join(", ")})` : ""
          }. ${users.relying.length > 0 ? relyingText(users) : ""}`.trim(),
        ],
        missing: [
          "that elements which are added behind the cursor meanwhile need no work, or get it",
          "what replaces the exclusion between the users named above",
        ],
      };
    }
  }
  return null;
}

// ---- stale cursors --------------------------------------------------------------------------------------------------

function cursorSketch(finding: Finding, source: FixSource): Fix {
  const lock = finding.context.lock ?? "the lock";
  const path = finding.paths[0];
  const drop = path.chain.find((s) => s.does?.startsWith("drops"));
  const cursor = /goes on from (\w+)/.exec(path.chain[path.chain.length - 1].does ?? "")?.[1] ?? "pos";
  const text = drop ? source.read(drop.file) : null;
  const unlock =
    text && drop
      ? text.slice(drop.offset, text.indexOf(";", drop.offset) + 1).replace(/\s+/g, " ")
      : `drop ${lock};`;
  const remover = path.chain.find((s) => s.does?.startsWith("may take"));
  return {
    id: "hold-the-element",
    kind: "cursor",
    title: `Keep ${cursor} while ${lock} is dropped: a reference, a cursor, or a new start`,
    applicability: "sketch",
    edits: [],
    sketch: [
      `\tget(${cursor});	/* so that it is not freed */`,
      `\t${unlock}`,
      "\t…",
      `\ttake ${lock} again;`,
      `\tif (/* ${cursor} was taken off the list meanwhile */)`,
      "\t\tstart again from the head;",
      `\telse	/* step to the next one, then */`,
      `\t\tput(${cursor});`,
    ].join("\n"),
    preconditions: [
      remover
        ? `${remover.function}() takes elements off this list`
        : "nothing was seen that takes elements off this list",
    ],
    warnings: [
      "A reference keeps the memory, not the place on the list: look whether the element is still on it.",
      "The _safe macros do not help: the element that they hold beforehand is as unprotected.",
    ],
    missing: ["what takes and drops a reference on an element, or a lock that can be held throughout"],
  };
}
