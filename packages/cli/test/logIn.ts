/** Logs in at a terminal in place of a person. */
import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import { LoginPage, type Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import * as assert from "node:assert/strict"
import { codeFor } from "../../simulator/test/chromium/pages.ts"
import { filesOf, linesOf, type Reply, run, terminal, type User } from "./support.ts"
import { pageOf, secretsOf, valuesOf, type Way } from "./ways.ts"

type Service = Simulator.Simulator["Service"]

const accountOf = ({ brokers }: Service, way: Way): FakeAccount => brokers[way.broker]?.accounts[way.account ?? 0] ?? {}

/** Logs in on the page whose address the screen shows, and pastes the callback. */
const browse = (simulator: Service, way: Way): Reply => [
  /(http:\/\/127\.0\.0\.1:\d+\S*\?\S+)[\s\S]*paste it here/i,
  ([, url = ""]) =>
    Effect.gen(function* () {
      const page = pageOf(way)
      if (page === undefined) return yield* Effect.die("This login method has no login page.")
      const fields = page.fields(accountOf(simulator, way), yield* codeFor(simulator, page))
      const given = Object.fromEntries(Object.entries(fields).map(([name, value = ""]) => [name, value]))
      const callback = yield* LoginPage.submit(Redacted.make(url), given)
      return `${Redacted.value(callback)}\n`
    }).pipe(Effect.provide(FetchHttpClient.layer), Effect.runPromise)
]

const typeCode = (simulator: Service, way: Way): Reply => [
  /One-time code[^:]*:|> $/,
  () =>
    Effect.runPromise(
      Effect.map(simulator.codes(way.broker, accountOf(simulator, way)["userId"] ?? ""), (codes) => `${codes.at(-1)}\n`)
    )
]

/** Approves the login as the broker's app does after a scan of the QR code. */
const scan = (simulator: Service, way: Way, { origin, path }: NonNullable<Way["scan"]>): Reply => [
  /█[\s\S]*Scan the QR code/,
  () =>
    Effect.gen(function* () {
      const { password = "", userId = "" } = accountOf(simulator, way)
      while (true) {
        const polls = (yield* simulator.journal()).filter(({ endpoint }) => endpoint === "qrLogin")
        const name = /"qrName":"([^"]+)"/.exec(polls[0]?.body ?? "")?.[1]
        if (name === undefined) {
          yield* Effect.sleep("100 millis")
          continue
        }
        const url = `${simulator.origins[origin]}${path}?qrName=${encodeURIComponent(name)}`
        const body = new URLSearchParams({ userid: userId, password })
        yield* Effect.promise(() => fetch(url, { method: "POST", body }))
        return ""
      }
    }).pipe(Effect.runPromise)
]

export const logIn = (simulator: Service, user: User, way: Way, name = "mine") =>
  terminal(
    user,
    ["login", name],
    [
      ...(way.page === undefined ? [] : [browse(simulator, way)]),
      ...(way.asksCode === true ? [typeCode(simulator, way)] : []),
      ...(way.scan === undefined ? [] : [scan(simulator, way, way.scan)])
    ]
  )

export const addAndLogIn = Effect.fnUntraced(function* (simulator: Service, user: User, way: Way) {
  const input = linesOf(valuesOf(way, accountOf(simulator, way)))
  const added = yield* run(user, ["add", way.broker, "--method", way.method, "--name", "mine"], { input })
  assert.equal(added.code, 0, added.stderr)
  assert.equal(added.stdout, "")
  assert.deepEqual(yield* simulator.journal(), [], "adding an account must send nothing")

  const logged = yield* logIn(simulator, user, way)
  assert.equal(logged.code, 0, logged.screen)
  assert.match(logged.screen, /mine is logged in/)
  const sent = (yield* simulator.journal()).map(({ endpoint }) => endpoint)
  assert.deepEqual(
    sent.filter((endpoint) => endpoint === way.login),
    [way.login],
    sent.join(", ")
  )

  const first = yield* run(user, ["token", "mine"])
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /^\S{8,}\n$/)
  assert.deepEqual(yield* run(user, ["token", "mine"]), first)
  const all = (yield* simulator.journal()).map(({ endpoint }) => endpoint)
  assert.deepEqual(all, sent, "printing the token must send nothing")

  const secrets = [...(yield* secretsOf(way, accountOf(simulator, way))), first.stdout.trim()]
  const written = filesOf(user.state).map(([, content]) => content.toString("latin1"))
  // The address of the login page contains the API key, and the command must show this address.
  const shown = [added.stderr, logged.screen.replace(/http:\/\/127\.0\.0\.1:\d+\S*/g, ""), first.stderr]
  const isShown = (secret: string) => [...written, ...shown].some((text) => text.includes(secret))
  assert.equal(secrets.filter(isShown).length, 0, "a file, the screen or standard error contains a secret")
})
