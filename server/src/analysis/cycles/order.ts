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
  const calls = new Map<number, readonly number[]>();
  for (const fn of members) calls.set(fn, graph.direct(fn));
  const height = new Map<number, number>();
  const joint = new Set<number>();
  for (const group of components(members, (fn) => calls.get(fn)!)) {
    let most = 0;
    for (const fn of group)
      for (const callee of calls.get(fn)!) most = Math.max(most, (height.get(callee) ?? -1) + 1);
    for (const fn of group) {
      height.set(fn, most);
      if (group.length > 1) joint.add(fn);
    }
  }
  const fns = Int32Array.from(members);
  fns.sort((a, b) => height.get(a)! - height.get(b)! || graph.comparePlaces(a, b));
  return {
    fns,
    heights: fns.map((fn) => height.get(fn)!),
    joint: Uint8Array.from(fns, (fn) => (joint.has(fn) ? 1 : 0)),
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
