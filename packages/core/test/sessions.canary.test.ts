import { inspect } from "node:util"
import type * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import { Authorize } from "@auth/broker-core/login/Authorize"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import { Canary, TestHttp } from "@auth/broker-core/testing"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Ledger from "../src/session/internal/ledger.ts"
import { account, breakable, makeShared, makeTiny, morning, pass, start } from "./sessions.ts"

// The tokens that the fake broker issues.
const tokens = [1, 2, 3].flatMap((number) => [`access-${number}`, `refresh-${number}`])

const keyText = "c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7c4a7"

const url = "https://api.tiny.example/orders"

const authorize: Authorize["Service"] = {
  headers: ({ tokens }) => ({ "x-session": tokens.access }),
  origins: ["https://api.tiny.example"],
  refusal: () => undefined
}

const look = (value: unknown) => inspect(value, { depth: 20, showHidden: true })

/** Collects in `net` the texts of all values that a program could print. */
const runSession = Effect.fnUntraced(function* (net: Canary.Net) {
  yield* TestClock.setTime(morning)
  const tiny = makeTiny({ by: ["login", "refresh"] })
  const shared = makeShared()
  const key = yield* VaultKey.fromText(Redacted.make(keyText), "a test")
  const { service, state } = breakable(SessionStore.encrypted(key)(shared.store))
  const show = (value: Exit.Exit<unknown, unknown>) => Canary.show(net, value, look)

  const showStored = Effect.fnUntraced(function* (place: Account.Account, slot: SessionStore.Slot) {
    const entry = yield* shared.store.get(place, slot)
    show(Exit.succeed(entry))
    assert.isDefined(entry)
    net.add("stored", new TextDecoder("latin1").decode(Redacted.value(entry.value)))
  })

  const manager = yield* start(tiny, { ...shared, store: service })
  const changes = yield* Effect.forkChild(Stream.runCollect(Stream.take(manager.changes, 4)))
  yield* Effect.yieldNow
  show(yield* Effect.exit(manager.session))
  yield* showStored(account, "session")
  show(yield* Effect.exit(manager.peek))
  tiny.failures.push(new AuthError.BrokerUnavailable({ why: "network" }))
  show(yield* Effect.exit(manager.renew()))
  yield* pass("1 minute")
  state.broken = true
  show(yield* Effect.exit(manager.renew()))
  state.broken = false
  yield* pass("1 minute")
  show(yield* Effect.exit(manager.session))
  for (const answer of [() => Response.json({}), () => Response.error()]) {
    const client = yield* AuthorizedClient.make.pipe(
      Effect.provideContext(Context.make(SessionManager, manager).pipe(Context.add(Authorize, authorize))),
      Effect.provide(TestHttp.layerRespond(() => Promise.resolve(answer())))
    )
    show(yield* Effect.exit(client.get(url)))
  }
  show(yield* Effect.exit(manager.logout))
  show(yield* Effect.exit(manager.session))
  show(Exit.succeed(yield* Fiber.join(changes)))
  for (const value of [manager, key, service, tiny.renewal]) show(Exit.succeed(value))
  yield* showStored(account, "session")
  yield* showStored(Ledger.placeOf(account), "guard")
  net.add("metrics", look(yield* Metric.snapshot))
})

describe("canary: sessions", () => {
  it.effect("no token or vault key is printed or stored unencrypted", () =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      yield* runSession(net).pipe(Effect.withSpan("a program"), Effect.provide(net.layer), Effect.scoped)
      assert.isAbove(net.caught().length, 30)
      assert.isAbove(net.spans().length, 3)
      assert.deepStrictEqual(
        Canary.leaks(net, [...tokens, keyText, Buffer.from(keyText, "hex").toString("latin1")]),
        []
      )
    })
  )

  it.effect("Canary.leaks finds a token that is stored unencrypted", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [net, shared] = [yield* Canary.make, makeShared()]
      yield* Effect.flatMap(start(makeTiny(), shared), (manager) => manager.session)
      const entry = yield* shared.store.get(account, "session")
      net.add("stored", new TextDecoder("latin1").decode(entry && Redacted.value(entry.value)))
      assert.isNotEmpty(Canary.leaks(net, ["access-1"]))
    })
  )
})
