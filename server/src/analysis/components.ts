/** The order of solving: groups of functions that call each other, callees first. */

/** A graph over the numbers 0, 1, …: where the targets of each begin, and one end more. */
export interface Graph {
  starts: Int32Array;
  targets: Int32Array;
}

/** Strongly connected components: the members of all, one after another, and where each ends. */
export interface Components {
  members: Int32Array;
  ends: Int32Array;
}

/** Callees first, members in order (Tarjan, without recursion). */
export function components({ starts, targets }: Graph): Components {
  const count = starts.length - 1;
  // Indices are one more than they are, 0: not met.
  const index = new Int32Array(count);
  const low = new Int32Array(count);
  const onStack = new Uint8Array(count);
  const stack = new Int32Array(count);
  let stacked = 0;
  /** Nodes that are open, and the next of their targets. */
  const open = new Int32Array(count);
  const next = starts.slice(0, count);
  let opened = 0;
  const members = new Int32Array(count);
  let found = 0;
  const ends = new Int32Array(count);
  let groups = 0;
  let counter = 0;
  for (let root = 0; root < count; root++) {
    if (index[root] > 0) continue;
    let enter = root;
    for (;;) {
      if (enter >= 0) {
        index[enter] = ++counter;
        low[enter] = counter;
        stack[stacked++] = enter;
        onStack[enter] = 1;
        open[opened++] = enter;
        enter = -1;
      }
      const n = open[opened - 1];
      if (next[n] < starts[n + 1]) {
        const m = targets[next[n]++];
        if (index[m] === 0) enter = m;
        else if (onStack[m] === 1 && index[m] < low[n]) low[n] = index[m];
        continue;
      }
      opened--;
      if (low[n] === index[n]) {
        const from = found;
        let m: number;
        do {
          m = stack[--stacked];
          onStack[m] = 0;
          members[found++] = m;
        } while (m !== n);
        if (found - from > 1) members.subarray(from, found).sort();
        ends[groups++] = found;
      }
      if (opened === 0) break;
      const up = open[opened - 1];
      if (low[n] < low[up]) low[up] = low[n];
    }
  }
  return { members, ends: ends.subarray(0, groups) };
}
