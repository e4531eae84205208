import * as Effect from "effect/Effect"
import { allWays, desk, logInAll, open } from "./morning.ts"
import { startChromium } from "./browser.ts"
await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const only = process.argv.slice(2)
      const { simulator, user, members } = yield* desk(allWays.filter((w) => only.includes(`${w.broker}-${w.method}`)))
      const opened = yield* open(user)
      yield* Effect.promise(async () => {
        const chromium = await startChromium()
        await chromium.withWindow(async (window) => {
          const page = await window.newPage()
          page.on("console", (m) => console.log("console", m.text()))
          await page.goto(opened.link)
          const t = setTimeout(async () => {
            await page.screenshot({ path: "/tmp/opendev/3.png", fullPage: true })
            console.log(
              (await Effect.runPromise(simulator.journal()))
                .map((e) => [e.endpoint, e.status, e.body?.slice(0, 100)].join(" "))
                .join("\n")
            )
          }, 12000)
          await logInAll(simulator, window, page, members).catch((e) => console.log(String(e).slice(0, 1500)))
          clearTimeout(t)
        })
        await chromium.close()
      })
    })
  )
)
process.exit(0)
