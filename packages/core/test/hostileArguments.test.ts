import { Connection, Connections } from "@auth/broker-core"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { Authorize } from "@auth/broker-core/login/Authorize"
import { Logout } from "@auth/broker-core/login/Logout"
import * as QrLogin from "@auth/broker-core/login/QrLogin"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { makeTiny } from "./sessions.ts"
import { shown } from "./support.ts"

const origin = "https://api.tiny.example"

const canary = "canary-secret"

const fail = (): never => {
  throw new TypeError(`this value cannot be read: ${canary}`)
}

// oxlint-disable-next-line typescript/no-explicit-any -- the tests pass arguments that the types forbid
const untyped = (value: unknown) => value as any

/** A proxy on which every operation throws. */
const hostileProxy = (target: object) => new Proxy(target, new Proxy({}, { get: () => fail }))

const revokedProxy = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const withGetters = (names: string) =>
  Object.defineProperties(
    {},
    Object.fromEntries(names.split(" ").map((name) => [name, { enumerable: true, get: fail }]))
  )

const values: ReadonlyArray<readonly [what: string, make: () => unknown]> = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["false", () => false],
  ["a number", () => 5],
  ["NaN", () => NaN],
  ["a BigInt", () => 5n],
  ["a symbol", () => Symbol(canary)],
  ["an empty text", () => ""],
  ["a text", () => "text"],
  ["an array", () => [1, "a"]],
  ["a function", () => () => 5],
  ["a function that throws", () => fail],
  ["an object without a prototype", () => Object.create(null) as unknown],
  ["an object without properties", () => ({})],
  ["an object whose toString throws", () => ({ toString: fail, [Symbol.toPrimitive]: fail, toJSON: fail })],
  [
    "an object whose getters throw",
    () =>
      withGetters(
        "signal body headers method lifetime show names perSecond accounts vault key client codes early then tokens account _tag href url aborted"
      )
  ],
  ["a proxy that throws", () => hostileProxy({})],
  ["a function proxy that throws", () => hostileProxy(() => 5)],
  ["a revoked proxy", revokedProxy],
  ["a secret that is not text", () => Redacted.make(5)],
  [
    "a secret whose value was wiped",
    () => {
      const secret = Redacted.make(canary)
      Redacted.wipeUnsafe(secret)
      return secret
    }
  ]
]

const authorize: Authorize["Service"] = {
  headers: () => ({}),
  origins: [origin],
  refusal: () => undefined
}

const redirect = RedirectLogin.make("tiny", {
  begin: Effect.map(RedirectLogin.makeState, (state) => ({
    url: Redacted.make("https://login.tiny.example/"),
    state,
    redirectUrl: "https://app.example/callback"
  })),
  receive: (request, callbackUrl) =>
    Effect.as(RedirectLogin.parseCallback({ broker: "tiny", request, callbackUrl, state: "required" }), {
      code: Redacted.make("code")
    }),
  exchange: () => Effect.die("no callback of these tests is valid")
})

const qr: QrLogin.QrLogin["Service"] = {
  begin: Effect.sync(() => ({
    name: Redacted.make("qr"),
    image: Redacted.make("iVBOR"),
    expiresAt: Date.now() + 60_000
  })),
  poll: () => Effect.succeed(Option.none())
}

const layer = () => {
  const tiny = makeTiny()
  return Layer.succeedContext(
    Context.make(Renewal.Renewal, tiny.renewal).pipe(
      Context.add(Logout, tiny.logout),
      Context.add(Authorize, authorize),
      Context.add(RedirectLogin.RedirectLogin, redirect),
      Context.add(QrLogin.QrLogin, qr)
    )
  )
}

const client = TestHttp.layerRespond(() => Promise.resolve(new Response("ok")))

/** `patience` is in milliseconds. */
const endOf = async (call: () => unknown, patience: number): Promise<string> => {
  let promise: unknown
  try {
    promise = call()
  } catch (error) {
    return `thrown synchronously: ${String(error)}`
  }
  if (!(promise instanceof Promise)) return "not a promise"
  const pending = new Promise<string>((resolve) => setTimeout(() => resolve("pending"), patience))
  const ended = promise.then(
    () => "a value",
    (error: unknown) => {
      if (!AuthError.isAuthError(error)) return `not typed: ${shown(error)}`
      return shown(error).includes(canary) ? `shows an argument: ${shown(error)}` : error.reason._tag
    }
  )
  return Promise.race([ended, pending])
}

