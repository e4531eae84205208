import * as AuthError from "@auth/broker-core/login/AuthError"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as RedirectListener from "@auth/node/RedirectListener"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import * as Os from "node:os"
import {
  bind,
  broker,
  type BrokerOptions,
  code,
  form,
  freePort,
  idle,
  makeBroker,
  makeUser,
  raw,
  reasonOf,
  send,
  startLogin
} from "./redirectSupport.ts"

interface Options extends BrokerOptions, RedirectListener.LoginOptions {
  readonly host?: string
  readonly path?: string
}

/** A login that waits for its callback, in a fiber, and the addresses of its listener. */
const pendingLogin = Effect.fnUntraced(function* (options: Options = {}) {
  const port = yield* freePort
  const origin = `http://${options.host ?? "127.0.0.1"}:${port}`
  const redirectUrl = `${origin}${options.path ?? "/callback"}`
  const { exchanged, redirect } = makeBroker(redirectUrl, options)
  const user = yield* makeUser()
  const { method, timeout } = options
  const login = yield* RedirectListener.login({ method, timeout }).pipe(
    user.provide,
    Effect.provideService(RedirectLogin.RedirectLogin, redirect),
    Effect.forkScoped
  )
  const startUrl = yield* Effect.raceFirst(user.opened, Effect.andThen(Fiber.join(login), Effect.never))
  const state = yield* startLogin(startUrl)
  const callback = `${redirectUrl}?code=${code}&state=${state}`
  return { login, port, origin, redirectUrl, exchanged, user, startUrl, state, callback }
})

type Pending = Effect.Success<ReturnType<typeof pendingLogin>>

/** The login still waits, and its callback completes it. */
const stillCompletes = Effect.fnUntraced(function* ({ callback, exchanged, login }: Pending) {
  assert.deepStrictEqual(exchanged, [])
  const { location, status } = yield* send(callback)
  assert.strictEqual(status, 303)
  const page = yield* send(new URL(location, callback).href)
  assert.include(page.text, "Login complete")
  yield* Fiber.join(login)
  assert.deepStrictEqual(exchanged, [code])
})

const hasIpv6 = Object.values(Os.networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"))

describe("a login on loopback", () => {
  it.live("returns the session of the callback, and the browser ends on a page without parameters", () =>
    Effect.gen(function* () {
      const { callback, login, origin, user } = yield* pendingLogin()
      const answer = yield* send(callback)
      assert.strictEqual(answer.status, 303)
      assert.match(answer.location, /^\/done\/[0-9a-f]{32}$/)
      assert.strictEqual(answer.text, "")
      const page = yield* send(`${origin}${answer.location}`)
      assert.strictEqual(page.status, 200)
      assert.include(page.text, "Your program is logged in.")
      const session = yield* Fiber.join(login)
      assert.strictEqual(Redacted.value(session.tokens.access), code)
      assert.lengthOf(user.texts, 1)
    })
  )

  it.live("answers the callback before the exchange with the broker", () =>
    Effect.gen(function* () {
      const exchange = yield* Deferred.make<void>()
      const pending = yield* pendingLogin({ exchange: Deferred.await(exchange) })
      const { location, status } = yield* send(pending.callback)
      assert.strictEqual(status, 303)
      const page = yield* Effect.forkChild(send(`${pending.origin}${location}`))
      yield* Effect.sleep("50 millis")
      assert.isUndefined(page.pollUnsafe())
      yield* Deferred.succeed(exchange, undefined)
      assert.include((yield* Fiber.join(page)).text, "Login complete")
      yield* Fiber.join(pending.login)
    })
  )

  it.live("sends only pages without scripts, that no cache and no frame keeps", () =>
    Effect.gen(function* () {
      const { callback, origin, startUrl } = yield* pendingLogin()
      for (const url of [`${origin}/`, startUrl, `${origin}/callback`, callback]) {
        const { headers, text } = yield* send(url)
        assert.strictEqual(headers["cache-control"], "no-store")
        assert.strictEqual(headers["referrer-policy"], "no-referrer")
        assert.match(
          headers["content-security-policy"] ?? "",
          /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/
        )
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
        assert.strictEqual(headers["connection"], "close")
        assert.notInclude(text, "<script")
      }
    })
  )
})
