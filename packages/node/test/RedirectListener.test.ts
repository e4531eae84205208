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
import { withBlockedPort } from "../../../tools/vitest/blockedPort.ts"
import {
  bind,
  bindClosed,
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
  it.live("returns a session, and leaves no parameters in the browser's address bar", () =>
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

  it.live("answers the callback at once, and shows the outcome after the code exchange", () =>
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

  it.live("sends only pages without scripts, and forbids caches and frames", () =>
    Effect.gen(function* () {
      const { callback, origin, startUrl } = yield* pendingLogin()
      for (const url of [`${origin}/`, startUrl, `${origin}/callback`, callback]) {
        const { headers, text } = yield* send(url)
        assert.strictEqual(headers["cache-control"], "no-store")
        assert.strictEqual(headers["referrer-policy"], "no-referrer")
        assert.match(
          String(headers["content-security-policy"]),
          /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/
        )
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
        assert.strictEqual(headers["connection"], "close")
        assert.notInclude(text, "<script")
      }
    })
  )
})

const refusals: ReadonlyArray<
  readonly [
    what: string,
    status: number,
    request: (pending: Pending) => { readonly url: string } & Parameters<typeof send>[1]
  ]
> = [
  ["a callback without state", 400, ({ redirectUrl }) => ({ url: `${redirectUrl}?code=${code}` })],
  ["a callback with a wrong state", 400, ({ callback }) => ({ url: `${callback.slice(0, -1)}x` })],
  ["a callback with an empty state", 400, ({ redirectUrl }) => ({ url: `${redirectUrl}?code=${code}&state=` })],
  ["a callback with a shortened state", 400, ({ callback }) => ({ url: callback.slice(0, -1) })],
  ["a callback without parameters", 400, ({ redirectUrl }) => ({ url: redirectUrl })],
  [
    "a callback with the error access_denied, but without state",
    400,
    ({ redirectUrl }) => ({ url: `${redirectUrl}?error=access_denied` })
  ],
  ["a request for the favicon", 404, ({ origin }) => ({ url: `${origin}/favicon.ico` })],
  ["a request for the path /", 404, ({ origin }) => ({ url: `${origin}/` })],
  ["a callback whose path ends with a slash", 404, ({ callback }) => ({ url: callback.replace("?", "/?") })],
  [
    "a callback whose path is in upper case",
    404,
    ({ callback }) => ({ url: callback.replace("callback", "CALLBACK") })
  ],
  ["a request for an unknown start address", 404, ({ origin }) => ({ url: `${origin}/start/${"0".repeat(32)}` })],
  ["a request for an unknown outcome page", 404, ({ origin }) => ({ url: `${origin}/done/${"0".repeat(32)}` })],
  ...["HEAD", "POST", "PUT", "OPTIONS", "DELETE"].map(
    (method) =>
      [`a callback with the method ${method}`, 405, ({ callback }: Pending) => ({ url: callback, method })] as const
  ),
  ...[
    { "sec-purpose": "prefetch" },
    { "sec-purpose": "prefetch;prerender" },
    { purpose: "prefetch" },
    { "x-moz": "prefetch" },
    { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
    { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
    { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" },
    { "sec-fetch-mode": "websocket", "sec-fetch-dest": "websocket" }
  ].map(
    (headers) =>
      [
        `a callback with the headers ${JSON.stringify(headers)}`,
        403,
        ({ callback }: Pending) => ({ url: callback, headers })
      ] as const
  ),
  ...["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "127.0.0.1.evil.example"].map(
    (host) =>
      [
        `a callback with the header Host: ${host}`,
        400,
        ({ callback }: Pending) => ({ url: callback, headers: { host } })
      ] as const
  ),
  [
    "a callback with the Host localhost and the right port",
    400,
    ({ callback, port }) => ({ url: callback, headers: { host: `localhost:${port}` } })
  ]
]

describe("the listener of a login on loopback", () => {
  it.live.each(refusals)("refuses %s (status %d), and keeps waiting", ([, status, make]) =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin()
      const { url, ...options } = make(pending)
      const answer = yield* send(url, options)
      assert.strictEqual(answer.status, status)
      assert.strictEqual(answer.location, "")
      assert.strictEqual(answer.headers.allow, status === 405 ? "GET" : undefined)
      assert.notInclude(answer.text, pending.state)
      assert.notInclude(answer.text, code)
      yield* stillCompletes(pending)
    })
  )

  it.live("refuses a callback with the state of another login", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* pendingLogin(), yield* pendingLogin()]
      const crossed = yield* send(`${one.redirectUrl}?code=${code}&state=${two.state}`)
      assert.strictEqual(crossed.status, 400)
      yield* stillCompletes(two)
      yield* stillCompletes(one)
    })
  )

  it.live("accepts only one of 21 equal callbacks", () =>
    Effect.gen(function* () {
      const { callback, exchanged, login, origin, startUrl } = yield* pendingLogin()
      const hits = yield* Effect.all(
        Array.from({ length: 20 }, () => send(callback)),
        { concurrency: "unbounded" }
      )
      assert.sameMembers(
        hits.map(({ status }) => status),
        [303, ...Array<number>(19).fill(410)]
      )
      const again = yield* send(callback)
      assert.strictEqual(again.status, 410)
      assert.include(again.text, "Your program received this login before.")
      assert.include((yield* send(startUrl)).text, "Login already received")
      const { location } = hits.find(({ status }) => status === 303) ?? again
      yield* send(`${origin}${location}`)
      yield* Fiber.join(login)
      assert.deepStrictEqual(exchanged, [code])
    })
  )

  it.live("refuses a second request for the start address", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin()
      const again = yield* send(pending.startUrl)
      assert.strictEqual(again.status, 410)
      assert.strictEqual(again.location, "")
      assert.include(again.text, "This link opens the login page only once.")
      yield* stillCompletes(pending)
    })
  )

  it.live("refuses a prefetch of the start address", () =>
    Effect.gen(function* () {
      const redirectUrl = "http://127.0.0.1:0/callback"
      const { redirect } = makeBroker(redirectUrl)
      const listener = yield* RedirectListener.open({ broker, redirectUrl })
      const request = { ...(yield* redirect.begin), redirectUrl: listener.redirectUrl }
      const { startUrl } = yield* Effect.provideService(listener.expect(request), RedirectLogin.RedirectLogin, redirect)
      const refused = [{ "sec-purpose": "prefetch" }, { "sec-fetch-dest": "image", "sec-fetch-mode": "no-cors" }]
      for (const headers of refused) assert.strictEqual((yield* send(startUrl, { headers })).status, 403)
      assert.strictEqual((yield* send(startUrl, { method: "HEAD" })).status, 405)
      assert.strictEqual((yield* send(startUrl)).location, Redacted.value(request.url))
    })
  )
})

