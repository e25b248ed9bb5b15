/**
 * Lowers C expressions to terms, emitting calls, assignments and the branches of short-circuit operators on the way, in
 * evaluation order.
 */

import { E, OP_BY_TEXT, Op } from "../facts/expr.js";
import { CallFlag } from "../facts/flow.js";
import { TypeFlag } from "../facts/outline.js";
import { type Ast, Field, K } from "./ast.js";
import type { FlowBuilder, Label } from "./builder.js";

/** Wrappers whose value is their first argument's, and that do nothing that matters. */
const IDENTITY = new Set([
  "likely",
  "unlikely",
  "READ_ONCE",
  "__builtin_expect",
  "ACCESS_ONCE",
  "data_race",
  "rcu_access_pointer",
  "lockless_dereference",
  "smp_load_acquire",
  "unrcu_pointer",
  "__force",
  "ERR_CAST",
  "rcu_dereference",
  "rcu_dereference_raw",
  "rcu_dereference_protected",
  "rcu_dereference_check",
  "rcu_dereference_bh",
  "rcu_dereference_rtnl",
  "rtnl_dereference",
  "sanity_check",
  "nospec",
  "XFS_IS_CORRUPT_",
]);
/** The same, which complain where it holds: what runs then is not how the code is meant to go, and is not followed. */
const COMPLAINTS = new Set([
  "WARN_ON",
  "WARN_ON_ONCE",
  "WARN",
  "WARN_ONCE",
  "WARN_TAINT_ONCE",
  "VM_WARN_ON",
  "VM_WARN_ON_ONCE",
]);
/** Tests and accessors without side effects, whose result is the same while their arguments are. */
const PURE = new Set([
  "IS_ERR",
  "IS_ERR_OR_NULL",
  "PTR_ERR",
  "ERR_PTR",
  "PTR_ERR_OR_ZERO",
  "IS_ENABLED",
  "IS_BUILTIN",
  "IS_REACHABLE",
  "IS_MODULE",
  "in_interrupt",
  "in_atomic",
  "in_irq",
  "in_hardirq",
  "in_softirq",
  "in_serving_softirq",
  "in_nmi",
  "in_task",
  "irqs_disabled",
  "preemptible",
  "preempt_count",
  "rcu_preempt_depth",
  "in_dbg_master",
  "gfpflags_allow_blocking",
  "gfp_pfmemalloc_allowed",
  "drm_can_sleep",
  "test_bit",
  "atomic_read",
  "list_empty",
  "irqs_disabled_flags",
  "rcu_read_lock_held",
  "rcu_read_lock_any_held",
  "oops_in_progress_",
  "gfp_any",
  "__builtin_constant_p",
  "ARRAY_SIZE",
  "gfp_memcg_charge",
  "sk_gfp_mask",
  "mapping_gfp_mask",
  "mapping_gfp_constraint",
  "readahead_gfp_mask",
  "current_gfp_context",
  "htlb_alloc_mask",
  "gfp_nested_mask",
  "vma_thp_gfp_mask",
  "BIT",
  "BIT_ULL",
  "GENMASK",
]);

export abstract class ExprLowerer {
  protected ast!: Ast;
  protected b!: FlowBuilder;
  /** Added to offsets in the chunk to get offsets in the file. */
  protected base = 0;

  protected abstract statement(node: number): void;
  /** A statement expression's block; returns its value. */
  protected abstract blockValue(node: number): number;

  protected at(node: number): number {
    return this.ast.start[node] + this.base;
  }

  /** Whether a subtree holds anything that must be lowered in order: calls, assignments, statement expressions. */
  private hasEffects(node: number): boolean {
    const k = this.ast.kind[node];
    if (k === K.call_expression) {
      const callee = this.ast.first[node];
      if (callee >= 0 && this.ast.kind[callee] === K.identifier) {
        const name = this.ast.textOf(callee);
        if (!PURE.has(name) && !IDENTITY.has(name) && !COMPLAINTS.has(name)) return true;
      } else return true;
    }
    if (k === K.assignment_expression || k === K.update_expression || k === K.compound_statement) return true;
    for (let c = this.ast.first[node]; c >= 0; c = this.ast.next[c]) if (this.hasEffects(c)) return true;
    return false;
  }

