import { assert, it } from "@effect/vitest"
import { Renewal } from "@auth/broker-core/broker/Renewal"
import * as Account from "@auth/broker-core/login/Account"
import type { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs"
import * as path from "node:path"
import * as accounts from "../src/internal/accounts.ts"
import * as brokers from "../src/internal/brokers.ts"
import { handlers } from "../src/internal/commands.ts"
import * as connect from "../src/internal/connect.ts"
import { codeOf } from "../src/internal/failure.ts"
import { lineOf } from "../src/internal/progress.ts"
import { inProcess, makeUser, type Reply, run, terminal, timeout, type User, withStore, world } from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

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

it.live("the list of accounts keeps every account that concurrent programs add", () =>
  Effect.gen(function* () {
    const user = yield* makeUser()
    const names = Array.from({ length: 12 }, (_, index) => `a${String(index).padStart(2, "0")}`)
    // Each call of `withStore` opens the vault again, as another program would.
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

/** Matches the beginning of the progress line, with or without a bar. */
const drawn = /^[-|/\\ ] (\[[#-]{12}\] )?\d+\/25:/

const escape = "\u001b"

const drawings = (screen: string): ReadonlyArray<string> =>
  screen
    .replaceAll(new RegExp(`${escape}\\[[?0-9;]*[A-Za-z]`, "g"), "")
    .split(/[\r\n]/)
    .filter((line) => drawn.test(line))

/** Whether the program hid the cursor and showed it again at the end. */
const restoresCursor = (screen: string): boolean =>
  screen.includes(`${escape}[?25l`) && screen.lastIndexOf(`${escape}[?25h`) > screen.lastIndexOf(`${escape}[?25l`)

const numbered = (prefix: string, count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index + from).padStart(2, "0")}`)

/**
 * 25 accounts of six brokers. One account is locked, and three need a person. `addAll` stores a wrong PIN for the
 * account `angel10`.
 */
const seed = {
  brokers: {
    angel: {
      accounts: numbered("A1000", 10).map((clientCode) => ({
        clientCode,
        ...(clientCode === "A100009" && { state: "blocked" })
      }))
    },
    rupeezy: { accounts: numbered("XX10", 4).map((clientCode) => ({ clientCode })) },
    samco: {
      accounts: numbered("DV100", 6).map((userId, index) => ({ userId, apiKey: String(index).padStart(64, "a") }))
    },
    motilal: { accounts: numbered("AA1", 2).map((userId) => ({ userId })) },
    rmoney: { accounts: numbered("TEST1", 2).map((userId) => ({ userId })) },
    zerodha: { accounts: [{ userId: "ZZ0001" }] }
  }
}

const wayOf = (broker: string, method: string) => ways.find((way) => way.broker === broker && way.method === method)!

const methods = {
  angel: "totp",
  rupeezy: "totp",
  samco: "api-key",
  motilal: "password",
  rmoney: "password",
  zerodha: "browser"
} as const

/** Stores the simulator's accounts in the vault. Returns the accounts' secrets. */
const addAll = Effect.fnUntraced(function* ({ brokers: served, origins }: Simulator.Simulator["Service"], user: User) {
  const entries: Array<accounts.Entry> = []
  for (const [broker, methodId] of Object.entries(methods)) {
    const loaded = yield* brokers.loadBroker(broker)
    const method = loaded.methods.find(({ id }) => id === methodId)!
    for (const [index, fake] of (served[broker]?.accounts ?? []).entries()) {
      const name = `${broker}${String(index + 1).padStart(2, "0")}`
      const wrong = name === "angel10" ? { ANGEL_PIN: "8642" } : {}
      const texts = Object.entries({ ...valuesOf(wayOf(broker, methodId), fake), ...wrong })
      const values = Object.fromEntries(texts.map(([env, value]) => [env, Redacted.make(value)]))
      const layer = yield* connect.layerOf(loaded, method, { values, origins })
      const { account } = yield* Effect.provide(Renewal, Layer.provide(layer, FetchHttpClient.layer))
      entries.push({ name, broker, method: methodId, account, values })
    }
  }
  yield* withStore(user, (store) =>
    Effect.forEach(entries, (entry) => accounts.add(store, entry, { replace: false }), { discard: true })
  )
  const secrets = entries.flatMap(({ account, values }) =>
    Object.entries(values).flatMap(([env, value]) =>
      /USER_ID|CLIENT_CODE|REDIRECT_URL|ENVIRONMENT|SECOND_FACTOR|APPLICATION_ID/.test(env) ||
      Redacted.value(value) === account.id
        ? []
        : [Redacted.value(value)]
    )
  )
  return Array.from(new Set(secrets))
})

it("the progress of `login --all` fits into one line", () => {
  const current = Array.from({ length: 6 }, (_, index) => `a-long-name-of-an-account-${index}`)
  for (const counts of [
    { in: 0, person: 0, failed: 0 },
    { in: 900, person: 50, failed: 49 },
    { in: 900, person: 50, failed: 50 }
  ]) {
    for (let columns = 24; columns <= 200; columns += 1) {
      const line = lineOf({ total: 1000, counts, current, turn: columns }, { columns, isColored: false })
      assert.isAtMost(line.length, columns - 3)
      // When all accounts are done, a blank replaces the rotating character.
      assert.strictEqual(line.startsWith("  "), counts.failed === 50)
      const colored = lineOf({ total: 1000, counts, current, turn: columns }, { columns, isColored: true })
      assert.strictEqual(colored.replaceAll(new RegExp(`${escape}\\[\\d+m`, "g"), ""), line)
    }
  }
})

it.live(
  "`login --all` continues after failed and skipped logins",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({
        brokers: ["angel", "motilal", "rupeezy", "samco", "rmoney", "zerodha"],
        seed
      })
      const secrets = yield* addAll(simulator, user)
      const loginsOf = (broker: Simulator.BrokerId, endpoint: string) =>
        Effect.map(simulator.journal(broker), (all) => all.filter((entry) => entry.endpoint === endpoint).length)
      const live = Effect.gen(function* () {
        const input = { account: undefined, json: true, simulator: undefined, watch: false }
        const status = JSON.parse((yield* inProcess(user, handlers.status(input))).stdout)
        return (status.accounts as ReadonlyArray<Readonly<Record<string, string>>>).flatMap(({ name, session }) =>
          session === "live" ? [name] : []
        )
      })

      // Two logins to Samco hang. The other Samco accounts wait, because at most two logins to one broker run at once.
      // The person stops the command when the 19 accounts of the other brokers are done.
      yield* simulator.inject("samco", "sessionToken", { kind: "latency", duration: "60 seconds" }, 2)
      const plain = { ...user, env: { ...user.env, NO_COLOR: "1" } }
      const narrow = { columns: 40, term: "xterm" }
      const stopped = yield* terminal(plain, ["login", "--all"], [[/19\/25:/, "\u0003"]], narrow)
      assert.strictEqual(stopped.code, 130, stopped.screen)
      assert.match(stopped.screen, /Stopped\. 14 of 25 accounts are logged\s+in, and stay logged in\.\n/)
      const lines = drawings(stopped.screen)
      assert.isAbove(new Set(lines).size, 19)
      assert.deepStrictEqual(
        lines.filter((line) => line.length >= 40),
        []
      )
      assert.match(lines.at(-1) ?? "", /19\/25: 14 in 3 person 2 failed/)
      assert.notInclude(stopped.screen, `${escape}[3`)
      assert.isTrue(restoresCursor(stopped.screen))
      const first = yield* live
      assert.strictEqual(first.length, 14)
      assert.strictEqual(yield* loginsOf("samco", "sessionToken"), 2, "more than two logins to one broker ran at once")
      const sentBefore = yield* loginsOf("angel", "loginByPassword")
      assert.strictEqual(sentBefore, 10)

      // The next run logs in to the six accounts of Samco. Then it asks about the three accounts that need a person.
      yield* Effect.sync(() => {
        const body = `#!/bin/sh\nprintf '%s|' "$@" > "${user.state}/record"\nenv >> "${user.state}/record"\ncat > "${user.state}/sent"\n`
        fs.writeFileSync(path.join(user.state, "notify.sh"), body, { mode: 0o700 })
      })
      const code: Reply = [
        /digits\S*\)\s+> |One-time code[\s\S]*?> /,
        () => Effect.runPromise(Effect.map(simulator.codes("rmoney", "TEST101"), (codes) => `${codes.at(-1)}\n`))
      ]
      const colored = yield* terminal(
        user,
        ["login", "--all", "--notify", `"${user.state}/notify.sh" "a b"`],
        [
          [/rmoney01 needs a\s+person[\s\S]*?> /, "\n"],
          code,
          [/rmoney02 needs a\s+person[\s\S]*?> /, "s\n"],
          [/zerodha01 needs a\s+person[\s\S]*?> /, "q\n"]
        ],
        { columns: 100, term: "xterm" }
      )
      assert.strictEqual(colored.code, 7, colored.screen)
      const [during = "", after = ""] = colored.screen.split(/(?<=25\/25:[^\r]*\r?\n)/)
      assert.match(drawings(during).at(-1) ?? "", /^ {2}\[#{12}\] 25\/25: 20 in 3 for a person 2 failed$/)
      assert.deepStrictEqual(drawings(after), [], "the progress line was drawn between the questions")
      assert.include(during, `${escape}[32m 20 in${escape}[0m`)
      assert.isTrue(restoresCursor(colored.screen))
      assert.strictEqual((yield* live).length, 21)
      // No further login is sent for the locked account, or for the account with the wrong PIN.
      assert.strictEqual(yield* loginsOf("angel", "loginByPassword"), sentBefore)

      const sent = JSON.parse(fs.readFileSync(path.join(user.state, "sent"), "utf8"))
      assert.deepStrictEqual(
        [sent.in.length, sent.person.map(({ command }: { readonly command: string }) => command)],
        [21, ["broker-auth login rmoney02", "broker-auth login zerodha01"]]
      )
      assert.deepStrictEqual(
        sent.failed.map(({ name }: { readonly name: string }) => name),
        ["angel09", "angel10"]
      )
      assert.match(sent.failed[1].reason, /has refused them before/)
      assert.match(sent.failed[1].remedy, /run broker-auth guard reset angel10 to allow/)
      assert.match(sent.text, /^21 of 25 accounts are logged in\.\nLogged in until .* IST: angel01, angel02/)
      assert.match(colored.screen, /angel09: failed: .*[\s\S]*angel10: failed: /)
      const record = fs.readFileSync(path.join(user.state, "record"), "utf8")
      assert.match(record, /^a b\|/)
      assert.notMatch(record, /BROKER_AUTH_KEY/)

      const piped = yield* run(user, ["login", "--all", "--json"])
      assert.strictEqual(piped.code, 7, piped.stderr)
      // oxlint-disable-next-line no-control-regex -- looks for control characters
      assert.notMatch(piped.stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
      const log = piped.stderr.split("\n").filter((line) => /^[a-z]+\d\d: (?!failed: )/.test(line))
      assert.strictEqual(log.filter((line) => / logged in until /.test(line)).length, 21)
      assert.deepStrictEqual(JSON.parse(piped.stdout), sent)

      const printed = [stopped.screen, colored.screen, piped.stdout, piped.stderr, record, JSON.stringify(sent)].join()
      assert.deepStrictEqual(
        secrets.filter((secret) => printed.includes(secret)),
        []
      )
    }),
  { tags: ["thorough"], timeout: 2 * timeout }
)

it.live(
  "`login --notify` sends a notification about one login",
  () =>
    Effect.gen(function* () {
      const { user } = yield* world({ brokers: ["angel"] })
      yield* withStore(user, (store) => accounts.add(store, entryOf("mine", "A123456"), { replace: false }))
      const input = {
        account: undefined,
        all: false,
        browser: false,
        json: false,
        notify: undefined,
        paste: false,
        qr: false,
        simulator: undefined
      }
      const usage = yield* inProcess(user, Effect.flip(handlers.login({ ...input, notify: "http://example.com/hook" })))
      assert.strictEqual(codeOf(yield* usage.exit), 2)
      const failed = yield* inProcess(user, handlers.login({ ...input, notify: "no-such-program" }))
      assert.strictEqual(yield* failed.exit, 13)
      assert.match(failed.stderr, /mine is logged in until[\s\S]*\nbroker-auth: The notification was not delivered/)
      const file = path.join(user.state, "sent")
      const again = yield* inProcess(user, handlers.login({ ...input, json: true, notify: `tee "${file}"` }))
      assert.isUndefined(yield* again.exit)
      assert.deepStrictEqual(JSON.parse(again.stdout), JSON.parse(fs.readFileSync(file, "utf8")))
      assert.strictEqual(JSON.parse(again.stdout).in[0].name, "mine")
    }),
  { timeout }
)

it.live(
  "`vault rekey` changes the key, and `vault remove` deletes the vault",
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
