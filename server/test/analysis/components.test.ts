/** The order of solving, and the sets of functions that it is made of. */
import { expect, it } from "vitest";
import { components } from "../../src/analysis/components.js";
import { FnSet } from "../../src/analysis/fnSet.js";

function groups(targets: readonly (readonly number[])[]): number[][] {
  const starts = new Int32Array(targets.length + 1);
  targets.forEach((list, i) => {
    starts[i + 1] = starts[i] + list.length;
  });
  const { members, ends } = components({ starts, targets: Int32Array.from(targets.flat()) });
  return [...ends].map((end, i) => [...members.subarray(i === 0 ? 0 : ends[i - 1], end)]);
}

it("puts callees before callers", () => {
  expect(groups([[2, 1], [2], [], [0]])).toEqual([[2], [1], [0], [3]]);
});

it("puts together what calls each other, itself and twice too", () => {
  expect(groups([[3], [1, 0], [1, 1], [4, 5], [0], []])).toEqual([[5], [0, 3, 4], [1], [2]]);
});

it("has room for a long chain", () => {
  const chain = Array.from({ length: 100_000 }, (_, i) => (i === 99_999 ? [] : [i + 1]));
  expect(groups(chain)[0]).toEqual([99_999]);
});

it("keeps functions in order, each once", () => {
  const set = new FnSet([40, 3, 40, 100_000]);
  set.add(31);
  set.add(32);
  set.delete(40);
  set.delete(41);
  expect([...set.numbers()]).toEqual([3, 31, 32, 100_000]);
  expect([set.size, set.has(3), set.has(40), set.has(1_000_000)]).toEqual([4, true, false, false]);
  set.clear();
  expect([set.size, [...set.numbers()]]).toEqual([0, []]);
});
