/**
 * Lowers one function's syntax tree to its flow program: statements, scopes with their guards, gotos, loops, switches.
 */

import { E } from "../facts/expr.js";
import { CallFlag, type FlowFacts, FlowFlag } from "../facts/flow.js";
import { TypeFlag } from "../facts/outline.js";
import { type Ast, Field, K } from "./ast.js";
import { FlowBuilder, type Label } from "./builder.js";
import { ExprLowerer } from "./lowerExpr.js";

/** What a break or continue goes to, and how many guards are open there. */
interface Target {
  label: Label;
  guards: number;
}

interface NamedLabel {
  label: Label;
  /** Guards open where the label stands; known when it is met. */
  guards: number[] | null;
}

const SCOPED = new Set(["scoped_guard", "scoped_cond_guard", "scoped_class"]);

export interface LowerInput {
  ast: Ast;
  /** The text before normalisation, same offsets as the tree's. */
  original: string;
  base: number;
  /** Parameter names (from the outline) with types; macros have untyped ones. */
  params: readonly { name: string; type: string; flags: number }[];
  isMacro: boolean;
}

export class Lowerer extends ExprLowerer {
  private original = "";
  private guards: number[] = [];
  private breaks: Target[] = [];
  private continues: Target[] = [];
  private labels = new Map<string, NamedLabel>();
  private gotos: { name: string; label: Label; guards: number[] }[] = [];
  private switches: { cases: { value: number; label: Label }[] }[] = [];
  private isMacro = false;
  private started = false;

  constructor() {
    super();
    this.b = new FlowBuilder();
  }

  /** Adds one variant of the function; a second one becomes an alternative from the entry. */
  add(input: LowerInput, more: boolean): void {
    const { b } = this;
    this.ast = input.ast;
    this.original = input.original;
    this.base = input.base;
    this.isMacro = input.isMacro;
    this.guards = [];
    this.breaks = [];
    this.continues = [];
    this.labels.clear();
    this.gotos = [];
    this.switches = [];
    if (!this.started) {
      this.started = true;
      for (const p of input.params) b.local(p.name, p.type, p.flags);
      b.params = input.params.length;
    }
    if (input.ast.hasError) b.flags |= FlowFlag.ParseError;
    const other = b.label();
    if (more) {
      b.flags |= FlowFlag.Variants;
      const here = b.label();
      b.branch(0, here, other);
      b.place(here);
    }
    const body = this.findBody(0);
    if (body >= 0) {
      if (this.isMacro) {
        const v = this.blockValue(body);
        b.ret(v === 0 ? -1 : v, this.base + input.original.length);
      } else {
        this.statement(body);
        b.ret(-1, this.ast.end[body] + this.base - 1);
      }
    } else {
      b.flags |= FlowFlag.ParseError;
      this.effectsOf(0);
      b.ret(-1, this.base);
    }
    this.finishGotos();
    if (more) b.place(other);
  }

  finish(): FlowFacts {
    return this.b.finish();
  }

  private findBody(node: number): number {
    const { ast } = this;
    for (let c = ast.first[node]; c >= 0; c = ast.next[c]) {
      if (ast.kind[c] === K.function_definition) {
        for (let d = ast.first[c]; d >= 0; d = ast.next[d])
          if (ast.kind[d] === K.compound_statement) return d;
      }
      if (ast.kind[c] === K.compound_statement) return c;
    }
    return -1;
  }

  protected blockValue(node: number): number {
    const { ast } = this;
    const open = this.guards.length;
    let value = 0;
    for (let c = ast.first[node]; c >= 0; c = ast.next[c]) {
      const last = ast.next[c] < 0;
      if (last && ast.kind[c] === K.expression_statement) value = this.expr(ast.first[c]);
      else if (last && this.isMacro && ast.kind[c] === K.compound_statement) value = this.blockValue(c);
      else this.statement(c);
    }
    this.closeGuards(open);
    return value;
  }