  /** Lowers a condition: goes to `yes` or `no`. */
  protected cond(node: number, yes: Label, no: Label): void {
    const { ast, b } = this;
    if (node < 0) {
      b.jump(yes);
      return;
    }
    switch (ast.kind[node]) {
      case K.parenthesized_expression: {
        const inner = ast.first[node];
        if (inner >= 0 && ast.kind[inner] !== K.compound_statement) {
          this.cond(inner, yes, no);
          return;
        }
        break;
      }
      case K.comma_expression: {
        const l = ast.first[node];
        this.expr(l);
        this.cond(ast.next[l], yes, no);
        return;
      }
      case K.unary_expression:
        if (ast.text[ast.start[node]] === "!") {
          this.cond(ast.first[node], no, yes);
          return;
        }
        break;
      case K.binary_expression: {
        const op = this.operator(node);
        // A choice of plain conditions stays one condition: what holds after it is that one of them does.
        if (op === "||" && !this.hasEffects(node)) break;
        if (op === "&&" || op === "||") {
          const l = ast.first[node];
          const middle = b.label();
          if (op === "&&") this.cond(l, middle, no);
          else this.cond(l, yes, middle);
          b.place(middle);
          this.cond(ast.next[l], yes, no);
          return;
        }
        break;
      }
      case K.call_expression: {
        const callee = ast.first[node];
        const name = callee >= 0 && ast.kind[callee] === K.identifier ? ast.textOf(callee) : "";
        const complains = COMPLAINTS.has(name);
        if (complains || IDENTITY.has(name)) {
          const args = ast.next[callee];
          const first = args >= 0 ? ast.first[args] : -1;
          if (first >= 0 && !complains) this.cond(first, yes, no);
          else if (first >= 0) {
            const unmeant = b.label();
            this.cond(first, unmeant, no);
            b.deadEnd(unmeant);
          }
          if (first >= 0) return;
        }
        break;
      }
    }
    b.branch(this.expr(node), yes, no);
  }

  private operator(node: number): string {
    const { ast } = this;
    const l = ast.first[node];
    const r = ast.next[l];
    if (l < 0 || r < 0) return "";
    const between = ast.text.slice(ast.end[l], ast.start[r]).trim();
    const m = /^(<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^<>=])/.exec(between);
    return m ? m[1] : between.replace(/\/\*.*?\*\//gs, "").trim();
  }

  /** Lowers an expression for its value. */
  protected expr(node: number): number {
    const { ast, b } = this;
    if (node < 0) return 0;
    switch (ast.kind[node]) {
      case K.identifier: {
        const name = ast.textOf(node);
        if (name === "NULL" || name === "false" || name === "FALSE") return b.integer(0);
        if (name === "true" || name === "TRUE") return b.integer(1);
        return b.variable(name);
      }
      case K.true:
        return b.integer(1);
      case K.false:
      case K.null:
        return b.integer(0);
      case K.number_literal:
        return this.number(ast.textOf(node));
      case K.char_literal:
        return b.opaque(this.at(node));
      case K.string_literal:
      case K.concatenated_string:
        return b.pool.make(E.Str, this.at(node));
      case K.parenthesized_expression: {
        const inner = ast.first[node];
        if (inner >= 0 && ast.kind[inner] === K.compound_statement) return this.blockValue(inner);
        return this.expr(inner);
      }
      case K.compound_statement:
        return this.blockValue(node);
      case K.field_expression: {
        const obj = ast.first[node];
        const field = ast.next[obj];
        const o = this.expr(obj);
        return field < 0 ? 0 : b.pool.make(E.Field, this.stripAddr(o), b.name(ast.textOf(field)));
      }
      case K.pointer_expression: {
        const o = this.expr(ast.first[node]);
        if (o === 0) return 0;
        if (ast.text[ast.start[node]] === "&")
          return b.pool.kind(o) === E.Deref ? b.pool.a(o) : b.pool.make(E.Addr, o);
        return b.pool.kind(o) === E.Addr ? b.pool.a(o) : b.pool.make(E.Deref, o);
      }
      case K.subscript_expression: {
        const l = ast.first[node];
        const o = this.expr(l);
        const i = this.expr(ast.next[l]);
        return o === 0 ? 0 : b.pool.make(E.Index, o, i);
      }
      case K.unary_expression: {
        const o = this.expr(ast.first[node]);
        const op = ast.text[ast.start[node]];
        if (o === 0) return 0;
        if (b.pool.kind(o) === E.Int) {
          const n = b.pool.a(o);
          return b.integer(op === "-" ? -n : op === "~" ? ~n : op === "!" ? (n === 0 ? 1 : 0) : n);
        }
        if (op === "+") return o;
        return b.pool.make(E.Unary, o, op === "!" ? Op.Not : op === "~" ? Op.Compl : Op.Neg);
      }
      case K.binary_expression:
        return this.binary(node);
      case K.conditional_expression:
        return this.conditional(node);
      case K.cast_expression: {
        const type = ast.first[node];
        const v = this.expr(ast.next[type]);
        const t = this.bareType(type);
        if (v === 0 || t.name === "" || !(t.flags & TypeFlag.Struct)) return v;
        return b.pool.make(E.Cast, b.name(t.name), v);
      }
      case K.comma_expression: {
        const l = ast.first[node];
        this.expr(l);
        return this.expr(ast.next[l]);
      }
      case K.assignment_expression:
        return this.assignment(node);
      case K.update_expression: {
        const t = this.expr(ast.first[node]);
        const v = b.opaque(this.at(node));
        if (t !== 0) b.assign(t, v, this.at(node));
        return v;
      }
      case K.call_expression:
        return this.call(node, CallFlag.Used);
      case K.sizeof_expression:
      case K.alignof_expression:
      case K.offsetof_expression:
        return b.opaque(this.at(node));
      case K.compound_literal_expression:
      case K.initializer_list:
      case K.initializer_pair:
        this.effectsOf(node);
        return b.opaque(this.at(node));
      case K.gnu_asm_expression:
        return 0;
      case K.init_declarator:
      case K.declaration:
        this.statement(node);
        return 0;
      default:
        this.effectsOf(node);
        return 0;
    }
  }

