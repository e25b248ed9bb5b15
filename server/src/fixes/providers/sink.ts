/**
 * Moves the sleeping call to after the unlock, on every path that leaves the section. What it works on is remembered under
 * the lock where it may have changed by then, or where the call is made on some of the paths only.
 */
import type { Finding } from "../../findings/types.js";
import {
  declareIn,
  freshName,
  indentAt,
  insertAfter,
  lineStart,
  reindented,
  removeStatement,
} from "../layout.js";
import { mentions, type Operands, operandsOf, squeezed, typeOf, unstable } from "../operands.js";
import {
  calleeNeedsLock,
  isSurelyAfter,
  leavesSomething,
  loopsAround,
  ownHelperWarning,
  type Section,
  sectionOf,
} from "../section.js";
import { K, type Node } from "../syntax.js";
import type { Fix, FixEdit, FixSource } from "../types.js";
import { waysOut } from "../waysOut.js";

/** Calls that take something down: what follows under the lock does not need their result. */
const TEARDOWN =
  /free|put|release|destroy|del(?:ete)?(?:_|$)|remove|unregister|cancel|flush|kill|stop|disable|close|shutdown|exit|cleanup|detach|unlink|drop|uninit|deinit|fini|clear|unmap|unprepare|purge|drain|synchronize|suspend|power_off|wake|notify|kobject_uevent/;
const FREES = /^(?:k|v|kv|kz)free(?:_sensitive)?$|^kfree_skb$/;
const WAITS = /^(?:m|s|u|f)sleep|^usleep|^schedule(?:_timeout\w*)?$|^cond_resched$|^wait_|^might_sleep/;

/** Calls that do one thing that must be done now, and another that can be done later. */
const SPLITS: Record<string, { now: string; later: string; what: string }> = {
  clk_disable_unprepare: { now: "clk_disable", later: "clk_unprepare", what: "unprepare the clock" },
  disable_irq: { now: "disable_irq_nosync", later: "synchronize_irq", what: "wait for a running handler" },
  del_timer_sync: { now: "del_timer", later: "del_timer_sync", what: "wait for a running timer" },
  timer_delete_sync: { now: "timer_delete", later: "timer_delete_sync", what: "wait for a running timer" },
  cancel_work_sync: { now: "cancel_work", later: "cancel_work_sync", what: "wait for a running work item" },
  tasklet_disable: {
    now: "tasklet_disable_nosync",
    later: "tasklet_unlock_wait",
    what: "wait for a running tasklet",
  },
};

export async function sinkFixes(finding: Finding, source: FixSource): Promise<Fix[]> {
  const section = await sectionOf(finding, source);
  if (!section) return [];
  const plan = new Sink(section, source).plan();
  return plan;
}

class Sink {
  private readonly text: string;
  private readonly file: string;

  constructor(
    private readonly s: Section,
    private readonly source: FixSource,
  ) {
    this.file = s.fn.file;
    this.text = source.read(this.file)!;
  }

  plan(): Fix[] {
    const { s } = this;
    const form = this.form();
    if (!form || this.source.code.tables.locks.has(s.call.name) || calleeNeedsLock(this.s, this.source))
      return [];
    const ways = waysOut(s.syntax, s.statement, s.releases);
    if (ways.leaks || ways.releases.length === 0) return [];
    // Several rounds under one lock need a list, not a variable.
    const loops = loopsAround(s.statement);
    if (loops.some((loop) => !s.releases.some((r) => loop.start <= r.start && r.end <= loop.end))) return [];
    const unit = this.unit(form);
    const sure = !ways.around && ways.releases.every((r) => isSurelyAfter(s.syntax, unit, r));
    const out: Fix[] = [];
    if (!leavesSomething(s, unit)) return this.aloneInSection(unit, ways.releases);
    if (sure) {
      const moved = this.move(unit, ways.releases, form);
      if (moved) out.push(moved);
      const split = form === "call" ? this.split(unit, ways.releases) : null;
      if (split) out.push(split);
    }
    if (out.length === 0 && form === "call") {
      const remembered = this.remember(ways.releases, loops.length > 0);
      if (remembered) out.push(remembered);
    }
    return out;
  }

