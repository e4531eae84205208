import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Frame } from "playwright-core"
import { runsChromium } from "../../../tools/chromium/browser.ts"
import { attacker, Browser } from "./chromium/attacker.ts"
import {
  alter,
  changes,
  inPage,
  logins,
  prepare,
  type Prepared,
  readable,
  stateOf,
  trusted,
  tryAll
} from "./chromium/harness.ts"
import { addressOf, pages } from "./chromium/pages.ts"
import { feed, send } from "./support.ts"

const places: ReadonlyArray<readonly [where: string, address: (port: number) => string]> = [
  ["on another port of this machine", (port) => `http://127.0.0.1:${port}/`],
  ["on another host", (port) => `http://evil.example:${port}/`],
  ["in a sandboxed frame", (port) => `http://127.0.0.1:${port}/sandbox`]
]

const options = { tags: ["thorough"], timeout: 60_000 }

/** `somePosts` and `someGets` are for tests in which all attacks would take too long. */
const somePosts = ["a urlencoded form", "a text/plain form", "a form with a redirect", "fetch without CORS"]
const someGets = ["fetch", "an image", "a window", "a speculative prefetch"]
const windows = ["a window", "a window with a redirect"]

const webSocket = async (frame: Frame, address: string): Promise<string> => {
  const said = frame.page().waitForEvent("console", (message) => message.text().includes("WebSocket"))
  const outcome = await frame.evaluate(
    (address) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(address)
        socket.addEventListener("open", () => resolve("opened"))
        socket.addEventListener("error", () => resolve("failed"))
      }),
    address
  )
  return `${outcome}: ${(await said).text()}`
}

describe.runIf(runsChromium)("a page in Chromium", () => {
  layer(Browser.layer, { timeout: "40 seconds", excludeTestServices: true })((it) => {
    it.effect(
      "tries requests that the simulator accepts from Node",
      () =>
        Effect.gen(function* () {
          const { before, simulator } = yield* prepare()
          for (const { body, url } of yield* logins(simulator)) {
            // Motilal's portal requires a hidden field of its page, and this test does not load the page.
            if (url.includes("Login.aspx")) continue
            const headers = { "content-type": "application/x-www-form-urlencoded" }
            assert.strictEqual((yield* send(url, { method: "POST", body, headers })).status, 302, url)
          }
          for (const { url } of readable(simulator)) assert.notStrictEqual((yield* trusted(url)).status, 403, url)
          for (const { body, url } of changes({ before, simulator })) {
            yield* simulator.reset
            yield* alter(simulator)
            const state = yield* stateOf(simulator)
            const { status, text } = yield* trusted(url, { method: "POST", body })
            assert.strictEqual(status, 200, text)
            assert.notStrictEqual(yield* stateOf(simulator), state, url)
          }
        }),
      options
    )

    for (const [where, address] of places) {
      const from = (use: (frame: Frame, prepared: Prepared) => Effect.Effect<void, unknown>) =>
        Effect.gen(function* () {
          const prepared = yield* prepare()
          yield* inPage(address(yield* attacker), (page) => use(page.frames().at(-1) ?? page.mainFrame(), prepared))
        })

      it.effect(
        `${where} cannot change the simulator through the control port`,
        () =>
          from((frame, prepared) =>
            Effect.gen(function* () {
              const [first, ...others] = changes(prepared)
              yield* tryAll(frame, prepared, "posts", first === undefined ? [] : [first])
              yield* tryAll(frame, prepared, "posts", others, { names: somePosts })
            })
          ),
        options
      )

      it.effect(
        `${where} cannot log in to a broker`,
        () =>
          from((frame, prepared) =>
            Effect.gen(function* () {
              yield* tryAll(frame, prepared, "posts", yield* logins(prepared.simulator), { names: somePosts })
            })
          ),
        options
      )

      it.effect(
        `${where} cannot read answers of the simulator`,
        () =>
          from((frame, prepared) =>
            Effect.gen(function* () {
              const [first, ...others] = readable(prepared.simulator)
              yield* tryAll(frame, prepared, "gets", first === undefined ? [] : [first])
              yield* tryAll(frame, prepared, "gets", others, { names: someGets })
            })
          ),
        options
      )

      it.effect(
        `${where} can open login pages, but cannot read them`,
        () =>
          from((frame, prepared) =>
            Effect.gen(function* () {
              const targets = pages.map((page) => ({ url: addressOf(prepared.simulator, page), body: "" }))
              yield* tryAll(frame, prepared, "gets", targets.slice(0, 1), { except: windows })
              yield* tryAll(frame, prepared, "gets", targets.slice(0, 1), { names: windows, status: 200 })
              yield* tryAll(frame, prepared, "gets", targets.slice(1), { names: ["a window"], status: 200 })
            })
          ),
        options
      )

      it.effect(
        `${where} cannot open a WebSocket to the simulator`,
        () =>
          from((frame, { simulator }) =>
            Effect.gen(function* () {
              const state = yield* stateOf(simulator)
              for (const served of [simulator.control, simulator.origins[feed] ?? ""]) {
                const address = `${served.replace("http", "ws")}/smart-stream`
                const outcome = yield* Effect.promise(() => webSocket(frame, address))
                assert.match(outcome, /^failed: .*Unexpected response code: 403/)
              }
              assert.strictEqual(yield* stateOf(simulator), state)
            })
          ),
        options
      )
    }
  })
})
