/** What can go wrong with a cache, each done for real: the result is right, and one clear line says what happened. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checksum } from "../../../src/host/cache/hash.js";
import { CachedFacts } from "../../../src/host/cachedFacts.js";
import { lockctx } from "../../cli/lockctx.js";
import { agedFixtures, type CacheFixture, everything, run, source } from "./harness.js";

let f: CacheFixture;
let fresh: CacheFixture[];
let plain: string;
beforeAll(async () => {
  fresh = await agedFixtures(17);
});
beforeEach(async () => {
  f = fresh.pop()!;
  plain = await everything(f.uncached(), f.files);
});
afterEach(() => f.remove());
afterAll(() => Promise.all(fresh.map((x) => x.remove())));

const nothingMade = { outlinesMade: 0, flowsMade: 0 };

/** Changes one byte. */
function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] ^= 1 << (at % 8);
  writeFileSync(path, bytes);
}

describe("a damaged cache", () => {
  beforeEach(async () => {
    await run(f.cached(), f.files);
  });

  it("with any one bit wrong gives right results, says so in one line, and is whole again afterwards", async () => {
    for (const kind of ["segments", "manifests"] as const) {
      for (let step = 0; step < 12; step++) {
        const path = f[kind]()[step % f[kind]().length];
        const { size } = statSync(path);
        flip(path, Math.min(size - 1, Math.floor((size * step) / 11)));
        const hurt = await run(f.cached(), f.files);
        expect(hurt.said).toBe(plain);
        // A bit of the padding between records harms nothing and is not looked at.
        expect(hurt.messages.length).toBeLessThanOrEqual(1);
        if (hurt.counts.outlinesMade + hurt.counts.flowsMade > 0 || kind === "manifests") {
          expect(hurt.messages).toEqual([expect.stringMatching(/^cache: .*(damaged|truncated|not a)/)]);
        }
        const healed = await run(f.cached(), f.files);
        expect(healed).toMatchObject({ said: plain, counts: nothingMade, messages: [] });
      }
    }
  });

  it("cut anywhere gives right results, says so in one line, and is whole again afterwards", async () => {
    for (const kind of ["segments", "manifests"] as const) {
      for (const share of [0, 0.01, 0.5, 0.99]) {
        const path = f[kind]()[0];
        truncateSync(path, Math.floor(statSync(path).size * share));
        const hurt = await run(f.cached(), f.files);
        expect(hurt.said).toBe(plain);
        expect(hurt.messages).toHaveLength(1);
        expect(hurt.messages[0]).toMatch(/truncated|damaged/);
        const healed = await run(f.cached(), f.files);
        expect(healed).toMatchObject({ said: plain, counts: nothingMade, messages: [] });
      }
    }
  });

  it("made longer, or of other files altogether, gives right results", async () => {
    for (const path of [...f.segments(), ...f.manifests()]) appendFileSync(path, "more");
    expect((await run(f.cached(), f.files)).said).toBe(plain);
    for (const path of [...f.segments(), ...f.manifests()])
      writeFileSync(path, "something else entirely\n".repeat(20));
    expect((await run(f.cached(), f.files)).said).toBe(plain);
    expect((await run(f.cached(), f.files)).counts).toMatchObject(nothingMade);
  });

  it("whose segments another process removes while they are read gives right results", async () => {
    const host = f.cached();
    for (const path of f.segments()) rmSync(path);
    expect((await run(host, f.files)).said).toBe(plain);
    expect((await run(f.cached(), f.files)).said).toBe(plain);
  });
});

it("a cache of another version is built anew beside it, and says so once", async () => {
  await run(f.cached(), f.files);
  for (const path of f.segments()) {
    const bytes = readFileSync(path);
    bytes.write("another version!", 8, "latin1");
    bytes.writeInt32LE(checksum(bytes.subarray(0, 60)), 60);
    writeFileSync(path, bytes);
  }
  const upgraded = await run(f.cached(), f.files);
  expect(upgraded.said).toBe(plain);
  expect(upgraded.counts).toMatchObject({ outlinesFound: 0, outlinesMade: 40 });
  expect(upgraded.messages).toEqual(["cache: made by another version of lockctx, built anew"]);
  expect(await run(f.cached(), f.files)).toMatchObject({ said: plain, counts: nothingMade, messages: [] });
});

describe("a place that cannot be written", () => {
  const oneLine = [expect.stringMatching(/^cache: .* cannot be written \(.*\): nothing is kept/)];

  it("that is no folder is said in one line, and everything works", async () => {
    const folder = join(f.base, "file");
    writeFileSync(folder, "in the way");
    expect(await run(f.cached({ folder }), f.files)).toMatchObject({ said: plain, messages: oneLine });
  });

  it("that is read-only is read, said in one line, and everything works", async (test) => {
    await run(f.cached(), f.files);
    const readOnly = makeReadOnly(f.folder);
    if (!readOnly) return test.skip("neither permissions nor mounts can make a folder read-only here");
    try {
      f.put("d1/f001.c", source("f1", "schedule();"));
      const { said, counts, messages } = await run(f.cached(), f.files);
      expect(said).toBe(await everything(f.uncached(), f.files));
      expect(counts).toMatchObject({ outlinesFound: 39, outlinesMade: 1 });
      expect(messages).toEqual(oneLine);
    } finally {
      readOnly();
    }
  });

  it.each([8, 16, 24])(
    "that is full after %i KB is said in one line, and everything works",
    async (kb, ...rest) => {
      const folder = join(f.base, "small");
      const unmount = mountSmall(folder, kb);
      if (!unmount) return skip(rest);
      try {
        const first = await run(f.cached({ folder }), f.files);
        expect(first.said).toBe(plain);
        expect(first.messages).toEqual([
          expect.stringMatching(/cannot be written \(no space left on device\)/),
        ]);
        const second = await run(f.cached({ folder }), f.files);
        expect(second.said).toBe(plain);
        expect(execFileSync("find", [folder, "-name", "*.part"], { encoding: "utf8" })).toBe("");
      } finally {
        unmount();
      }
    },
  );
});

