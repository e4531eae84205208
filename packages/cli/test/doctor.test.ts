import { assert, layer } from "@effect/vitest"
import * as Account from "@auth/broker-core/login/Account"
import type { Fault } from "@auth/broker-core/testing/FakeBroker"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as accounts from "../src/internal/accounts.ts"
import { freePort } from "../../../tools/vitest/freePort.ts"
import { certificate, makeProxy, tlsServer } from "./servers.ts"
import { type Ended, makeUser, type Reply, run, terminal, timeout, type User, withStore } from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly cause: string | null
  readonly found: string
  readonly remedy: string | null
}

const findingsOf = ({ stderr, stdout }: Ended): ReadonlyArray<Finding> => {
  assert.notStrictEqual(stdout, "", stderr)
  return JSON.parse(stdout) as ReadonlyArray<Finding>
}

const problemsOf = (ended: Ended) =>
  findingsOf(ended).flatMap(({ cause, check, found, ok, remedy }) => {
    if (ok) return []
    assert.match(remedy ?? "", /\w{3}/, `${check} does not say what to do`)
    return [{ check, cause, text: `${found} | ${remedy}` }]
  })

const causesOf = (ended: Ended) => problemsOf(ended).map(({ cause, check }) => `${check}: ${cause}`)

const textOf = (ended: Ended, check: string): string =>
  findingsOf(ended)
    .filter((finding) => finding.check === check)
    .map(({ found, remedy }) => `${found} | ${remedy}`)
    .join("\n")

type Values = Readonly<Record<string, string>>

const store = (
  user: User,
  values: Values,
  way: { readonly broker: string; readonly method: string; readonly id: string; readonly environment?: string }
) =>
  withStore(user, (opened) =>
    accounts.add(
      opened,
      {
        name: "mine",
        broker: way.broker,
        method: way.method,
        account: Account.make({ broker: way.broker, id: way.id, environment: way.environment ?? "production" }),
        values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Redacted.make(value)]))
      },
      { replace: true }
    )
  )

const wayOf = (broker: string, method: string) => {
  const way = ways.find((one) => one.broker === broker && one.method === method)
  assert.isDefined(way)
  return way
}

const begin = Effect.fnUntraced(function* (broker: "angel" | "samco" | "rmoney", method: string, more: Values = {}) {
  const simulator = yield* Simulator.Simulator
  yield* simulator.reset
  const user = yield* makeUser({ BROKER_AUTH_SIMULATOR: simulator.control })
  const account = simulator.brokers[broker]?.accounts[0] ?? {}
  const values = { ...valuesOf(wayOf(broker, method), account), ...more }
  const id = account["clientCode"] ?? account["userId"] ?? ""
  yield* store(user, values, { broker, method, id, environment: broker === "rmoney" ? "uat" : "production" })
  const doctor = (env: Values = {}, flags: ReadonlyArray<string> = []) =>
    run(user, ["doctor", "--json", ...flags], { env })
  const sent = Effect.map(simulator.journal(), (journal) => journal.map(({ endpoint }) => endpoint))
  return { simulator, user, doctor, sent, values, account }
})

const thorough = { tags: ["thorough"], timeout }

const refusal = (errorcode: string, message: string): Fault => ({
  kind: "answer",
  status: 200,
  body: JSON.stringify({ status: false, message, errorcode, data: null })
})

const unregistered: Fault = {
  kind: "answer",
  status: 403,
  body: JSON.stringify({ success: false, message: "Access denied: Unregistered IP address.", errorCode: "AG7002" })
}

const simulators = Simulator.layer({ brokers: ["angel", "samco", "rmoney"] })

