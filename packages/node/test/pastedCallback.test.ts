import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import { Canary } from "@auth/broker-core/testing"
import * as RedirectListener from "@auth/node/RedirectListener"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import {
  apiKey,
  bind,
  bindClosed,
  type BrokerOptions,
  code,
  freePort,
  makeBroker,
  makeUser,
  reasonOf,
  send,
  startLogin,
  type UserOptions
} from "./redirectSupport.ts"

const publicUrl = "https://app.example.com/callback"

interface Options extends UserOptions, BrokerOptions {
  readonly redirectUrl?: string
  readonly timeout?: RedirectListener.LoginOptions["timeout"]
}

const pastedLogin = Effect.fnUntraced(function* (options: Options = {}) {
  const redirectUrl = options.redirectUrl ?? publicUrl
  const { exchanged, redirect } = makeBroker(redirectUrl, options)
  const user = yield* makeUser(options)
  const login = yield* RedirectListener.login({ timeout: options.timeout }).pipe(
    user.provide,
    Effect.provideService(RedirectLogin.RedirectLogin, redirect),
    Effect.forkScoped
  )
  const startUrl = yield* user.opened
  const offer = yield* user.nextText
  return { login, redirectUrl, exchanged, user, startUrl, offer }
})

const portOf = (url: string): number => Number(new URL(url).port)

