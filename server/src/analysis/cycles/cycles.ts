/**
 * Cycles of functions that call each other, of which the largest of a kernel has tens of thousands of members: worked out
 * from nothing the first time, and afterwards only where an edit makes a difference (see `CycleRun`).
 */
import type { ImageReader } from "../../program/image.js";
import type { FnResult } from "../interpret/frame.js";
import type { Pauses } from "../pauses.js";
import type { Summary } from "../summary.js";
import { type CycleOrder, FEW, orderOf, stillHolds } from "./order.js";
import { CycleRun, type CycleWorld, type Said } from "./run.js";

/** What an image has of the members. */
export interface SavedSaid {
  saidBy(fn: number): readonly Said[] | undefined;
}

/** What cycles ask for, beside what one run of a cycle does. */
export interface CyclesWorld extends CycleWorld {
  comparePlaces(a: number, b: number): number;
  /** Those of the members that each member calls by name. */
  directCalls(
    members: { has(fn: number): boolean },
    of: readonly number[],
  ): ReadonlyMap<number, readonly number[]>;
}

/** A cycle that was worked out. */
interface Cycle {
  readonly order: CycleOrder;
  readonly places: ReadonlyMap<number, number>;
  lastRound: number;
  /** The list of its members that was asked about last: a long one is not compared again. */
  members: readonly number[] | null;
}

const NONE: readonly number[] = [];

export class Cycles {
  private readonly cycleOf = new Map<number, Cycle>();
  /** What each member said, and from which round on. */
  private readonly said = new Map<number, readonly Said[]>();
  private run: CycleRun | null = null;

  constructor(
    private readonly world: CyclesWorld,
    from: ImageReader | null,
    private readonly savedSaid: SavedSaid | null,
  ) {
    if (from) this.restore(from);
  }

  /** While a cycle is worked out: what a member of it says so far; undefined: it is none. */
  summaryOf(fn: number): Summary | undefined {
    return this.run?.summaryOf(fn);
  }

  /** What a member said, round by round; undefined: it is none. */
  saidBy(fn: number): readonly Said[] | undefined {
    return this.said.get(fn) ?? (this.cycleOf.has(fn) ? this.savedSaid?.saidBy(fn) : undefined);
  }

  has(fn: number): boolean {
    return this.cycleOf.has(fn);
  }

  /** Whether these functions, who call each other or are one that calls nobody back, are what they were when they were worked out. */
  knows(group: readonly number[], isCycle: boolean): boolean {
    return isCycle ? this.known(group) !== null : !this.cycleOf.has(group[0]);
  }

  /** The cycle of exactly these members. */
  private known(members: readonly number[]): Cycle | null {
    const cycle = this.cycleOf.get(members[0]);
    if (!cycle || cycle.places.size !== members.length) return null;
    if (cycle.members === members) return cycle;
    if (!members.every((fn) => this.cycleOf.get(fn) === cycle)) return null;
    cycle.members = members;
    return cycle;
  }

  /** Members of the cycle that a function is in. */
  membersOf(fn: number): { has(fn: number): boolean } {
    return this.cycleOf.get(fn)!.places;
  }

  /** It is in no cycle (any more). */
  drop(fn: number): void {
    const cycle = this.cycleOf.get(fn);
    if (!cycle) return;
    cycle.members = null;
    this.cycleOf.delete(fn);
    this.said.delete(fn);
  }

  /**
   * Works out a cycle: the results of those members whose result may be another one than they have; null for one that has
   * none. `isStale`: the member was edited, or what a function outside the cycle says to it; `fewStale`: all such
   * functions where they are few. Rejects when it is stopped: then everything is as it was.
   */
  async solve(
    members: readonly number[],
    isStale: (fn: number) => boolean,
    fewStale: readonly number[] | null,
    pauses: Pauses,
  ): Promise<ReadonlyMap<number, FnResult | null>> {
    const known = this.known(members);
    let earlier = known ?? this.earlierOf(members);
    let stale =
      known && fewStale
        ? fewStale.filter((fn) => known.places.has(fn))
        : members.filter((fn) => isStale(fn) || !earlier?.places.has(fn));
    if (stale.length * 2 > members.length) {
      earlier = null;
      stale = [...members];
    }
    const { order, moved } = this.orderFor(members, earlier, stale);
    const isSame = earlier !== null && earlier.order === order;
    const places = isSame ? earlier!.places : placesOf(order.fns);
    const dirty = new Uint8Array(members.length);
    for (const fn of [...stale, ...moved]) dirty[places.get(fn)!] = 1;
    const run = new CycleRun(
      this.world,
      order.fns,
      places,
      earlier && {
        said: (fn) => (earlier.places.has(fn) ? this.saidBy(fn) : undefined),
        lastRound: earlier.lastRound,
      },
      dirty,
    );
    this.run = run;
    try {
      await run.solve(pauses);
    } finally {
      this.run = null;
    }
    for (const [fn, history] of run.histories) this.said.set(fn, history);
    if (isSame) earlier!.lastRound = run.lastRound;
    else this.remember({ order, places, lastRound: run.lastRound, members });
    return new Map(run.made());
  }

