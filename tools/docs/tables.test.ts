import { assert, describe, it } from "@effect/vitest"
import { documents, sections } from "./tables.ts"
import { wiring } from "./wiring.ts"

const all = await documents()

describe("tables of the READMEs", () => {
  for (const { current, path, wanted } of all) {
    it(`${path} matches the descriptors (npm run docs writes it)`, () => {
      for (const section of sections(path)) {
        assert.include(current, `<!-- ${section}:begin -->`)
        assert.include(current, `<!-- ${section}:end -->`)
      }
      assert.strictEqual(current, wanted)
    })
  }
})

describe("files that name every broker", () => {
  for (const { current, path, wanted } of wiring()) {
    it(`${path} matches packages/brokers.json (npm run docs writes it)`, () => {
      assert.strictEqual(current, wanted)
    })
  }
})
