/** What the parts of the interpreter share while they run one function: its flow, its terms, and the result so far. */
import type { Flow } from "../../facts/flow.js";
import { FnFlag } from "../../facts/outline.js";
import type { SourceFile } from "../../program/program.js";
import { Conditions } from "../conditions.js";
import type { Observer } from "../observer.js";
import { EMPTY, type RawFinding, type Summary } from "../summary.js";
import { Terms } from "../terms.js";
import type { World } from "../world.js";

export interface FnResult {
  summary: Summary;
  findings: RawFinding[];
  /** Functions called, for the order of solving and for invalidation. */
  callees: readonly number[];
  resolved: number;
  unresolved: number;
  undecided: number;
  capped: number;
}

export class Frame {
  readonly t: Terms;
  readonly cond: Conditions;
  readonly file: SourceFile;
  /** Is told what happens on the way, for explanations. */
  observer: Observer | null = null;
  /** Values that loops wait on: waiting for a state is not depending on it. */
  readonly loopConditions = new Set<number>();
  /** Last names of the locks that are taken somewhere in the function. */
  readonly takenNames = new Set<string>();
  /** Functions called so far. */
  readonly callees = new Set<number>();
  readonly result: FnResult = {
    summary: EMPTY,
    findings: [],
    callees: [],
    resolved: 0,
    unresolved: 0,
    undecided: 0,
    capped: 0,
  };
  private readonly counted = new Set<number>();

  constructor(
    readonly world: World,
    readonly fn: number,
    readonly flow: Flow,
    readonly exportsSleeps: boolean,
    /** Sleeps are not asked for: only what is called where, and what happens to locks. */
    readonly withoutSleeps: boolean,
  ) {
    const { program } = world;
    this.file = program.fnFile(fn);
    this.t = new Terms(flow, program, this.file, world.shared, (program.fnFlags(fn) & FnFlag.Macro) !== 0);
    this.cond = new Conditions(
      this.t,
      world.tables,
      (name) => world.gfpAlias(name, this.file),
      (name) => world.constant(name, this.file),
    );
  }

  /** Counts a call site once, as resolved or not. */
  count(at: number, resolved: boolean): void {
    if (this.counted.has(at)) return;
    this.counted.add(at);
    if (!resolved) this.observer?.unresolved(at);
    if (resolved) this.result.resolved++;
    else this.result.unresolved++;
  }
}
