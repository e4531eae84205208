import { assert, it } from "@effect/vitest"
import * as Account from "@auth/broker-core/login/Account"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as accounts from "../src/internal/accounts.ts"
import { linesOf, makeUser, run, terminal, timeout, withStore, world } from "./support.ts"

const entryOf = (name: string, id: string): accounts.Entry => ({
  name,
  broker: "angel",
  method: "totp",
  account: Account.make({ broker: "angel", id }),
  values: Object.fromEntries(
    Object.entries({
      ANGEL_CLIENT_CODE: id,
      ANGEL_PIN: "4711",
      ANGEL_API_KEY: "demoTrd1",
      ANGEL_TOTP_SECRET: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    }).map(([env, value]) => [env, Redacted.make(value)])
  )
})

it.live("loses no account when several programs add accounts", () =>
  Effect.gen(function* () {
    const user = yield* makeUser()
    const names = Array.from({ length: 12 }, (_, index) => `a${String(index).padStart(2, "0")}`)
    // Each program opens the vault itself.
    yield* Effect.forEach(
      names,
      (name, index) =>
        withStore(user, (store) => accounts.add(store, entryOf(name, `A10000${index}`), { replace: false })),
      { concurrency: "unbounded" }
    )
    const list = yield* withStore(user, accounts.list)
    assert.deepStrictEqual(
      list.map(({ name }) => name),
      names
    )
    const [first] = list
    assert.strictEqual(Redacted.value(first?.values["ANGEL_PIN"] ?? Redacted.make("")), "4711")
    assert.notInclude(JSON.stringify(list), "4711")
  })
)

it.live(
  "logs in to all accounts, and lists the ones that need a person",
  () =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 24 }, (_, index) => `A1000${String(index).padStart(2, "0")}`)
      const seed = { brokers: { angel: { accounts: ids.map((clientCode) => ({ clientCode })) } } }
      const { simulator, user } = yield* world({ brokers: ["angel", "rmoney"], seed })
      yield* withStore(user, (store) =>
        Effect.forEach(ids, (id) => accounts.add(store, entryOf(id.toLowerCase(), id), { replace: false }))
      )
      const person = linesOf({ RMONEY_ENVIRONMENT: "uat", RMONEY_USER_ID: "TEST101", RMONEY_PASSWORD: "Demo@101" })
      const add = ["add", "rmoney", "--method", "password", "--name", "sms"]
      assert.strictEqual((yield* run(user, add, { input: person })).code, 0)

      const piped = yield* run(user, ["login", "--all"])
      assert.strictEqual(piped.code, 7, piped.stderr)
      const lines = piped.stderr.split("\n").filter((line) => /^a1000\d\d: logged in until/.test(line))
      assert.strictEqual(lines.length, 24)
      assert.match(piped.stderr, /24 of 25 accounts are logged in\.\n {2}sms: needs a person: broker-auth login sms\n/)
      const logins = (yield* simulator.journal()).filter(({ endpoint }) => endpoint === "loginByPassword")
      assert.strictEqual(logins.length, 24)

      const again = yield* terminal(user, ["login", "--all"], [])
      assert.match(again.screen, /\[#+ *\] \d+\/25\r[\s\S]*\[#{20}\] 25\/25\n24 of 25/)
      const after = (yield* simulator.journal()).filter(({ endpoint }) => endpoint === "loginByPassword")
      assert.strictEqual(after.length, 24)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "changes the key of the vault, and deletes the vault after a confirmation",
  () =>
    Effect.gen(function* () {
      const { user } = yield* world({ brokers: ["angel"] })
      yield* withStore(user, (store) => accounts.add(store, entryOf("mine", "A123456"), { replace: false }))
      const next = "aabbccdd".repeat(8)
      const unset = yield* run(user, ["vault", "rekey"])
      assert.deepStrictEqual([unset.code, /BROKER_AUTH_NEW_KEY is not set/.test(unset.stderr)], [10, true])
      const rekeyed = yield* run(user, ["vault", "rekey"], { env: { BROKER_AUTH_NEW_KEY: next } })
      assert.strictEqual(rekeyed.code, 0, rekeyed.stderr)
      const old = yield* run(user, ["accounts"])
      assert.deepStrictEqual([old.code, /not written with this key/.test(old.stderr)], [10, true])
      const env = { BROKER_AUTH_KEY: next }
      assert.match((yield* run(user, ["vault"], { env })).stdout, /sessions\.db, SQLite; encrypted.*; 1 account\n/)
      const unconfirmed = yield* run(user, ["vault", "remove"], { env })
      assert.strictEqual(unconfirmed.code, 2)
      assert.match((yield* terminal(user, ["vault", "remove"], [[/yes to continue: /, "no\n"]])).screen, /Nothing was/)
      const removed = yield* terminal(user, ["vault", "remove"], [[/yes to continue: /, "yes\n"]])
      assert.strictEqual(removed.code, 0, removed.screen)
      assert.strictEqual((yield* run(user, ["accounts", "--json"])).stdout, "[]\n")
    }),
  { tags: ["thorough"], timeout }
)
