import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"
import * as os from "node:os"
import CountsReporter from "./tools/vitest/CountsReporter.ts"
import { thorough } from "./tools/vitest/thorough.ts"

// Packages are read from their sources, so tests need no build.
const conditions = ["@auth/source", ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "tools/**/*.test.ts", "examples/**/*.test.ts"],
    isolate: false,
    pool: "threads",
    // Many tests wait for other programs, so a machine of two cores has room for two.
    maxWorkers: Math.max(2, os.availableParallelism() - 1),
    tags: [{ name: "thorough", description: "long, or the same over and over: run by npm run check" }],
    ...(!thorough && { tagsFilter: ["!thorough"] }),
    // A machine that is busy with other things must not fail a test that only waits for it.
    testTimeout: 20_000,
    reporters: ["default", new CountsReporter()]
  }
})