  private closeGuards(downTo: number): void {
    while (this.guards.length > downTo) this.b.guardExit(this.guards.pop()!);
  }

  /** Leaves scopes for a jump without closing them for the code that follows. */
  private exitGuards(downTo: number): void {
    for (let i = this.guards.length - 1; i >= downTo; i--) this.b.guardExit(this.guards[i]);
  }

  protected statement(node: number): void {
    const { ast, b } = this;
    if (node < 0) return;
    switch (ast.kind[node]) {
      case K.compound_statement: {
        const open = this.guards.length;
        for (let c = ast.first[node]; c >= 0; c = ast.next[c]) this.statement(c);
        this.closeGuards(open);
        return;
      }
      case K.expression_statement:
        this.expressionStatement(ast.first[node]);
        return;
      case K.declaration:
        this.declaration(node);
        return;
      case K.if_statement:
        this.ifStatement(node);
        return;
      case K.while_statement:
        this.whileStatement(node);
        return;
      case K.do_statement:
        this.doStatement(node);
        return;
      case K.for_statement:
        this.forStatement(node);
        return;
      case K.switch_statement:
        this.switchStatement(node);
        return;
      case K.case_statement:
        this.caseStatement(node);
        return;
      case K.labeled_statement: {
        const name = ast.textOf(ast.first[node]);
        const l = this.namedLabel(name);
        l.guards = [...this.guards];
        b.placeHead(l.label);
        for (let c = ast.next[ast.first[node]]; c >= 0; c = ast.next[c]) this.statement(c);
        return;
      }
      case K.goto_statement: {
        const target = ast.first[node];
        if (target < 0 || !b.live) return;
        const via = b.label();
        this.gotos.push({ name: ast.textOf(target), label: via, guards: [...this.guards] });
        b.jump(via);
        return;
      }
      case K.break_statement: {
        const t = this.breaks[this.breaks.length - 1];
        if (t) {
          this.exitGuards(t.guards);
          b.jump(t.label);
        }
        return;
      }
      case K.continue_statement: {
        const t = this.continues[this.continues.length - 1];
        if (t) {
          this.exitGuards(t.guards);
          b.jump(t.label);
        }
        return;
      }
      case K.return_statement: {
        const v = ast.first[node] >= 0 ? this.expr(ast.first[node]) : -1;
        this.exitGuards(0);
        b.ret(v, this.at(node));
        return;
      }
      case K.attributed_statement:
        for (let c = ast.first[node]; c >= 0; c = ast.next[c]) this.statement(c);
        return;
      case K.else_clause:
        this.statement(ast.first[node]);
        return;
      case K.function_definition:
        // A nested function does not exist in kernel C: the parser lost its way; keep its calls.
        for (let c = ast.first[node]; c >= 0; c = ast.next[c])
          if (ast.kind[c] === K.compound_statement) this.statement(c);
        return;
      case K.ERROR:
        for (let c = ast.first[node]; c >= 0; c = ast.next[c]) this.statement(c);
        return;
      case K.struct_specifier:
      case K.union_specifier:
      case K.enum_specifier:
        return;
      default:
        this.expr(node);
    }
  }

  private expressionStatement(node: number): void {
    if (node < 0) return;
    const { ast } = this;
    if (ast.kind[node] === K.call_expression) {
      const guard = this.guardCall(node);
      if (guard) {
        const args = guard.args.map((a) => this.expr(a));
        const token = this.b.guardToken();
        this.b.guardEnter(token, guard.className, false, this.at(node), ast.end[node] + this.base, args);
        this.guards.push(token);
        return;
      }
      this.call(node, 0);
      return;
    }
    if (ast.kind[node] === K.comma_expression) {
      const l = ast.first[node];
      this.expressionStatement(l);
      this.expressionStatement(ast.next[l]);
      return;
    }
    this.expr(node);
  }

