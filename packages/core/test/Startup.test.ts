import * as AngelAuth from "@auth/angel/AngelAuth"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as Startup from "@auth/broker-core/session/Startup"
import * as Vault from "@auth/broker-core/session/Vault"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"

class One extends Context.Service<One, number>()("test/One") {}
class Two extends Context.Service<Two, string>()("test/Two") {}

const failed = (field: string) => Effect.fail(AuthError.invalidRequest("tiny", "credentials", field, "is missing"))

const start = (values: Readonly<Record<string, string>>) => {
  const Keyed = Layer.effectDiscard(VaultKey.VaultKey).pipe(
    Layer.provideMerge(Vault.layerMemory),
    Layer.provide(VaultKey.layerConfig())
  )
  return SessionManager.layer().pipe(
    Layer.provide(Startup.mergeAll(AngelAuth.layerConfig(), Keyed)),
    Layer.provide(FetchHttpClient.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(values)))
  )
}

const credentials = {
  ANGEL_CLIENT_CODE: "A123456",
  ANGEL_PIN: "4711",
  ANGEL_API_KEY: "demoTrd1",
  ANGEL_TOTP_SECRET: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
}
const key = { BROKER_AUTH_KEY: "00112233".repeat(8) }

const errorOf = (values: Readonly<Record<string, string>>) => Effect.scoped(Effect.flip(Layer.build(start(values))))

describe("the first start of a program", () => {
  it.effect("reports missing credentials and a missing vault key in one error", () =>
    Effect.gen(function* () {
      const error = yield* errorOf({})
      assert.strictEqual(error._tag, "StartupError")
      for (const name of [...Object.keys(credentials), "BROKER_AUTH_KEY"]) assert.include(error.message, name)
      assert.lengthOf(error.message.split("\n"), 2)
      assert.include(error.remedy, "openssl rand -hex 32")
    })
  )

  it.effect("fails with the layer's error if only one layer fails", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* errorOf(key))._tag, "AuthError")
      assert.strictEqual((yield* errorOf(credentials))._tag, "VaultError")
      assert.strictEqual((yield* errorOf({ ...credentials, BROKER_AUTH_KEY: "no key" }))._tag, "VaultError")
    })
  )

  it.effect("succeeds if the credentials and the key are valid", () =>
    Effect.scoped(Layer.build(start({ ...credentials, ...key })))
  )
})

describe("Startup.mergeAll", () => {
  it.effect("provides the services of all layers", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([yield* One, yield* Two], [1, "two"])
    }).pipe(Effect.provide(Startup.mergeAll(Layer.succeed(One, 1), Layer.succeed(Two, "two"))))
  )

  it.effect("reports all errors in the order of the layers, and closes built layers", () =>
    Effect.gen(function* () {
      const closed: Array<string> = []
      const built = Layer.effect(
        One,
        Effect.as(
          Effect.addFinalizer(() => Effect.sync(() => void closed.push("one"))),
          1
        )
      )
      const slow = Layer.effect(Two, Effect.andThen(Effect.yieldNow, failed("first")))
      const exit = yield* Effect.exit(
        Effect.provide(One, Startup.mergeAll(built, slow, Layer.effectDiscard(failed("second"))))
      )
      assert.deepStrictEqual(closed, ["one"])
      assert.match(JSON.stringify(exit), /first.*second/)
    })
  )

  it.effect("reports a defect even if another layer fails", () =>
    Effect.gen(function* () {
      const layers = Startup.mergeAll(Layer.effectDiscard(Effect.die("a bug")), Layer.effectDiscard(failed("first")))
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(layers)))
      assert.isTrue(Exit.isFailure(exit) && JSON.stringify(exit).includes("a bug"))
    })
  )

  it.effect("builds a shared layer once", () =>
    Effect.gen(function* () {
      let built = 0
      const shared = Layer.effect(
        One,
        Effect.sync(() => (built += 1))
      )
      const needsOne = () => Layer.effectDiscard(Effect.asVoid(One))
      yield* Effect.scoped(
        Layer.build(Startup.mergeAll(Layer.provide(needsOne(), shared), Layer.provide(needsOne(), shared)))
      )
      assert.strictEqual(built, 1)
    })
  )
})
