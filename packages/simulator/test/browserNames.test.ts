import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { runsChromium } from "../../../tools/chromium/browser.ts"
import { attacker, blank, Browser, portOf } from "./chromium/attacker.ts"
import type { Target } from "./chromium/attacks.ts"
import { changes, inPage, logins, prepare, readable, stateOf, tryAll } from "./chromium/harness.ts"

const options = { tags: ["thorough"], timeout: 60_000 }

const under = (host: string, targets: ReadonlyArray<Target>): ReadonlyArray<Target> =>
  targets.map(({ body, url }) => ({ url: url.replace("127.0.0.1", host), body }))

/** Matches what a page may read if its request is refused: nothing, or the reason. */
const refusal = /^(?:(?:403 )?(?:The request needs one Host header|The simulator refuses requests)[^{}]*)?$/

/** Attacks that send a GET request without the header `Origin`. */
const unmarked = ["fetch without CORS", "an image", "a script", "a frame", "an object", "a window"]

/** Hosts that resolve to this machine. Browsers trust a page at `evil.localhost` like a page over TLS. */
const hosts = ["evil.example", "evil.localhost", "127.0.0.1.evil.example", "localhost.", "0.0.0.0"]

describe.runIf(runsChromium)("the simulator, tested with Chromium,", () => {
  layer(Browser.layer, { timeout: "40 seconds", excludeTestServices: true })((it) => {
    for (const host of ["evil.example", "evil.localhost"]) {
      it.effect(
        `refuses requests from a page at ${host} after DNS rebinding`,
        () =>
          Effect.gen(function* () {
            const prepared = yield* prepare()
            const { control } = prepared.simulator
            const attempt = { read: refusal }
            yield* inPage(
              `http://${host}:${portOf(control)}/page`,
              (page) =>
                Effect.gen(function* () {
                  const frame = page.mainFrame()
                  yield* tryAll(frame, prepared, "posts", under(host, changes(prepared).slice(0, 1)), attempt)
                  yield* tryAll(frame, prepared, "gets", under(host, readable(prepared.simulator).slice(0, 1)), attempt)
                }),
              { served: blank }
            )
            for (const login of under(host, (yield* logins(prepared.simulator)).slice(0, 2))) {
              yield* inPage(
                `${new URL(login.url).origin}/page`,
                (page) =>
                  tryAll(page.mainFrame(), prepared, "posts", [login], {
                    ...attempt,
                    names: ["a urlencoded form", "fetch"]
                  }),
                { served: blank }
              )
            }
          }),
        options
      )
    }

    it.effect(
      "lets no page of another origin read or change state, even with `allowHosts`",
      () =>
        Effect.gen(function* () {
          const host = "simulator.test"
          const prepared = yield* prepare({ allowHosts: [host] })
          yield* inPage(`http://evil.example:${yield* attacker}/`, (page) =>
            Effect.gen(function* () {
              const frame = page.mainFrame()
              yield* tryAll(frame, prepared, "posts", under(host, changes(prepared).slice(0, 1)))
              const state = yield* stateOf(prepared.simulator)
              // The simulator answers these requests, because they have neither `Origin` nor `Sec-Fetch-Site`. Chromium
              // sends `Sec-Fetch-Site` only to hosts that it trusts.
              const info = under(host, readable(prepared.simulator).slice(0, 1))
              yield* tryAll(frame, prepared, "gets", info, { names: unmarked, status: 200 })
              assert.strictEqual(yield* stateOf(prepared.simulator), state)
            })
          )
        }),
      options
    )

    it.effect(
      "refuses requests from another origin to each host name of this machine",
      () =>
        Effect.gen(function* () {
          const prepared = yield* prepare()
          const names = ["fetch", "fetch without CORS", "an image", "a frame", "a window"]
          yield* inPage(`http://evil.example:${yield* attacker}/`, (page) =>
            Effect.gen(function* () {
              for (const host of ["localhost", "[::1]", ...hosts]) {
                const info = under(host, readable(prepared.simulator)).slice(0, 1)
                const reset = under(host, changes(prepared)).slice(0, 1)
                assert.deepStrictEqual([info.length, reset.length], [1, 1])
                yield* tryAll(page.mainFrame(), prepared, "gets", info, { names })
                yield* tryAll(page.mainFrame(), prepared, "posts", reset, { names: ["a urlencoded form", "fetch"] })
              }
            })
          )
        }),
      options
    )
  })
})