describe("a login whose redirect URL is not on loopback", () => {
  it.live("completes with the pasted callback", () =>
    Effect.gen(function* () {
      const { exchanged, login, offer, startUrl, user } = yield* pastedLogin()
      assert.match(startUrl, /^http:\/\/127\.0\.0\.1:\d+\/start\/[0-9a-f]{32}$/)
      assert.include(offer, startUrl)
      assert.notInclude(offer, apiKey)
      const state = yield* startLogin(startUrl)
      assert.strictEqual(
        yield* user.nextText,
        `After the login, the browser goes to ${publicUrl}. Copy the whole address from the browser, paste it here, and press Enter. The input is not shown.`
      )
      yield* user.paste(` "${publicUrl}?code=${code}&state=${state}" `)
      const session = yield* Fiber.join(login)
      assert.strictEqual(Redacted.value(session.tokens.access), code)
      assert.deepStrictEqual(exchanged, [code])
      assert.isUndefined(yield* bindClosed(portOf(startUrl)))
    })
  )

  it.live("accepts no callback over HTTP", () =>
    Effect.gen(function* () {
      const { exchanged, startUrl } = yield* pastedLogin()
      const state = yield* startLogin(startUrl)
      for (const path of ["/", "/callback"]) {
        const { status } = yield* send(`${new URL(startUrl).origin}${path}?code=${code}&state=${state}`)
        assert.strictEqual(status, 404)
      }
      assert.deepStrictEqual(exchanged, [])
    })
  )

  const wrong: ReadonlyArray<readonly [what: string, (state: string) => string, said: string]> = [
    ["an empty line", () => "", "This is not an address."],
    [
      "half an address",
      () => "https://app.exa",
      "This address is not at https://app.example.com/callback: its host, port or path is different."
    ],
    ["a code without an address", () => code, "This is not an address."],
    ["a query without an address", (state) => `?code=${code}&state=${state}`, "This is not an address."],
    [
      "an address that follows other text",
      (state) => `it is ${publicUrl}?code=${code}&state=${state}`,
      "This is not an address."
    ],
    [
      "an address that ends in the middle of the state",
      (state) => `${publicUrl}?code=${code}&state=${state.slice(0, 9)}`,
      "This address is incomplete, or belongs to another login."
    ],
    [
      "an address without state",
      () => `${publicUrl}?code=${code}`,
      "This address is incomplete, or belongs to another login."
    ],
    [
      "an address without code",
      (state) => `${publicUrl}?state=${state}`,
      "This address is incomplete: it contains no token."
    ],
    [
      "an address on another host",
      (state) => `https://evil.example/callback?code=${code}&state=${state}`,
      "This address is not at https://app.example.com/callback: its host, port or path is different."
    ],
    [
      "an address that contains a parameter twice",
      (state) => `${publicUrl}?code=${code}&state=${state}&code=other`,
      "This address was changed: it contains a parameter twice."
    ],
    [
      "an address whose code was cut off",
      (state) => `${publicUrl}?state=${state}&code=${code}\u2026`,
      "This address contains a code or token that was cut off: it ends with an ellipsis."
    ],
    [
      "an address whose code ends with a quotation mark",
      (state) => `${publicUrl}?state=${state}&code=${code}%E2%80%9D`,
      "This address contains a code or token with a character that does not belong there, such as a blank or a quotation mark."
    ]
  ]

  it.live.each(wrong)("asks for the address again after %s", ([, paste, said]) =>
    Effect.gen(function* () {
      const { exchanged, login, startUrl, user } = yield* pastedLogin()
      const state = yield* startLogin(startUrl)
      yield* user.nextText
      yield* user.paste(paste(state))
      assert.strictEqual(yield* user.nextText, `${said} Copy the whole address from the browser, and paste it here:`)
      assert.deepStrictEqual(exchanged, [])
      yield* user.paste(`${publicUrl}?code=${code}&state=${state}`)
      yield* Fiber.join(login)
      assert.deepStrictEqual(exchanged, [code])
    })
  )

  it.live("fails with the error of the fourth wrong address", () =>
    Effect.gen(function* () {
      const { exchanged, login, startUrl, user } = yield* pastedLogin()
      for (const text of ["", "x", "https://app", `${publicUrl}?code=${code}`]) yield* user.paste(text)
      assert.deepInclude(yield* reasonOf(Fiber.join(login)), { _tag: "RedirectRejected", why: "state" })
      // The start address, the instruction, and three texts about wrong addresses.
      assert.lengthOf(user.texts, 5)
      assert.deepStrictEqual(exchanged, [])
      assert.isUndefined(yield* bindClosed(portOf(startUrl)))
    })
  )

  it.live("does not ask for the address again if the user declines the login", () =>
    Effect.gen(function* () {
      const { login, startUrl, user } = yield* pastedLogin()
      const state = yield* startLogin(startUrl)
      yield* user.paste(`${publicUrl}?error=access_denied&state=${state}`)
      assert.deepInclude(yield* reasonOf(Fiber.join(login)), { _tag: "RedirectRejected", why: "denied" })
      assert.lengthOf(user.texts, 2)
    })
  )

  it.live("fails with ActionRequired if no address is pasted", () =>
    Effect.gen(function* () {
      const ended = yield* pastedLogin()
      yield* ended.user.endInput
      const reason = yield* reasonOf(Fiber.join(ended.login))
      assert.strictEqual(reason._tag, "ActionRequired")
      assert.include(reason.remedy, "Standard input has ended")
      assert.isUndefined(yield* bindClosed(portOf(ended.startUrl)))
      const late = yield* pastedLogin({ timeout: "100 millis" })
      const lateReason = yield* reasonOf(Fiber.join(late.login))
      assert.strictEqual(lateReason._tag, "ActionRequired")
      assert.include(lateReason.message, "within 100 milliseconds")
      assert.isUndefined(yield* bindClosed(portOf(late.startUrl)))
    })
  )

  it.live("closes its port when interrupted", () =>
    Effect.gen(function* () {
      const { login, startUrl } = yield* pastedLogin()
      assert.strictEqual(yield* bind(portOf(startUrl)), "EADDRINUSE")
      yield* Fiber.interrupt(login)
      assert.isUndefined(yield* bindClosed(portOf(startUrl)))
    })
  )
})

