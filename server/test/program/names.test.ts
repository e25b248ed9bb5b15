/** Names: strings and their numbers. */
import { describe, expect, it } from "vitest";
import { Names } from "../../src/program/names.js";

describe("names", () => {
  it("have numbers in the order of their coming, and keep them", () => {
    const names = new Names();
    expect([names.count, names.text(0)]).toEqual([1, ""]);
    expect(["spin_lock", "", "mutex_lock", "spin_lock"].map((n) => names.id(n))).toEqual([1, 0, 2, 1]);
    expect(names.count).toBe(3);
    expect(names.text(2)).toBe("mutex_lock");
  });

  it("have the same number when they are given as bytes", () => {
    const names = new Names();
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
    const names = new Names();
    names.id("kfree");
    expect([names.find("kfree"), names.find("kfre"), names.find("kfreee"), names.find("")]).toEqual([
      1, -1, -1, 0,
    ]);
  });

  it("may have any character", () => {
    const names = new Names();
    const odd = ["größe", "\0", "λ→", "\u00ff", "\u0100", "a".repeat(10_000)];
    const ids = odd.map((n) => names.id(n));
    expect(ids).toEqual([1, 2, 3, 4, 5, 6]);
    expect(ids.map((id) => names.text(id))).toEqual(odd);
    expect(odd.map((n) => names.find(n))).toEqual(ids);
    expect(names.find("λ")).toBe(-1);
  });

  it("may be many", () => {
    const names = new Names();
    const many = Array.from({ length: 50_000 }, (_, i) => `name_${(i * 7919) % 50_000}_${i & 1 ? "λ" : "x"}`);
    const ids = many.map((n) => names.id(n));
    expect(new Set(ids).size).toBe(50_000);
    expect(many.every((n, i) => names.find(n) === ids[i] && names.text(ids[i]) === n)).toBe(true);
  });
});
