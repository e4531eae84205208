import { assert, describe, it } from "@effect/vitest"
import { documents, sections } from "./tables.ts"
import { wiring } from "./wiring.ts"

const all = await documents()

describe("generated tables", () => {
  for (const { current, path, wanted } of all) {
    it(`are current in ${path} (npm run docs:tables updates them)`, () => {
      for (const section of sections(path)) {
        assert.include(current, `<!-- ${section}:begin -->`)
        assert.include(current, `<!-- ${section}:end -->`)
      }
      assert.strictEqual(current, wanted)
    })
  }
})

describe("facts copied from packages/brokers.json and package.json files", () => {
  for (const { current, path, wanted } of wiring()) {
    it(`are current in ${path} (npm run docs:tables updates them)`, () => {
      assert.strictEqual(current, wanted)
    })
  }
})
