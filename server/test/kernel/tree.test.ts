/** The names of the tables exist in real kernels; needs trees, so it runs only where LOCKCTX_TREE names some. */
import { describe, expect, it } from "vitest";
// @ts-expect-error a script without types
import { checkTrees } from "./check-tree.mjs";

const trees = (process.env.LOCKCTX_TREE ?? "").split(":").filter(Boolean);

describe("kernel facts against kernel trees", () => {
  it.skipIf(trees.length === 0)(
    trees.length === 0
      ? "skipped: set LOCKCTX_TREE=TREE:TREE to run it"
      : `every name is in ${trees.join(", ")}`,
    () => expect(checkTrees(trees).problems).toEqual([]),
    600_000,
  );
});
