/** What the interpreter of one function asks of the whole: names, summaries of callees, targets of pointers. */
import type { KernelTables, ObjectProperty } from "../kernel/types.js";
import type { Program, SourceFile } from "../program/program.js";
import type { Summary } from "./summary.js";
import type { TableNames } from "./tableNames.js";
import type { SharedTerms } from "./terms.js";

export interface PointerTargets {
  fns: readonly number[];
  /** Reason bits that going through the pointer adds. */
  reasons: number;
  /** How many targets there were before they were narrowed. */
  total: number;
}

export interface World {
  readonly program: Program;
  readonly tables: KernelTables;
  readonly shared: SharedTerms;
  readonly tableNames: TableNames;
  /** What is known of a function so far; EMPTY when it has not been (or need not be) analysed. */
  summaryOf(fn: number): Summary;
  /** The function is called where it matters whether it sleeps: under a context entered here, or for our own summary. */
  /** `handsOn`: with a function in its arguments, so that it may sleep without a sleep of its own. */
  need(fn: number, atomic: boolean, handsOn: boolean): void;
  /** Functions that a field of this struct type can hold. */
  pointerTargets(struct: number, field: number, from: SourceFile): PointerTargets;
  /** Functions that a plain variable, called by its name, can hold. */
  variableTargets(name: number, from: SourceFile): PointerTargets;
  /** Meaning of a macro that stands for gfp flags; null when it is none. */
  gfpAlias(name: string, from: SourceFile): boolean | null;
  /** Value of a macro that stands for an integer; null when it is none. */
  constant(name: string, from: SourceFile): number | null;
  /** Whether an object property (regmap fast_io …) is decided by an initialiser that can be seen from this file. */
  propertyHolds(property: ObjectProperty, from: SourceFile): boolean | null;
}
