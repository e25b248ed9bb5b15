/**
 * Moves an allocation or another sleeping preparation to before the lock, with the check of its result: the failure path loses
 * the unlock, and ways out that do not come to the old place give back what was allocated.
 */
import type { Finding } from "../../findings/types.js";
import { indentAt, insertAfter, insertBefore, removeStatement } from "../layout.js";
import { mentions, operandsOf, unstable } from "../operands.js";
import {
  calleeNeedsLock,
  gotosTo,
  isContainer,
  isSurelyAfter,
  leavesSomething,
  ownHelperWarning,
  type Section,
  sectionOf,
} from "../section.js";
import { K, type Node } from "../syntax.js";
import type { Fix, FixEdit, FixSource } from "../types.js";

/** Giving back needs what happened under the lock: never before it. */
const GIVES_BACK =
  /free|put|release|destroy|remove|unregister|delete|unlink|(?:^|_)wake|complete|submit|notify/;
const WAITS = /^(?:m|s|u|f)sleep|^usleep|^schedule|^cond_resched$|^wait_|^might_sleep|_poll_timeout$/;

/** What gives back the result of an allocator. */
const FREE_OF: readonly [RegExp, (x: string, args: readonly string[]) => string][] = [
  [/^(?:k[mzc]alloc(?:_node|_array)?|kcalloc|kstrn?dup|kmemdup\w*|memdup_user\w*)$/, (x) => `kfree(${x});`],
  [/^v[mz]alloc\w*$/, (x) => `vfree(${x});`],
  [/^kv[mzc]alloc\w*$/, (x) => `kvfree(${x});`],
  [/^(?:alloc_skb|dev_alloc_skb|netdev_alloc_skb\w*|skb_clone|skb_copy)$/, (x) => `kfree_skb(${x});`],
  [/^usb_alloc_urb$/, (x) => `usb_free_urb(${x});`],
  [/^usb_ep_alloc_request$/, (x, args) => `usb_ep_free_request(${args[0]}, ${x});`],
  [/^kmem_cache_[az]alloc$/, (x, args) => `kmem_cache_free(${args[0]}, ${x});`],
  [/^alloc_workqueue$|^create_\w*workqueue$/, (x) => `destroy_workqueue(${x});`],
];

export async function hoistFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  const section = await sectionOf(finding, source);
  return section?.acquire ? new Hoist(section, section.acquire, source).plan() : [];
}

interface Form {
  /** The variable that the result goes to. */
  result: string | null;
  /** The check of the result that moves along; null: none is made. */
  check: Node | null;
}

class Hoist {
  private readonly text: string;
  private readonly file: string;

  constructor(
    private readonly s: Section,
    private readonly acquire: Node,
    private readonly source: FixSource,
  ) {
    this.file = s.fn.file;
    this.text = source.read(this.file)!;
  }

