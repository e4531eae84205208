import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { ask, begin, demo, gateway, login, type LoginChanges, paths, service, wrongCode } from "./asking.ts"
import { codeNow, morning } from "./support.ts"

const mpin = "LoginbyPassword is not allowed. Please switch to Login by MPIN now."

describe("FakeAngel: login", () => {
  const rows: ReadonlyArray<readonly [string, LoginChanges, number, object | string]> = [
    ["a wrong one-time code", { body: { totp: "000000" } }, 200, wrongCode],
    ["an unknown client code", { body: { clientcode: "Z999999" } }, 200, wrongCode],
    ["a wrong one-time code and an empty PIN", { body: { totp: "000000", password: "" } }, 200, wrongCode],
    [
      "a wrong one-time code and an unknown API key",
      { body: { totp: "000000" }, headers: { "x-privatekey": "placeholder" } },
      200,
      wrongCode
    ],
    ["an email address in place of the client code", { body: { clientcode: "demo@example.com" } }, 200, wrongCode],
    ["an unknown API key", { headers: { "x-privatekey": "badkey7" } }, 200, service("AB1034", "Apps not found")],
    [
      "a wrong PIN",
      { body: { password: "1111" } },
      200,
      { status: "false", message: "Login Id or password is invalid", errorcode: "AB1007", data: "null" }
    ],
    ["the web password", { body: { password: "MyWebPassword1!" } }, 200, service("AB1000", mpin)],
    ["a missing PIN", { body: { password: undefined } }, 200, service("AB1000", mpin)],
    ["a missing client code", { body: { clientcode: undefined } }, 400, "Bad Request"],
    ["a missing one-time code", { body: { totp: undefined } }, 400, "Bad Request"],
    ["a content type other than JSON", { headers: { "content-type": "text/plain" } }, 415, "Unsupported Media Type"],
    ["a missing user type", { headers: { "x-usertype": undefined } }, 200, service("AB1005", "User type must be USER")],
    [
      "a user type other than USER",
      { headers: { "x-usertype": "ADMIN" } },
      200,
      service("AB1005", "User type must be USER")
    ],
    ["a missing source id", { headers: { "x-sourceid": undefined } }, 400, "Bad Request"],
    ["a missing local IP address", { headers: { "x-clientlocalip": undefined } }, 400, "Bad Request"],
    ["a missing public IP address", { headers: { "x-clientpublicip": undefined } }, 400, "Bad Request"],
    ["a missing MAC address", { headers: { "x-macaddress": undefined } }, 400, "Bad Request"],
    ["a missing API key", { headers: { "x-privatekey": undefined } }, 200, gateway("AG8004", "Invalid API Key")]
  ]
  for (const [what, changes, status, expected] of rows) {
    it.effect(`a login with ${what} is refused`, () =>
      Effect.gen(function* () {
        const answer = yield* login(yield* begin(), changes)
        assert.strictEqual(answer.status, status)
        assert.deepStrictEqual(typeof expected === "string" ? answer.text : answer.json, expected)
      })
    )
  }

  it.effect("an account with a client code in lower case can log in", () =>
    Effect.gen(function* () {
      const fake = yield* begin({ accounts: [{ ...demo, clientCode: "a123456" }] })
      assert.strictEqual((yield* login(fake)).says, true)
    })
  )

  it.effect("a login with a body that is not JSON is refused", () =>
    Effect.gen(function* () {
      const answer = yield* ask(yield* begin(), { path: paths.loginByPassword, body: "clientcode=A123456" })
      assert.strictEqual(answer.code, "AB1004")
    })
  )

  it.effect("a blocked client's login gets an error in the gateway's format", () =>
    Effect.gen(function* () {
      const fake = yield* begin({ accounts: [{ ...demo, state: "blocked" }] })
      assert.deepStrictEqual((yield* login(fake)).json, gateway("AB1006", "Client Is Block For Trading"))
    })
  )

  it.effect("the answer has the same `state` as the request", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      assert.strictEqual((yield* login(fake, { body: { state: "live" } })).data["state"], "live")
      yield* TestClock.adjust("30 seconds")
      assert.notProperty((yield* login(fake)).data, "state")
    })
  )

  // If a program logs in again, Angel One's official SDK sends the token of the previous login.
  it.effect("a login with an old token in its headers is accepted", () =>
    Effect.gen(function* () {
      const answer = yield* login(yield* begin(), { headers: { authorization: "Bearer of.a.yesterday" } })
      assert.strictEqual(answer.says, true)
    })
  )
})

describe("FakeAngel: one-time codes", () => {
  it.effect("only codes of the current and the previous period are accepted", () =>
    Effect.gen(function* () {
      const good = yield* Effect.forEach([-60, -30, 0, 30], (seconds) =>
        Effect.gen(function* () {
          const fake = yield* begin()
          yield* TestClock.setTime(morning + seconds * 1000)
          const totp = yield* codeNow(demo)
          yield* TestClock.setTime(morning)
          return (yield* login(fake, { body: { totp } })).says
        })
      )
      assert.deepStrictEqual(good, [false, true, true, false])
    })
  )

  for (const [reusedCode, status] of [
    ["refused", false],
    ["accepted", true],
    [undefined, false]
  ] as const) {
    it.effect(
      `${reusedCode === undefined ? "by default" : `with reusedCode "${reusedCode}"`}, a reused code is ${status ? "accepted" : "refused"}`,
      () =>
        Effect.gen(function* () {
          const fake = yield* begin(reusedCode === undefined ? {} : { reusedCode })
          const statuses = [(yield* login(fake)).says]
          yield* TestClock.adjust("2 seconds")
          statuses.push((yield* login(fake)).says)
          assert.deepStrictEqual(statuses, [true, status])
        })
    )
  }

  it.effect("a login with a wrong PIN uses up its code", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      yield* login(fake, { body: { password: "1111" } })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual((yield* login(fake)).json, wrongCode)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* login(fake)).says, true)
    })
  )
})