  private remember(cycle: Cycle): void {
    for (const fn of cycle.order.fns) {
      const before = this.cycleOf.get(fn);
      if (before) before.members = null;
      this.cycleOf.set(fn, cycle);
    }
  }

  /** The earlier cycle that most of these were members of. */
  private earlierOf(members: readonly number[]): Cycle | null {
    const counts = new Map<Cycle, number>();
    for (const fn of members) {
      const cycle = this.cycleOf.get(fn);
      if (cycle) counts.set(cycle, (counts.get(cycle) ?? 0) + 1);
    }
    let best: Cycle | null = null;
    for (const [cycle, count] of counts) if (!best || count > counts.get(best)!) best = cycle;
    return best;
  }

  /** The order to run them in, and the members for whom it, or who is a member, makes a difference to earlier. */
  private orderFor(
    members: readonly number[],
    earlier: Cycle | null,
    stale: readonly number[],
  ): { order: CycleOrder; moved: readonly number[] } {
    const { world } = this;
    const graph = (set: { has(fn: number): boolean }, of: readonly number[]) => {
      const direct = world.directCalls(set, of);
      return {
        direct: (fn: number): readonly number[] => direct.get(fn) ?? NONE,
        comparePlaces: (a: number, b: number): number => world.comparePlaces(a, b),
      };
    };
    const same = earlier !== null && this.known(members) === earlier;
    if (
      same &&
      stale.length <= FEW &&
      stillHolds(earlier.order, earlier.places, stale, graph(earlier.places, stale))
    )
      return { order: earlier.order, moved: NONE };
    const set = new Set(members);
    const order = orderOf(members, graph(set, members));
    if (!earlier) return { order, moved: NONE };
    const places = placesOf(order.fns);
    const moved = new Set<number>();
    // Whoever came or went is heard in another way than before.
    if (!same)
      for (const fn of [...members, ...earlier.order.fns])
        if (set.has(fn) !== earlier.places.has(fn))
          for (const user of world.usersOf(fn)) if (set.has(user)) moved.add(user);
    // So is a callee whose turn comes now before that of its caller and came after it, or the other way round.
    for (const fn of members) {
      const then = earlier.places.get(fn);
      if (then === undefined) continue;
      for (const callee of world.edgesOf(fn)) {
        const calleeThen = earlier.places.get(callee);
        const calleeNow = places.get(callee);
        if (calleeThen === undefined || calleeNow === undefined) continue;
        if (calleeThen < then !== calleeNow < places.get(fn)!) moved.add(fn);
      }
    }
    return { order, moved: [...moved] };
  }

  // ---- images ---------------------------------------------------------------------------------------------------

  /** Cycles as columns: how many members and rounds each has, then the members of all. */
  save(): { name: string; array: Int32Array }[] {
    const cycles = [...new Set(this.cycleOf.values())].filter((c) =>
      // One whose members are in another cycle now is of no use.
      c.order.fns.every((fn) => this.cycleOf.get(fn) === c),
    );
    const join = (column: (c: Cycle) => ArrayLike<number>): Int32Array => {
      const all = new Int32Array(cycles.reduce((n, c) => n + c.order.fns.length, 0));
      let at = 0;
      for (const c of cycles) {
        all.set(column(c), at);
        at += c.order.fns.length;
      }
      return all;
    };
    return [
      {
        name: "cycles.sizes",
        array: Int32Array.from(cycles.flatMap((c) => [c.order.fns.length, c.lastRound])),
      },
      { name: "cycles.members", array: join((c) => c.order.fns) },
      { name: "cycles.heights", array: join((c) => c.order.heights) },
      { name: "cycles.joint", array: join((c) => c.order.joint) },
    ];
  }

  private restore(from: ImageReader): void {
    const sizes = from.ints("cycles.sizes");
    const members = from.ints("cycles.members");
    const heights = from.ints("cycles.heights");
    const joint = from.ints("cycles.joint");
    let at = 0;
    for (let i = 0; i < sizes.length; i += 2) {
      const end = at + sizes[i];
      const order: CycleOrder = {
        fns: members.slice(at, end),
        heights: heights.slice(at, end),
        joint: Uint8Array.from(joint.subarray(at, end)),
      };
      this.remember({ order, places: placesOf(order.fns), lastRound: sizes[i + 1], members: null });
      at = end;
    }
  }
}

function placesOf(fns: ArrayLike<number>): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  for (let i = 0; i < fns.length; i++) places.set(fns[i], i);
  return places;
}
