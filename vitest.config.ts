import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

// Packages are read from their sources, so tests need no build.
const conditions = ["@auth/source", ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "tools/**/*.test.ts"],
    isolate: false,
    pool: "threads"
  }
})
