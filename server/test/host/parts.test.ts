/** Parts of a file are read for heads that are right, and for no others. */
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packHeads, unpackHeads } from "../../src/facts/heads.js";
import { versionOf } from "../../src/host/cache/manifest.js";
import { partsOfText, readParts } from "../../src/host/parts.js";
import { outlineFile } from "../../src/outline/outline.js";
import { headOf } from "../../src/syntax/flow.js";

const folder = mkdtempSync(join(tmpdir(), "lockctx-parts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = `static int first(struct a *x, int n)\n{\n\treturn n;\n}\n${"/* far away */\n".repeat(4000)}void second(void)\n{\n\tfirst(0, 1);\n}\n`;
const outline = outlineFile(text, "a.c", { registrations: new Set() });
const heads = [0, 1].map((i) => headOf(outline, i));

function file(content: string): string {
  const path = join(folder, `${content.length}.c`);
  writeFileSync(path, content, "latin1");
  return path;
}

describe("parts of files", () => {
  it("hold the functions, however far apart these are", () => {
    const partOf = readParts(file(text), heads);
    for (const h of heads) {
      const { text: part, from } = partOf!(h);
      expect(part.slice(h.start - from, h.end - from)).toBe(text.slice(h.start, h.end));
    }
    expect(partOf!(heads[0]).text.length).toBeLessThan(100);
  });

  it("are not had of a file in which the functions stand elsewhere", () => {
    expect(readParts(file(`\n\nint more;\n${text}`), heads)).toBeNull();
    expect(partsOfText(`int more_of_it_than_the_name;\n${text}`, heads)).toBeNull();
    expect(partsOfText(text, heads)).not.toBeNull();
  });

  it("are not had of a file that is not the version asked for, gone, or a folder", () => {
    const path = file(`${text}\n`);
    utimesSync(path, 1000, 1000);
    const old = { ...versionOf(statSync(path), "0123456789abcdef"), fresh: false };
    expect(readParts(path, heads, old)).not.toBeNull();
    utimesSync(path, 2000, 2000);
    expect(readParts(path, heads, old)).toBeNull();
    expect(readParts(join(folder, "none.c"), heads)).toBeNull();
    expect(readParts(folder, heads)).toBeNull();
  });

  it("heads come through their packed form", () => {
    expect(unpackHeads(packHeads(heads))).toEqual(heads);
    expect(heads[0].params.map((p) => p.name)).toEqual(["x", "n"]);
  });
});