layer(simulators, { excludeTestServices: true })("doctor", (it) => {
  it.effect(
    "lists the result of each check, and sends no login",
    () =>
      Effect.gen(function* () {
        const { doctor, sent, user } = yield* begin("angel", "totp")
        const json = yield* doctor()
        assert.deepStrictEqual([json.code, causesOf(json)], [0, []], json.stdout)
        const checks = ["credentials", "proxy", "certificates", "network", "clock", "login guard", "session"]
        assert.deepStrictEqual(
          findingsOf(json).map(({ check }) => check),
          checks
        )
        const text = yield* run(user, ["doctor"])
        const lines = text.stdout.split("\n").filter((line) => line.startsWith("ok  "))
        assert.lengthOf(lines, checks.length, text.stdout)
        assert.match(text.stdout, /^ok {2}session: not logged in\n {4}Log in: broker-auth login mine\n$/m)
        assert.notInclude(yield* sent, "loginByPassword")
      }),
    { timeout }
  )

  it.effect(
    "explains a value in the wrong field",
    () =>
      Effect.gen(function* () {
        const { doctor, sent, values } = yield* begin("angel", "totp", {
          ANGEL_TOTP_SECRET: "env:MY_TOTP",
          ANGEL_PIN: "env:MY_PIN",
          ANGEL_CLIENT_CODE: "env:MY_CODE"
        })
        const pin = "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"
        const found = yield* doctor({ MY_TOTP: "123 456", MY_PIN: pin, MY_CODE: "someone@example.com" })
        assert.deepStrictEqual(causesOf(found), [
          "credentials: wrong-client-code",
          "credentials: secret-as-code",
          "credentials: code-as-secret"
        ])
        assert.strictEqual(found.code, 5)
        assert.match(textOf(found, "credentials"), /Correct the value that env:MY_TOTP stands for/)
        for (const secret of [pin, "123 456", "someone@example.com", values["ANGEL_API_KEY"] ?? ""]) {
          assert.notInclude(found.stdout, secret)
        }
        const [mobile, unset] = yield* Effect.all(
          [
            doctor({ MY_TOTP: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", MY_PIN: "4711", MY_CODE: "9876543210" }),
            doctor({ MY_TOTP: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", MY_CODE: "A123456" })
          ],
          { concurrency: 2 }
        )
        assert.deepStrictEqual([mobile.code, causesOf(mobile)], [5, ["credentials: wrong-client-code"]])
        assert.match(textOf(mobile, "credentials"), /is a mobile number, not a client code/)
        assert.deepStrictEqual([unset.code, causesOf(unset)], [5, ["credentials: reference"]])
        assert.match(textOf(unset, "credentials"), /env:MY_PIN could not be resolved/)
        assert.notInclude(yield* sent, "loginByPassword")
      }),
    thorough
  )

  it.effect(
    "reports a clock that is behind the broker's clock",
    () =>
      Effect.gen(function* () {
        const { doctor, simulator } = yield* begin("angel", "totp")
        yield* simulator.advance("2 minutes")
        const late = yield* doctor()
        assert.deepStrictEqual([late.code, causesOf(late)], [7, ["clock: wrong-clock"]])
        assert.match(textOf(late, "clock"), /clock is 2 min behind the broker's.*Set the clock/)
        yield* simulator.inject("angel", "*", { kind: "waf" })
        const both = yield* doctor()
        assert.deepStrictEqual([both.code, causesOf(both)], [8, ["network: firewall", "clock: wrong-clock"]])
        assert.match(textOf(both, "network"), /firewall blocked the request, support id \d+/)
      }),
    thorough
  )

  it.effect(
    "distinguishes a fault of the broker from a failed connection",
    () =>
      Effect.gen(function* () {
        const { doctor, simulator } = yield* begin("angel", "totp")
        yield* simulator.inject("angel", "*", { kind: "status", status: 503 })
        const down = yield* doctor()
        assert.deepStrictEqual([down.code, causesOf(down)], [9, ["network: broker-down"]])
        assert.match(textOf(down, "network"), /reports an internal fault, HTTP 503.*status page/)
        yield* simulator.inject("angel", "*", { kind: "reset" })
        const cut = yield* doctor({}, ["--login"])
        assert.deepStrictEqual([cut.code, causesOf(cut)], [9, ["network: broker-down"]])
        assert.match(textOf(cut, "network"), /the connection failed, (?:ECONNRESET|UND_ERR_SOCKET)/)
        assert.match(textOf(cut, "login"), /^not sent, because of the problems above/)
      }),
    thorough
  )

  it.effect(
    "says that it is waiting if the broker answers slowly",
    () =>
      Effect.gen(function* () {
        const { simulator, user } = yield* begin("angel", "totp")
        yield* simulator.inject("angel", "*", { kind: "latency", duration: "2 seconds" })
        const found = yield* run(user, ["doctor"])
        assert.strictEqual(found.code, 0, found.stdout)
        assert.match(found.stderr, /Waiting for an answer from Angel One…/)
      }),
    thorough
  )

  it.effect(
    "distinguishes an ended session from an unregistered IP address",
    () =>
      Effect.gen(function* () {
        const { doctor, sent, simulator, user } = yield* begin("angel", "totp")
        const logged = yield* doctor({}, ["--login"])
        assert.deepStrictEqual([logged.code, causesOf(logged)], [0, []], logged.stdout)
        assert.match(textOf(logged, "login"), /the broker accepts it; mine is logged in until/)
        yield* simulator.inject("angel", "getProfile", unregistered)
        const denied = yield* doctor({}, ["--login"])
        assert.deepStrictEqual([denied.code, causesOf(denied)], [8, ["session: ip-address"]])
        const text = textOf(denied, "session")
        assert.match(text, /not registered.*\(AG7002: Access denied: Unregistered IP address\.\)/)
        assert.match(text, /Register the public IP address of this machine.*smartapi\.angelone\.in/)
        assert.strictEqual((yield* sent).filter((endpoint) => endpoint === "loginByPassword").length, 1)
        yield* simulator.reset
        const dead = yield* run(user, ["doctor"])
        assert.strictEqual(dead.code, 7)
        assert.match(dead.stdout, /^PROBLEM {2}session: The session has ended.*\n {4}.*broker-auth renew mine$/m)
      }),
    thorough
  )

  const refused: ReadonlyArray<
    readonly [title: string, more: Values, fault: Fault | undefined, cause: string, code: number, text: RegExp]
  > = [
    [
      "a wrong client code, with control characters in the broker's message",
      {},
      refusal("AB1032", "User \u001b[31mnot\u0007 found\nok  login: fine"),
      "wrong-client-code",
      6,
      /refused the clientCode \(AB1032: User \S*not\S* found ok {1,2}login: fine\)/
    ],
    ["a wrong PIN", { ANGEL_PIN: "1111" }, undefined, "wrong-password", 6, /AB1007: Login Id or password is invalid/],
    [
      "a wrong TOTP secret",
      { ANGEL_TOTP_SECRET: "KRUGS4ZANFZSAYJAONSWG4TFORUXG4Y=" },
      undefined,
      "wrong-code",
      6,
      /refused the one-time code \(AB1050.*Check the client code/
    ],
    ["a locked account", {}, refusal("AB1006", "Client Is Block For Trading"), "account-locked", 7, /has locked this/],
    ["an unregistered IP address", {}, unregistered, "ip-address", 8, /Register the public IP address/]
  ]

  for (const [title, more, fault, cause, code, text] of refused) {
    it.effect(
      `explains why a login was refused: ${title}`,
      () =>
        Effect.gen(function* () {
          const { doctor, sent, simulator, values } = yield* begin("angel", "totp", more)
          if (fault !== undefined) yield* simulator.inject("angel", "loginByPassword", fault)
          const found = yield* doctor({}, ["--login"])
          assert.deepStrictEqual([found.code, causesOf(found)], [code, [`login: ${cause}`]], found.stdout)
          assert.match(textOf(found, "login"), text)
          assert.strictEqual((yield* sent).filter((endpoint) => endpoint === "loginByPassword").length, 1)
          const escaped = Array.from(found.stdout).filter((character) => character < " " && character !== "\n")
          assert.deepStrictEqual(escaped, [])
          assert.notInclude(found.stdout, "\\u00")
          for (const secret of ["ANGEL_PIN", "ANGEL_TOTP_SECRET", "ANGEL_API_KEY"]) {
            assert.notInclude(found.stdout + found.stderr, `${values[secret]}`)
          }
        }),
      thorough
    )
  }

  it.effect(
    "sends no login after two refused logins",
    () =>
      Effect.gen(function* () {
        const { doctor, sent, simulator, user } = yield* begin("samco", "legacy", { SAMCO_PASSWORD: "env:MY_PASSWORD" })
        for (const password of ["wrong1234", "wrong1235"]) {
          const wrong = yield* doctor({ MY_PASSWORD: password }, ["--login"])
          assert.deepStrictEqual([wrong.code, causesOf(wrong)], [6, ["login: wrong-password"]], wrong.stdout)
        }
        const again = yield* doctor({ MY_PASSWORD: "wrong1236" }, ["--login"])
        assert.deepStrictEqual([again.code, causesOf(again)], [7, ["login guard: budget-spent"]])
        const text = textOf(again, "login guard")
        assert.match(text, /2 of 2 allowed login failures.*the broker refused 2 logins.*wait until \d{4}-.* IST/)
        assert.include(text, "broker-auth guard reset mine")
        assert.strictEqual((yield* sent).filter((endpoint) => endpoint === "login").length, 2)
        assert.strictEqual((yield* run(user, ["guard", "reset"], { env: { MY_PASSWORD: "abc1234" } })).code, 0)
        const reset = yield* doctor({ MY_PASSWORD: "abc1234" }, ["--login"])
        assert.deepStrictEqual([reset.code, causesOf(reset)], [0, []], reset.stdout)
        yield* simulator.reset
        const dead = yield* doctor({ MY_PASSWORD: "abc1234" })
        assert.deepStrictEqual([dead.code, causesOf(dead)], [7, ["session: dead-session"]])
        const replaced = yield* doctor({ MY_PASSWORD: "abc1234" }, ["--login"])
        assert.deepStrictEqual([replaced.code, causesOf(replaced)], [0, []], replaced.stdout)
        assert.match(textOf(replaced, "session"), /^the broker accepts it; live until/)
      }),
    thorough
  )

  it.effect(
    "does not send a TOTP secret as the one-time code",
    () =>
      Effect.gen(function* () {
        const { doctor, sent, simulator, user } = yield* begin("rmoney", "password")
        const piped = yield* doctor({}, ["--login"])
        assert.deepStrictEqual([piped.code, causesOf(piped)], [7, ["login: action-required"]], piped.stdout)
        assert.match(textOf(piped, "login"), /mine needs a person to log in \| Run broker-auth login mine/)
        assert.deepStrictEqual(
          (yield* sent).filter((endpoint) => endpoint.startsWith("otp")),
          []
        )
        const code: Reply = [
          /CODE|> $/,
          () => Effect.runPromise(Effect.map(simulator.codes("rmoney", "TEST101"), (sent) => `${sent.at(-1)}\n`))
        ]
        const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
        const typed = yield* terminal(user, ["doctor", "--login"], [[/One-time code[\s\S]*> /, `${secret}\n`], code])
        assert.strictEqual(typed.code, 0, typed.screen)
        assert.match(typed.screen.replaceAll(/\s+/g, " "), /looks like the TOTP secret: store the secret with/)
        assert.notInclude(typed.screen, "CodeSource")
        assert.match(typed.screen, /ok {2}login: the broker accepts it/)
        const bodies = (yield* simulator.journal()).map(({ body }) => body)
        assert.notInclude(bodies.join("\n"), secret)
      }),
    thorough
  )
})

layer(simulators, { excludeTestServices: true })("doctor for a broker outside the simulator", (it) => {
  const at = Effect.fnUntraced(function* (origin: string) {
    const user = yield* makeUser()
    const values = {
      RMONEY_ENVIRONMENT: origin,
      RMONEY_USER_ID: "TEST101",
      RMONEY_PASSWORD: "Demo@101"
    }
    yield* store(user, values, { broker: "rmoney", method: "password", id: "TEST101" })
    return (env: Values = {}) => run(user, ["doctor", "--json"], { env })
  })

  it.effect("reports HTTPS_PROXY as ignored if https_proxy is empty", () =>
    Effect.gen(function* () {
      const doctor = yield* at("https://broker.test")
      const found = yield* doctor({ https_proxy: "", HTTPS_PROXY: "http://127.0.0.1:9", NO_PROXY: "*" })
      assert.include(textOf(found, "proxy"), "none: https_proxy is set to an empty text, so HTTPS_PROXY is ignored")
    })
  )

  it.effect(
    "distinguishes the problems of a proxy",
    () =>
      Effect.gen(function* () {
        const doctor = yield* at("https://broker.test")
        const off = `http://user:canary@127.0.0.1:${yield* Effect.promise(freePort)}`
        const [refusing, login] = [yield* makeProxy({ status: 403 }), yield* makeProxy({ status: 407 })]
        const rows: ReadonlyArray<readonly [url: string, code: number, causes: string, text: RegExp]> = [
          [off, 9, "network: proxy", /the proxy.*failed, ECONNREFUSED \| Check that the proxy's address/],
          [refusing.url, 9, "network: proxy", /the proxy.*failed, HTTP 403/],
          [login.url, 9, "network: proxy", /requires a login, HTTP 407.*Configure the user name/],
          ["http://user:canary@:1:2", 5, "proxy: form", /HTTPS_PROXY is not the address of a proxy/]
        ]
        yield* Effect.forEach(
          rows,
          ([url, code, causes, text]) =>
            Effect.gen(function* () {
              const found = yield* doctor({ HTTPS_PROXY: url, NO_PROXY: "localhost" })
              assert.deepStrictEqual([found.code, causesOf(found)], [code, [causes]], found.stdout)
              assert.match(problemsOf(found)[0]?.text ?? "", text)
              assert.notInclude(found.stdout + found.stderr, "canary")
              if (code === 9) {
                assert.include(
                  textOf(found, "proxy"),
                  `127.0.0.1:${new URL(url).port} (HTTPS_PROXY), except for localhost`
                )
              }
            }),
          { concurrency: 2 }
        )
        assert.deepStrictEqual([refusing.asked, login.asked], [["broker.test:443"], ["broker.test:443"]])
      }),
    thorough
  )

  it.effect(
    "distinguishes the problems of a certificate",
    () =>
      Effect.gen(function* () {
        const { url } = yield* makeProxy({ port: yield* tlsServer })
        const [known, other] = [yield* at("https://broker.test"), yield* at("https://other.test")]
        const [unknown, trusted, wrongHost, ignored] = yield* Effect.all(
          [
            known({ HTTPS_PROXY: url }),
            known({ HTTPS_PROXY: url, NODE_EXTRA_CA_CERTS: certificate }),
            other({ HTTPS_PROXY: url, NODE_EXTRA_CA_CERTS: certificate }),
            known({ HTTPS_PROXY: url, NODE_EXTRA_CA_CERTS: "/nowhere/ca.pem" })
          ],
          { concurrency: 2 }
        )
        assert.deepStrictEqual([unknown.code, causesOf(unknown)], [9, ["network: unknown-ca"]], unknown.stdout)
        assert.match(textOf(unknown, "network"), /SELF_SIGNED_CERT.*set NODE_EXTRA_CA_CERTS.*Do not disable/)
        assert.deepStrictEqual([trusted.code, causesOf(trusted)], [0, []], trusted.stdout)
        assert.include(textOf(trusted, "certificates"), certificate)
        assert.match(textOf(trusted, "network"), /^broker\.test answers/)
        assert.deepStrictEqual([wrongHost.code, causesOf(wrongHost)], [9, ["network: certificate"]])
        assert.match(textOf(wrongHost, "network"), /ERR_TLS_CERT_ALTNAME_INVALID/)
        assert.deepStrictEqual(causesOf(ignored), ["certificates: unknown-ca", "network: unknown-ca"])
      }),
    thorough
  )

  it.effect(
    "distinguishes a refused connection from an unknown host name",
    () =>
      Effect.gen(function* () {
        const closed = yield* at(`https://127.0.0.1:${yield* Effect.promise(freePort)}`)
        // The label of 64 characters is too long for a host name, so no name server is asked.
        const unnamed = yield* at(`https://${"a".repeat(64)}.test`)
        const [refused, unknown] = yield* Effect.all([closed(), unnamed()], { concurrency: 2 })
        assert.deepStrictEqual([refused.code, causesOf(refused)], [9, ["network: broker-down"]], refused.stdout)
        assert.match(textOf(refused, "network"), /could not connect, ECONNREFUSED/)
        assert.deepStrictEqual([unknown.code, causesOf(unknown)], [9, ["network: broker-down"]], unknown.stdout)
        assert.match(textOf(unknown, "network"), /could not resolve the broker's host name, ENOTFOUND/)
      }),
    thorough
  )
})
