import { assert, it } from "@effect/vitest"
import * as Account from "@auth/broker-core/login/Account"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import { SessionStore, type Slot } from "@auth/broker-core/session/SessionStore"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as path from "node:path"
import { handlers } from "../src/internal/commands.ts"
import { inProcess, key, linesOf, run, timeout, type User, world } from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

const angel = ways[0]!

const account = Account.make({ broker: "angel", id: "A123456" })

const ownKey = Layer.effect(VaultKey.VaultKey, VaultKey.fromText(Redacted.make(key), "a key of a test"))

const otherKey = Layer.effect(VaultKey.VaultKey, VaultKey.fromText(Redacted.make("aabbccdd".repeat(8)), "another key"))

const bytesOf = (text: string | undefined) =>
  text === undefined ? undefined : Redacted.make(new TextEncoder().encode(text))

/** Stores the entry again, with the key from `other`. Default of `text`: the old value. */
const storeWith = (user: User, other: Layer.Layer<VaultKey.VaultKey, VaultError>, slot: Slot, text?: string) => {
  const place = slot === "guard" ? LoginGuard.placeOf(account) : account
  const folder = path.join(user.state, "broker-auth-simulator")
  const use = <A>(
    withKey: Layer.Layer<VaultKey.VaultKey, VaultError>,
    run: (store: SessionStore["Service"]) => Effect.Effect<A, VaultError>
  ) => Effect.provide(Effect.flatMap(SessionStore, run), Layer.provide(NodeVault.layerStore({ folder }), withKey))
  return Effect.gen(function* () {
    const entry = yield* use(ownKey, (store) => store.get(place, slot))
    assert.isDefined(entry)
    assert.isTrue(yield* use(other, (store) => store.put(place, slot, bytesOf(text) ?? entry.value, entry.version)))
  })
}

it.live(
  "broker-auth lists vault entries but not their secrets, and warns of unencrypted entries",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["angel"] })
      const { ANGEL_CLIENT_CODE: _, ...values } = valuesOf(angel, simulator.brokers["angel"]?.accounts[0] ?? {})
      const given = { ANGEL_CLIENT_CODE: account.id, ...values, ANGEL_PIN: "exec:echo 4711" }
      const add = yield* run(user, ["add", "angel", "--method", "totp", "--name", "mine"], { input: linesOf(given) })
      assert.strictEqual(add.code, 0, add.stderr)
      const input = { account: undefined, json: false, simulator: undefined, watch: false } as const
      const json = { ...input, json: true } as const
      const printed: Array<string> = []
      const show = Effect.fnUntraced(function* <A, E>(handler: Effect.Effect<A, E>) {
        const shown = yield* inProcess(user, handler)
        printed.push(shown.stdout, shown.stderr)
        return { ...shown, result: yield* shown.exit }
      })

      const empty = yield* run(user, ["vault", "list"])
      assert.strictEqual(empty.code, 0, empty.stderr)
      const [head, ...rest] = empty.stdout.split("\n")
      assert.match(head ?? "", /sessions\.db, SQLite; encrypted with .*BROKER_AUTH_KEY; list of accounts: version 1$/)
      assert.deepStrictEqual(rest, [
        "mine: angel, A123456",
        "    credentials: ANGEL_CLIENT_CODE, ANGEL_PIN (reference exec:), ANGEL_API_KEY, ANGEL_TOTP_SECRET",
        ""
      ])

      const token = (yield* inProcess(user, handlers.token(input))).stdout.trimEnd()
      assert.match(token, /^\S{20,}$/)
      const listed = JSON.parse((yield* show(handlers["vault list"](json))).stdout)
      const [{ entries }] = listed.accounts
      assert.deepStrictEqual(
        entries.map(({ encrypted, slot, version }: Readonly<Record<string, unknown>>) => [slot, encrypted, version]),
        [
          ["session", true, 1],
          ["guard", true, entries[1].version]
        ]
      )
      assert.match(entries[0].expiresAt, /^\d{4}-\d\d-\d\dT18:30:00\.000Z$/)
      assert.match(
        (yield* show(handlers["vault list"](input))).stdout,
        /session: version 1, issued at .* IST, live until/
      )

      yield* storeWith(user, VaultKey.layerPlaintext, "session")
      const status = yield* run(user, ["status"])
      assert.match(status.stdout, /^NOT ENCRYPTED: mine has unencrypted entries \(session\)\..*vault encrypt\.\nmine: /)
      assert.match(status.stdout, /session: live until/)
      const asJson = JSON.parse((yield* show(handlers.status(json))).stdout)
      assert.deepStrictEqual([asJson.encrypted, asJson.accounts[0].inClear], [false, ["session"]])
      assert.match((yield* show(handlers["vault list"](input))).stdout, /session: version 2, .*; NOT ENCRYPTED\n/)
      const unused = yield* run(user, ["token"])
      assert.deepStrictEqual([unused.code, unused.stdout], [10, ""], "an unencrypted session must not be used")

      const encrypted = yield* run(user, ["vault", "encrypt"])
      assert.deepStrictEqual([encrypted.code, /1 entry was unencrypted/.test(encrypted.stderr)], [0, true])
      assert.match((yield* show(handlers["vault encrypt"](input))).stderr, /All entries were already encrypted/)
      assert.strictEqual(JSON.parse((yield* show(handlers.status(json))).stdout).encrypted, true)
      assert.strictEqual((yield* inProcess(user, handlers.token(input))).stdout.trimEnd(), token)

      yield* storeWith(user, otherKey, "guard")
      const unreadable = yield* show(handlers["vault list"](input))
      assert.strictEqual(unreadable.result, 10)
      assert.match(
        unreadable.stdout,
        /session: version 3, .*\n {4}guard: cannot be read: vault get: .*not written with this key/
      )

      yield* storeWith(user, ownKey, "session", '{"version":99}')
      const unknown = yield* show(handlers["vault list"](input))
      assert.strictEqual(unknown.result, 10)
      assert.match(unknown.stdout, /session: cannot be read: vault get: /)

      printed.push(empty.stdout, status.stdout, encrypted.stderr)
      const secrets = [token, "4711", ...Object.values(values)]
      assert.deepStrictEqual(
        secrets.filter((secret) => printed.join("\n").includes(secret)),
        []
      )
    }),
  { tags: ["thorough"], timeout }
)
