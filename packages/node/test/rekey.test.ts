import * as Account from "@auth/broker-core/login/Account"
import * as NodeVault from "@auth/node/NodeVault"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bytes, freshFolder, keyOf, layerKey, open, other, account, reasonOf, start, textOf, using } from "./support.ts"

const accounts = Array.from({ length: 40 }, (_, index) =>
  Account.make({ broker: "angel", app: "a/b %", id: `A${index}` })
)

const fill = (folder: string) =>
  using(folder, ({ store }) =>
    Effect.forEach(accounts, (each) => store.put(each, "session", bytes(`session of ${each.id}`), 0), { discard: true })
  )

describe("vaults: NodeVault.rekey", () => {
  it.live("encrypts every entry with the new key", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* fill(folder)
      yield* using(folder, ({ store }) => store.put(account, "guard", bytes("guard"), 0))
      const [from, to] = [yield* keyOf(7), yield* keyOf(9)]
      assert.strictEqual(yield* NodeVault.rekey({ folder, from, to }), accounts.length + 1)
      yield* using(
        folder,
        ({ store }) =>
          Effect.gen(function* () {
            for (const each of accounts) {
              assert.strictEqual(textOf(yield* store.get(each, "session")), `session of ${each.id}`)
            }
            assert.strictEqual(textOf(yield* store.get(account, "guard")), "guard")
            assert.isUndefined(yield* store.get(other, "session"))
          }),
        layerKey(9)
      )
      const reason = yield* using(folder, ({ store }) => reasonOf(store.get(account, "guard")))
      assert.strictEqual(reason._tag, "WrongKey")
      assert.include(reason.remedy, "restart this program with the new key")
      assert.strictEqual(yield* NodeVault.rekey({ folder, from, to }), 0)
    })
  )

  it.live("prevents reads with the old key and writes that expect an entry's old version", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* fill(folder)
      const running = yield* open({ folder })
      yield* running.store.get(account, "session")
      yield* NodeVault.rekey({ folder, from: yield* keyOf(7), to: yield* keyOf(9) })
      const [first] = accounts
      assert.strictEqual((yield* reasonOf(running.store.get(first!, "session")))._tag, "WrongKey")
      // This write expects version 1 of the entry, but `rekey` has already written version 2.
      assert.isFalse(yield* running.store.put(first!, "session", bytes("old"), 1))
    })
  )

  it.live("succeeds in several programs at the same time", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* fill(folder)
      const programs = yield* Effect.all([1, 2, 3].map(() => start("rekeyer.ts", [folder])))
      const ends = yield* Effect.all(programs.map(({ ended }) => ended))
      assert.deepStrictEqual(
        ends.map(({ code }) => code),
        [0, 0, 0]
      )
      for (const each of accounts) {
        const read = yield* using(folder, ({ store }) => store.get(each, "session"), layerKey(9))
        assert.strictEqual(textOf(read), `session of ${each.id}`)
      }
    })
  )

  it.live("changes no entry if the old key is wrong", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* fill(folder)
      const wrong = NodeVault.rekey({ folder, from: yield* keyOf(8), to: yield* keyOf(9) })
      assert.strictEqual((yield* reasonOf(wrong))._tag, "WrongKey")
      for (const each of accounts) {
        const read = yield* using(folder, ({ store }) => store.get(each, "session"))
        assert.deepStrictEqual([read?.version, textOf(read)], [1, `session of ${each.id}`])
      }
    })
  )

  it.live(
    "damages no entry if the process is killed",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        yield* fill(folder)
        for (const after of [0, 10, 25]) {
          const { child, ended, says } = yield* start("rekeyer.ts", [folder])
          yield* says("begins")
          yield* Effect.sleep(after)
          child.kill("SIGKILL")
          yield* ended
          let readable = 0
          for (const each of accounts) {
            for (const key of [7, 9]) {
              const got = yield* Effect.result(using(folder, ({ store }) => store.get(each, "session"), layerKey(key)))
              if (got._tag === "Success" && textOf(got.success) === `session of ${each.id}`) readable += 1
            }
          }
          assert.strictEqual(readable, accounts.length)
        }
        yield* NodeVault.rekey({ folder, from: yield* keyOf(7), to: yield* keyOf(9) })
        const read = yield* using(folder, ({ store }) => store.get(accounts[19]!, "session"), layerKey(9))
        assert.strictEqual(textOf(read), "session of A19")
      }),
    { tags: ["thorough"], timeout: 60_000 }
  )
})
