import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"
import * as os from "node:os"
import CountsReporter from "./tools/vitest/CountsReporter.ts"
import { thorough } from "./tools/vitest/thorough.ts"

// With this condition, imports of our packages resolve to their sources, so the tests need no build.
const conditions = ["@auth/source", ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "tools/**/*.test.ts", "examples/**/*.test.ts"],
    isolate: false,
    pool: "threads",
    // At least two workers, even on a machine with two cores: many tests wait for other programs and use little CPU
    // time.
    maxWorkers: Math.max(2, os.availableParallelism() - 1),
    tags: [{ name: "thorough", description: "slow or repeated tests, which only npm run check runs" }],
    ...(!thorough && { tagsFilter: ["!thorough"] }),
    // The time-out is long, so that a test does not fail only because the machine is busy.
    testTimeout: 60_000,
    reporters: ["default", new CountsReporter()]
  }
})
