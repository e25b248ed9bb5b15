/** Reading sources: odd files are refused in words, never read without end. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_FILE_BYTES, readSource, Sources } from "../../src/host/sources.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lockctx-sources-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Buffer): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

describe("a source file", () => {
  it("is read a character a byte, whatever its encoding", () => {
    const bytes = Buffer.from([0x2f, 0x2f, 0xe9, 0xc3, 0xa9, 0x0d, 0x0a]);
    expect(readSource(write("latin.c", bytes))).toEqual({ text: bytes.toString("latin1") });
  });

  it("may be empty", () => {
    expect(readSource(write("empty.c", ""))).toEqual({ text: "" });
  });

  it("may be larger than what was read before", () => {
    const text = "int x;\n".repeat(300_000);
    expect(readSource(write("long.c", text))).toEqual({ text });
  });

  it.each<[string, () => string, RegExp]>([
    ["binary", () => write("binary.c", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1])), /^binary file$/],
    ["too large", () => write("large.c", Buffer.alloc(MAX_FILE_BYTES + 1, 0x20)), /^too large: 16\.0 MB/],
    ["a folder", () => folder, /^is a directory$/],
    ["not there", () => join(folder, "gone.c"), /^no such file or directory$/],
  ])("that is %s is refused in words", (_what, path, problem) => {
    expect(readSource(path())).toEqual({ problem: expect.stringMatching(problem) });
  });

  it.skipIf(process.platform === "win32")("that is a pipe is refused and not waited for", () => {
    const pipe = join(folder, "pipe.c");
    execFileSync("mkfifo", [pipe]);
    expect(readSource(pipe)).toEqual({ problem: "not a regular file" });
  });
});

describe("unsaved buffers", () => {
  it("stand in place of the disk until they are taken away", () => {
    write("edited.c", "saved");
    const sources = new Sources(folder);
    sources.setOverlay("edited.c", "unsaved");
    expect(sources.read("edited.c")).toEqual({ text: "unsaved" });
    sources.setOverlay("edited.c", null);
    expect(sources.read("edited.c")).toEqual({ text: "saved" });
  });

  it("obey the same limits as files", () => {
    const sources = new Sources(folder);
    sources.setOverlay("b.c", "a\0b");
    expect(sources.read("b.c")).toEqual({ problem: "binary file" });
  });
});
