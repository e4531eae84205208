import { Connection, Connections } from "@auth/broker-core"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { Authorize } from "@auth/broker-core/login/Authorize"
import { Logout } from "@auth/broker-core/login/Logout"
import { Profile } from "@auth/broker-core/login/Profile"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import { SessionLock } from "@auth/broker-core/session/SessionLock"
import { SessionStore } from "@auth/broker-core/session/SessionStore"
import { makeShared, makeTiny } from "./sessions.ts"

const authorize: Authorize["Service"] = {
  headers: () => ({}),
  origins: ["https://api.tiny.example"],
  refusal: () => undefined
}

const layerOf = (tiny: ReturnType<typeof makeTiny>) =>
  Layer.succeedContext(
    Context.make(Renewal.Renewal, tiny.renewal).pipe(
      Context.add(Logout, tiny.logout),
      Context.add(Authorize, authorize)
    )
  )

const errorOf = async (call: () => unknown): Promise<AuthError.AuthError> => {
  try {
    await call()
  } catch (error) {
    assert.isTrue(AuthError.isAuthError(error), `not an AuthError: ${String(error)}`)
    return error as AuthError.AuthError
  }
  return assert.fail("there was no error")
}

// oxlint-disable-next-line typescript/no-explicit-any -- the tests pass arguments that the types forbid
const untyped = (value: unknown) => value as any

const notLayers: ReadonlyArray<readonly [what: string, value: unknown]> = [
  ["undefined", undefined],
  ["null", null],
  ["an object", {}],
  ["a module", Connection],
  ["the function layerConfig", () => layerOf(makeTiny())],
  ["a promise of a layer", Promise.resolve(layerOf(makeTiny()))],
  ["a layer without the services of a login", Layer.succeed(Authorize, authorize)]
]

