import { Connection, Connections } from "@auth/broker-core"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { Authorize } from "@auth/broker-core/login/Authorize"
import { Logout } from "@auth/broker-core/login/Logout"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import process from "node:process"
import { makeTiny } from "./sessions.ts"

const authorize: Authorize["Service"] = {
  headers: () => ({}),
  origins: ["https://api.tiny.example"],
  refusal: () => undefined
}

const fields = { pin: Credentials.secret("TINY_TEST_PIN", "The PIN") }

const recording = () => {
  const pins: Array<string> = []
  const layer = Layer.unwrap(
    Effect.map(Credentials.fromConfig("tiny", fields), ({ pin }) => {
      pins.push(Redacted.value(pin))
      const tiny = makeTiny()
      return Layer.succeedContext(
        Context.make(Renewal.Renewal, tiny.renewal).pipe(
          Context.add(Logout, tiny.logout),
          Context.add(Authorize, authorize)
        )
      )
    })
  )
  return { layer, pins }
}

const setPin = (pin: string) => void (process.env["TINY_TEST_PIN"] = pin)

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => assert.fail("the promise did not reject"),
    (error: unknown) => (AuthError.isAuthError(error) ? error.message : `not typed: ${String(error)}`)
  )

describe("environment variables that the program changes:", () => {
  afterEach(() => {
    delete process.env["TINY_TEST_PIN"]
    delete process.env["TINY_TEST_KEY"]
  })

  it("Connection.open() uses the new values", async () => {
    const { layer, pins } = recording()
    for (const pin of ["1111", "2222"]) {
      setPin(pin)
      await using _ = await Connection.open(layer)
    }
    assert.deepStrictEqual(pins, ["1111", "2222"])
  })

  it("Connection.open() succeeds only while a required variable is set", async () => {
    const { layer, pins } = recording()
    assert.include(await messageOf(Connection.open(layer)), "TINY_TEST_PIN) is missing")
    setPin("3333")
    await (await Connection.open(layer)).close()
    assert.deepStrictEqual(pins, ["3333"])
    delete process.env["TINY_TEST_PIN"]
    assert.include(await messageOf(Connection.open(layer)), "TINY_TEST_PIN) is missing")
  })

  it("account() of Connections reads the values again only after a failure", async () => {
    const [one, two] = [recording(), recording()]
    await using connections = await Connections.open({ accounts: { one: one.layer, two: two.layer } })
    assert.include(await messageOf(connections.account("one")), "TINY_TEST_PIN) is missing")
    setPin("4444")
    await connections.account("one")
    setPin("5555")
    await connections.account("two")
    await connections.account("one")
    assert.deepStrictEqual([one.pins, two.pins], [["4444"], ["5555"]])
  })

  it("Connection.open() uses a new vault key", async () => {
    const { layer } = recording()
    setPin("6666")
    const ids: Array<string> = []
    for (const digit of ["a", "b"]) {
      process.env["TINY_TEST_KEY"] = digit.repeat(64)
      await using connection = await Connection.open(layer, { key: VaultKey.layerConfig("TINY_TEST_KEY") })
      const key = await connection.run(VaultKey.VaultKey.use(Effect.succeed) as never)
      ids.push(String((key as VaultKey.Key & { readonly _tag: "Key" }).id))
    }
    assert.notStrictEqual(ids[0], ids[1])
  })

  it("Connection.open() ignores the variables if the layer has its own ConfigProvider", async () => {
    const { layer, pins } = recording()
    setPin("7777")
    const provider = ConfigProvider.layer(ConfigProvider.fromUnknown({ TINY_TEST_PIN: "8888" }))
    await (await Connection.open(Layer.provide(layer, provider))).close()
    assert.deepStrictEqual(pins, ["8888"])
  })
})
