// Tests run from the TypeScript sources; those of the worker pool and the command line use what `npm run build` made.
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Where `.ci/run` wants the counts. */
const reports = process.env.LOCKCTX_TEST_REPORTS;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/globalSetup.ts"],
    testTimeout: 60_000,
    reporters: reports ? ["default", ["json", { outputFile: join(reports, "server.json") }]] : ["default"],
  },
});
