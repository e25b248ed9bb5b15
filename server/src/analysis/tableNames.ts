/** Which names of the program the tables of primitives know: most calls are of names that no table has. */
import type { KernelTables } from "../kernel/types.js";
import type { Names } from "../program/names.js";

const UNKNOWN = 0;
const IN_NONE = 1;
const IN_ONE = 2;

export class TableNames {
  private known = new Uint8Array(0);

  constructor(
    private readonly names: Names,
    private readonly tables: KernelTables,
  ) {}

  /** Whether a table says something of calls of this name. */
  has(name: number): boolean {
    if (name >= this.known.length) {
      const wider = new Uint8Array(this.names.count + (this.names.count >> 2) + 1024);
      wider.set(this.known);
      this.known = wider;
    }
    let kind = this.known[name];
    if (kind === UNKNOWN) {
      kind = this.isIn(this.names.text(name)) ? IN_ONE : IN_NONE;
      this.known[name] = kind;
    }
    return kind === IN_ONE;
  }

  private isIn(text: string): boolean {
    const { locks, sleepers, assertions, noReturn, hardStops, neverSleeps } = this.tables;
    return (
      locks.has(text) ||
      sleepers.has(text) ||
      assertions.has(text) ||
      noReturn.has(text) ||
      hardStops.has(text) ||
      neverSleeps.has(text)
    );
  }
}