  plan(): Fix[] {
    const { s, acquire } = this;
    const { call, syntax, statement } = s;
    if (this.source.code.tables.locks.has(call.name) || GIVES_BACK.test(call.name)) return [];
    if (calleeNeedsLock(s, this.source)) return [];
    const form = this.form();
    if (!form || !isContainer(statement.parent)) return [];
    const sure = statement.parent === acquire.parent && isSurelyAfter(syntax, acquire, statement);
    const free = form.result === null ? null : this.freeCall(form.result);
    if (!sure)
      return form.result !== null
        ? [
            this.sketch(
              form,
              free,
              "it is made on some of the ways through the section only: the others have to give it back",
            ),
          ]
        : [];
    const between = syntax.normalised.slice(acquire.end - s.fn.start, statement.start - s.fn.start).trim();
    if (WAITS.test(call.name) && between !== "") return [];
    const operands = operandsOf(syntax, [
      ...(call.args ? [call.args] : []),
      ...(call.callee.kind === K.identifier ? [] : [call.callee]),
    ]);
    if (form.result !== null) {
      operands.variables.delete(form.result);
      if (mentions(syntax, [form.result], acquire.end, statement.start).length > 0) return [];
    }
    if (unstable(syntax, operands, acquire.end, statement.start).length > 0) return [];
    const exits = this.exitsBetween();
    if (exits === null) {
      return form.result !== null && free !== null
        ? [
            this.sketch(
              form,
              free,
              "ways out between the lock and the call share their unlock with ways that use the result",
            ),
          ]
        : [];
    }
    if (exits.length > 0 && form.result !== null && free === null) return [];
    const moved = this.movedText(form);
    if (moved === null)
      return free !== null && form.result !== null
        ? [this.sketch(form, free, "its failure path does more than unlock and return")]
        : [];
    const { file, text } = this;
    const last = form.check ?? statement;
    if (!leavesSomething(s, { ...statement, end: last.end })) return [];
    const edits: FixEdit[] = [
      insertBefore(file, text, acquire, this.dedented(moved, statement)),
      removeStatement(file, text, { start: statement.start, end: last.end }),
      ...(free === null ? [] : exits.map((r) => insertAfter(file, text, r, [free]))),
      ...this.lonelyLabel(last),
    ];
    const places = [...operands.places];
    return [
      {
        id: "hoist",
        kind: "hoist",
        title: `Move ${call.name}() to before ${syntax.calls(undefined, acquire)[0]?.name ?? "the lock"}()`,
        applicability: "needs-review",
        edits,
        preconditions: [
          "every way through the lock comes to it",
          "what it is given is not written between the lock and the call",
          ...(form.check ? ["its failure path only unlocked and returned"] : []),
          ...(exits.length > 0 && free !== null ? [`${exits.length} earlier ways out give it back`] : []),
        ],
        losses: [`${call.name}() runs without ${s.lockText}.`],
        warnings: [
          ...ownHelperWarning(s, this.source),
          ...(between === "" ? [] : ["It runs before what stands between the lock and its old place."]),
          ...(places.length > 0 ? [`It reads ${places.slice(0, 3).join(", ")} without the lock.`] : []),
        ],
        precedent: ["lib/radix-tree.c: radix_tree_preload() allocates before the lock what is used under it"],
      },
    ];
  }

  private form(): Form | null {
    const { s } = this;
    const { statement, call, syntax } = s;
    if (statement.kind === K.if_statement) {
      // `if (request(...)) { unlock; return }` moves as a whole.
      return statement.children.length === 2 && this.isIn(statement.children[0], call.node)
        ? { result: null, check: statement }
        : null;
    }
    if (statement.kind !== K.expression_statement) return null;
    const inner = statement.children[0];
    if (inner === call.node) return { result: null, check: null };
    if (inner?.kind !== K.assignment_expression || inner.children[0].kind !== K.identifier) return null;
    const value = inner.children[1];
    if (value !== call.node && !(value?.kind === K.cast_expression && value.children.includes(call.node)))
      return null;
    const result = syntax.text(inner.children[0]);
    const siblings = statement.parent?.children ?? [];
    const next = siblings[siblings.indexOf(statement) + 1];
    const checks =
      next?.kind === K.if_statement &&
      next.children.length === 2 &&
      operandsOf(syntax, [next.children[0]]).variables.has(result);
    return { result, check: checks ? next : null };
  }

  private isIn(outer: Node, inner: Node): boolean {
    return outer.start <= inner.start && inner.end <= outer.end;
  }

  private freeCall(result: string): string | null {
    const { call, syntax } = this.s;
    const found = FREE_OF.find(([pattern]) => pattern.test(call.name));
    return found
      ? found[1](
          result,
          call.argList.map((a) => syntax.text(a)),
        )
      : null;
  }

  /** Releases of ways out between the lock and the call; null where they are shared with ways that pass the call. */
  private exitsBetween(): Node[] | null {
    const { s, acquire } = this;
    const exits = s.releases.filter((r) => r.start > acquire.end && r.end < s.statement.start);
    const gotos = [...s.syntax.walk()].filter(
      (n) => n.kind === K.goto_statement && n.start > acquire.end && n.end < s.statement.start,
    );
    return gotos.length > 0 ? null : exits;
  }

  /** The call and its check as they are to stand before the lock; null where the failure path is not understood. */
  private movedText(form: Form): string | null {
    const { s, text } = this;
    const { statement } = s;
    if (!form.check) return text.slice(statement.start, statement.end);
    const body = form.check.children[1];
    const failure = this.failureText(body);
    if (failure === null) return null;
    return text.slice(statement.start, body.start) + failure;
  }