describe("plain JavaScript:", () => {
  for (const [what, value] of notLayers) {
    it(`Connection.open() refuses ${what}`, async () => {
      const error = await errorOf(() => untyped(Connection).open(value))
      assert.match(
        error.message,
        /layer is not the layer of a login method: pass a layer such as AngelAuth\.layerConfig\(\)/
      )
    })

    it(`account() fails only for the account whose layer is ${what}`, async () => {
      const tiny = makeTiny()
      await using connections = await untyped(Connections).open({ accounts: { bad: value, good: layerOf(tiny) } })
      const error = await errorOf(() => connections.account("bad"))
      assert.match(error.message, /layer is not the layer of a login method/)
      await (await connections.account("good")).session()
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  }

  for (const options of [null, "vault.db", 5]) {
    it(`Connection.open() refuses the options ${JSON.stringify(options)}`, async () => {
      const error = await errorOf(() => untyped(Connection).open(layerOf(makeTiny()), options))
      assert.match(error.message, /options must be an object/)
    })
  }

  for (const [option, says] of [
    ["vault", /vault must be a layer/],
    ["key", /key must be a layer/],
    ["client", /client must be a layer/],
    ["codes", /codes must be a function/]
  ] as const) {
    it(`open() refuses a string as the option \`${option}\``, async () => {
      const options = { [option]: "text" }
      const accounts = { mine: layerOf(makeTiny()) }
      assert.match((await errorOf(() => untyped(Connection).open(accounts.mine, options))).message, says)
      assert.match((await errorOf(() => untyped(Connections).open({ accounts, ...options }))).message, says)
    })
  }

  for (const options of [undefined, null, {}, { accounts: null }, { accounts: "mine" }]) {
    it(`Connections.open() refuses ${JSON.stringify(options)}`, async () => {
      assert.match((await errorOf(() => untyped(Connections).open(options))).message, /accounts must be an object/)
    })
  }

  const wrong: ReadonlyArray<
    readonly [what: string, call: (connection: ReturnType<typeof untyped>) => unknown, says: RegExp]
  > = [
    ["renew() with the text of a token", ({ renew }) => renew("access-1"), /session is not a session/],
    ["renew() with null", ({ renew }) => renew(null), /session is not a session/],
    ["renew() with a token", ({ renew }) => renew(Redacted.make("access-1")), /session is not a session/],
    [
      "renew() with a session that was converted to JSON",
      ({ account, renew }) =>
        renew({
          "~@auth/broker-core/login/Session": "~@auth/broker-core/login/Session",
          account,
          tokens: { access: "<redacted>" }
        }),
      /session is not a session/
    ],
    ["call() without arguments", ({ call }) => call(), /api is not/],
    ["call() with a module", ({ call }) => call({ Authorize }, () => Effect.void), /api is not/],
    [
      "call() with a service that the layer does not have",
      ({ call }) => call(Profile, () => Effect.void),
      /api is not/
    ],
    ["call() without a function", ({ call }) => call(Authorize), /use is not a function/],
    ["run() without an effect", ({ run }) => run(), /effect is not an Effect/],
    ["run() with an async function", ({ run }) => run(async () => 5), /effect is not an Effect/],
    [
      "on() with an unknown event",
      ({ on }) => on("renwed", () => undefined),
      /name is not the name of an event.*needs-person/
    ],
    ["on() without a listener", ({ on }) => on("renewed"), /listener is not a function/]
  ]

  for (const [what, call, says] of wrong) {
    it(`${what} sends nothing and fails with InvalidRequest`, async () => {
      const tiny = makeTiny()
      await using connection = await Connection.open(layerOf(tiny))
      const error = await errorOf(() => call(connection))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.match(error.message, says)
      assert.deepStrictEqual(tiny.calls, [])
    })
  }

  for (const [what, use] of [
    ["nothing", () => undefined],
    ["a promise", async () => 5],
    ["a promise that rejects", () => Promise.reject(new Error("mine"))]
  ] as const) {
    it(`call() refuses a callback that returns ${what}`, async () => {
      await using connection = await Connection.open(layerOf(makeTiny()))
      const error = await errorOf(() => untyped(connection).call(Authorize, use))
      assert.match(error.message, /use does not return an Effect.*do not use async/)
    })
  }

  for (const value of [undefined, null, "text", {}]) {
    it(`reveal() throws an AuthError for ${JSON.stringify(value)}`, async () => {
      const error = await errorOf(() => untyped(Connection).reveal(value))
      assert.match(error.message, /secret is not a secret/)
      assert.notInclude(error.message, "text")
    })
  }
})

// oxlint-disable-next-line typescript/no-explicit-any -- the tests make changes that the types forbid
const ways: ReadonlyArray<readonly [what: string, change: (session: any) => unknown]> = [
  ["replacing a session's access token", ({ tokens }) => (tokens.access = Connection.reveal(tokens.access))],
  ["replacing a session's refresh token", ({ tokens }) => (tokens.refresh = "token")],
  ["replacing a session's tokens", (session) => (session.tokens = { access: "token" })],
  ["replacing a session's account", (session) => (session.account = { broker: "tiny", id: "OTHER" })],
  ["replacing the id of a session's account", ({ account }) => (account.id = "OTHER")],
  ["replacing a session's expiry", (session) => (session.expiresAt = new Date(session.expiresAt))],
  ["deleting a session's issue time", (session) => delete session.issuedAt],
  ["adding a property to a session", (session) => (session.token = Connection.reveal(session.tokens.access))]
]

describe("changes to objects:", () => {
  for (const [what, change] of ways) {
    it(`${what} throws a TypeError, and does not break renew() or logout()`, async () => {
      const tiny = makeTiny()
      const shared = makeShared()
      const vault = Layer.succeedContext(
        Context.make(SessionStore, shared.store).pipe(Context.add(SessionLock, shared.lock))
      )
      await using connection = await Connection.open(layerOf(tiny), { vault })
      await using other = await Connection.open(layerOf(tiny), { vault })
      // The session of `connection` comes from a login, the session of `other` from the store.
      const sessions = [await connection.session(), await other.session()]
      sessions.push(Session.withoutRefreshToken(sessions[0]!), Session.withUnknownEnd(sessions[0]!))
      for (const session of sessions) assert.throws(() => change(session), TypeError)
      const renewed = await connection.renew(sessions[0])
      assert.strictEqual(Connection.reveal(renewed.tokens.access), "access-2")
      assert.strictEqual((await connection.logout())._tag, "Revoked")
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2", "logout 2"])
    })
  }

  it("replacing the account id of a connection throws a TypeError", async () => {
    await using connection = await Connection.open(layerOf(makeTiny()))
    assert.throws(() => (untyped(connection).account.id = "OTHER"), TypeError)
  })

  it("Session.make() copies its arguments", () => {
    const fields = {
      account: { broker: "tiny", environment: "production", app: "default", id: "T1" },
      tokens: { access: Redacted.make("token") },
      extras: { server: "1" }
    }
    const session = Session.make({ ...fields, method: "test", issuedAt: 0, expiry: Expiry.after("1 hour") })
    fields.account.id = "T2"
    fields.extras.server = "2"
    fields.tokens.access = Redacted.make("other")
    assert.deepStrictEqual(
      [session.account.id, session.extras?.["server"], Redacted.value(session.tokens.access)],
      ["T1", "1", "token"]
    )
  })
})

describe("resetLoginGuard()", () => {
  const refusal = new AuthError.InvalidCredentials({ field: "pin" })

  it("allows logins after too many failed logins", async () => {
    const tiny = makeTiny()
    tiny.failures.push(refusal, refusal)
    await using connection = await Connection.open(layerOf(tiny))
    await errorOf(() => connection.session())
    await errorOf(() => connection.renew())
    const blocked = await errorOf(() => connection.renew())
    assert.strictEqual(blocked.reason._tag, "ActionRequired")
    assert.match(blocked.message, /LoginGuard\.reset/)
    await connection.resetLoginGuard()
    assert.strictEqual(Connection.reveal((await connection.renew()).tokens.access), "access-1")
    assert.deepStrictEqual(tiny.calls, ["login refused", "login refused", "login 1"])
  })

  it("allows credentials that the broker has refused before", async () => {
    const tiny = makeTiny({ credentials: { pin: Redacted.make("4711") } })
    tiny.failures.push(refusal)
    await using connection = await Connection.open(layerOf(tiny))
    await errorOf(() => connection.session())
    assert.match((await errorOf(() => connection.renew())).message, /has refused them before/)
    await connection.resetLoginGuard()
    await connection.renew()
    assert.deepStrictEqual(tiny.calls, ["login refused", "login 1"])
  })
})
