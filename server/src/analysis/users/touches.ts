/** Fields and file-level variables that a place of a function reads and writes, by class. */
import { E } from "../../facts/expr.js";
import { CallFlag, I } from "../../facts/flow.js";
import { TypeFlag } from "../../facts/outline.js";
import type { Access, Touches } from "../../findings/lockUsers.js";
import { visibleHeader } from "../../program/places.js";
import type { LockFlow } from "../held/lockFlow.js";

/** Collects accesses, each name once, at its first place. */
export class Touched {
  private readonly reads = new Map<string, Access>();
  private readonly writes = new Map<string, Access>();
  private readonly calls = new Map<string, Access>();

  constructor(
    private readonly f: LockFlow,
    private readonly place: (at: number, end: number) => { file: string; offset: number; endOffset: number },
    /** The lock itself is no data. */
    private readonly isLock: (name: string) => boolean,
    /** Calls that say nothing: assertions, reports. */
    private readonly isPlain: (name: string) => boolean,
  ) {}

  /** What the instruction at pc does. */
  add(pc: number): void {
    const { flow } = this.f;
    const c = flow.code;
    const q = flow.base + pc;
    switch (c[q]) {
      case I.Assign: {
        const at = Math.max(0, c[q + 3]);
        this.term(c[q + 2], this.reads, at);
        // The object that is written to is reached by reading.
        if (this.f.t.pool.kind(c[q + 1]) !== E.Var) this.inner(c[q + 1], at);
        const name = this.nameOf(c[q + 1]);
        if (name) this.put(this.writes, name, at, at + 1);
        break;
      }
      case I.Branch:
      case I.Switch:
        this.term(c[q + 1], this.reads, this.last);
        break;
      case I.Return:
        if (c[q + 1] > 0) this.term(c[q + 1], this.reads, c[q + 2]);
        break;
      case I.Call: {
        const name = this.f.calledName(q);
        const at = c[q + 4];
        if (this.f.primitiveAt(q)) break;
        const loop = (c[q + 3] & CallFlag.Loop) !== 0;
        if (name && !loop && !this.isPlain(name)) this.put(this.calls, name, at, at + name.length);
        const changes = !loop && LIST_WRITES.test(name);
        this.f.argsOf(q).forEach((arg, i) => {
          // The member's name stands last in a loop macro.
          if (loop && i > 1 && this.f.t.pool.kind(arg) === E.Var) return;
          this.term(arg, this.reads, at);
          // An address that is handed to what changes lists, counters and bits is written to.
          if (changes && arg > 0 && this.f.t.pool.kind(arg) === E.Addr) {
            const written = this.nameOf(this.f.t.pool.a(arg));
            if (written) this.put(this.writes, written, at, at + name.length);
          }
        });
        this.last = at;
        break;
      }
    }
  }

  private last = 0;

  private put(into: Map<string, Access>, name: string, at: number, end: number): void {
    if (this.isLock(name) || into.has(name)) return;
    into.set(name, { name, ...this.place(at, end) });
  }

  private inner(e: number, at: number): void {
    const p = this.f.t.pool;
    const k = p.kind(e);
    if (k === E.Field || k === E.Deref || k === E.Index) this.term(p.a(e), this.reads, at);
    if (k === E.Index) this.term(p.b(e), this.reads, at);
  }

  /** Class of the place that a term names; null for what is the function's own. */
  private nameOf(e: number): string | null {
    const { t } = this.f;
    const p = t.pool;
    switch (p.kind(e)) {
      case E.Field: {
        const type = t.typeOf(p.a(e));
        const struct = type
          ? t.program.names.text(t.program.structName(type.name, t.file)).replace(/^.*::/, "")
          : "";
        return struct === "" ? `…->${t.text(p.b(e))}` : `${struct}.${t.text(p.b(e))}`;
      }
      case E.Var: {
        if (t.isLocal(p.a(e)) || t.isParam(e)) return null;
        const g = t.program.globalVar(t.global(p.a(e)), t.file);
        if (!g || g.type.flags & TypeFlag.FunctionPointer) return null;
        // A name of this file, or one that a header it can see declares; not any variable of that name.
        const seen = g.file === t.file || (g.file.header && visibleHeader(g.file.path, t.file.path));
        return seen ? t.text(p.a(e)) : null;
      }
      case E.Deref:
      case E.Index:
        return this.nameOf(p.a(e));
      case E.Cast:
        return this.nameOf(p.b(e));
      default:
        return null;
    }
  }

  private term(e: number, into: Map<string, Access>, at: number, depth = 0): void {
    if (e <= 0 || depth > 10) return;
    const p = this.f.t.pool;
    switch (p.kind(e)) {
      case E.Field:
      case E.Var: {
        const name = this.nameOf(e);
        if (name) this.put(into, name, at, at + 1);
        if (p.kind(e) === E.Field) this.term(p.a(e), into, at, depth + 1);
        break;
      }
      case E.Addr:
        // The address of a place is not its value.
        this.inner(p.a(e), at);
        if (p.kind(p.a(e)) === E.Var || p.kind(p.a(e)) === E.Field) this.term(p.a(e), into, at, depth + 1);
        break;
      case E.Deref:
      case E.Unary:
        this.term(p.a(e), into, at, depth + 1);
        break;
      case E.Cast:
        this.term(p.b(e), into, at, depth + 1);
        break;
      case E.Index:
      case E.Binary:
      case E.Pair:
        this.term(p.a(e), into, at, depth + 1);
        this.term(p.b(e), into, at, depth + 1);
        break;
      case E.Cond:
        this.term(p.a(e), into, at, depth + 1);
        this.term(p.b(e), into, at, depth + 1);
        this.term(p.c(e), into, at, depth + 1);
        break;
      case E.Pure:
        if (p.b(e) > 0) this.term(p.b(e), into, at, depth + 1);
        break;
    }
  }

  result(): Touches {
    const list = (m: Map<string, Access>): Access[] =>
      [...m.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    // What is written is told as written, even where it is read too.
    const reads = list(this.reads).filter((a) => !this.writes.has(a.name));
    return {
      reads,
      writes: list(this.writes),
      calls: [...this.calls.values()].sort((a, b) => a.offset - b.offset),
    };
  }
}

const LIST_WRITES =
  /^(?:__)?(?:list|hlist|llist|plist|rb|rbtree|xa|idr|ida|radix_tree|atomic\w*|refcount|kref|set_bit|clear_bit|change_bit|test_and|INIT_|init_|skb_queue|__skb_queue|kfifo|memset|memcpy|bitmap|rcu_assign)/;
