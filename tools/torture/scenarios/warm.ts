/** Many accounts log in before the market opens. No broker may get more calls than its rate limit allows. */
import * as SessionManagers from "@auth/broker-core/session/SessionManagers"
import type { JournalEntry } from "@auth/broker-core/testing/FakeBroker"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as Simulator from "@auth/simulator/Simulator"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { accountsOf } from "../accounts.ts"
import type { Scenario, Tally, Torture } from "../harness.ts"

type BrokerId = keyof typeof accountsOf

const brokerIds = Object.keys(accountsOf) as ReadonlyArray<BrokerId>

/** One second, in milliseconds. */
const second = 1000

const densest = (entries: ReadonlyArray<JournalEntry>, accountOf: (entry: JournalEntry) => string): number => {
  const times = new Map<string, Array<number>>()
  for (const entry of entries) {
    const account = accountOf(entry)
    times.set(account, [...(times.get(account) ?? []), entry.at])
  }
  const within = (calls: ReadonlyArray<number>) =>
    calls.map((from, index) => calls.slice(index).filter((at) => at - from < second).length)
  return Math.max(0, ...Array.from(times.values()).flatMap(within))
}

const refusals = (entries: ReadonlyArray<JournalEntry>) =>
  entries.filter(({ status }) => status === 429 || status === 403)

const countBroker = (tally: Tally, id: BrokerId, entries: ReadonlyArray<JournalEntry>, accounts: number) => {
  const { accountOf, login, perSecond } = accountsOf[id]
  const tries = entries.filter(({ endpoint }) => endpoint === login)
  const logins = tries.filter(({ status }) => status === 200)
  tally.equal(`${id}: accounts that logged in`, new Set(logins.map(accountOf)).size, accounts)
  tally.equal(`${id}: logins`, logins.length, accounts)
  tally.equal(`${id}: calls refused by a rate limit`, refusals(entries).length, 0)
  if (perSecond !== undefined)
    tally.atMost(`${id}: logins of an account in a second`, densest(tries, accountOf), perSecond)
}

/** A name such as `angel 17` selects account 17 at Angel One. */
const manage = ({ origins }: Simulator.Info) =>
  SessionManagers.make((name) => {
    const [id, index] = name.split(" ")
    return accountsOf[id as BrokerId].layer(Number(index), origins)
  })

const vault = (torture: Torture) =>
  NodeVault.layer({ folder: torture.folder() }).pipe(
    Layer.provide(VaultKey.layerConfig()),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ BROKER_AUTH_KEY: torture.key })))
  )

const accountsIn = ({ pick }: Torture): number => pick({ quick: 10, full: 200 })

const warm = Effect.fnUntraced(function* (torture: Torture, tally: Tally) {
  const accounts = accountsIn(torture)
  const troubled = torture.pick({ quick: 1, full: 5 })
  // After a failed login, an account waits for its next TOTP code. Samco needs no TOTP code. So in a quick run, only
  // Samco's logins fail.
  const inTrouble: typeof brokerIds = torture.pick({ quick: ["samco"], full: brokerIds })
  const simulator = yield* Simulator.make({
    journalLimit: 1_000_000,
    fakes: Object.fromEntries(brokerIds.map((id) => [id, accountsOf[id].fake(accounts)]))
  })
  const names = brokerIds.flatMap((id) => Array.from({ length: accounts }, (_, index) => `${id} ${index}`))
  const total = names.length
  for (const id of inTrouble) {
    yield* simulator.inject(id, accountsOf[id].login, { kind: "status", status: 503 }, troubled)
  }

  const reports: Array<SessionManagers.Progress<unknown>> = []
  const run = Effect.fnUntraced(function* (managers: Effect.Success<ReturnType<typeof manage>>) {
    reports.length = 0
    yield* Stream.runForEach(managers.warm(names), (progress) =>
      Effect.sync(() => {
        reports.push(progress)
        torture.progress(`${progress.done} of ${progress.total} accounts, ${progress.failed} failed`)
      })
    )
  })

  const managers = yield* manage(simulator)
  yield* run(managers)
  tally.equal("progress reports", reports.length, total)
  tally.equal("accounts that are done in the last progress report", reports.at(-1)?.done ?? 0, total)
  tally.equal("accounts that failed in the first run", reports.at(-1)?.failed ?? 0, troubled * inTrouble.length)
  // Waits until the back-off after the failures has ended.
  yield* Effect.sleep(Duration.seconds(2))
  yield* run(managers)
  tally.equal("accounts that failed in the second run", reports.at(-1)?.failed ?? 0, 0)
  if (torture.broken) yield* Effect.flatMap(manage(simulator), run).pipe(Effect.provide(vault(torture)))
  for (const id of brokerIds) countBroker(tally, id, yield* simulator.journal(id), accounts)

  const before = (yield* simulator.journal()).length
  yield* Effect.flatMap(manage(simulator), run)
  tally.equal("calls of a restarted program", (yield* simulator.journal()).length - before, 0)
})

export const scenario: Scenario = {
  summary: "accounts of all brokers log in before the market opens; some logins fail at first and succeed later",
  breaks: "another program logs in with the same accounts, but a different vault",
  seconds: { quick: 30, full: 180 },
  run: (torture) =>
    torture.attempt(`${accountsIn(torture) * brokerIds.length} accounts of ${brokerIds.length} brokers`, (tally) =>
      Effect.runPromise(
        warm(torture, tally).pipe(Effect.scoped, Effect.provide(Layer.merge(vault(torture), FetchHttpClient.layer)))
      )
    )
}
