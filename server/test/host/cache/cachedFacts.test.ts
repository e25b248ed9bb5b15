/** The cache gives what the workers would give: always, whatever happens to the files; and it saves their work. */
import { linkSync, mkdirSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { agedFixtures, type CacheFixture, everything, outlineOptions, run, source } from "./harness.js";

let f: CacheFixture;
let fresh: CacheFixture[];
beforeAll(async () => {
  fresh = await agedFixtures(20);
});
beforeEach(() => {
  f = fresh.pop()!;
});
afterEach(() => f.remove());
afterAll(() => Promise.all(fresh.map((x) => x.remove())));

describe("a second run", () => {
  it("gives the same facts as a first one and as none, and makes nothing", async () => {
    const plain = await everything(f.uncached(), f.files);
    const first = await run(f.cached(), f.files);
    const second = await run(f.cached(), f.files);
    expect(first.said).toBe(plain);
    expect(second.said).toBe(plain);
    expect(first.counts).toMatchObject({ outlinesFound: 0, outlinesMade: 40 });
    expect(second.counts).toMatchObject({ outlinesFound: 40, outlinesMade: 0, flowsMade: 0 });
    expect([...first.messages, ...second.messages]).toEqual([]);
  });

  it("on a copy of the tree elsewhere finds what the first one left: nothing depends on paths", async () => {
    await run(f.cached(), f.files);
    const { counts } = await run(f.cached({ root: f.copyTree("elsewhere") }), f.files);
    expect(counts).toMatchObject({ outlinesMade: 0, flowsMade: 0 });
  });

  it("with other registrations or macro classes finds nothing of the first", async () => {
    await run(f.cached(), f.files);
    const host = f.cached();
    await host.close();
    outlineOptions.registrations.add("setup_timer");
    try {
      expect((await run(f.cached(), f.files)).counts).toMatchObject({ outlinesFound: 0, outlinesMade: 40 });
    } finally {
      outlineOptions.registrations.delete("setup_timer");
    }
  });
});

describe("what is given is what the files say now", () => {
  const changed = async (made: number) => {
    const now = await run(f.cached(), f.files);
    expect(now.said).toBe(await everything(f.uncached(), f.files));
    expect(now.counts.outlinesMade).toBe(made);
    return now;
  };
  beforeEach(async () => {
    await run(f.cached(), f.files);
  });

  it("when a file changed", async () => {
    f.put("d1/f001.c", source("f1", "schedule();"));
    expect((await changed(1)).said).toContain("schedule");
  });

  it("when a file changed and was given its old size and mtime", async () => {
    const path = join(f.root, "d1/f001.c");
    const { mtimeMs, size } = statSync(path);
    f.put("d1/f001.c", source("f1", "msleep(2);"));
    utimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
    expect(statSync(path).size).toBe(size);
    expect((await changed(1)).said).toContain("msleep");
  });

  it("when files were exchanged, by rename and by link", async () => {
    const [a, b] = ["d1/f001.c", "d2/f002.c"].map((p) => join(f.root, p));
    renameSync(a, `${a}.x`);
    renameSync(b, a);
    renameSync(`${a}.x`, b);
    unlinkSync(join(f.root, "d3/f003.c"));
    linkSync(a, join(f.root, "d3/f003.c"));
    await changed(0);
  });

  it("when a file appeared, and when one vanished", async () => {
    f.put("d1/new.c", source("new_one"));
    unlinkSync(join(f.root, "d0/f000.c"));
    const { said } = await changed(1);
    expect(said).toContain("d0/f000.c ! no such file or directory");
    expect(said).toContain("new_one_lock");
  });

  it("when a file became a folder, and unreadable to us", async () => {
    unlinkSync(join(f.root, "d0/f000.c"));
    mkdirSync(join(f.root, "d0/f000.c"));
    writeFileSync(join(f.root, "d0/f004.c"), Buffer.alloc(100));
    const { said } = await changed(0);
    expect(said).toContain("d0/f000.c ! is a directory");
    expect(said).toContain("d0/f004.c ! binary file");
  });

  it("when a file was only touched: its content is hashed, nothing is made", async () => {
    utimesSync(join(f.root, "d1/f001.c"), 1, 1);
    await changed(0);
  });

  it("when a file comes back to what it was", async () => {
    f.put("d1/f001.c", source("f1", "schedule();"));
    await changed(1);
    f.put("d1/f001.c", source("f1"));
    const { counts } = await changed(0);
    expect(counts.flowsMade).toBe(0);
  });

  it("when a file is changed twice within a tick of the clock", async () => {
    f.put("d1/f001.c", source("f1", "msleep(3);"));
    await run(f.cached(), f.files);
    const { mtimeMs } = statSync(join(f.root, "d1/f001.c"));
    f.put("d1/f001.c", source("f1", "msleep(4);"));
    utimesSync(join(f.root, "d1/f001.c"), mtimeMs / 1000, mtimeMs / 1000);
    await changed(1);
  });
});

describe("unsaved buffers", () => {
  it("that are as on disk are found, and others are analysed and never kept", async () => {
    await run(f.cached(), f.files);
    const before = f.bytes();
    const host = f.cached();
    host.sources.setOverlay("d1/f001.c", source("f1"));
    host.sources.setOverlay("d2/f002.c", source("f2", "unsaved_call();"));
    const now = await run(host, f.files);
    const plain = f.uncached();
    plain.sources.setOverlay("d2/f002.c", source("f2", "unsaved_call();"));
    expect(now.said).toBe(await everything(plain, f.files));
    expect(now.said).toContain("unsaved_call");
    expect(now.counts).toMatchObject({ outlinesMade: 1 });
    expect(f.bytes()).toBe(before);
    expect((await run(f.cached(), f.files)).said).not.toContain("unsaved_call");
  });
});

describe("the size", () => {
  it("stays within the bound of a tree and within that of all trees, and what is there still serves", async () => {
    await run(f.cached(), f.files);
    const whole = f.bytes();
    for (let i = 0; i < 6; i++) {
      for (const file of f.files) f.put(file, source(`g${i}_${file.replace(/\W/g, "_")}`));
      await run(f.cached({ bytesPerTree: whole * 1.6 }), f.files);
      expect(f.bytes()).toBeLessThanOrEqual(whole * 1.6);
    }
    expect((await run(f.cached(), f.files)).counts).toMatchObject({ outlinesMade: 0, flowsMade: 0 });
    const other = f.copyTree("other");
    for (const file of f.files) writeFileSync(join(other, file), source(`o_${file.replace(/\W/g, "_")}`));
    await run(f.cached({ root: other, bytes: whole * 1.6 }), f.files);
    expect(f.bytes()).toBeLessThanOrEqual(whole * 1.6);
    expect((await run(f.cached({ root: other }), f.files)).counts).toMatchObject({ outlinesMade: 0 });
  });

  it("of many small runs is put together into few segments", async () => {
    for (let i = 0; i < 30; i++) {
      f.put("d1/f001.c", source("f1", `msleep(${100 + i});`));
      await run(f.cached(), ["d1/f001.c"]);
    }
    expect(f.segments().length).toBeLessThan(30);
    f.put("d1/f001.c", source("f1", "msleep(105);"));
    expect((await run(f.cached(), ["d1/f001.c"])).counts).toMatchObject({ outlinesMade: 0, flowsMade: 0 });
  });

  it("does not matter for what a run gives: with no room at all it works", async () => {
    const { said } = await run(f.cached({ bytesPerTree: 0, bytes: 0 }), f.files);
    expect(said).toBe(await everything(f.uncached(), f.files));
    expect(f.bytes()).toBe(0);
  });
});
