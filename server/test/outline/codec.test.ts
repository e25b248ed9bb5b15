/** Outlines survive being written down. */
import { describe, expect, it } from "vitest";
import type { FileOutline } from "../../src/facts/outline.js";
import { decodeOutline, encodeOutline } from "../../src/outline/codec.js";
import { unpackNames } from "../../src/outline/nameCodec.js";
import { outlineBytes, outlineFile } from "../../src/outline/outline.js";
import { outlineOf } from "./show.js";

const SOURCE = `#include <a.h>
#ifdef CONFIG_X
struct foo { spinlock_t lock; };
static DEFINE_SPINLOCK(l);
static const struct ops o = { .open = f };
int f(struct foo *x) __acquires(&x->lock) { x->cb = g; reg(a, "\xe9"); return 0; }
#else
#define for_each_foo(x) for (;;)
#endif
`;

describe("the codec", () => {
  it("gives back what was encoded", () => {
    const o = outlineOf(SOURCE, ["reg"]);
    expect(o.regs.length).toBeGreaterThan(0);
    expect(decodeOutline(encodeOutline(o))).toEqual(o);
  });

  it("leaves names as they were written for those who join them", () => {
    const o = outlineOf(`${SOURCE}\n#if ${"defined(A_LONG_CONDITION) && ".repeat(20)}1\nint g;\n#endif\n`, [
      "reg",
    ]);
    const { names, packed, ...rest } = decodeOutline(encodeOutline(o), true);
    const { bytes, ends } = unpackNames(packed!);
    const written = Array.from({ length: packed!.count }, (_, i) =>
      i === 0 ? "" : Buffer.from(bytes.slice(ends[i - 1] + 1, ends[i])).toString("latin1"),
    );
    for (const [i, name] of packed!.wide) written[i] = name;
    expect(names).toEqual([]);
    expect({ ...rest, names: written }).toEqual(o);
  });

  it("gives back outlines of nothing and of problems", () => {
    for (const text of ["", "\0", "{"])
      expect(decodeOutline(encodeOutline(outlineOf(text)))).toEqual(outlineOf(text));
  });

  it("gives back any integers and names", () => {
    let x = 42;
    const next = (): number => (x = (Math.imul(x, 1103515245) + 12345) | 0);
    const strides: Record<string, number> = {
      fn: 16,
      structs: 5,
      inits: 7,
      regs: 5,
      conds: 4,
      annots: 2,
      calls: 1,
      includes: 1,
      regArgs: 1,
    };
    for (let round = 0; round < 100; round++) {
      const column = (name: string): Int32Array =>
        Int32Array.from({ length: (strides[name] ?? 3) * (Math.abs(next()) % 7) }, () =>
          next() % 3 === 0 ? next() : next() >> 24,
        );
      const o: FileOutline = {
        names: ["", "a", `n${next()}`, "\xff\x80", "…"],
        size: Math.abs(next()),
        problems: round % 2 === 0 ? [] : ["one", "two €"],
        fn: column("fn"),
        params: column("params"),
        calls: column("calls"),
        annots: column("annots"),
        structs: column("structs"),
        fields: column("fields"),
        globals: column("globals"),
        inits: column("inits"),
        regs: column("regs"),
        regArgs: column("regArgs"),
        conds: column("conds"),
        includes: column("includes"),
        macros: column("macros"),
      };
      expect(decodeOutline(encodeOutline(o))).toEqual(o);
    }
  });

  it("gives back names that share the beginnings of earlier ones", () => {
    const names = [""];
    for (const length of [1, 3, 4, 5, 18, 19, 20, 130, 300])
      for (const tail of ["", "x", "_seven", "_eight_", `_${"y".repeat(140)}`, "\xff…"])
        names.push("p".repeat(length) + tail, `other${length}${tail}`);
    const o = { ...outlineOf(""), names };
    expect(decodeOutline(encodeOutline(o))).toEqual(o);
  });

  it("is the same whether an outline is made first or not", () => {
    const long = `#if ${"a".repeat(30)}\n#else\n${SOURCE}#endif\n`;
    const switches = Array.from({ length: 30 }, (_, i) => `#elif X${i}\nint f${i}(void) { g(); }\n`);
    for (const text of [SOURCE, long, `#if A\n${switches.join("")}#else\n#endif\n`, "", "\0", "{"]) {
      const options = { registrations: new Set(["reg"]) };
      expect([...outlineBytes(text, "x.c", options)]).toEqual([
        ...encodeOutline(outlineFile(text, "x.c", options)),
      ]);
    }
  });

  it("writes into a buffer of its own, which can be transferred", () => {
    const b = encodeOutline(outlineOf(SOURCE));
    expect(b.byteLength).toBe(b.buffer.byteLength);
  });

  it("refuses bytes that are not an outline, or not all of one", () => {
    const b = encodeOutline(outlineOf(SOURCE));
    expect(() => decodeOutline(new Uint8Array([1, 2, 3]))).toThrow("not this format");
    for (let n = 0; n < b.length; n++) expect(() => decodeOutline(b.slice(0, n))).toThrow(/outline|names/);
  });
});
