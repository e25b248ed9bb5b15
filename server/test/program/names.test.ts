/** Names: strings and their numbers. */
import { describe, expect, it } from "vitest";
import { ImageReader, ImageWriter, type Section } from "../../src/program/image.js";
import { Names } from "../../src/program/names.js";

describe("names", () => {
  it("have numbers in the order of their coming, and keep them", () => {
    const names = Names.empty();
    expect([names.count, names.text(0)]).toEqual([1, ""]);
    expect(["spin_lock", "", "mutex_lock", "spin_lock"].map((n) => names.id(n))).toEqual([1, 0, 2, 1]);
    expect(names.count).toBe(3);
    expect(names.text(2)).toBe("mutex_lock");
  });

  it("have the same number when they are given as bytes", () => {
    const names = Names.empty();
    const bytes = Buffer.from("kfree\0größe\0kmalloc", "latin1");
    names.id("kfree");
    expect([names.idOf(bytes, 0, 5), names.idOf(bytes, 6, 11), names.idOf(bytes, 12, 19)]).toEqual([1, 2, 3]);
    expect([names.text(2), names.find("größe"), names.id("kmalloc"), names.idOf(bytes, 5, 5)]).toEqual([
      "größe",
      2,
      3,
      0,
    ]);
  });

  it("are found only when they are there", () => {
    const names = Names.empty();
    names.id("kfree");
    expect([names.find("kfree"), names.find("kfre"), names.find("kfreee"), names.find("")]).toEqual([
      1, -1, -1, 0,
    ]);
  });

  it("may have any character", () => {
    const names = Names.empty();
    const odd = ["größe", "\0", "λ→", "\u00ff", "\u0100", "a".repeat(10_000)];
    const ids = odd.map((n) => names.id(n));
    expect(ids).toEqual([1, 2, 3, 4, 5, 6]);
    expect(ids.map((id) => names.text(id))).toEqual(odd);
    expect(odd.map((n) => names.find(n))).toEqual(ids);
    expect(names.find("λ")).toBe(-1);
  });

  it("may be many", () => {
    const names = Names.empty();
    const many = Array.from({ length: 50_000 }, (_, i) => `name_${(i * 7919) % 50_000}_${i & 1 ? "λ" : "x"}`);
    const ids = many.map((n) => names.id(n));
    expect(new Set(ids).size).toBe(50_000);
    expect(many.every((n, i) => names.find(n) === ids[i] && names.text(ids[i]) === n)).toBe(true);
  });
});

describe("names of an image", () => {
  const many = Array.from(
    { length: 5000 },
    (_, i) => `${"n".repeat(i % 300)}${i}${i % 100 === 0 ? "λ" : "é"}`,
  );

  function restored(): Names {
    const names = Names.empty();
    for (const n of many) names.id(n);
    const sections = new Map<string, Section>();
    const to = new ImageWriter((name, section) => sections.set(name, section));
    names.save(to, "names");
    return Names.restore(new ImageReader(sections), "names");
  }

  it("have the numbers and texts that they had", () => {
    const names = restored();
    expect(names.count).toBe(many.length + 1);
    expect(many.every((n, i) => names.find(n) === i + 1 && names.text(i + 1) === n)).toBe(true);
    expect([names.find(""), names.text(0), names.find("absent"), names.find("absent→")]).toEqual([
      0,
      "",
      -1,
      -1,
    ]);
  });

  it("are followed by new ones", () => {
    const names = restored();
    const fresh = ["new", "new→", many[7], "newer"].map((n) => names.id(n));
    expect(fresh).toEqual([many.length + 1, many.length + 2, 8, many.length + 3]);
    expect(fresh.map((id) => names.text(id))).toEqual(["new", "new→", many[7], "newer"]);
    expect([names.find("new→"), names.id("newer"), names.count]).toEqual([
      many.length + 2,
      many.length + 3,
      many.length + 4,
    ]);
  });
});
