import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Browser, withWindow } from "../../packages/simulator/test/chromium/attacker.ts"
import { run } from "../../packages/cli/test/support.ts"
import { runsChromium } from "./browser.ts"
import { allWays, desk, logInAll, open } from "./morning.ts"

describe.runIf(runsChromium)("the page of broker-auth open in Chromium", () => {
  layer(Browser.layer, { excludeTestServices: true, timeout: 60_000 })((it) => {
    it.effect(
      "logs in to one account for each way in",
      () =>
        Effect.gen(function* () {
          const { members, simulator, user } = yield* desk()
          assert.strictEqual(members.length, allWays.length)
          const { link } = yield* open(user)
          yield* withWindow(async (window) => {
            const page = await window.newPage()
            await page.goto(link)
            await logInAll(simulator, window, page, members)
          })
          const status = yield* run(user, ["status", "--json"])
          console.log(status.stdout)
        }),
      { timeout: 240_000, tags: ["thorough"] }
    )
  })
})
