import { assert, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import { FakeAngel } from "@auth/angel/msw"
import { Expiry, Login, Logout, Profile, Refresh } from "@auth/broker-core"
import { TestHttp } from "@auth/broker-core/testing"
import { Simulator, SimulatorClock } from "@auth/simulator"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { account, angel } from "./support.ts"

it.live("a program can log in, call the API, refresh and log out", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    yield* Effect.gen(function* () {
      const session = yield* Login.session
      assert.strictEqual((yield* Profile.profile(session)).name, "DEMO TRADER")
      assert.strictEqual((yield* (yield* AngelApi.AngelApi).getRMS(session)).net, "9999999999999")
      const renewed = yield* Refresh.refresh(session)
      const old = yield* Effect.flip(Profile.profile(session))
      assert.strictEqual(old.reason._tag, "SessionExpired")
      assert.strictEqual((yield* Logout.logout(renewed))._tag, "Revoked")
    }).pipe(Effect.provide(angel(simulator)))
    const journal = yield* simulator.journal()
    assert.deepStrictEqual(
      journal.map(({ endpoint }) => endpoint),
      ["loginByPassword", "getProfile", "getRMS", "generateTokens", "getProfile", "logout"]
    )
    assert.isTrue(journal.every(({ url }) => url.startsWith("https://apiconnect.angelone.in/rest/")))
  })
)

const day = 86_400_000

it.live("a session expires when the simulator's clock passes midnight IST", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.Simulator
    yield* Effect.gen(function* () {
      // The login is at 05:30 IST, so that it is never shortly before midnight IST.
      yield* simulator.advance(day - ((yield* Clock.currentTimeMillis) % day))
      const session = yield* Login.session
      const end = session.expiresAt ?? 0
      assert.strictEqual(Expiry.toIst(end).slice(11), "00:00:00 IST")
      yield* simulator.advance(end - 60_000 - (yield* Clock.currentTimeMillis))
      assert.strictEqual((yield* Profile.profile(session)).id, account.clientCode)
      yield* simulator.advance("1 minute")
      const expired = yield* Effect.flip(Profile.profile(session))
      assert.strictEqual(expired.reason.code, "AG8002")
      const next = yield* Login.session
      assert.strictEqual(next.expiresAt, end + day)
      assert.strictEqual((yield* Profile.profile(next)).id, account.clientCode)
    }).pipe(Effect.provide(Layer.merge(angel(simulator), SimulatorClock.layer)))
  }).pipe(Effect.provide(Simulator.layer()))
)

it.live("SimulatorClock.connect reads and advances a simulator's clock", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const remote = yield* SimulatorClock.connect(`${simulator.control}/`)
    yield* remote.advance("8 hours")
    yield* simulator.advance("1 hour")
    yield* remote.sync
    const here = yield* Clock.currentTimeMillis
    const there = yield* Effect.provideService(Clock.currentTimeMillis, Clock.Clock, remote.clock)
    assert.closeTo(there - here, 9 * 3_600_000, 1000)
    const nanos = yield* Effect.provideService(Clock.currentTimeNanos, Clock.Clock, remote.clock)
    assert.closeTo(Number(nanos / 1_000_000n), there, 1000)
    const refused = yield* Effect.flip(remote.advance("-1 seconds"))
    assert.include(refused.message, "not a duration")
    const unreachable = yield* Effect.flip(SimulatorClock.connect("http://127.0.0.1:1"))
    assert.include(unreachable.message, "http://127.0.0.1:1")
  }).pipe(Effect.provide(TestHttp.layerLateFetch))
)

it.live("the simulator serves a fake from the option `fakes`", () =>
  Effect.gen(function* () {
    const blocked = { ...account, state: "blocked" } as const
    const simulator = yield* Simulator.make({ fakes: { angel: FakeAngel.make({ accounts: [blocked] }) } })
    const error = yield* Effect.flip(Login.session.pipe(Effect.provide(angel(simulator))))
    assert.strictEqual(error.reason._tag, "AccountLocked")
  })
)
