/** Collects the pieces of one function's flow facts: interned names, terms, instructions with labels to be filled in. */
import { E, ExprPool } from "../facts/expr.js";
import { CallFlag, type FlowFacts, FlowFlag, HEADER, Head, I, LOCAL_STRIDE } from "../facts/flow.js";

/** A place that a jump can go to; its offset is known once it is placed. */
export interface Label {
  at: number;
  /** Positions in the code that wait for the offset. */
  waiting: number[];
}

export class FlowBuilder {
  readonly pool = new ExprPool();
  private readonly nameIds = new Map<string, number>([["", 0]]);
  private readonly names: string[] = [""];
  private readonly locals: number[] = [];
  private code: number[] = [];
  private calls = 0;
  private readonly callSites: number[] = [];
  private temps = 0;
  private guards = 0;
  params = 0;
  flags = 0;
  /** False after an instruction that never falls through: what follows is dead until a label is placed. */
  live = true;

  name(text: string): number {
    let id = this.nameIds.get(text);
    if (id === undefined) {
      id = this.names.length;
      this.names.push(text);
      this.nameIds.set(text, id);
    }
    return id;
  }

  variable(text: string): number {
    return this.pool.make(E.Var, this.name(text));
  }

  integer(value: number): number {
    return this.pool.make(E.Int, value | 0);
  }

  /** An unknown that is equal to itself only, by where it was made. */
  opaque(offset: number): number {
    return this.pool.make(E.Unknown, offset + 1);
  }

  temp(): number {
    return this.variable(`$${this.temps++}`);
  }

  local(name: string, type: string, typeFlags: number): void {
    this.locals.push(this.name(name), this.name(type), typeFlags);
  }

  label(): Label {
    return { at: -1, waiting: [] };
  }

  place(label: Label): void {
    label.at = this.code.length;
    for (const w of label.waiting) this.code[w] = label.at;
    if (label.waiting.length > 0) this.live = true;
    label.waiting.length = 0;
  }

  /** Places a label and makes what follows reachable whoever jumps there (loop heads, goto targets). */
  placeHead(label: Label): void {
    if (this.live) this.emit(I.Jump, this.code.length + 2);
    this.place(label);
    this.live = true;
  }

  private target(label: Label): void {
    if (label.at < 0) label.waiting.push(this.code.length);
    this.code.push(label.at);
  }

  private emit(...ints: number[]): void {
    for (const n of ints) this.code.push(n);
  }

  call(callee: number, flags: number, offset: number, end: number, args: readonly number[]): number {
    const number = this.calls++;
    if (this.live) this.callSites.push(this.code.length);
    if (this.live) this.emit(I.Call, number, callee, flags, offset, end, args.length, ...args);
    return this.pool.make(E.Call, number);
  }

  assign(target: number, value: number, offset: number): void {
    if (this.live) this.emit(I.Assign, target, value, offset);
  }

  branch(cond: number, yes: Label, no: Label): void {
    if (!this.live) return;
    this.code.push(I.Branch, cond);
    this.target(yes);
    this.target(no);
    this.live = false;
  }

  jump(to: Label): void {
    if (!this.live) return;
    this.code.push(I.Jump);
    this.target(to);
    this.live = false;
  }

  /** Places a label after which nothing comes: who jumps there is not followed further. */
  deadEnd(label: Label): void {
    if (label.waiting.length === 0) return;
    this.place(label);
    this.jump(label);
  }

  ret(value: number, offset: number): void {
    if (!this.live) return;
    this.emit(I.Return, value, offset);
    this.live = false;
  }

  switch(value: number, cases: readonly { value: number; label: Label }[]): void {
    if (!this.live) return;
    this.code.push(I.Switch, value, cases.length);
    for (const c of cases) {
      this.code.push(c.value);
      this.target(c.label);
    }
    this.live = false;
  }

  guardToken(): number {
    return this.guards++;
  }

  guardEnter(
    token: number,
    className: string,
    conditional: boolean,
    offset: number,
    end: number,
    args: readonly number[],
  ): void {
    if (this.live)
      this.emit(
        I.GuardEnter,
        token,
        this.name(className),
        conditional ? 1 : 0,
        offset,
        end,
        args.length,
        ...args,
      );
  }

  guardExit(token: number): void {
    if (this.live) this.emit(I.GuardExit, token);
  }

  /** Marks the calls whose place occurs once, when the function was lowered in two variants. */
  markConditionalCalls(): void {
    const seen = new Map<number, number>();
    const each = (visit: (at: number, flags: number) => void): void => {
      for (let i = 0; i < this.callSites.length; i++)
        visit(this.code[this.callSites[i] + 4], this.callSites[i] + 3);
    };
    each((at) => seen.set(at, (seen.get(at) ?? 0) + 1));
    each((at, flags) => {
      if (seen.get(at) === 1) this.code[flags] |= CallFlag.Conditional;
    });
  }

  finish(): FlowFacts {
    if (this.flags & FlowFlag.Variants) this.markConditionalCalls();
    const pool = this.pool.encode();
    const code = new Int32Array(HEADER + pool.length + this.locals.length + this.code.length);
    code[Head.poolLength] = pool.length;
    code[Head.locals] = this.locals.length / LOCAL_STRIDE;
    code[Head.instructions] = this.code.length;
    code[Head.calls] = this.calls;
    code[Head.params] = this.params;
    code[Head.flags] = this.flags;
    code.set(pool, HEADER);
    code.set(this.locals, HEADER + pool.length);
    code.set(this.code, HEADER + pool.length + this.locals.length);
    return { names: this.names, code };
  }
}