  /** The statement is the call alone, or gives its result to a variable. */
  private form(): "call" | "assign" | null {
    const { statement, call } = this.s;
    if (statement.kind !== K.expression_statement) return null;
    const inner = statement.children[0];
    if (inner === call.node || (inner?.kind === K.cast_expression && inner.children.includes(call.node)))
      return "call";
    if (
      inner?.kind === K.assignment_expression &&
      inner.children[1] === call.node &&
      inner.children[0].kind === K.identifier
    )
      return "assign";
    return null;
  }

  /** What is moved: the statement, or the `if`s around it that hold nothing else. */
  private unit(form: "call" | "assign"): Node {
    let unit = this.s.statement;
    if (form === "assign") return unit;
    for (;;) {
      const block =
        unit.parent?.kind === K.compound_statement && unit.parent.children.length === 1 ? unit.parent : unit;
      const parent = block.parent;
      if (parent?.kind !== K.if_statement || parent.children.length !== 2 || parent.children[1] !== block)
        return unit;
      if (
        parent.parent?.kind === K.else_clause ||
        this.s.syntax.calls(undefined, parent.children[0]).length > 0
      )
        return unit;
      unit = parent;
    }
  }

  private operands(unit: Node): Operands {
    return operandsOf(this.s.syntax, [unit]);
  }

  private move(unit: Node, releases: readonly Node[], form: "call" | "assign"): Fix | null {
    const { s, file, text } = this;
    const { call, syntax } = s;
    const last = releases[releases.length - 1];
    const operands = this.operands(unit);
    const result = form === "assign" ? syntax.text(s.statement.children[0].children[0]) : null;
    if (result !== null) {
      operands.variables.delete(result);
      if (releases.some((r) => mentions(syntax, [result], unit.end, r.start).length > 0)) return null;
    }
    const between = this.codeBetween(unit, releases[0]);
    const isTeardown = TEARDOWN.test(call.name);
    if (!isTeardown && between.length > 0) {
      if (WAITS.test(call.name)) return null;
      // What follows may use what the call did: only where nothing of it is mentioned again.
      const used = call.argList.map((a) => squeezed(syntax.text(a)).replace(/^&/, ""));
      if (releases.some((r) => mentions(syntax, used, unit.end, r.start).length > 0)) return null;
    }
    if (unstable(syntax, operands, unit.end, last.start).length > 0)
      return form === "call" ? this.remember(releases, false, true) : null;
    const comment = this.commentAbove(unit);
    const from = { start: comment ?? unit.start, end: unit.end };
    const indent = indentAt(text, unit.start);
    const moved = text.slice(
      comment === null ? unit.start : lineStart(text, comment) + indent.length,
      unit.end,
    );
    const edits: FixEdit[] = [removeStatement(file, text, from)];
    for (const r of releases) edits.push(insertAfter(file, text, r, this.linesFor(moved, unit, r)));
    const local = operands.places.size === 0;
    const free = FREES.test(call.name);
    return this.fix("sink", `Move ${call.name}() to after ${this.releaseName(releases)}`, edits, between, {
      applicability: local && free && between.length === 0 ? "safe" : "needs-review",
      preconditions: [
        releases.length > 1
          ? `all ${releases.length} ways out of the section call it`
          : "the section has one way out from here",
        "what it works on is not written between the old place and the new",
        ...(result === null ? [] : [`${result} is not used in between`]),
      ],
      warnings: local ? [] : [`It reads ${[...operands.places].slice(0, 3).join(", ")} without the lock.`],
    });
  }

  /**
   * The section holds nothing but the call. A function of the kernel at large does not need this driver's lock: the lock goes.
   * A helper of the driver does: then it is a question of which part of it.
   */
  private aloneInSection(unit: Node, releases: readonly Node[]): Fix[] {
    const { s, file, text } = this;
    const { syntax, acquire, call } = s;
    const lock = s.lockText;
    const own = ownHelperWarning(s, this.source).length > 0;
    if (!acquire || own || releases.length !== 1 || s.releases.length !== 1) {
      return [
        {
          ...this.fix(
            "sink",
            `Split ${call.name}(): what needs ${lock} stays, what sleeps follows the unlock`,
            [],
            [],
            {
              applicability: "sketch",
              preconditions: [],
              warnings: [],
            },
          ),
          sketch: `\t/* the part of ${call.name}() that needs ${lock}, under it */\n\t/* after the unlock: the part that sleeps */\n\t${syntax.text(unit)}`,
          missing: [`the section holds nothing else: which part of ${call.name}() needs ${lock}`],
        },
      ];
    }
    const edits: FixEdit[] = [removeStatement(file, text, acquire), removeStatement(file, text, releases[0])];
    edits.push(...this.unusedFlags([acquire, releases[0]]));
    return [
      this.fix(
        "no-lock",
        `Take ${lock} away around ${call.name}(): the section holds nothing else`,
        edits,
        [],
        {
          applicability: "needs-review",
          preconditions: [
            `nothing else stands between the lock and the unlock`,
            `${call.name}() is not code of this driver`,
          ],
          warnings: [
            `If it is there to order ${call.name}() against others that take ${lock}, a mutex has to do that.`,
          ],
        },
      ),
    ];
  }

