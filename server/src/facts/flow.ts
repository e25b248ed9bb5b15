/**
 * Flow facts of one function: what it does that can matter to the lock context, as a small control-flow program.
 *
 * The facts depend on the text and on the macro classes only (I2): calls are named, not classified; what a name means is
 * decided when the program is joined. Both sides of every `#if` in the body are there, as alternatives from the entry.
 * One Int32Array and one string table, so that facts can be cached and sent between workers as they are.
 *
 * Layout of `code`: a header of `HEADER` integers, then the expression pool, the locals, and the instructions. Jump
 * targets are instruction offsets relative to the start of the instructions. Source offsets are relative to the
 * function's start (`Fn.start`): an edit above it does not touch its facts.
 */
import { ExprPool } from "./expr.js";

export interface FlowFacts {
  /** Interned strings of this function; names[0] === "". */
  names: string[];
  code: Int32Array;
  /** In the place of `names`, for those who asked for it: indices into a table of all functions of the file. */
  packed?: { table: FlowNames; indices: Int32Array };
}

/** Names of several functions of a file as latin1, one behind the other. */
export interface FlowNames {
  bytes: Uint8Array;
  /** One more than there are names: each begins where the one before it ends, the first at 0. */
  ends: Int32Array;
}

/** Columns of the header. */
export const Head = { poolLength: 0, locals: 1, instructions: 2, calls: 3, params: 4, flags: 5 } as const;
export const HEADER = 6;

export const FlowFlag = {
  /** The text did not parse cleanly: ERROR or MISSING nodes. */
  ParseError: 1,
  /** Inline assembly in the body. */
  Asm: 2,
  /** More than one variant by `#if`. */
  Variants: 4,
} as const;

/** Columns of a local variable or parameter: name, bare type name, TypeFlag bits. Parameters come first, in order. */
export const LOCAL_STRIDE = 3;

/**
 * Instructions. Operands in order; terms (`expr`) are pool numbers.
 * - Call: call number, callee expr, flags (CallFlag), offset, end offset, argument count, argument exprs …
 * - Assign: target expr, value expr, offset
 * - Branch: condition expr (0: either), then, else
 * - Jump: target
 * - Return: value expr (-1 none), offset
 * - Switch: value expr, count, then count × (case expr, target); a case of -1 is the default
 * - GuardEnter: token number, class name index, flags (1: conditional body), offset, end, argument count, args …
 * - GuardExit: token number
 */
export const I = {
  Call: 1,
  Assign: 2,
  Branch: 3,
  Jump: 4,
  Return: 5,
  Switch: 6,
  GuardEnter: 7,
  GuardExit: 8,
} as const;

export const CallFlag = {
  /** The name was written where a statement macro with a body stands (a loop macro). */
  Loop: 1,
  /** The result is used. */
  Used: 2,
  /** Stands in one variant of the function only: under an #if that the other one leaves out. */
  Conditional: 4,
} as const;

/** Numbers ↔ names of the whole tree, as the program has them. */
export interface NameTable {
  text(id: number): string;
}

/** The `code` of facts as it is kept: of most functions in half the memory. */
export type FlowCode = Int32Array | Int16Array;

/** A view of the facts with names that are numbers of the program; columns are not copied. */
export class Flow {
  readonly base: number;
  readonly localsAt: number;
  readonly localCount: number;
  readonly paramCount: number;
  readonly callCount: number;
  readonly flags: number;

  constructor(
    readonly code: FlowCode,
    /** Tree-wide number of each name of this function. */
    readonly names: Int32Array,
    private readonly table: NameTable,
  ) {
    const c = code;
    this.localsAt = HEADER + c[Head.poolLength];
    this.localCount = c[Head.locals];
    this.paramCount = c[Head.params];
    this.callCount = c[Head.calls];
    this.flags = c[Head.flags];
    this.base = this.localsAt + this.localCount * LOCAL_STRIDE;
  }

  /** A name of this function. */
  text(name: number): string {
    return name < this.names.length ? this.table.text(this.names[name]) : "";
  }

  /** A fresh copy of the expression pool, to which the reader may add. */
  pool(): ExprPool {
    return new ExprPool(this.code.subarray(HEADER, this.localsAt));
  }

  get length(): number {
    return this.code.length - this.base;
  }

  /** Length in integers of the instruction at pc. */
  size(pc: number): number {
    const c = this.code;
    const p = this.base + pc;
    switch (c[p]) {
      case I.Call:
        return 7 + c[p + 6];
      case I.Assign:
        return 4;
      case I.Branch:
        return 4;
      case I.Jump:
        return 2;
      case I.Return:
        return 3;
      case I.Switch:
        return 3 + 2 * c[p + 2];
      case I.GuardEnter:
        return 7 + c[p + 6];
      case I.GuardExit:
        return 2;
      default:
        throw new Error(`flow facts: no instruction ${c[p]} at ${pc}`);
    }
  }
}
