// Tests run from the TypeScript sources; those of the worker pool and the command line use what `npm run build` made.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/**/*.test.ts"], testTimeout: 30_000 },
});