  /** The declaration of the saved interrupt flags, when nothing else uses them. */
  private unusedFlags(removed: readonly Node[]): FixEdit[] {
    const { s, file, text } = this;
    for (const node of s.syntax.body.children) {
      if (node.kind !== K.declaration) break;
      const name = /^unsigned\s+long\s+(\w+)\s*;$/.exec(s.syntax.text(node))?.[1];
      if (name === undefined) continue;
      const uses = [...s.syntax.walk()].filter(
        (n) =>
          n.kind === K.identifier &&
          s.syntax.text(n) === name &&
          !(node.start <= n.start && n.end <= node.end),
      );
      if (uses.length > 0 && uses.every((u) => removed.some((r) => r.start <= u.start && u.end <= r.end)))
        return [removeStatement(file, text, node)];
    }
    return [];
  }

  /** The part that must be done now stays, the part that sleeps follows the unlock. */
  private split(unit: Node, releases: readonly Node[]): Fix | null {
    const { s, file, text } = this;
    const { call, syntax } = s;
    const split = Object.hasOwn(SPLITS, call.name) ? SPLITS[call.name] : null;
    if (!split || !this.source.has(split.now) || !this.source.has(split.later) || call.argList.length !== 1)
      return null;
    const last = releases[releases.length - 1];
    if (unstable(syntax, this.operands(unit), unit.end, last.start).length > 0) return null;
    const later =
      text.slice(unit.start, call.callee.start) + split.later + text.slice(call.callee.end, unit.end);
    const edits: FixEdit[] = [
      { file, offset: call.callee.start, endOffset: call.callee.end, text: split.now },
      ...releases.map((r) => insertAfter(file, text, r, this.linesFor(later, unit, r))),
    ];
    return this.fix(
      "sink-split",
      `${split.now}() here, and ${split.what} after ${this.releaseName(releases)}`,
      edits,
      [],
      {
        applicability: "needs-review",
        preconditions: [
          `${split.now}() and ${split.later}() exist in this kernel`,
          "the argument is not written in between",
        ],
        warnings: ["Between the two the first has happened and the second has not."],
      },
    );
  }

  /** Lines of code moved from one statement's indentation to another's, without the latter. */
  private linesFor(code: string, from: Node, to: Node): string[] {
    const target = indentAt(this.text, to.start);
    const lines = reindented(code, indentAt(this.text, from.start), target).split(/\r?\n/);
    return lines.map((l, i) => (i === 0 || !l.startsWith(target) ? l : l.slice(target.length)));
  }

