import { assert, it } from "@effect/vitest"
import * as fs from "node:fs"
import { scenarios } from "../tools/examples/scenarios.ts"
import { runsRedis } from "../tools/redis/server.ts"

const place = { folder: import.meta.dirname, nodeArgs: ["--conditions=@auth/source"] }

for (const { example, isAlike, play, title } of scenarios) {
  it(`${example}: ${title}`, { timeout: 120_000, tags: isAlike ? ["thorough"] : [] }, async () => {
    assert.isAbove(await play(place), 0)
  })
}

it("each TypeScript and JavaScript example has a scenario, and a row in README.md", () => {
  const found = fs
    .readdirSync(import.meta.dirname)
    .filter((file) => /\.c?[jt]s$/.test(file) && !file.includes(".test."))
  const played = new Set(scenarios.map(({ example }) => example))
  const readme = fs.readFileSync(`${import.meta.dirname}/README.md`, "utf8")
  for (const file of found) {
    // The scenario of fleet.ts is absent if redis-server is not installed.
    if (file !== "fleet.ts" || runsRedis) assert.isTrue(played.has(file), file)
    assert.include(readme, `(${file})`)
  }
})
