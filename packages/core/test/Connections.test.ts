import { Connection, Connections } from "@auth/broker-core"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { Authorize } from "@auth/broker-core/login/Authorize"
import { Logout } from "@auth/broker-core/login/Logout"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeTiny } from "./sessions.ts"

const origin = "https://api.tiny.example"

const authorize: Authorize["Service"] = { headers: () => ({}), origins: [origin], refusal: () => undefined }

const layerOf = (tiny = makeTiny()) =>
  Layer.succeedContext(
    Context.make(Renewal.Renewal, tiny.renewal).pipe(
      Context.add(Logout, tiny.logout),
      Context.add(Authorize, authorize)
    )
  )

const settle = (millis = 20) => new Promise((resolve) => setTimeout(resolve, millis))

const errorsOf = (promises: ReadonlyArray<Promise<unknown>>) =>
  Promise.all(
    promises.map((promise) =>
      promise.then(
        () => "a value",
        (error: unknown) =>
          AuthError.isAuthError(error)
            ? `${error.reason._tag}: ${error.message.replace(/^\S+ \S+: /, "")}`
            : `not typed: ${String(error)}`
      )
    )
  )

const closedError = "InvalidRequest: The request is invalid: connection is closed. Open a new connection."

const read = async (progress: AsyncIterable<unknown>) => {
  const seen: Array<unknown> = []
  for await (const one of progress) seen.push(one)
  return seen
}

describe("close() of Connections", () => {
  it("makes later calls reject with a typed error", async () => {
    const tiny = makeTiny()
    const connections = await Connections.open({ accounts: { mine: layerOf(tiny), other: layerOf() } })
    const mine = await connections.account("mine")
    await Promise.all([connections.close(), connections.close()])
    await connections.close()
    await connections[Symbol.asyncDispose]()
    const errors = await errorsOf([
      connections.account("mine"),
      connections.account("other"),
      connections.account("unknown" as "mine"),
      read(connections.warm()),
      read(connections.warm({ names: ["mine"] })),
      mine.session(),
      mine.renew(),
      mine.fetch(origin),
      mine.logout(),
      mine.resetLoginGuard(),
      mine.run(Effect.void)
    ])
    for (const error of errors) assert.strictEqual(error, closedError)
    assert.deepStrictEqual(tiny.calls, [])
  })

  it("makes pending calls reject with a typed error", async () => {
    const slow = makeTiny()
    slow.latency = "10 seconds"
    const connections = await Connections.open({
      accounts: {
        login: layerOf(slow),
        request: layerOf(),
        building: Layer.merge(layerOf(), Layer.effectDiscard(Effect.sleep("10 seconds")))
      },
      client: TestHttp.layerRespond(() => new Promise<Response>(() => undefined))
    })
    const [login, request] = await Promise.all([connections.account("login"), connections.account("request")])
    const pending = errorsOf([
      connections.account("building"),
      connections.account("building"),
      login.session(),
      login.session(),
      login.renew(),
      request.fetch("https://elsewhere.example"),
      request.run(Effect.never),
      read(connections.warm())
    ])
    await settle()
    await connections.close()
    assert.deepStrictEqual(await pending, Array(8).fill(closedError))
  })

  it("makes account() reject while close() still runs", async () => {
    for (const layer of [layerOf(), Layer.merge(layerOf(), Layer.effectDiscard(Effect.sleep(5)))]) {
      const connections = await Connections.open({ accounts: { mine: layer } })
      const before = connections.account("mine")
      const closing = connections.close()
      const [first, second] = await errorsOf([before, connections.account("mine")])
      await closing
      assert.include([closedError, "a value"], first)
      assert.strictEqual(second, closedError)
      assert.deepStrictEqual(await errorsOf([connections.account("mine")]), [closedError])
    }
  })

  it("runs the finalizers of a layer that is being built", async () => {
    const ends: Array<string> = []
    const finalizer = Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => void ends.push("closed"))))
    const connections = await Connections.open({
      accounts: { mine: Layer.mergeAll(layerOf(), finalizer, Layer.effectDiscard(Effect.sleep("10 seconds"))) }
    })
    const pending = errorsOf([connections.account("mine")])
    await settle()
    await connections.close()
    assert.deepStrictEqual([await pending, ends], [[closedError], ["closed"]])
  })
})

describe("a connection closed by `await using`", () => {
  it("rejects its pending calls with a typed error", async () => {
    const slow = makeTiny()
    slow.latency = "10 seconds"
    let pending: Promise<ReadonlyArray<string>> | undefined
    {
      await using connection = await Connection.open(layerOf(slow), {
        client: TestHttp.layerRespond(() => new Promise<Response>(() => undefined))
      })
      pending = errorsOf([connection.session(), connection.renew(), connection.fetch(origin)])
      await settle()
    }
    for (const error of await pending) assert.strictEqual(error, closedError)
  })
})

describe("account() of Connections", () => {
  it("builds the layer again after a failure", async () => {
    let attempts = 0
    const failing = AuthError.invalidRequest("tiny", "configuration", "pin", "is missing")
    const layer = Layer.unwrap(
      Effect.suspend(() => (++attempts === 1 ? Effect.fail(failing) : Effect.succeed(layerOf())))
    )
    await using connections = await Connections.open({ accounts: { mine: layer } })
    assert.deepStrictEqual(
      await errorsOf([connections.account("mine"), connections.account("mine")]),
      Array(2).fill("InvalidRequest: The request is invalid: pin is missing. Correct the value of pin.")
    )
    const [first, second] = await Promise.all([connections.account("mine"), connections.account("mine")])
    assert.strictEqual(first, second)
    assert.strictEqual(attempts, 2)
  })
})