  /** `guard(class)(args)` and `CLASS(class, var)(args)`. */
  private guardCall(node: number): { className: string; args: number[] } | null {
    const { ast } = this;
    const inner = ast.first[node];
    if (inner < 0 || ast.kind[inner] !== K.call_expression) return null;
    const fn = ast.first[inner];
    if (fn < 0 || ast.kind[fn] !== K.identifier) return null;
    const name = ast.textOf(fn);
    if (name !== "guard" && name !== "CLASS" && name !== "guard_no_check") return null;
    const list = ast.next[fn];
    const cls = list >= 0 ? ast.first[list] : -1;
    if (cls < 0) return null;
    const outer = ast.next[inner];
    return { className: ast.textOf(cls), args: this.children(outer) };
  }

  private children(node: number): number[] {
    const out: number[] = [];
    for (let c = node < 0 ? -1 : this.ast.first[node]; c >= 0; c = this.ast.next[c]) out.push(c);
    return out;
  }

  private declaration(node: number): void {
    const { ast, b } = this;
    let type = { name: "", flags: 0 };
    for (let c = ast.first[node]; c >= 0; c = ast.next[c]) {
      const k = ast.kind[c];
      if (
        k === K.struct_specifier ||
        k === K.union_specifier ||
        k === K.type_identifier ||
        k === K.primitive_type ||
        k === K.sized_type_specifier ||
        k === K.enum_specifier ||
        k === K.macro_type_specifier
      ) {
        type = this.bareType(c);
        continue;
      }
      if (k === K.storage_class_specifier || k === K.type_qualifier || k === K.attribute_specifier) continue;
      let d = c;
      let value = -1;
      if (k === K.init_declarator) {
        d = ast.first[c];
        for (let v = ast.next[d]; v >= 0; v = ast.next[v]) value = v;
      }
      let flags = type.flags;
      while (d >= 0 && ast.kind[d] !== K.identifier) {
        const dk = ast.kind[d];
        if (dk === K.pointer_declarator)
          flags |= flags & TypeFlag.Pointer ? TypeFlag.PointerPointer : TypeFlag.Pointer;
        else if (dk === K.array_declarator) flags |= TypeFlag.Array;
        else if (dk === K.function_declarator) flags |= TypeFlag.FunctionPointer;
        let next = -1;
        for (let x = ast.first[d]; x >= 0; x = ast.next[x]) {
          const xk = ast.kind[x];
          if (
            xk === K.identifier ||
            xk === K.pointer_declarator ||
            xk === K.array_declarator ||
            xk === K.function_declarator ||
            xk === K.parenthesized_declarator ||
            xk === K.attributed_declarator
          ) {
            next = x;
            break;
          }
        }
        d = next;
      }
      if (d < 0) {
        if (value >= 0) this.expr(value);
        else if (k === K.call_expression || k === K.ERROR) this.statement(c);
        continue;
      }
      const name = ast.textOf(d);
      b.local(name, type.name, flags);
      if (value < 0) {
        // The variable starts anew (a loop body's local): what was known of an earlier round is gone.
        if (this.breaks.length > 0) b.assign(b.variable(name), b.opaque(this.at(d)), this.at(d));
        continue;
      }
      const v = this.expr(value);
      b.assign(b.variable(name), v === 0 ? b.opaque(this.at(value)) : v, this.at(c));
    }
  }

  private ifStatement(node: number): void {
    const { ast, b } = this;
    const cond = ast.first[node];
    const then = ast.next[cond];
    // A loop macro with a short name: there was no room for `while`.
    const word = this.originalWord(node);
    if (word !== "if" && word !== "while") {
      this.macroLoop(node, word, cond, then);
      return;
    }
    const otherwise = then < 0 ? -1 : ast.next[then];
    const yes = b.label();
    const no = b.label();
    const done = b.label();
    this.cond(cond, yes, no);
    b.place(yes);
    this.statement(then);
    b.jump(done);
    b.place(no);
    if (otherwise >= 0) this.statement(otherwise);
    b.jump(done);
    b.place(done);
  }

