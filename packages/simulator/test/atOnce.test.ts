import { assert, it } from "@effect/vitest"
import { FakeRmoney } from "@auth/rmoney/msw"
import { FakeSamco } from "@auth/samco/msw"
import { FakeAngel } from "@auth/angel/msw"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { createHash } from "node:crypto"
import { api, eventually, send } from "./support.ts"

const postTo = (fake: FakeBroker, url: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const request = new Request(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body)
    })
    const response = await fake.respond(request)
    return (await response.json()) as Readonly<Record<string, unknown>>
  })

const concurrently = <A>(make: Effect.Effect<A>, times: number) =>
  Effect.all(
    Array.from({ length: times }, () => make),
    { concurrency: "unbounded" }
  )

it.live("a fake does not process a delayed request after a reset", () =>
  Effect.gen(function* () {
    const fake = yield* FakeAngel.make()
    yield* fake.inject("*", { kind: "latency", duration: "50 millis" })
    const waiting = fake.respond(new Request(`${api}/rest/nowhere`))
    yield* eventually(Effect.map(fake.journal, ({ length }) => length === 1))
    yield* fake.reset
    assert.strictEqual((yield* Effect.promise(() => waiting)).type, "error")
    assert.deepStrictEqual(yield* fake.journal, [])
  })
)

it.live("a reset closes the connections that wait for an answer", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    yield* simulator.inject("samco", "sessionToken", { kind: "latency", duration: "1 minute" })
    const { apiKey, apiSecret } = FakeSamco.demoAccount
    const origin = simulator.origins["https://tradeapi.samco.in"]
    const waiting = globalThis
      .fetch(`${origin}/session/token`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ apiKey, apiSecret })
      })
      .then(
        () => "answered",
        () => "cut"
      )
    yield* eventually(Effect.map(simulator.journal("samco"), ({ length }) => length === 1))
    yield* simulator.reset
    assert.strictEqual(yield* Effect.promise(() => waiting), "cut")
  })
)

const rmoney = "https://webuat.rmoneyindia.co.in"

it.live("the fake of RMoney accepts one of five concurrent requests with the same code", () =>
  Effect.gen(function* () {
    const fake = yield* FakeRmoney.make()
    const { appCode, apiSecret, password, userId } = FakeRmoney.demoAccount
    const page = yield* Effect.promise(() =>
      fake.respond(
        new Request(`${rmoney}/?appcode=${appCode}`, {
          method: "POST",
          body: new URLSearchParams({ userid: userId, password })
        })
      )
    )
    const code = new URL(page.headers.get("location") ?? "").searchParams.get("authCode") ?? ""
    const checkSum = createHash("sha256").update(`${userId}${code}${apiSecret}`).digest("hex")
    const answers = yield* concurrently(postTo(fake, `${rmoney}/open-api/od/v1/vendor/getUserDetails`, { checkSum }), 5)
    assert.strictEqual(answers.filter(({ stat }) => stat === "Ok").length, 1)
  })
)

for (const enable of [true, "true"]) {
  it.live(`the fake of RMoney accepts bio/enable with "enable": ${JSON.stringify(enable)}`, () =>
    Effect.gen(function* () {
      const fake = yield* FakeRmoney.make()
      const { accessToken, userId } = FakeRmoney.demoAccount
      const device = { userId, deviceId: "new-device", appName: "demo", osName: "MOBANDROID" }
      const enabled = yield* postTo(
        fake,
        `${rmoney}/auth/v1/access/bio/enable`,
        { ...device, deviceType: "MOB", enable },
        { authorization: `Bearer ${accessToken}` }
      )
      assert.strictEqual(enabled["status"], "Ok")
      const login = yield* postTo(fake, `${rmoney}/auth/v1/access/bio/pwd/validate`, { ...device, token: accessToken })
      assert.strictEqual(login["status"], "Ok")
    })
  )
}

const samco = "https://tradeapi.samco.in"

it.live("the fake of Samco refuses the second of two concurrent requests with the same code or refresh token", () =>
  Effect.gen(function* () {
    const fake = yield* FakeSamco.make()
    const { apiKey, apiSecret, redirectUrl } = FakeSamco.demoAccount
    const allowed = yield* postTo(fake, `${samco}/oauth/authenticate`, { apiKey, apiSecret, redirectUrl })
    const { redirectTo } = allowed["data"] as { readonly redirectTo: string }
    const code = new URL(redirectTo).searchParams.get("code")
    const body = { grant_type: "authorization_code", code, apiKey, apiSecret }
    const [first, second] = yield* concurrently(postTo(fake, `${samco}/oauth/token`, body), 2)
    assert.strictEqual(second?.["errorCode"], "EOAUTH030")
    const { refresh_token } = (first ?? {})["data"] as { readonly refresh_token: string }
    const refresh = { grant_type: "refresh_token", refresh_token, apiKey, apiSecret }
    const refreshed = yield* concurrently(postTo(fake, `${samco}/oauth/token`, refresh), 2)
    assert.deepStrictEqual(
      refreshed.map(({ errorCode }) => errorCode),
      [undefined, "EOAUTH030"]
    )
    assert.strictEqual((yield* postTo(fake, `${samco}/oauth/token`, body))["errorCode"], "EOAUTH012")
  })
)

it.live("the fake of Samco accepts any Accept header that allows JSON", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["samco"] })
    const { apiKey, apiSecret } = FakeSamco.demoAccount
    for (const accept of ["*/*", "text/plain, */*;q=0.8", "application/*", "application/json"]) {
      const answer = yield* send(`${simulator.origins[samco]}/session/token`, {
        method: "POST",
        headers: { accept, "content-type": "application/json" },
        body: JSON.stringify({ apiKey, apiSecret })
      })
      assert.strictEqual(answer.status, 200, accept)
    }
  })
)

it.effect("a reset makes the expired access token of Samco's demo account valid again", () =>
  Effect.gen(function* () {
    const fake = yield* FakeSamco.make()
    const { accessToken, password, userId, yob } = FakeSamco.demoAccount
    const login = Effect.map(
      postTo(fake, `${samco}/login`, { userId, password, accessToken, yob }),
      ({ status }) => status
    )
    assert.strictEqual(yield* login, "Success")
    yield* TestClock.adjust("2 days")
    assert.strictEqual(yield* login, "Failure")
    yield* fake.reset
    assert.strictEqual(yield* login, "Success")
  })
)
