/**
 * What must be known for the findings of some functions, in the order of solving: groups of functions that call each other,
 * callees first. Making it is a walk over everything that those functions reach, so it is kept while editing: a changed
 * function seldom calls what it did not call before.
 */

/** Orders of so many questions are kept: the file that is typed in, the other open ones, those of the file before it. */
const MOST_KEPT = 4;

/** Functions that call each other, callees first: the members of all groups, one after another, and where each ends. */
export class Groups {
  /** Large ones are asked for again and again. */
  private readonly made = new Map<number, readonly number[]>();

  constructor(
    readonly members: Int32Array,
    readonly ends: Int32Array,
  ) {}

  /** Where a group begins. */
  first(i: number): number {
    return i === 0 ? 0 : this.ends[i - 1];
  }

  at(i: number): readonly number[] {
    let group = this.made.get(i);
    if (!group) {
      group = Array.from(this.members.subarray(this.first(i), this.ends[i]));
      if (group.length > 1) this.made.set(i, group);
    }
    return group;
  }
}

export class SolveOrder {
  private readonly groupOf = new Map<number, number>();
  /** Functions whose calls were forgotten since the order was made, and what they called then. */
  private readonly forgotten = new Map<number, readonly number[]>();

  constructor(
    private readonly enter: readonly number[],
    private readonly callbacks: ReadonlySet<number>,
    readonly groups: Groups,
  ) {
    const { members, ends } = groups;
    for (let i = 0, n = 0; i < ends.length; i++) for (; n < ends[i]; n++) this.groupOf.set(members[n], i);
  }

  has(fn: number): boolean {
    return this.groupOf.has(fn);
  }

  /** The place of a function's group; undefined: it is in none. */
  place(fn: number): number | undefined {
    return this.groupOf.get(fn);
  }

  isFor(enter: readonly number[], callbacks: ReadonlySet<number>): boolean {
    return (
      this.enter.length === enter.length &&
      this.callbacks.size === callbacks.size &&
      this.enter.every((fn, i) => fn === enter[i]) &&
      [...callbacks].every((fn) => this.callbacks.has(fn))
    );
  }

  forget(fn: number, calls: () => readonly number[]): void {
    if (this.groupOf.has(fn) && !this.forgotten.has(fn)) this.forgotten.set(fn, calls());
  }

  /** Those whose calls must be known again before `holds` can be asked. */
  get uncertain(): IterableIterator<number> {
    return this.forgotten.keys();
  }

  /**
   * Whether the order is good with what its functions call now. It may hold more than is reached any more, which does no
   * harm. `leads`: whether a call leads to a function that must be known.
   */
  holds(calls: (fn: number) => readonly number[], leads: (callee: number, fn: number) => boolean): boolean {
    for (const [fn, before] of this.forgotten) {
      const now = calls(fn);
      const here = this.groupOf.get(fn)!;
      for (const callee of now) {
        const place = this.groupOf.get(callee);
        // Something that was not reached, or that must come before this now and does not.
        if (place === undefined ? leads(callee, fn) : place > here && !before.includes(callee)) return false;
      }
      // Without that call the functions of a group may not all call each other any more.
      if (this.groups.ends[here] - this.groups.first(here) > 1)
        for (const callee of before)
          if (this.groupOf.get(callee) === here && callee !== fn && !now.includes(callee)) return false;
    }
    this.forgotten.clear();
    return true;
  }
}

/** The orders of the last questions. */
export class SolveOrders {
  private kept: SolveOrder[] = [];

  find(enter: readonly number[], callbacks: ReadonlySet<number>): SolveOrder | null {
    const i = this.kept.findIndex((order) => order.isFor(enter, callbacks));
    if (i < 0) return null;
    const [order] = this.kept.splice(i, 1);
    this.kept.push(order);
    return order;
  }

  keep(order: SolveOrder): void {
    if (this.kept.length === MOST_KEPT) this.kept.shift();
    this.kept.push(order);
  }

  drop(order: SolveOrder): void {
    this.kept = this.kept.filter((kept) => kept !== order);
  }

  forget(fn: number, calls: () => readonly number[]): void {
    for (const order of this.kept) order.forget(fn, calls);
  }

  clear(): void {
    this.kept = [];
  }
}