  /** The word that stood at a `while` before normalisation: a loop macro's name, or "while". */
  private originalWord(node: number): string {
    const m = /^[A-Za-z_]\w*/.exec(this.original.slice(this.ast.start[node], this.ast.start[node] + 80));
    return m ? m[0] : "while";
  }

  private whileStatement(node: number): void {
    const { ast } = this;
    const word = this.originalWord(node);
    const cond = ast.first[node];
    const body = ast.next[cond];
    if (word === "while" || word === "for") {
      this.loop(cond, body);
      return;
    }
    if (SCOPED.has(word)) {
      this.scopedGuard(node, word, cond, body);
      return;
    }
    this.macroLoop(node, word, cond, body);
  }

  private loop(cond: number, body: number): void {
    const { b } = this;
    const head = b.label();
    const inside = b.label();
    const done = b.label();
    b.placeHead(head);
    this.cond(cond, inside, done);
    b.place(inside);
    this.inLoop(done, head, () => this.statement(body));
    b.jump(head);
    b.place(done);
  }

  private inLoop(breakTo: Label, continueTo: Label, body: () => void): void {
    this.breaks.push({ label: breakTo, guards: this.guards.length });
    this.continues.push({ label: continueTo, guards: this.guards.length });
    body();
    this.breaks.pop();
    this.continues.pop();
  }

  /** The operands of a macro's argument list that was parsed as a comma expression in parentheses. */
  private commaArgs(node: number): number[] {
    const { ast } = this;
    let n = node;
    if (n >= 0 && ast.kind[n] === K.parenthesized_expression) n = ast.first[n];
    const out: number[] = [];
    const walk = (m: number): void => {
      if (m >= 0 && ast.kind[m] === K.comma_expression) {
        walk(ast.first[m]);
        walk(ast.next[ast.first[m]]);
      } else if (m >= 0) out.push(m);
    };
    walk(n);
    return out;
  }

  private macroLoop(node: number, word: string, cond: number, body: number): void {
    const { ast, b } = this;
    const argNodes = this.commaArgs(cond);
    const args = argNodes.map((a) => this.expr(a));
    b.call(b.variable(word), CallFlag.Loop, this.at(node), ast.end[cond] + this.base, args);
    const head = b.label();
    const inside = b.label();
    const done = b.label();
    b.placeHead(head);
    b.branch(0, inside, done);
    b.place(inside);
    // The cursor is the macro's to set: its variables are new in every round.
    for (let i = 0; i < args.length && i < 2; i++) {
      if (
        b.pool.kind(args[i]) === E.Var &&
        ast.kind[argNodes[i]] === K.identifier &&
        b.pool.a(args[i]) !== 0
      ) {
        if (i === 0 || /safe|entry/.test(word))
          b.assign(args[i], b.opaque(this.at(argNodes[i])), this.at(argNodes[i]));
      }
    }
    this.inLoop(done, head, () => this.statement(body));
    b.jump(head);
    b.place(done);
  }

  private scopedGuard(node: number, word: string, cond: number, body: number): void {
    const { ast, b } = this;
    const argNodes = this.commaArgs(cond);
    if (argNodes.length === 0) {
      this.statement(body);
      return;
    }
    const conditional = word === "scoped_cond_guard";
    const cls = ast.textOf(argNodes[0]);
    const operands = argNodes.slice(conditional ? 2 : 1).map((a) => this.expr(a));
    const token = b.guardToken();
    const done = b.label();
    if (conditional) {
      const taken = b.label();
      const failed = b.label();
      b.branch(0, taken, failed);
      b.place(failed);
      this.statement(argNodes[1]);
      b.jump(done);
      b.place(taken);
    }
    b.guardEnter(token, cls, conditional, this.at(node), ast.end[cond] + this.base, operands);
    this.breaks.push({ label: done, guards: this.guards.length });
    this.guards.push(token);
    this.statement(body);
    this.closeGuards(this.guards.length - 1);
    this.breaks.pop();
    b.jump(done);
    b.place(done);
  }

