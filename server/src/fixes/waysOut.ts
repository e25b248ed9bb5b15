/** From a statement to the places where its section ends: which of them can be reached, and which ways end before. */
import { gotosTo, isLoop } from "./section.js";
import { type FunctionSyntax, K, type Node } from "./syntax.js";

export interface WaysOut {
  /** Releases reached first after the statement, in text order. */
  releases: Node[];
  /** Reached by going round a loop: before the statement in the text. */
  around: boolean;
  /** The function can be left without passing a release. */
  leaks: boolean;
}

export function waysOut(syntax: FunctionSyntax, from: Node, releases: readonly Node[]): WaysOut {
  return new Walk(syntax, from, new Set(releases)).run();
}

class Walk {
  private readonly found = new Set<Node>();
  private readonly labels = new Set<string>();
  private readonly entered = new Set<Node>();
  private readonly rounds = new Set<Node>();
  private leaks = false;

  constructor(
    private readonly syntax: FunctionSyntax,
    private readonly from: Node,
    private readonly releases: ReadonlySet<Node>,
  ) {}

  run(): WaysOut {
    this.after(this.from);
    const releases = [...this.found].sort((a, b) => a.start - b.start);
    return { releases, around: releases.some((r) => r.start < this.from.start), leaks: this.leaks };
  }

  /** Control has just left this statement by its end. */
  private after(node: Node): void {
    if (this.entered.has(node)) return;
    this.entered.add(node);
    const { parent } = node;
    if (!parent) {
      this.leaks = true;
      return;
    }
    if (
      parent.kind === K.if_statement ||
      parent.kind === K.else_clause ||
      parent.kind === K.labeled_statement
    ) {
      this.after(parent);
      return;
    }
    if (isLoop(parent)) {
      this.round(parent);
      return;
    }
    if (parent.kind === K.switch_statement) {
      this.after(parent);
      return;
    }
    // A block or a case: what follows in it, or what follows it.
    const rest = parent.children.slice(parent.children.indexOf(node) + 1);
    if (!rest.every((child) => this.through(child))) return;
    this.after(parent);
  }

  /** The loop's body has ended: once more, or on. */
  private round(loop: Node): void {
    if (this.rounds.has(loop)) return;
    this.rounds.add(loop);
    const body = loop.children[loop.kind === K.do_statement ? 0 : loop.children.length - 1];
    if (body) this.through(body);
    this.after(loop);
  }

  /** Control comes to this statement; whether it can leave it by its end. */
  private through(node: Node): boolean {
    if (this.releases.has(node)) {
      this.found.add(node);
      return false;
    }
    switch (node.kind) {
      case K.compound_statement:
      case K.case_statement:
      case K.labeled_statement:
        return node.children.every((child) => this.through(child));
      case K.if_statement: {
        const branches = node.children.slice(1);
        const falls = branches.map((b) =>
          this.through(b.kind === K.else_clause && b.children[0] ? b.children[0] : b),
        );
        return branches.length < 2 || falls.some(Boolean);
      }
      case K.while_statement:
      case K.for_statement:
      case K.do_statement:
      case K.switch_statement: {
        const body = node.children[node.kind === K.do_statement ? 0 : node.children.length - 1];
        if (node.kind === K.switch_statement) for (const c of body?.children ?? []) this.through(c);
        else if (body) this.through(body);
        return true;
      }
      case K.goto_statement: {
        this.jump(node.children[0] ? this.syntax.text(node.children[0]) : "");
        return false;
      }
      case K.return_statement:
        this.leaks = true;
        return false;
      case K.break_statement:
      case K.continue_statement: {
        for (let n = node.parent; n; n = n.parent) {
          if (!isLoop(n) && !(n.kind === K.switch_statement && node.kind === K.break_statement)) continue;
          // Of a loop that is still being gone through, `through` itself goes on after it.
          if (n.start <= this.from.start && this.from.end <= n.end) {
            if (node.kind === K.break_statement) this.after(n);
            else this.round(n);
          }
          break;
        }
        return false;
      }
      default:
        return true;
    }
  }

  private jump(label: string): void {
    if (this.labels.has(label)) return;
    this.labels.add(label);
    for (const node of this.syntax.walk()) {
      if (
        node.kind !== K.labeled_statement ||
        !node.children[0] ||
        this.syntax.text(node.children[0]) !== label
      )
        continue;
      if (node.children.slice(1).every((child) => this.through(child))) this.after(node);
      return;
    }
    if (gotosTo(this.syntax, label).length > 0) this.leaks = true;
  }
}
