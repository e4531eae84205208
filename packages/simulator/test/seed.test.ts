import { assert, it } from "@effect/vitest"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { account, errorOf, post, send } from "./support.ts"

const folder = join(import.meta.dirname, "..")

const angelWith = (change: Readonly<Record<string, unknown>>) => ({
  brokers: { angel: { accounts: [{ clientCode: "B1", ...change }] } }
})

const refusals: ReadonlyArray<readonly [title: string, seed: unknown, says: string]> = [
  ["a PIN that contains letters", angelWith({ pin: "s3cr" }), "brokers.angel.accounts[0].pin: must be four digits"],
  ["a PIN that is a number", angelWith({ pin: 4711 }), "brokers.angel.accounts[0].pin: must be four digits"],
  ["a PIN in Devanagari digits", angelWith({ pin: "४७११" }), "brokers.angel.accounts[0].pin: must be four digits"],
  [
    "an account without a client code",
    { brokers: { angel: { accounts: [{}] } } },
    "brokers.angel.accounts[0].clientCode: is missing"
  ],
  [
    "an unknown key of an account",
    angelWith({ s3cret: "s3cr" }),
    "brokers.angel.accounts[0].s3cret: is not a known field"
  ],
  ["an unknown broker", { brokers: { nobody: {} } }, "brokers.nobody: is not a known field"],
  ["an unknown key next to `brokers`", { brokers: {}, accounts: [] }, "accounts: is not a known field"],
  [
    "an unknown state of an account",
    angelWith({ state: "s3cr" }),
    'brokers.angel.accounts[0].state: must be "active" or "blocked"'
  ],
  [
    "a redirect URL without a scheme",
    angelWith({ redirectUrl: "s3cr" }),
    "brokers.angel.accounts[0].redirectUrl: must be"
  ],
  [
    "an invalid TOTP secret",
    angelWith({ totpSecret: "s3cr!" }),
    "brokers.angel.accounts[0].totpSecret: must be a Base32"
  ],
  [
    "an unknown switch",
    { brokers: { angel: { switches: { s3cr: 1 } } } },
    "brokers.angel.switches.s3cr: is not a known field"
  ],
  [
    "a wrong value of a switch",
    { brokers: { rmoney: { switches: { lockAfter: 7 } } } },
    "brokers.rmoney.switches.lockAfter: must be 4 or 5"
  ],
  [
    "a switch whose value is not a duration",
    { brokers: { rupeezy: { switches: { lifetime: "s3cr" } } } },
    "brokers.rupeezy.switches.lifetime: must be a duration"
  ],
  [
    "an empty list of accounts",
    { brokers: { samco: { accounts: [] } } },
    "brokers.samco.accounts: must have at least one account"
  ],
  [
    "two accounts with the same user id",
    { brokers: { samco: { accounts: [{ userId: "S3CR" }, { userId: "S3CR" }] } } },
    "brokers.samco.accounts: must not have two accounts with the same userId"
  ],
  ["accounts that are not a list", { brokers: { angel: { accounts: "s3cr" } } }, "brokers.angel.accounts: must be"],
  ["a list at the top level", ["s3cr"], "seed: must be"],
  ["no key `brokers`", {}, "brokers: is missing"]
]

for (const [title, seed, says] of refusals) {
  it.live(`the simulator refuses a seed with ${title}, and changes nothing`, () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.make()
      yield* simulator.advance("1 hour")
      const answer = yield* post(`${simulator.control}/seed`, seed)
      assert.strictEqual(answer.status, 400)
      assert.include(errorOf(answer), says)
      assert.notMatch(errorOf(answer).replaceAll(/accounts\[0\]\.s3cret|switches\.s3cr/g, ""), /s3cr|4711/i)
      const info = yield* send(`${simulator.control}/info`)
      assert.include(info.text, account.clientCode)
      assert.include((yield* send(`${simulator.control}/clock`)).text, '"aheadMillis":3600000')
      const atStart = yield* Effect.flip(Simulator.make({ seed }))
      assert.include(atStart.message, says)
    })
  )
}