  private doStatement(node: number): void {
    const { ast, b } = this;
    const body = ast.first[node];
    const cond = ast.next[body];
    const head = b.label();
    const test = b.label();
    const done = b.label();
    b.placeHead(head);
    this.inLoop(done, test, () => this.statement(body));
    b.jump(test);
    b.place(test);
    this.cond(cond, head, done);
    b.place(done);
  }

  private forStatement(node: number): void {
    const { ast, b } = this;
    let init = -1;
    let cond = -1;
    let update = -1;
    let body = -1;
    for (let c = ast.first[node]; c >= 0; c = ast.next[c]) {
      const f = ast.field[c];
      if (f === Field.initializer || ast.kind[c] === K.declaration) init = c;
      else if (f === Field.condition) cond = c;
      else if (f === Field.update) update = c;
      else body = c;
    }
    if (init >= 0) this.statement(init);
    const head = b.label();
    const inside = b.label();
    const next = b.label();
    const done = b.label();
    b.placeHead(head);
    this.cond(cond, inside, done);
    b.place(inside);
    this.inLoop(done, next, () => this.statement(body));
    b.jump(next);
    b.place(next);
    if (update >= 0) this.expr(update);
    b.jump(head);
    b.place(done);
  }

  private switchStatement(node: number): void {
    const { ast, b } = this;
    const cond = ast.first[node];
    const body = ast.next[cond];
    const value = this.expr(cond);
    const dispatch = b.label();
    const done = b.label();
    const info = { cases: [] as { value: number; label: Label }[] };
    // The cases are known after the body: dispatch stands behind it.
    b.jump(dispatch);
    this.switches.push(info);
    this.breaks.push({ label: done, guards: this.guards.length });
    this.statement(body);
    this.breaks.pop();
    this.switches.pop();
    b.jump(done);
    b.place(dispatch);
    const hasDefault = info.cases.some((c) => c.value === -1);
    if (!hasDefault) info.cases.push({ value: -1, label: done });
    b.switch(value, info.cases);
    b.place(done);
  }

  private caseStatement(node: number): void {
    const { ast, b } = this;
    const info = this.switches[this.switches.length - 1];
    const isDefault = ast.text.startsWith("default", ast.start[node]);
    let c = ast.first[node];
    let value = -1;
    if (!isDefault && c >= 0) {
      value = b.pool.kind(0) === 0 ? this.expr(c) : 0;
      c = ast.next[c];
      if (value === -1) value = 0;
    }
    const label = b.label();
    // Cases are reached from the dispatch even when the code before cannot fall into them.
    if (info) info.cases.push({ value: isDefault ? -1 : value, label });
    b.placeHead(label);
    for (; c >= 0; c = ast.next[c]) this.statement(c);
  }

  private namedLabel(name: string): NamedLabel {
    let l = this.labels.get(name);
    if (!l) {
      l = { label: this.b.label(), guards: null };
      this.labels.set(name, l);
    }
    return l;
  }

  /** Every goto gets a landing place that leaves the guards which are not open at its label. */
  private finishGotos(): void {
    const { b } = this;
    for (const g of this.gotos) {
      b.place(g.label);
      const target = this.labels.get(g.name);
      if (!target || target.guards === null) {
        b.ret(-1, this.base);
        continue;
      }
      let common = 0;
      while (
        common < g.guards.length &&
        common < target.guards.length &&
        g.guards[common] === target.guards[common]
      )
        common++;
      for (let i = g.guards.length - 1; i >= common; i--) b.guardExit(g.guards[i]);
      b.jump(target.label);
    }
  }
}
