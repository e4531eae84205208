import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"
import CountsReporter from "./tools/vitest/CountsReporter.ts"

// Packages are read from their sources, so tests need no build.
const conditions = ["@auth/source", ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "tools/**/*.test.ts"],
    isolate: false,
    pool: "threads",
    // A machine that is busy with other things must not fail a test that only waits for it.
    testTimeout: 20_000,
    reporters: ["default", new CountsReporter()]
  }
})