it.live("the listener of a login on loopback closes the connection after each answer", () =>
  Effect.gen(function* () {
    const { port } = yield* pendingLogin()
    const request = `GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n\r\n`
    const answers = yield* Effect.timeout(raw(port, request.repeat(2)), "2 seconds")
    assert.match(answers, /^HTTP\/1.1 404 /)
    assert.lengthOf(answers.match(/HTTP\/1.1/g) ?? [], 1)
  })
)

const garbage: ReadonlyArray<readonly [what: string, status: RegExp, bytes: (pending: Pending) => string]> = [
  ["random bytes", /^HTTP\/1.1 400 /, () => "\x00\xff\x13\x37 nothing\r\n\r\n"],
  ["a TLS handshake", /^HTTP\/1.1 400 /, () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
  ["a request with an unknown version of HTTP", /^HTTP\/1.1 (400|505) /, () => "GET /callback HTTP/9.9\r\n\r\n"],
  [
    "a request without Host",
    /^HTTP\/1.1 400 /,
    ({ callback, origin }) => `GET ${callback.slice(origin.length)} HTTP/1.1\r\n\r\n`
  ],
  [
    "an HTTP/1.0 request without Host",
    /^HTTP\/1.1 400 /,
    ({ callback, origin }) => `GET ${callback.slice(origin.length)} HTTP/1.0\r\n\r\n`
  ],
  [
    "a request with two Host headers",
    /^HTTP\/1.1 400 /,
    ({ callback, origin, port }) =>
      `GET ${callback.slice(origin.length)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: evil.example\r\n\r\n`
  ],
  [
    "a request line with a whole URL",
    /^HTTP\/1.1 400 /,
    ({ callback, port }) => `GET ${callback} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  ],
  ["a CONNECT request", /^$/, ({ port }) => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`],
  [
    "a request with more than 32 KiB of headers",
    /^HTTP\/1.1 431 /,
    ({ callback, origin, port }) =>
      `GET ${callback.slice(origin.length)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${"x".repeat(33_000)}\r\n\r\n`
  ]
]

describe("a login on loopback", () => {
  it.live.each(garbage)("still completes after %s", ([, status, bytes]) =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin()
      assert.match(yield* raw(pending.port, bytes(pending)), status)
      yield* stillCompletes(pending)
    })
  )

  it.live("completes despite 100 connections without a complete request", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin()
      yield* Effect.forEach(Array.from({ length: 100 }), (_, index) =>
        idle(pending.port, index % 2 === 0 ? "" : "GET /callback HTTP/1.1\r\nHost:")
      )
      yield* stillCompletes(pending)
    })
  )

  it.live("completes after 100 concurrent callbacks with a wrong state", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin()
      const answers = yield* Effect.all(
        Array.from({ length: 100 }, (_, index) => send(`${pending.redirectUrl}?code=x&state=${index}`)),
        { concurrency: "unbounded" }
      )
      assert.isTrue(answers.every(({ status }) => status === 400))
      yield* stillCompletes(pending)
    })
  )

  it.live(
    "allows at most 256 connections, and closes incomplete requests after about 5 seconds",
    () =>
      Effect.gen(function* () {
        const pending = yield* pendingLogin()
        const sockets = yield* Effect.forEach(Array.from({ length: 300 }), () => idle(pending.port, "GET /callback"), {
          concurrency: 50
        })
        const open = () => sockets.filter((socket) => !socket.closed).length
        yield* Effect.sleep("300 millis")
        assert.isAtMost(open(), 256)
        yield* Effect.sleep("2 seconds")
        assert.isAbove(open(), 0)
        yield* Effect.sleep("5 seconds")
        assert.strictEqual(open(), 0)
        yield* stillCompletes(pending)
      }),
    { tags: ["thorough"] }
  )

  it.live("completes even if the browser disconnects before the answer", () =>
    Effect.gen(function* () {
      const { callback, exchanged, login, origin, port } = yield* pendingLogin()
      const socket = yield* idle(
        port,
        `GET ${callback.slice(origin.length)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
      )
      socket.resetAndDestroy()
      yield* Fiber.join(login)
      assert.deepStrictEqual(exchanged, [code])
    })
  )

  it.live("accepts a callback with a token of 20 kB", () =>
    Effect.gen(function* () {
      const { callback, login, origin } = yield* pendingLogin()
      const { location } = yield* send(`${callback}&feed_token=${"t".repeat(20_000)}`)
      assert.include((yield* send(`${origin}${location}`)).text, "Login complete")
      yield* Fiber.join(login)
    })
  )
})

const outcomePage = Effect.fnUntraced(function* ({ origin }: Pending, url: string) {
  const { location, status } = yield* send(url)
  assert.strictEqual(status, 303)
  return (yield* send(`${origin}${location}`)).text
})

describe("a login that waits for its callback", () => {
  it.live("fails with RedirectRejected if the user declines", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin()
      const page = yield* outcomePage(pending, `${pending.redirectUrl}?error=access_denied&state=${pending.state}`)
      assert.include(page, "Login declined")
      const reason = yield* reasonOf(Fiber.join(pending.login))
      assert.deepInclude(reason, { _tag: "RedirectRejected", why: "denied" })
      assert.deepStrictEqual(pending.exchanged, [])
    })
  )

  it.live("fails with RedirectRejected if the user declines and the callback lacks the state", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ outcome: { parameter: "status", success: "success" } })
      const page = yield* outcomePage(pending, `${pending.redirectUrl}?status=cancelled`)
      assert.include(page, "Login declined")
      assert.deepInclude(yield* reasonOf(Fiber.join(pending.login)), { _tag: "RedirectRejected", why: "denied" })
    })
  )

  it.live("fails with RedirectRejected if the callback has no token", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin()
      const page = yield* outcomePage(pending, `${pending.redirectUrl}?state=${pending.state}`)
      assert.include(page, "Login failed")
      assert.include(page, "address contains no token")
      assert.deepInclude(yield* reasonOf(Fiber.join(pending.login)), { _tag: "RedirectRejected", why: "missing-token" })
    })
  )

  it.live("shows the broker's message HTML-escaped if the code exchange fails", () =>
    Effect.gen(function* () {
      const brokerMessage = "<script>alert(1)</script>"
      const refusal = AuthError.make(
        broker,
        "complete",
        new AuthError.InvalidCredentials({ field: "apiKey", brokerMessage })
      )
      const pending = yield* pendingLogin({ exchange: Effect.fail(refusal) })
      const page = yield* outcomePage(pending, pending.callback)
      assert.include(page, "Login failed")
      assert.include(page, "&lt;script&gt;alert(1)&lt;/script&gt;")
      assert.notInclude(page, "<script")
      assert.strictEqual(yield* Effect.flip(Fiber.join(pending.login)), refusal)
    })
  )

  it.live("shows no outcome if interrupted during the code exchange", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ exchange: Effect.never })
      const { location } = yield* send(pending.callback)
      const page = yield* Effect.forkChild(Effect.exit(send(`${pending.origin}${location}`)))
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(pending.login)
      // The listener closes at once, so the browser gets a page without an outcome, or a closed connection.
      const exit = yield* Fiber.join(page)
      if (Exit.isSuccess(exit)) assert.include(exit.value.text, "Login received")
      assert.isUndefined(yield* bindClosed(pending.port))
    })
  )

  it.live(
    "shows no outcome if the code exchange takes longer than 10 seconds",
    () =>
      Effect.gen(function* () {
        const pending = yield* pendingLogin({ exchange: Effect.never })
        const page = yield* outcomePage(pending, pending.callback)
        assert.include(page, "Login received")
        assert.include(page, "The program shows whether the login succeeds.")
      }),
    { tags: ["thorough"] }
  )

  it.live("accepts a callback without state if the state is optional", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ state: "optional" })
      assert.strictEqual((yield* send(`${pending.redirectUrl}?code=x&state=wrong`)).status, 400)
      assert.strictEqual((yield* send(`${pending.redirectUrl}?page=1`)).status, 400)
      yield* stillCompletes({ ...pending, callback: `${pending.redirectUrl}?code=${code}` })
    })
  )

  it.live("ends even if the browser does not request the outcome page", () =>
    Effect.gen(function* () {
      const { callback, login } = yield* pendingLogin()
      yield* send(callback)
      yield* Effect.timeout(Fiber.join(login), "4 seconds")
    })
  )

  it.live("fails with ActionRequired if no callback arrives in time", () =>
    Effect.gen(function* () {
      const { login, port, redirectUrl } = yield* pendingLogin({ timeout: "300 millis" })
      const reason = yield* reasonOf(Fiber.join(login))
      assert.strictEqual(reason._tag, "ActionRequired")
      assert.include(reason.message, "within 300 milliseconds")
      assert.include(reason.remedy, redirectUrl)
      assert.isUndefined(yield* bindClosed(port))
    })
  )
})

describe("a callback that is sent as a form", () => {
  const body = (state: string) => `code=${code}&state=${state}`

  it.live("completes the login", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ method: "POST", path: "/callback?app=1" })
      const { location, status } = yield* form(pending.redirectUrl, body(pending.state))
      assert.strictEqual(status, 303)
      assert.include((yield* send(`${pending.origin}${location}`)).text, "Login complete")
      yield* Fiber.join(pending.login)
      assert.deepStrictEqual(pending.exchanged, [code])
    })
  )

  it.live.each([
    ["a wrong state", 400, { body: `code=${code}&state=wrong` }],
    ["no body", 400, {}],
    ["the content type application/json", 415, { headers: { "content-type": "application/json" } }],
    ["an empty content type", 415, { headers: { "content-type": "" } }],
    [
      "the content type application/x-www-form-urlencoded2",
      415,
      { headers: { "content-type": "application/x-www-form-urlencoded2" } }
    ],
    ["more than 64 KiB", 413, { body: "x".repeat(65_537) }],
    ["the method GET", 405, { method: "GET" }],
    ["the method HEAD", 405, { method: "HEAD" }]
  ] as const)("with %s is refused (status %d), and the login keeps waiting", ([, status, change]) =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ method: "POST" })
      const right = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } }
      const answer = yield* send(pending.redirectUrl, { ...right, ...change })
      assert.strictEqual(answer.status, status)
      assert.deepStrictEqual(pending.exchanged, [])
      const { location } = yield* form(pending.redirectUrl, body(pending.state))
      yield* send(`${pending.origin}${location}`)
      yield* Fiber.join(pending.login)
    })
  )

  it.live('is required if the option `method` is "POST"', () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ method: "POST" })
      const answer = yield* send(pending.callback)
      assert.strictEqual(answer.status, 405)
      assert.strictEqual(answer.headers.allow, "POST")
    })
  )

  it.live("is refused if chunked and larger than 64 KiB", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ method: "POST" })
      const head = [
        "POST /callback HTTP/1.1",
        `Host: 127.0.0.1:${pending.port}`,
        "Content-Type: application/x-www-form-urlencoded"
      ].join("\r\n")
      const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`
      const chunked = `${head}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}0\r\n\r\n`
      assert.match(yield* raw(pending.port, chunked), /^HTTP\/1.1 413 /)
      yield* idle(pending.port, `${head}\r\nContent-Length: 100\r\n\r\ncode=`)
      const { location } = yield* form(pending.redirectUrl, body(pending.state))
      yield* send(`${pending.origin}${location}`)
      yield* Fiber.join(pending.login)
    })
  )
})