const unexpected = async (
  call: (value: unknown) => unknown,
  allowed: ReadonlyArray<string> = ["a value", "InvalidRequest"]
) => {
  // A busy machine is slow, so calls that must end get more time.
  const patience = allowed.includes("pending") ? 200 : 10_000
  const ends = await Promise.all(
    values.map(async ([what, make]) => [what, await endOf(() => call(make()), patience)] as const)
  )
  return ends.filter(([, end]) => !allowed.includes(end))
}

type Any = ReturnType<typeof untyped>

const calls: Readonly<Record<string, (connection: Any, value: unknown) => unknown>> = {
  "session(…)": ({ session }, value) => session(value),
  "logout(…)": ({ logout }, value) => logout(value),
  "resetLoginGuard(…)": ({ resetLoginGuard }, value) => resetLoginGuard(value),
  "beginLogin(…)": ({ beginLogin }, value) => beginLogin(value),
  "renew(…)": ({ renew }, value) => renew(value),
  "fetch(…)": ({ fetch }, value) => fetch(value),
  "fetch(url, …)": ({ fetch }, value) => fetch(origin, value),
  "fetch(url, { signal: … })": ({ fetch }, value) => fetch(origin, { signal: value }),
  "fetch(url, { headers: … })": ({ fetch }, value) => fetch(origin, { headers: value }),
  "fetch(url, { method: … })": ({ fetch }, value) => fetch(origin, { method: value }),
  "fetch(url, { method: 'POST', body: … })": ({ fetch }, value) => fetch(origin, { method: "POST", body: value }),
  "fetch(url, { redirect: … })": ({ fetch }, value) => fetch(origin, { redirect: value }),
  "call(…)": ({ call }, value) => call(value, () => Effect.void),
  "call(api, …)": ({ call }, value) => call(Authorize, typeof value === "function" ? hostileProxy({}) : value),
  "call(api, () => …)": ({ call }, value) => call(Authorize, () => value),
  "run(…)": ({ run }, value) => run(value),
  "run(effect, …)": ({ run }, value) => run(Effect.void, value),
  "run(effect, { signal: … })": ({ run }, value) => run(Effect.void, { signal: value }),
  "loginByQr(…)": ({ loginByQr }, value) => loginByQr(value),
  "loginByQr({ show: … })": ({ loginByQr }, value) => loginByQr({ show: value }),
  "loginByQr({ signal: … })": ({ loginByQr }, value) => loginByQr({ show: fail, signal: value })
}

