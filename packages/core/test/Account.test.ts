import * as Account from "@auth/broker-core/login/Account"
import { assert, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

it("Account.make defaults to environment `production` and app `default`", () => {
  assert.deepStrictEqual(Account.make({ broker: "angel", id: "A1" }), {
    broker: "angel",
    environment: "production",
    app: "default",
    id: "A1"
  })
  assert.strictEqual(
    Account.toKey(Account.make({ broker: "b", id: "i", environment: "uat", app: "two" })),
    "b/uat/two/i"
  )
})

// `Account.toKey` throws if a field has a lone surrogate.
const Text = Schema.String.check(Schema.makeFilter((text) => !/\p{Surrogate}/u.test(text)))

const Fields = Schema.Struct({ broker: Text, environment: Text, app: Text, id: Text })

it.prop("Account.toKey returns different keys for different accounts", [Fields, Fields], ([one, other]) => {
  const same = Object.entries(one).every(([name, value]) => other[name as keyof Account.Account] === value)
  assert.strictEqual(Account.toKey(one) === Account.toKey(other), same)
})

it.each([
  [
    { broker: "a/b", id: "c" },
    { broker: "a", environment: "b/production", id: "c" }
  ],
  [
    { broker: "a", id: "x/y" },
    { broker: "a", app: "default/x", id: "y" }
  ],
  [
    { broker: "a", id: "%2F" },
    { broker: "a", id: "/" }
  ]
])("Account.toKey returns different keys for %j and %j", (one, other) =>
  assert.notStrictEqual(Account.toKey(Account.make(one)), Account.toKey(Account.make(other)))
)
