/** Logs in at the terminal as a person does. */
import { LoginPage, type Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import { codeFor } from "../../simulator/test/chromium/pages.ts"
import { type Reply, terminal, type User } from "./support.ts"
import { pageOf, type Way } from "./ways.ts"

/** Logs in on the page that the screen names, and returns the line that a person pastes. */
const browse = (simulator: Simulator.Simulator["Service"], way: Way): Reply => [
  /(http:\/\/127\.0\.0\.1:\d+\S*\?\S+)[\s\S]*paste it here/i,
  ([, url = ""]) =>
    Effect.gen(function* () {
      const page = pageOf(way)
      if (page === undefined) return yield* Effect.die("The way has no page.")
      const account = simulator.brokers[way.broker]?.accounts[way.account ?? 0] ?? {}
      const fields = page.fields(account, yield* codeFor(simulator, page))
      const given = Object.fromEntries(Object.entries(fields).map(([name, value = ""]) => [name, value]))
      const callback = yield* LoginPage.submit(Redacted.make(url), given)
      return `${Redacted.value(callback)}\n`
    }).pipe(Effect.provide(FetchHttpClient.layer), Effect.runPromise)
]

const typeCode = (simulator: Simulator.Simulator["Service"], way: Way, account: string): Reply => [
  /One-time code[^:]*:|> $/,
  () => Effect.runPromise(Effect.map(simulator.codes(way.broker, account), (codes) => `${codes.at(-1)}\n`))
]

/** Runs `login`, and types what it asks for. */
export const logIn = (simulator: Simulator.Simulator["Service"], user: User, way: Way, name = "mine") => {
  const account = simulator.brokers[way.broker]?.accounts[way.account ?? 0] ?? {}
  const replies = [
    ...(way.page === undefined ? [] : [browse(simulator, way)]),
    ...(way.asksCode === true ? [typeCode(simulator, way, account["userId"] ?? "")] : [])
  ]
  return terminal(user, ["login", name], replies)
}