  /** `&x` used as an object (container_of-like results) is x. */
  private stripAddr(e: number): number {
    return this.b.pool.kind(e) === E.Addr ? this.b.pool.a(e) : e;
  }

  /** Walks what has no meaning of its own for the calls inside. */
  protected effectsOf(node: number): void {
    const { ast } = this;
    for (let c = ast.first[node]; c >= 0; c = ast.next[c]) {
      const k = ast.kind[c];
      if (k === K.compound_statement) this.statement(c);
      else if (k !== K.type_descriptor && k !== K.field_designator) this.expr(c);
    }
  }

  private number(text: string): number {
    // The grammar takes a sign in front of digits as a part of the number.
    const m = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlL]*$/.exec(text);
    if (!m) return this.b.opaque(-2 - text.length);
    const t = m[2];
    const size = /^0\d/.test(t) ? Number.parseInt(t, 8) : Number(t);
    const n = m[1] === "-" ? -size : size;
    return this.b.integer(
      Number(
        BigInt.asIntN(32, BigInt(Math.max(Math.min(n, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER))),
      ),
    );
  }

  private binary(node: number): number {
    const { ast, b } = this;
    const op = this.operator(node);
    const l = ast.first[node];
    const r = ast.next[l];
    if ((op === "&&" || op === "||") && this.hasEffects(node))
      return this.branchValue((yes, no) => this.cond(node, yes, no));
    const x = this.expr(l);
    const y = this.expr(r);
    const o = OP_BY_TEXT.get(op);
    if (o === undefined || (x === 0 && y === 0)) return 0;
    return b.pool.make(E.Binary, x, y, o);
  }

  /** A condition's value as 0 or 1 in a temporary. */
  private branchValue(cond: (yes: Label, no: Label) => void): number {
    const { b } = this;
    const t = b.temp();
    const yes = b.label();
    const no = b.label();
    const done = b.label();
    cond(yes, no);
    b.place(yes);
    b.assign(t, b.integer(1), -1);
    b.jump(done);
    b.place(no);
    b.assign(t, b.integer(0), -1);
    b.jump(done);
    b.place(done);
    return t;
  }

  private conditional(node: number): number {
    const { ast, b } = this;
    let cond = -1;
    let yes = -1;
    let no = -1;
    for (let c = ast.first[node]; c >= 0; c = ast.next[c]) {
      if (ast.field[c] === Field.condition) cond = c;
      else if (ast.field[c] === Field.consequence) yes = c;
      else if (ast.field[c] === Field.alternative) no = c;
    }
    if (!this.hasEffects(node)) {
      const x = this.expr(cond);
      const y = yes < 0 ? x : this.expr(yes);
      const z = this.expr(no);
      return b.pool.make(E.Cond, x, y, z);
    }
    const t = b.temp();
    const then = b.label();
    const otherwise = b.label();
    const done = b.label();
    if (yes < 0) {
      const x = this.expr(cond);
      b.assign(t, x, -1);
      b.branch(x, done, otherwise);
    } else {
      this.cond(cond, then, otherwise);
      b.place(then);
      b.assign(t, this.expr(yes), -1);
      b.jump(done);
    }
    b.place(otherwise);
    b.assign(t, this.expr(no), -1);
    b.jump(done);
    b.place(done);
    return t;
  }