describe("the port of a login", () => {
  const login = (redirectUrl: string, options?: RedirectListener.LoginOptions) =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      return yield* RedirectListener.login(options).pipe(
        user.provide,
        Effect.provideService(RedirectLogin.RedirectLogin, makeBroker(redirectUrl).redirect)
      )
    })

  it.live("is named in the error if already in use", () =>
    Effect.gen(function* () {
      const first = yield* pendingLogin()
      const reason = yield* reasonOf(login(first.redirectUrl))
      assert.strictEqual(
        `${reason.message}. ${reason.remedy}`,
        `The request is invalid: redirectUrl has port ${first.port}, which another program on this machine uses. End the program that uses port ${first.port}, such as another login. Or register a redirect URL with another port at the broker.`
      )
      yield* stillCompletes(first)
    })
  )

  it.live("must not be a port that browsers refuse", () =>
    Effect.gen(function* () {
      for (const host of ["127.0.0.1", "localhost"]) {
        const reason = yield* reasonOf(login(`http://${host}:6000/callback`))
        assert.strictEqual(
          `${reason.message}. ${reason.remedy}`,
          "The request is invalid: redirectUrl has port 6000, which browsers refuse to open. Register a redirect URL with another port, such as 5000, at the broker. See https://fetch.spec.whatwg.org/#port-blocking for the ports that browsers refuse."
        )
      }
    })
  )

  for (const host of ["127.0.0.1", "localhost"]) {
    it.live(`on ${host} is replaced if the system selected a port that browsers refuse`, () =>
      Effect.gen(function* () {
        const count = yield* withBlockedPort(
          Effect.scoped(
            Effect.gen(function* () {
              const { redirectUrl } = yield* RedirectListener.open({ broker, redirectUrl: `http://${host}:0/` })
              assert.strictEqual((yield* Effect.promise(() => fetch(redirectUrl))).status, 404)
            })
          )
        )
        assert.strictEqual(count, 2)
      })
    )
  }

  it.live("is free after the login succeeded, failed or was interrupted", () =>
    Effect.gen(function* () {
      const ends: ReadonlyArray<(pending: Pending) => Effect.Effect<unknown>> = [
        (pending) => outcomePage(pending, pending.callback),
        (pending) => outcomePage(pending, `${pending.redirectUrl}?error=denied&state=${pending.state}`),
        ({ login }) => Fiber.interrupt(login)
      ]
      for (const end of ends) {
        const pending = yield* pendingLogin()
        const keptAlive = yield* idle(pending.port)
        assert.strictEqual(yield* bind(pending.port), "EADDRINUSE")
        yield* end(pending)
        yield* Fiber.await(pending.login)
        assert.isUndefined(yield* bindClosed(pending.port))
        yield* Effect.sleep("20 millis")
        assert.isTrue(keptAlive.closed)
        const handles = (process as unknown as { readonly _getActiveHandles: () => Array<unknown> })._getActiveHandles()
        const servers = handles.filter((handle) => handle instanceof Net.Server)
        assert.isFalse(servers.some((server) => (server.address() as Net.AddressInfo | null)?.port === pending.port))
      }
    })
  )

  it.live("is open only on loopback", () =>
    Effect.gen(function* () {
      const { port } = yield* pendingLogin()
      const others = Object.values(Os.networkInterfaces())
        .flatMap((list) => list ?? [])
        .filter(({ family, internal }) => family === "IPv4" && !internal)
      for (const { address } of others) assert.strictEqual(yield* raw(port, "GET / HTTP/1.1\r\n\r\n", address), "")
    })
  )

  it.live.runIf(hasIpv6)("is open on IPv4 and IPv6 if the host is localhost", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ host: "localhost" })
      const request = `GET /favicon.ico HTTP/1.1\r\nHost: localhost:${pending.port}\r\n\r\n`
      for (const host of ["127.0.0.1", "::1"]) assert.match(yield* raw(pending.port, request, host), /^HTTP\/1.1 404 /)
      assert.match(yield* raw(pending.port, request.replace("localhost", "127.0.0.1")), /^HTTP\/1.1 400 /)
      yield* stillCompletes(pending)
      for (const host of ["127.0.0.1", "::1"]) assert.isUndefined(yield* bindClosed(pending.port, host))
    })
  )

  it.live.runIf(hasIpv6)("must be free on IPv6 too if the host is localhost", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      yield* Effect.acquireRelease(
        Effect.callback<Net.Server>((resume) => {
          const server = Net.createServer().listen({ port, host: "::1" }, () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const reason = yield* reasonOf(login(`http://localhost:${port}/callback`))
      assert.include(reason.message, `has port ${port}, which another program`)
      assert.isUndefined(yield* bindClosed(port))
    })
  )

  it.live.runIf(hasIpv6)("is open only on IPv6 if the host is [::1]", () =>
    Effect.gen(function* () {
      const pending = yield* pendingLogin({ host: "[::1]" })
      assert.isUndefined(yield* bindClosed(pending.port))
      yield* stillCompletes(pending)
    })
  )

  it.live("must not be 0, and the time-out of a login must be positive", () =>
    Effect.gen(function* () {
      assert.include((yield* reasonOf(login("http://127.0.0.1:0/callback"))).message, "has port 0")
      for (const timeout of ["0 seconds", "-1 seconds", "soon" as never] as const) {
        const reason = yield* reasonOf(login("http://127.0.0.1:1/callback", { timeout }))
        assert.include(reason.message, "timeout must be positive")
      }
    })
  )
})

