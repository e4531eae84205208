import { assert, describe, it } from "@effect/vitest"
import { readsVariable } from "../src/internal/proxy.ts"

describe("readsVariable", () => {
  it.each(["22.21.0", "22.23.1", "24.5.0", "24.21.0", "25.0.0", "26.1.0"])(
    "returns true for Node %s, which supports NODE_USE_ENV_PROXY in all its HTTP clients",
    (version) => assert.isTrue(readsVariable(version))
  )

  it.each(["22.19.0", "22.20.1", "23.11.0", "24.0.0", "24.4.1"])(
    "returns false for Node %s, which ignores NODE_USE_ENV_PROXY in some or all of its HTTP clients",
    (version) => assert.isFalse(readsVariable(version))
  )
})