  private assignment(node: number): number {
    const { ast, b } = this;
    const l = ast.first[node];
    const r = ast.next[l];
    const op = this.operator(node);
    const value = this.expr(r);
    const target = this.expr(l);
    if (target === 0) return value;
    let v = value;
    if (op !== "=") {
      const o = OP_BY_TEXT.get(op.slice(0, -1));
      v = o === undefined || value === 0 ? b.opaque(this.at(node)) : b.pool.make(E.Binary, target, value, o);
    }
    b.assign(target, v === 0 ? b.opaque(this.at(node)) : v, this.at(node));
    return op === "=" ? target : v;
  }

  /** Lowers a call; returns its value. */
  protected call(node: number, flags: number): number {
    const { ast, b } = this;
    const callee = ast.first[node];
    const list = callee < 0 ? -1 : ast.next[callee];
    if (callee < 0) return 0;
    const args: number[] = [];
    if (ast.kind[callee] === K.identifier) {
      const name = ast.textOf(callee);
      const passes = IDENTITY.has(name) || COMPLAINTS.has(name);
      if (passes || PURE.has(name)) {
        let first = -1;
        for (let a = list < 0 ? -1 : ast.first[list]; a >= 0; a = ast.next[a]) {
          const v = this.expr(a);
          if (first < 0) first = v;
          else if (PURE.has(name)) first = b.pool.make(E.Pair, first, v);
        }
        if (passes) return Math.max(first, 0);
        return b.pool.make(E.Pure, b.name(name), first);
      }
      if (name === "sizeof" || name === "typeof" || name === "__typeof__" || name === "offsetof")
        return b.opaque(this.at(node));
    }
    let target = this.expr(callee);
    if (b.pool.kind(target) === E.Deref) target = b.pool.a(target);
    for (let a = list < 0 ? -1 : ast.first[list]; a >= 0; a = ast.next[a]) args.push(this.argument(a));
    // The end of a call is the end of its argument list; its place is the callee's name.
    return b.call(target, flags, this.callAt(callee), ast.end[node] + this.base, args);
  }

  /** Where a call is said to be: at its callee's last name, so that the line is the one a reader looks for. */
  private callAt(callee: number): number {
    const { ast } = this;
    if (ast.kind[callee] === K.field_expression) {
      const field = ast.next[ast.first[callee]];
      if (field >= 0) return this.at(field);
    }
    return this.at(callee);
  }

  private argument(node: number): number {
    const k = this.ast.kind[node];
    if (k === K.compound_statement) {
      this.statement(node);
      return 0;
    }
    return this.expr(node);
  }

  /** The bare name of a type: tag, typedef or base type. */
  protected bareType(node: number): { name: string; flags: number } {
    const { ast } = this;
    let flags = 0;
    if (node < 0) return { name: "", flags };
    switch (ast.kind[node]) {
      case K.struct_specifier:
      case K.union_specifier: {
        for (let c = ast.first[node]; c >= 0; c = ast.next[c]) {
          if (ast.kind[c] === K.type_identifier) return { name: ast.textOf(c), flags: TypeFlag.Struct };
        }
        return { name: "", flags };
      }
      case K.type_identifier:
      case K.primitive_type:
      case K.sized_type_specifier:
        return { name: ast.textOf(node), flags };
      case K.type_descriptor: {
        let name = "";
        for (let c = ast.first[node]; c >= 0; c = ast.next[c]) {
          const k = ast.kind[c];
          if (k === K.abstract_pointer_declarator) flags |= TypeFlag.Pointer;
          else if (
            k === K.struct_specifier ||
            k === K.union_specifier ||
            k === K.type_identifier ||
            k === K.primitive_type ||
            k === K.sized_type_specifier
          ) {
            const t = this.bareType(c);
            name = t.name;
            flags |= t.flags;
          }
        }
        // A typedef that is cast to a pointer may be a struct's: let the program find out.
        if (name !== "" && flags & TypeFlag.Pointer) flags |= TypeFlag.Struct;
        return { name, flags };
      }
      default:
        return { name: "", flags };
    }
  }
}
