/** Plain data with places as offsets, turned into the same with lines: what programs are given as JSON. */
import type { Site } from "../findings/types.js";
import type { TreePositions } from "./positions.js";

/** Anything that holds sites gets `line` and `column` in place of offsets; everything else stays as it is. */
export function located(data: unknown, positions: TreePositions): unknown {
  if (Array.isArray(data)) return data.map((d) => located(d, positions));
  if (typeof data !== "object" || data === null) return data;
  const out: Record<string, unknown> = {};
  const site = isSite(data) ? data : null;
  for (const [key, value] of Object.entries(data)) {
    if (site && key === "offset") Object.assign(out, positions.of(site.file).at(site.offset));
    else if (site && key === "endOffset") {
      const end = positions.of(site.file).at(site.endOffset);
      out.endLine = end.line;
      out.endColumn = end.column;
    } else out[key] = located(value, positions);
  }
  return out;
}

function isSite(data: object): data is Site {
  const d = data as Partial<Site>;
  return typeof d.file === "string" && typeof d.offset === "number" && typeof d.endOffset === "number";
}

export const renderJson = (data: unknown, positions: TreePositions): string =>
  `${JSON.stringify(located(data, positions), null, 2)}\n`;
