import { assert, it } from "@effect/vitest"
import { LoginPage } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import { freePort } from "../../../tools/vitest/freePort.ts"
import { codeFor } from "../../simulator/test/chromium/pages.ts"
import { linesOf, run, terminal, timeout, world } from "./support.ts"
import { pageOf, valuesOf, ways } from "./ways.ts"

const zerodha = ways.find(({ broker, method }) => broker === "zerodha" && method === "browser")!

it.live(
  "broker-auth login --paste also accepts a loopback callback",
  () =>
    Effect.gen(function* () {
      const redirectUrl = `http://127.0.0.1:${yield* Effect.promise(freePort)}/callback`
      const seed = { brokers: { zerodha: { accounts: [{ userId: "ZZ0001", redirectUrl }] } } }
      const { simulator, user } = yield* world({ brokers: ["zerodha"], seed })
      const account = simulator.brokers["zerodha"]?.accounts[0] ?? {}
      const input = linesOf(valuesOf(zerodha, account))
      assert.strictEqual((yield* run(user, ["add", "zerodha", "--method", "browser"], { input })).code, 0)
      const page = pageOf(zerodha)!
      const browse = Effect.fnUntraced(function* (url: string) {
        const fields = page.fields(account, yield* codeFor(simulator, page))
        const given = Object.fromEntries(Object.entries(fields).map(([name, value = ""]) => [name, value]))
        const callback = yield* LoginPage.submit(Redacted.make(url), given)
        yield* Effect.promise(() => fetch(Redacted.value(callback)).then((response) => response.text()))
        return ""
      })
      const logged = yield* terminal(
        user,
        ["login", "--paste"],
        [
          [
            /(http:\/\/127\.0\.0\.1:\d+\S*\?\S+)\s/,
            ([, url = ""]) => Effect.runPromise(Effect.provide(browse(url), FetchHttpClient.layer))
          ]
        ]
      )
      assert.strictEqual(logged.code, 0, logged.screen)
      assert.match(logged.screen, /zerodha is logged in/)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "an unfinished broker-auth login stores no session",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["rmoney", "zerodha"] })
      const sms = linesOf({ RMONEY_ENVIRONMENT: "uat", RMONEY_USER_ID: "TEST101", RMONEY_PASSWORD: "Demo@101" })
      assert.strictEqual((yield* run(user, ["add", "rmoney", "--method", "password"], { input: sms })).code, 0)
      const code = yield* terminal(user, ["login", "rmoney"], [[/One-time code[\s\S]*?> /, "\u0003"]])
      assert.deepStrictEqual([code.code, /broker-auth: stopped\./.test(code.screen)], [130, true], code.screen)
      const ended = yield* terminal(user, ["login", "rmoney"], [[/One-time code[\s\S]*?> /, "\u0004"]])
      assert.strictEqual(ended.code, 7, ended.screen)

      const input = linesOf(valuesOf(zerodha, simulator.brokers["zerodha"]?.accounts[0] ?? {}))
      assert.strictEqual((yield* run(user, ["add", "zerodha", "--method", "browser"], { input })).code, 0)
      const paste = yield* terminal(user, ["login", "zerodha"], [[/The input is not\s+shown\./, "\u0003"]])
      assert.deepStrictEqual([paste.code, /broker-auth: stopped\./.test(paste.screen)], [130, true], paste.screen)
      const piped = yield* run(user, ["login", "rmoney"])
      assert.strictEqual(piped.code, 7, piped.stderr)
      for (const name of ["rmoney", "zerodha"]) {
        const token = yield* run(user, ["token", name])
        assert.deepStrictEqual([token.code, token.stdout], [7, ""])
        assert.match(token.stderr, new RegExp(`${name} needs a person to log in\\. Run broker-auth login ${name}\\.`))
      }
      const unattended = yield* run(user, ["login", "zerodha"])
      assert.strictEqual(unattended.code, 7, unattended.stderr)
      const status = JSON.parse((yield* run(user, ["status", "--json"])).stdout)
      assert.deepStrictEqual(
        status.accounts.map(({ session }: { readonly session: string }) => session),
        ["none", "none"]
      )
    }),
  { tags: ["thorough"], timeout: 2 * timeout }
)
