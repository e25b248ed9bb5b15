/** Contents of files by path, in whatever order they are asked for. */
import { expect, it } from "vitest";
import { Contents, HashList } from "../../../src/host/cache/contents.js";

const hash = (letter: string): string => letter.repeat(16);
const list = (...paths: string[]): HashList => new HashList(paths, paths.map((p) => hash(p[0])).join(""));

it("are found in order, out of order, again and in a list without order", () => {
  for (const files of [list("a", "b", "c"), list("b", "c", "a")])
    for (const path of ["a", "b", "c", "a", "c", "b", "b", "x", "a", "b"])
      expect(files.get(path)).toBe(path === "x" ? undefined : hash(path));
  expect(list().get("a")).toBeUndefined();
});

it("are what was learned last", () => {
  const contents = new Contents();
  contents.set("a", hash("1"));
  contents.lay(list("a", "b", "c"));
  contents.set("b", hash("2"));
  contents.delete("c");
  expect(["a", "b", "c", "d"].map((p) => contents.get(p))).toEqual([
    hash("1"),
    hash("2"),
    undefined,
    undefined,
  ]);
  contents.lay(null);
  expect(["a", "b", "c"].map((p) => contents.get(p))).toEqual([hash("1"), hash("2"), undefined]);
});
