/**
 * The order in which the members of a cycle of calls are run. It decides what they say where a round more would say
 * otherwise, so it depends on the program alone, and a small edit must leave most of it as it was.
 */
import type { CallGraph } from "../../program/callgraph.js";
import type { Program } from "../../program/program.js";
import { components } from "../components.js";

/** Members by height, the same in three columns. */
export interface CycleOrder {
  readonly fns: Int32Array;
  /** How many calls by name lead from a member down to one that calls no member by name, at the most. */
  readonly heights: Int32Array;
  /** 1: it calls itself by name, through others: its height is that of all of them. */
  readonly joint: Uint8Array;
}

/** What the order is made of. */
export interface CycleGraph {
  /** Members that a member calls by name. */
  direct(fn: number): readonly number[];
  comparePlaces(a: number, b: number): number;
}

/** Callees before callers as far as calls by name go; what is left is in the order of paths and places. */
export function orderOf(members: readonly number[], graph: CycleGraph): CycleOrder {
  const place = new Map(members.map((fn, i) => [fn, i]));
  const starts = new Int32Array(members.length + 1);
  const targets: number[] = [];
  members.forEach((fn, i) => {
    for (const callee of graph.direct(fn)) targets.push(place.get(callee)!);
    starts[i + 1] = targets.length;
  });
  const groups = components({ starts, targets: Int32Array.from(targets) });
  const height = new Int32Array(members.length);
  const joint = new Uint8Array(members.length);
  const isDone = new Uint8Array(members.length);
  let first = 0;
  for (const end of groups.ends) {
    const group = groups.members.subarray(first, end);
    let most = 0;
    // Callees that are not done are of the same group.
    for (const i of group)
      for (let k = starts[i]; k < starts[i + 1]; k++)
        if (isDone[targets[k]] === 1) most = Math.max(most, height[targets[k]] + 1);
    for (const i of group) {
      height[i] = most;
      isDone[i] = 1;
      if (group.length > 1) joint[i] = 1;
    }
    first = end;
  }
  const order = Int32Array.from(members.keys());
  order.sort((a, b) => height[a] - height[b] || graph.comparePlaces(members[a], members[b]));
  return {
    fns: order.map((i) => members[i]),
    heights: order.map((i) => height[i]),
    joint: Uint8Array.from(order, (i) => joint[i]),
  };
}

/**
 * Whether the order still holds after these members were edited, of which `places` tells the place in it. A function that
 * stands on its own has the height that its callees give it, or it moves and others with it.
 */
export function stillHolds(
  { heights, joint }: CycleOrder,
  places: ReadonlyMap<number, number>,
  edited: readonly number[],
  graph: CycleGraph,
): boolean {
  for (const fn of edited) {
    const at = places.get(fn);
    if (at === undefined || joint[at] === 1) return false;
    let height = 0;
    for (const callee of graph.direct(fn)) {
      const below = places.get(callee);
      if (below !== undefined && callee !== fn) height = Math.max(height, heights[below] + 1);
    }
    if (height !== heights[at]) return false;
  }
  return true;
}

/** The calls of more functions than this are found from the names of all members: their own may have to be read. */
export const FEW = 64;

/** For each of a few members of a cycle, or of all, the members that it calls by name. */
export function directCalls(
  members: { has(fn: number): boolean },
  of: readonly number[],
  edges: (fn: number) => readonly number[],
  program: Program,
  graph: CallGraph,
): Map<number, number[]> {
  const direct = new Map<number, number[]>();
  if (of.length <= FEW) {
    for (const fn of of) {
      const names = new Set<number>();
      for (const call of program.calls(fn)) names.add(call >> 1);
      direct.set(
        fn,
        [...new Set(edges(fn))].filter((f) => members.has(f) && names.has(program.fnName(f))),
      );
    }
    return direct;
  }
  const callees = new Map<number, ReadonlySet<number>>();
  for (const fn of of) {
    callees.set(fn, new Set(edges(fn)));
    direct.set(fn, []);
  }
  for (const callee of of)
    graph.callersOf(program.fnName(callee), (fn) => {
      const list = direct.get(fn);
      if (list && list[list.length - 1] !== callee && callees.get(fn)!.has(callee)) list.push(callee);
    });
  return direct;
}