  /** Remembers under the lock what is to be done, and does it after every unlock that can follow. */
  private remember(releases: readonly Node[], inLoop: boolean, always = false): Fix | null {
    const { s, file, text } = this;
    const { call, syntax, statement } = s;
    if (!TEARDOWN.test(call.name)) return null;
    const last = releases[releases.length - 1];
    const argument = call.argList.length === 1 ? call.argList[0] : null;
    const type = argument && typeOf(syntax, argument, this.source);
    const body = syntax.body;
    const edits: FixEdit[] = [];
    // Where the section can be entered again, what was done must not be done twice.
    const again = (release: Node): boolean => inLoop && loopsAround(release).length > 0;
    let after: (release: Node) => string[];
    let kept: string;
    if (argument && (type?.stars === 1 || FREES.test(call.name))) {
      const free = FREES.test(call.name);
      const name = freshName(syntax, free ? "to_free" : "victim");
      const base = free || !type ? "void" : type.base;
      edits.push(declareIn(file, text, body, `${base} *${name}${always ? "" : " = NULL"};`));
      edits.push({
        file,
        offset: statement.start,
        endOffset: statement.end,
        text: `${name} = ${syntax.text(argument)};`,
      });
      const run = `${call.name}(${name});`;
      after = (r) =>
        again(r)
          ? [`if (${name}) {`, `\t${run}`, `\t${name} = NULL;`, "}"]
          : free || always
            ? [run]
            : [`if (${name})`, `\t${run}`];
      kept = `it is remembered in ${name}`;
    } else {
      const operands = operandsOf(syntax, call.argList);
      const from = inLoop ? syntax.body.start : statement.end;
      if (
        unstable(syntax, operands, from, inLoop ? syntax.body.end : last.start).some(
          (o) => !this.isDeclaredOnce(o),
        )
      )
        return null;
      const name = freshName(syntax, `do_${call.name.replace(/^_+/, "")}`);
      edits.push(declareIn(file, text, body, `bool ${name} = false;`));
      edits.push({ file, offset: statement.start, endOffset: statement.end, text: `${name} = true;` });
      const run = `${syntax.text(call.node)};`;
      after = (r) =>
        again(r) ? [`if (${name}) {`, `\t${run}`, `\t${name} = false;`, "}"] : [`if (${name})`, `\t${run}`];
      kept = `whether it has to be done is remembered in ${name}`;
    }
    for (const r of releases) edits.push(insertAfter(file, text, r, after(r)));
    return this.fix(
      "sink-remember",
      `Remember it under the lock, ${call.name}() after ${this.releaseName(releases)}`,
      edits,
      this.codeBetween(statement, releases[0]),
      {
        applicability: "needs-review",
        preconditions: [kept, `every unlock that can follow (${releases.length}) looks at it`],
        warnings: [
          "Nothing else may still find the object once the lock is dropped: it has to be off its lists by then.",
        ],
      },
    );
  }

  private isDeclaredOnce(name: string): boolean {
    return this.s.fn.params.some((p) => p.name === name);
  }

  private releaseName(releases: readonly Node[]): string {
    const calls = releases.map((r) => this.s.syntax.calls(undefined, r)[0]?.name ?? "the unlock");
    const name = `${calls[0]}()`;
    return releases.length > 1 ? `each of ${releases.length} ${name}` : name;
  }

  /** Statements that run before the call now. */
  private codeBetween(unit: Node, release: Node): string[] {
    if (release.start < unit.end) return [];
    const code = this.s.syntax.normalised.slice(unit.end - this.s.fn.start, release.start - this.s.fn.start);
    return code
      .split("\n")
      .map((l) => l.trim())
      .filter((l) => l !== "" && l !== "}" && l !== "{");
  }

  /** Start of a comment that stands right above the statement and is about it. */
  private commentAbove(unit: Node): number | null {
    const from = lineStart(this.text, unit.start);
    const found = /(?:^|\n)([ \t]*\/\*(?:[^*]|\*(?!\/))*\*\/[ \t]*\r?\n)$/.exec(
      this.text.slice(this.s.fn.bodyStart, from),
    );
    if (!found) return null;
    const start = from - found[1].length;
    return start + /^[ \t]*/.exec(found[1])![0].length;
  }

  private fix(
    id: string,
    title: string,
    edits: FixEdit[],
    between: readonly string[],
    rest: Pick<Fix, "applicability" | "preconditions" | "warnings">,
  ): Fix {
    const warnings = [...rest.warnings, ...ownHelperWarning(this.s, this.source)];
    if (between.length > 0) {
      const shown = between.slice(0, 3).join(" ");
      warnings.unshift(
        `These run before it now: ${shown}${between.length > 3 ? ` and ${between.length - 3} more lines` : ""}`,
      );
    }
    return {
      id,
      kind: "sink",
      title,
      applicability: rest.applicability,
      edits,
      preconditions: rest.preconditions,
      losses: [
        `${this.s.call.name}() runs without ${this.s.lockText}: whoever takes it may come in between.`,
      ],
      warnings,
      precedent: ["drivers/net/ethernet/marvell/skge.c: skge_remove() frees the interrupt after hw_lock"],
    };
  }
}
