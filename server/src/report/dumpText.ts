/** A dump for people: a line a fact, with its place. */
import type { Dump } from "../findings/explain.js";
import type { TreePositions } from "./positions.js";

export function renderDump(dump: Dump, positions: TreePositions): string {
  const out = [dump.title];
  for (const { depth, site, text } of dump.lines) {
    const place =
      site === undefined
        ? ""
        : site.file === dump.site.file
          ? `${positions.of(site.file).line(site.offset)}`
          : `${site.file}:${positions.of(site.file).line(site.offset)}`;
    out.push(`${place.padStart(6)} ${"  ".repeat(depth)}${text}`);
  }
  return `${out.join("\n")}\n`;
}
