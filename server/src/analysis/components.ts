/** The order of solving: groups of functions that call each other, callees first. */

/** Strongly connected components, callees first (Tarjan, without recursion). */
export function components(nodes: readonly number[], edges: (n: number) => readonly number[]): number[][] {
  const most = nodes.reduce((a, b) => Math.max(a, b), 0) + 1;
  // By node; 0: not in the graph. Indices are one more than they are, -1: not met.
  const index = new Int32Array(most);
  const low = new Int32Array(most);
  const onStack = new Uint8Array(most);
  for (const n of nodes) index[n] = -1;
  const stack: number[] = [];
  const out: number[][] = [];
  let counter = 0;
  const work: { n: number; i: number; list: readonly number[] }[] = [];
  const open = (n: number): void => {
    index[n] = ++counter;
    low[n] = counter;
    stack.push(n);
    onStack[n] = 1;
    work.push({ n, i: 0, list: edges(n) });
  };
  for (const root of nodes) {
    if (index[root] > 0) continue;
    open(root);
    while (work.length > 0) {
      const top = work[work.length - 1];
      const { n } = top;
      if (top.i < top.list.length) {
        const m = top.list[top.i++];
        if (m >= most || index[m] === 0) continue;
        if (index[m] < 0) open(m);
        else if (onStack[m] === 1 && index[m] < low[n]) low[n] = index[m];
        continue;
      }
      work.pop();
      if (work.length > 0) {
        const up = work[work.length - 1].n;
        if (low[n] < low[up]) low[up] = low[n];
      }
      if (low[n] === index[n]) {
        const scc: number[] = [];
        for (;;) {
          const m = stack.pop()!;
          onStack[m] = 0;
          scc.push(m);
          if (m === n) break;
        }
        if (scc.length > 1) scc.sort((a, b) => a - b);
        out.push(scc);
      }
    }
  }
  return out;
}