describe("every error of a call is typed:", () => {
  for (const [name, call] of Object.entries(calls)) {
    it(`${name} on an open connection`, async () => {
      await using connection = await Connection.open(layer(), { client })
      // A login whose `show` is a function waits for the user.
      const allowed = name === "loginByQr({ show: … })" ? ["pending", "InvalidRequest"] : undefined
      assert.deepStrictEqual(await unexpected((value) => call(connection, value), allowed), [])
    })

    it(`${name} on a closed connection`, async () => {
      const connection = await Connection.open(layer(), { client })
      await connection.close()
      assert.deepStrictEqual(await unexpected((value) => call(connection, value), ["InvalidRequest"]), [])
    })
  }

  it("loginByQr({ show: () => … })", async () => {
    await using connection = await Connection.open(layer(), { client })
    const call = (value: unknown) => untyped(connection).loginByQr({ show: () => value })
    assert.deepStrictEqual(await unexpected(call, ["pending", "InvalidRequest"]), [])
  })

  const wrong = ["InvalidRequest", "RedirectRejected"]
  const logins: Readonly<Record<string, (login: Any, value: unknown) => unknown>> = {
    "complete(…)": ({ complete }, value) => complete(value),
    "seal(…)": ({ seal }, value) => seal(value),
    "seal({ lifetime: … })": ({ seal }, value) => seal({ lifetime: value })
  }

  it("resumeLogin(…)", async () => {
    await using connection = await Connection.open(layer(), { client })
    assert.deepStrictEqual(await unexpected((value) => untyped(connection).resumeLogin(value), wrong), [])
  })

  for (const [name, call] of Object.entries(logins)) {
    it(`${name} on a browser login`, async () => {
      await using connection = await Connection.open(layer(), { client })
      const login = await connection.beginLogin()
      const allowed = name === "complete(…)" ? wrong : undefined
      assert.deepStrictEqual(await unexpected((value) => call(login, value), allowed), [])
    })
  }

  it("the error of complete(…) names callbackUrl if the argument is not an address", async () => {
    await using connection = await Connection.open(layer(), { client })
    const login = untyped(await connection.beginLogin())
    for (const value of [undefined, null, 5, {}, Object.create(null), Symbol("a"), Redacted.make(5)]) {
      const error = await login.complete(value).catch((thrown: unknown) => thrown)
      assert.match(error.message, /callbackUrl is not an address: pass the address that the browser was redirected to/)
    }
  })

  it("reveal(…) throws a typed error that hides the argument", () => {
    for (const [, make] of values) {
      try {
        untyped(Connection).reveal(make())
        assert.fail("nothing was thrown")
      } catch (error) {
        assert.isTrue(AuthError.isAuthError(error), shown(error))
        assert.notInclude(shown(error), canary)
      }
    }
  })
})

describe("open() resolves, or rejects with a typed error", () => {
  const closing = (opening: Promise<Connections.Connections<never>>) => opening.then(({ close }) => close())
  const options = ["vault", "key", "client", "codes", "early", "renewalTimeout", "pollInterval"]

  const openings: Readonly<Record<string, (value: unknown) => unknown>> = {
    "Connection.open(…)": (value) => untyped(Connection).open(value),
    "Connection.open(layer, …)": (value) => untyped(Connection).open(layer(), value),
    "Connections.open(…)": (value) => untyped(Connections).open(value),
    "Connections.open({ accounts: … })": (value) => untyped(Connections).open({ accounts: value }),
    ...Object.fromEntries(
      options.flatMap((option) => [
        [
          `Connection.open(layer, { ${option}: … })`,
          (value: unknown) => untyped(Connection).open(layer(), { [option]: value })
        ],
        [
          `Connections.open({ accounts, ${option}: … })`,
          (value: unknown) => untyped(Connections).open({ accounts: {}, [option]: value })
        ]
      ])
    )
  }

  for (const [name, call] of Object.entries(openings)) {
    it(`in the call ${name}`, async () => {
      assert.deepStrictEqual(await unexpected((value) => closing(untyped(call(value)))), [])
    })
  }
})

describe("each call of Connections ends with a value or a typed error:", () => {
  const read = async (changes: AsyncIterable<unknown>) => {
    for await (const _ of changes);
  }

  it("account(…), and account('mine') after open({ accounts: { mine: … } })", async () => {
    await using connections = untyped(await Connections.open({ accounts: { mine: layer() }, client }))
    assert.deepStrictEqual(await unexpected(connections.account, ["InvalidRequest"]), [])
    const accountOf = async (value: unknown) => {
      await using opened = untyped(await untyped(Connections).open({ accounts: { mine: value } }))
      await opened.account("mine")
    }
    assert.deepStrictEqual(await unexpected(accountOf, ["InvalidRequest"]), [])
  })

  for (const name of ["names", "concurrency", "jitter", "perSecond", "timeout"]) {
    it(`warm({ ${name}: … })`, async () => {
      await using connections = untyped(await Connections.open({ accounts: { mine: layer() }, client }))
      const call = (value: unknown) => read(connections.warm({ jitter: 0, [name]: value }))
      assert.deepStrictEqual(await unexpected(call), [])
    })
  }

  it("warm(…)", async () => {
    await using connections = untyped(await Connections.open({ accounts: { mine: layer() }, client }))
    assert.deepStrictEqual(await unexpected((value) => read(connections.warm(value))), [])
  })
})
