/** What one pass over a function's flow program tells before it is run: which values matter, where paths meet, what loops. */
import { E } from "../../facts/expr.js";
import { type Flow, I } from "../../facts/flow.js";
import type { Terms } from "../terms.js";

/** Calls whose result says whether a counter of references went to zero: with a true result, or with zero. */
const PUT_TRUE = /(?:dec_and_(?:test|lock|mutex_lock)\w*|sub_and_test|put_testzero|refcount_dec_if_one)$/;
const PUT_ZERO = /(?:dec_return|sub_return)\w*$/;

export class FlowShape {
  /** Calls by number that give a reference back, and the truth of their result when it was the last one. */
  readonly puts = new Map<number, boolean>();
  /** Terms of the flow, those marked whose value matters later. */
  private readonly relevant: Uint8Array;
  /** Branches that decide whether a loop goes on. */
  readonly loopBranches = new Set<number>();
  private readonly loops: { head: number; end: number }[] = [];
  /** How many instructions go to a place, two for more. */
  private readonly arrivals: Uint8Array;
  private readonly worth = new Map<number, boolean>();
  /** How many conditions a variable or field occurs in, choices between values among them. */
  private readonly inConditions = new Map<number, number>();

  constructor(
    private readonly flow: Flow,
    private readonly t: Terms,
    private readonly exportsSleeps: boolean,
  ) {
    this.relevant = new Uint8Array(t.pool.count);
    this.arrivals = new Uint8Array(flow.length);
    this.findRelevant();
    this.findJoins();
  }

  /** Whether a term's value matters later: it is used in a condition, an argument, a callee, a return value or another value. */
  isRelevant(term: number): boolean {
    return this.relevant[term] === 1;
  }

  /** Whether more than one instruction goes to a place. */
  isJoin(pc: number): boolean {
    return this.arrivals[pc] === 2;
  }

  private findRelevant(): void {
    const { flow } = this;
    const p = this.t.pool;
    const mark = (e: number): void => {
      if (e <= 0 || this.relevant[e] === 1) return;
      this.relevant[e] = 1;
      switch (p.kind(e)) {
        case E.Addr:
        case E.Deref:
        case E.Field:
        case E.Unary:
          mark(p.a(e));
          break;
        case E.Cast:
          mark(p.b(e));
          break;
        case E.Index:
        case E.Binary:
        case E.Pair:
          mark(p.a(e));
          mark(p.b(e));
          break;
        case E.Cond: {
          const leaves: number[] = [];
          this.leavesOf(p.a(e), leaves);
          for (const l of new Set(leaves)) this.inConditions.set(l, (this.inConditions.get(l) ?? 0) + 1);
          mark(p.a(e));
          mark(p.b(e));
          mark(p.c(e));
          break;
        }
        case E.Pure:
          if (p.b(e) >= 0) mark(p.b(e));
          break;
      }
    };
    const c = flow.code;
    const heads = new Set<number>();
    const branches: number[] = [];
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] === I.Branch) {
        branches.push(pc);
        if (c[q + 2] <= pc || c[q + 3] <= pc) this.loopBranches.add(pc);
      }
      if (c[q] === I.Jump && c[q + 1] <= pc) {
        heads.add(c[q + 1]);
        this.loops.push({ head: c[q + 1], end: pc });
      }
      switch (c[q]) {
        case I.Call:
          mark(c[q + 2]);
          if (p.kind(c[q + 2]) === E.Var) {
            const name = this.t.text(p.a(c[q + 2]));
            if (PUT_TRUE.test(name)) this.puts.set(c[q + 1], true);
            else if (PUT_ZERO.test(name)) this.puts.set(c[q + 1], false);
          }
          for (let i = 0; i < c[q + 6]; i++) mark(c[q + 7 + i]);
          break;
        case I.GuardEnter:
          for (let i = 0; i < c[q + 6]; i++) mark(c[q + 7 + i]);
          break;
        case I.Assign:
          mark(c[q + 2]);
          break;
        case I.Branch:
        case I.Return:
        case I.Switch:
          if (c[q] !== I.Return) {
            const leaves: number[] = [];
            this.leavesOf(c[q + 1], leaves);
            for (const l of new Set(leaves)) this.inConditions.set(l, (this.inConditions.get(l) ?? 0) + 1);
          }
          mark(c[q + 1]);
          break;
      }
    }
    for (const head of heads) {
      const first = branches.find((pc) => pc >= head);
      if (first !== undefined) this.loopBranches.add(first);
    }
  }

  private findJoins(): void {
    const { flow } = this;
    const c = flow.code;
    const { arrivals } = this;
    const target = (pc: number): void => {
      if (arrivals[pc] < 2) arrivals[pc]++;
    };
    arrivals[0] = 2;
    for (let pc = 0; pc < flow.length; pc += flow.size(pc)) {
      const q = flow.base + pc;
      if (c[q] === I.Jump) target(c[q + 1]);
      else if (c[q] === I.Branch) {
        target(c[q + 2]);
        target(c[q + 3]);
      } else if (c[q] === I.Switch) for (let i = 0; i < c[q + 2]; i++) target(c[q + 4 + 2 * i]);
    }
  }

  /**
   * Whether what a branch proves can matter later: its variables occur in another condition, or it is about parameters, an
   * object's state or a last reference and goes into our summary. Everything else would only be carried along.
   */
  worthKnowing(cond: number): boolean {
    const hit = this.worth.get(cond);
    if (hit !== undefined) return hit;
    const p = this.t.pool;
    const leaves: number[] = [];
    this.leavesOf(cond, leaves);
    const ok = leaves.some(
      (l) =>
        (this.inConditions.get(l) ?? 0) > 1 ||
        (this.exportsSleeps && (this.t.isParam(l) || p.kind(l) === E.Field)) ||
        (p.kind(l) === E.Call && this.puts.has(p.a(l))) ||
        p.kind(l) === E.Pure,
    );
    this.worth.set(cond, ok);
    return ok;
  }

  /** Whether a place is between the head of a loop and a jump back to it. */
  inLoop(pc: number): boolean {
    return this.loops.some((l) => l.head <= pc && pc <= l.end);
  }

  private leavesOf(e: number, out: number[]): void {
    const p = this.t.pool;
    switch (p.kind(e)) {
      case E.Var:
      case E.Call:
        out.push(e);
        break;
      case E.Field:
        out.push(e);
        this.leavesOf(p.a(e), out);
        break;
      case E.Addr:
      case E.Deref:
      case E.Unary:
        this.leavesOf(p.a(e), out);
        break;
      case E.Cast:
        this.leavesOf(p.b(e), out);
        break;
      case E.Index:
      case E.Binary:
      case E.Pair:
        this.leavesOf(p.a(e), out);
        this.leavesOf(p.b(e), out);
        break;
      case E.Cond:
        this.leavesOf(p.a(e), out);
        this.leavesOf(p.b(e), out);
        this.leavesOf(p.c(e), out);
        break;
      case E.Pure:
        out.push(e);
        if (p.b(e) >= 0) this.leavesOf(p.b(e), out);
        break;
    }
  }
}