describe("RedirectListener.open", () => {
  it.live("selects a free port for port 0, and answers 404 before `expect`", () =>
    Effect.gen(function* () {
      const listener = yield* RedirectListener.open({ broker, redirectUrl: "http://127.0.0.1:0/callback" })
      assert.match(listener.redirectUrl, /^http:\/\/127\.0\.0\.1:\d{4,5}\/callback$/)
      assert.strictEqual((yield* send(listener.redirectUrl)).status, 404)
      const { redirect } = makeBroker(listener.redirectUrl)
      const request = yield* redirect.begin
      const pending = yield* Effect.provideService(listener.expect(request), RedirectLogin.RedirectLogin, redirect)
      const address = `${listener.redirectUrl}?code=${code}&state=${Redacted.value(request.state)}`
      yield* send(address)
      assert.strictEqual(Redacted.value(yield* pending.callback), address)
    })
  )

  it.live("listens on one free port for both addresses of localhost", () =>
    Effect.gen(function* () {
      const { redirectUrl } = yield* RedirectListener.open({ broker, redirectUrl: "http://localhost:0/callback" })
      const { port } = new URL(redirectUrl)
      assert.strictEqual(yield* bind(Number(port)), "EADDRINUSE")
      if (hasIpv6) assert.strictEqual(yield* bind(Number(port), "::1"), "EADDRINUSE")
    })
  )

  it.live.each([
    "https://127.0.0.1:5000/callback",
    "http://192.168.0.1:5000/callback",
    "http://0.0.0.0:5000/callback",
    "http://localhost.evil.example:5000/callback",
    "http://app.example.com/callback",
    "callback",
    ""
  ])("rejects the redirect URL '%s'", (redirectUrl) =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(RedirectListener.open({ broker, redirectUrl }))
      assert.include(reason.message, "redirectUrl must be http with the host 127.0.0.1, [::1] or localhost")
    })
  )
})