describe("a browser login", () => {
  it.live("shows the login page's address at the terminal if no browser opens", () =>
    Effect.gen(function* () {
      const { offer, startUrl } = yield* pastedLogin({ hasBrowser: false })
      assert.include(offer, `https://tiny.example/login?api_key=${apiKey}&state=`)
      assert.notInclude(offer, startUrl)
    })
  )

  it.live("shows no API key if there is no terminal", () =>
    Effect.gen(function* () {
      const { offer, startUrl } = yield* pastedLogin({ hasBrowser: false, isTerminal: false })
      assert.include(offer, startUrl)
      assert.notInclude(offer, apiKey)
    })
  )

  const loopbackLogin = (options: Options = {}) =>
    Effect.gen(function* () {
      const redirectUrl = `http://127.0.0.1:${yield* freePort}/callback`
      const pending = yield* pastedLogin({ hasBrowser: false, ...options, redirectUrl })
      const address = /https:\S+/.exec(pending.offer)?.[0] ?? "https://none.example"
      const state = new URL(address).searchParams.get("state")
      return { ...pending, callback: `${redirectUrl}?code=${code}&state=${state}`, port: portOf(redirectUrl) }
    })

  it.live("completes with a pasted address on loopback", () =>
    Effect.gen(function* () {
      const { callback, exchanged, login, port, user } = yield* loopbackLogin()
      assert.include(yield* user.nextText, "it shows an error page after the login")
      yield* user.paste("http://127.0.0.1")
      assert.include(yield* user.nextText, "This address is not at http://127.0.0.1:")
      yield* user.paste(callback)
      yield* Fiber.join(login)
      assert.deepStrictEqual(exchanged, [code])
      assert.isUndefined(yield* bindClosed(port))
    })
  )

  it.live("completes with an HTTP callback even if standard input has ended", () =>
    Effect.gen(function* () {
      const { callback, exchanged, login, user } = yield* loopbackLogin()
      yield* user.endInput
      yield* Effect.sleep("20 millis")
      yield* send(callback)
      yield* Fiber.join(login)
      assert.deepStrictEqual(exchanged, [code])
    })
  )

  it.live("asks for the address if the callback's parameters follow a #", () =>
    Effect.gen(function* () {
      const { exchanged, login, redirectUrl, startUrl, user } = yield* loopbackLogin({ hasBrowser: true })
      const state = yield* startLogin(startUrl)
      const page = yield* send(redirectUrl)
      assert.strictEqual(page.status, 400)
      assert.include(page.text, "copy the whole address and paste it in your program")
      assert.include(yield* user.nextText, "The browser shows a page from this program. Copy the whole address")
      yield* user.paste(`${redirectUrl}#/?code=${code}&state=${state}`)
      yield* Fiber.join(login)
      assert.deepStrictEqual(exchanged, [code])
    })
  )

  it.live("reads no input for a loopback redirect URL if there is no terminal", () =>
    Effect.gen(function* () {
      const { login, user } = yield* loopbackLogin({ isTerminal: false, timeout: "300 millis" })
      yield* user.paste("text")
      assert.strictEqual((yield* reasonOf(Fiber.join(login)))._tag, "ActionRequired")
      assert.lengthOf(user.texts, 1)
    })
  )
})

/** The ways in which a login can end. Each `end` sends or pastes a callback that contains secrets. */
const ways: ReadonlyArray<
  readonly [
    what: string,
    options: Options,
    end: (pending: Effect.Success<ReturnType<typeof pastedLogin>>, state: string) => Effect.Effect<unknown>
  ]
> = [
  ["a valid callback", {}, ({ redirectUrl }, state) => send(`${redirectUrl}?code=${code}&state=${state}`)],
  [
    "a callback with an error parameter",
    {},
    ({ redirectUrl }, state) => send(`${redirectUrl}?error=x&code=${code}&state=${state}`)
  ],
  [
    "a callback with a wrong state",
    { timeout: "2 seconds" },
    ({ redirectUrl }) => send(`${redirectUrl}?code=${code}&state=no`)
  ],
  [
    "a defect during the code exchange",
    { exchange: Effect.die("broken") },
    ({ redirectUrl }, state) => send(`${redirectUrl}?code=${code}&state=${state}`)
  ],
  [
    "four wrong pasted addresses",
    { redirectUrl: publicUrl },
    ({ user }) => Effect.forEach(Array.from({ length: 4 }), () => user.paste(`${publicUrl}?code=${code}`))
  ],
  [
    "a pasted address",
    { redirectUrl: publicUrl },
    ({ user }, state) => user.paste(`${publicUrl}?code=${code}&state=${state}`)
  ]
]

describe("the texts, errors, logs and spans of a browser login", () => {
  it.live.each(ways)("contain no secret after %s", ([, options, end]) =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      const redirectUrl = options.redirectUrl ?? `http://127.0.0.1:${yield* freePort}/callback`
      yield* Effect.gen(function* () {
        const pending = yield* pastedLogin({ ...options, redirectUrl })
        const state = yield* startLogin(pending.startUrl)
        yield* end(pending, state)
        Canary.show(net, yield* Fiber.await(pending.login), (value) => inspect(value, { depth: 20 }))
        for (const text of pending.user.texts) net.add("text", text)
        assert.include(
          net.spans().map(({ name }) => name),
          "RedirectListener.login"
        )
        assert.deepStrictEqual(Canary.leaks(net, [code, apiKey, state]), [])
      }).pipe(Effect.scoped, Effect.provide(net.layer))
    })
  )
})

it.live("closing the scope of an unfinished browser login causes no error", () =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(Effect.scoped(pastedLogin()))
    assert.isTrue(Exit.isSuccess(exit))
  })
)
