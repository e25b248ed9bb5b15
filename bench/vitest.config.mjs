// Tests of the evaluation; they run on what `npm run build` made of the server.
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const reports = process.env.LOCKCTX_TEST_REPORTS;

export default defineConfig({
  test: {
    include: ["eval/test/**/*.test.mjs"],
    testTimeout: 60_000,
    reporters: reports ? ["default", ["json", { outputFile: join(reports, "bench.json") }]] : ["default"],
  },
});