  private failureText(body: Node): string | null {
    const { s, text } = this;
    const statements = body.kind === K.compound_statement ? body.children : [body];
    const last = statements[statements.length - 1];
    if (!last) return null;
    const released = s.releases.filter((r) => statements.includes(r));
    let tail: string;
    if (last.kind === K.return_statement && released.length === 1) tail = text.slice(last.start, last.end);
    else if (last.kind === K.goto_statement && released.length === 0) {
      const target = this.returnAt(last.children[0] ? s.syntax.text(last.children[0]) : "");
      if (target === null) return null;
      tail = target;
    } else return null;
    const kept = statements.slice(0, -1).filter((n) => !released.includes(n));
    if (kept.some((n) => n.kind !== K.expression_statement)) return null;
    const indent = indentAt(text, statements[0].start);
    // `ret = -ENOMEM; goto out;` with `out: unlock; return ret;` says the same in one line.
    const assigned =
      kept.length === 1 ? /^(\w+)\s*=\s*([^;]+);$/.exec(text.slice(kept[0].start, kept[0].end)) : null;
    const lines =
      assigned && tail === `return ${assigned[1]};`
        ? [`return ${assigned[2]};`]
        : [...kept.map((n) => text.slice(n.start, n.end)), tail];
    if (lines.length === 1) {
      return body.kind === K.compound_statement ? `\n${indent}${lines[0]}` : lines[0];
    }
    const close = indentAt(text, body.kind === K.compound_statement ? body.end - 1 : body.start).replace(
      /\t$/,
      (t) => (body.kind === K.compound_statement ? t : ""),
    );
    const open = body.kind === K.compound_statement ? "{" : "{";
    return `${open}\n${lines.map((l) => indent + l).join("\n")}\n${close}}`;
  }

  /** The `return` that a label leads to through nothing but unlocks; null where more is done. */
  private returnAt(label: string): string | null {
    const { s, text } = this;
    for (const node of s.syntax.walk()) {
      if (node.kind !== K.labeled_statement || !node.children[0] || s.syntax.text(node.children[0]) !== label)
        continue;
      const siblings = node.parent?.children ?? [];
      const after = [...node.children.slice(1), ...siblings.slice(siblings.indexOf(node) + 1)];
      let released = false;
      for (const n of after) {
        const statement = n.kind === K.labeled_statement ? n.children[1] : n;
        if (!statement) return null;
        if (s.releases.includes(statement)) released = true;
        else if (statement.kind === K.return_statement && released)
          return text.slice(statement.start, statement.end);
        else return null;
      }
    }
    return null;
  }

  /** The label of the failure path, when nobody else goes there any more. */
  private lonelyLabel(check: Node): FixEdit[] {
    const { s, text, file } = this;
    const [jump] = [...s.syntax.walk(check)].filter((n) => n.kind === K.goto_statement);
    const label = jump?.children[0] ? s.syntax.text(jump.children[0]) : null;
    if (label === null || gotosTo(s.syntax, label).length !== 1) return [];
    for (const node of s.syntax.walk()) {
      if (node.kind !== K.labeled_statement || !node.children[0] || s.syntax.text(node.children[0]) !== label)
        continue;
      const colon = text.indexOf(":", node.children[0].end);
      return [removeStatement(file, text, { start: node.start, end: colon + 1 })];
    }
    return [];
  }

  private dedented(code: string, from: Node): string[] {
    const own = indentAt(this.text, from.start);
    // A comment above what is moved stays: it tells of both.
    const moved = code
      .split(/\r?\n/)
      .map((l, i) => (i > 0 && l.startsWith(own) ? l.slice(own.length) : l).replace(/[ \t]+$/, ""));
    return [...moved.map((l) => l.replace(/\)\s*\{?$/, (m) => m)), ""];
  }

  private sketch(form: Form, free: string | null, missing: string): Fix {
    const { s, text, acquire } = this;
    const call = text.slice(s.statement.start, s.statement.end);
    const lock = text.slice(acquire.start, acquire.end);
    return {
      id: "hoist",
      kind: "hoist",
      title: `${free === null ? "Prepare" : "Allocate"} before the lock: ${s.call.name}() ahead of ${s.lockText}`,
      applicability: "sketch",
      edits: [],
      sketch: [
        `\t${call}`,
        `\t/* failure: return, nothing is locked yet */`,
        "",
        `\t${lock}`,
        `\t/* … use ${form.result} … */`,
        "\t/* unlock */",
        free === null
          ? "\t/* give it back on the ways that did not use it */"
          : `\t${free}\t/* on the ways that did not use it */`,
      ].join("\n"),
      preconditions: [],
      warnings: ["It is done on ways that do not need it."],
      missing: [missing],
    };
  }
}