it.live("the error for a seed that is not JSON does not quote the seed", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const answer = yield* post(`${simulator.control}/seed`, "{s3cr")
    assert.include(errorOf(answer), "seed: must be JSON")
    assert.notInclude(answer.text, "s3cr")
  })
)

it.live("the simulator refuses a seed for a broker that it does not serve", () =>
  Effect.gen(function* () {
    const seed = { brokers: { samco: {} } }
    const refused = yield* Effect.flip(Simulator.make({ brokers: ["angel"], seed }))
    assert.include(refused.message, "brokers.samco: this simulator does not serve this broker. It serves only angel.")
  })
)

it.live("a login page redirects to the redirect URL in the seed", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const redirectUrl = "http://127.0.0.1:3000/callback"
    const accounts = [{ userId: "WEB1", redirectUrl }]
    assert.strictEqual((yield* post(`${simulator.control}/seed`, { brokers: { samco: { accounts } } })).status, 200)
    assert.deepStrictEqual(
      simulator.brokers["samco"]?.accounts.map(({ userId }) => userId),
      ["WEB1"]
    )
    const [web = {}] = simulator.brokers["samco"]?.accounts ?? []
    const query = new URLSearchParams({ api_key: web["apiKey"] ?? "", redirect_url: redirectUrl })
    const page = yield* send(`${simulator.origins["https://tradeapi.samco.in"]}/app/oauth/authorize?${query}`, {
      method: "POST",
      body: new URLSearchParams({ apiSecret: web["apiSecret"] ?? "" })
    })
    assert.strictEqual(page.status, 302)
    assert.match(page.headers.get("location") ?? "", /^http:\/\/127\.0\.0\.1:3000\/callback\?code=/)
  })
)

it.live("Samco refuses the login of an account without a subscription", () =>
  Effect.gen(function* () {
    const seed = {
      brokers: {
        samco: { accounts: [{ userId: "S1", subscription: "none" }] },
        rupeezy: { switches: { lifetime: "1 hour", refusedLogin: 401 } }
      }
    }
    const simulator = yield* Simulator.make({ seed })
    const [account_ = {}] = simulator.brokers["samco"]?.accounts ?? []
    const answer = yield* send(`${simulator.origins["https://tradeapi.samco.in"]}/session/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ apiKey: account_["apiKey"], apiSecret: account_["apiSecret"] })
    })
    assert.include(answer.text, "not subscribed")
  })
)

const command = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, ["--conditions=@auth/source", join(folder, "src/bin.ts"), ...args], {
    encoding: "utf8",
    timeout: 90_000
  })

it.live("--print-seed prints a seed with the simulator's default accounts", () =>
  Effect.gen(function* () {
    const { status, stdout } = command("--print-seed")
    assert.strictEqual(status, 0)
    const simulator = yield* Simulator.make({ seed: JSON.parse(stdout) as unknown })
    const plain = yield* Simulator.make()
    assert.deepStrictEqual(JSON.stringify(simulator.brokers), JSON.stringify(plain.brokers))
  })
)

it("--seed reports a missing file, and names a field with a wrong value", () => {
  const file = join(mkdtempSync(join(tmpdir(), "seed-")), "seed.json")
  writeFileSync(file, JSON.stringify(angelWith({ pin: "s3cr" })))
  const wrong = command("--seed", file)
  assert.strictEqual(wrong.status, 1)
  assert.strictEqual(wrong.stderr, "broker-auth-simulator: brokers.angel.accounts[0].pin: must be four digits\n")
  const absent = command("--seed", `${file}.absent`)
  assert.strictEqual(absent.status, 2)
  assert.include(absent.stderr, "--seed needs a file that can be read")
})

it.live("the simulator accepts the README's seed", () =>
  Effect.gen(function* () {
    const readme = readFileSync(join(folder, "README.md"), "utf8")
    const seed = JSON.parse(/```json\n(\{\n {2}"brokers": \{\n {4}"samco"[^`]*)```/.exec(readme)?.[1] ?? "") as unknown
    const simulator = yield* Simulator.make({ seed })
    assert.deepStrictEqual(
      simulator.brokers["samco"]?.accounts.map(({ userId }) => userId),
      ["WEB1", "BLOCKED1"]
    )
  })
)
