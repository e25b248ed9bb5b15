/** Lists of integers packed by number: what is taken out is what was put in. */
import { expect, it } from "vitest";
import { ImageReader, ImageWriter, type Section } from "../../src/program/image.js";
import { ListMap, PackedLists, sums } from "../../src/program/packedLists.js";

const COUNT = 2000;
/** Few lists, many, long ones and empty ones, in turn. */
const listOf = (i: number): number[] | null => {
  if (i % 700 < 300 && i % 7 !== 0) return null;
  return Array.from({ length: i % 5 === 0 ? 0 : i % 300 }, (_, k) => (k * 7919 * (k % 2 ? -1 : 1)) | 0);
};

it("has every list, in an image too", () => {
  const sections = new Map<string, Section>();
  const to = new ImageWriter((name, section) => sections.set(name, section));
  to.lists(
    "lists",
    PackedLists.of(COUNT, (i) => listOf(i)),
  );
  const lists = new ImageReader(sections).lists("lists", COUNT);
  for (let i = 0; i < COUNT; i++) {
    expect(lists.has(i)).toBe(listOf(i) !== null);
    expect(lists.get(i) ?? null).toEqual(listOf(i));
  }
  expect([lists.has(COUNT), lists.get(COUNT + 40)]).toEqual([false, undefined]);
});

it("is the same made of a map", () => {
  const map = new Map(
    [...Array(COUNT).keys()].reverse().flatMap((i) => (listOf(i) ? [[i, listOf(i)!]] : [])),
  );
  const lists = PackedLists.ofMap(COUNT, map);
  expect([...Array(COUNT).keys()].map((i) => lists.get(i) ?? null)).toEqual(
    [...Array(COUNT).keys()].map(listOf),
  );
});

it("is laid under changes", () => {
  const map = new ListMap(PackedLists.of(4, (i) => (i < 3 ? [i, 9] : null)));
  map.push(0, 5);
  map.drop(1, 9);
  map.delete(2);
  map.set(3, [7]);
  expect([0, 1, 2, 3].map((i) => map.get(i))).toEqual([[0, 9, 5], [1], undefined, [7]]);
  const read = (i: number): number[] => {
    const out: number[] = [];
    map.each(i, (v) => out.push(v));
    return out;
  };
  expect([0, 1, 2, 3].map(read)).toEqual([[0, 9, 5], [1], [], [7]]);
});

it("sums up varints", () => {
  const values = Array.from({ length: 200 }, (_, i) => (i * 37) % 128);
  const upTo = sums(Uint8Array.from(values), values.length);
  let sum = 0;
  for (let n = 0; n <= values.length; n++) {
    expect(upTo(n)).toBe(sum);
    sum += values[n] ?? 0;
  }
});
