/** What a run of the interpreter tells whoever asks: the state at each place, what a call leads to, what stayed open. */
import type { PathState } from "./state.js";
import type { SleepEntry } from "./summary.js";

/** Offsets are relative to the function, as in its flow facts. All of it is optional to hear and may be told repeatedly. */
export interface Observer {
  /** The state before an instruction, once for every path state that comes there. */
  step(pc: number, state: PathState): void;
  /** A call that resolves to these functions. */
  call(at: number, end: number, name: string, targets: readonly number[], via: SleepEntry["via"]): void;
  /** A call of which nothing is known. */
  unresolved(at: number): void;
  /** A call through a field that can hold too many functions to follow. */
  manyTargets(at: number, targets: number): void;
  /** A way in which the function may sleep for its callers (told only by a run that exports them). */
  sleep(entry: SleepEntry): void;
  /** A condition (a term of the function) on which a sleep at this call depends and that is not decided. */
  undecided(at: number, term: number): void;
}