/** The last argument of a test is its context. */
function skip(rest: unknown[]): void {
  (rest.at(-1) as { skip?: (why: string) => void } | undefined)?.skip?.(
    "a small file system cannot be mounted",
  );
}

/** A small file system of its own; null where that is not allowed. */
function mountSmall(folder: string, kb: number): (() => void) | null {
  mkdirSync(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kb}k`, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return null;
  }
  return () => execFileSync("umount", [folder]);
}

/** By permissions, or for root, whom they do not stop, by a mount. Gives back the way to undo it. */
function makeReadOnly(folder: string): (() => void) | null {
  const folders = execFileSync("find", [folder, "-type", "d"], { encoding: "utf8" }).trim().split("\n");
  if (process.getuid?.() !== 0) {
    for (const path of folders) chmodSync(path, 0o500);
    return () => {
      for (const path of folders) chmodSync(path, 0o700);
    };
  }
  try {
    execFileSync("mount", ["--bind", folder, folder], { stdio: "ignore" });
  } catch {
    return null;
  }
  try {
    execFileSync("mount", ["-o", "remount,ro,bind", folder], { stdio: "ignore" });
  } catch {
    execFileSync("umount", [folder]);
    return null;
  }
  return () => execFileSync("umount", [folder]);
}

describe("a worker that fails", () => {
  const workerUrl = new URL("../poolWorker.mjs", import.meta.url);
  const options = () => ({
    root: f.root,
    outline: { registrations: new Set<string>() },
    jobs: 2,
    workerUrl,
    fileTimeLimitMs: 1000,
    cache: { folder: f.folder },
  });

  it.each([
    ["throws", "throw.c", /could not be analysed/],
    ["ends", "exit.c", /ended its worker/],
    ["hangs", "hang.c", /took longer than 1 seconds/],
  ])(
    "(it %s) costs one file, which is tried again the next time; the rest is kept",
    async (_how, name, reason) => {
      const files = [...f.files, name];
      for (const round of ["first", "second"]) {
        writeFileSync(join(f.root, name), "bad");
        const host = new CachedFacts(options());
        const { said } = await run(host, files);
        const bad = said.split("\n").filter((line) => line.includes("!"));
        expect(bad).toEqual([expect.stringMatching(reason)]);
        expect(host.cacheCounts.outlinesFound).toBe(round === "first" ? 0 : f.files.length);
        expect(host.messages).toEqual([]);
      }
    },
  );
});

describe("several processes", () => {
  const check = (...more: string[]) =>
    lockctx(["check", "--format", "json", "--exit-zero", "--root", f.root, "--jobs", "1", ...more], {
      cwd: f.root,
    });
  const withCache = () => check("--cache-dir", f.folder);

  it("at once on one cache all give the same, and leave a cache that is whole", async () => {
    const expected = (await check("--no-cache")).stdout;
    expect(JSON.parse(expected).findings.length).toBeGreaterThan(10);
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.all(Array.from({ length: 4 }, withCache));
      for (const o of outcomes) expect(o).toMatchObject({ code: 0, stderr: "", stdout: expected });
      f.put("d1/f001.c", source("f1", "msleep(1);"));
    }
    const whole = await lockctx(["index", "--root", f.root, "--cache-dir", f.folder]);
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    expect(whole.stdout).toContain("40 files, 40 of them in the cache");
  });

  it("killed at any moment leave a cache that serves the next", async () => {
    const expected = (await check("--no-cache")).stdout;
    let killed = 0;
    for (let i = 0; i < 16; i++) {
      // From before the first file is read to after the manifest is written.
      const delay = 60 + Math.random() * 1200;
      f.put("d1/f001.c", source("f1", `msleep(${i});`));
      const victim = await lockctx(["check", "--root", f.root, "--cache-dir", f.folder, "--jobs", "2"], {
        cwd: f.root,
        started: (child) => setTimeout(() => child.kill("SIGKILL"), delay),
      });
      if (victim.signal === "SIGKILL") killed++;
      if (i % 4 !== 3) continue;
      f.put("d1/f001.c", source("f1"));
      expect(await withCache()).toMatchObject({ code: 0, stderr: "", stdout: expected });
    }
    expect(killed).toBeGreaterThan(0);
    expect(f.segments().filter((p) => p.endsWith(".part"))).toEqual([]);
    expect(f.segments().length).toBeGreaterThan(0);
    expect(existsSync(f.manifests()[0])).toBe(true);
  });
});
