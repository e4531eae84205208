/** `doctor`: checks what can prevent a login. It sends no login, because a refused login counts towards a lock. */
import { Renewal } from "@auth/broker-core/broker/Renewal"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import { Profile } from "@auth/broker-core/login/Profile"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as ExitCode from "../ExitCode.ts"
import * as accounts from "./accounts.ts"
import type { Input } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { codeOf, type Failure, messageOf, promised } from "./failure.ts"
import * as homes from "./home.ts"
import * as output from "./output.ts"

/** A finding. `code` is set if it is a problem. */
interface Finding {
  readonly check: string
  readonly text: string
  readonly code?: number
}

const problem = (check: string, name: ExitCode.Name, text: string): Finding => ({
  check,
  text,
  code: ExitCode.table[name].code
})

const ofFailure = (check: string, failure: Failure): Finding => ({
  check,
  text: messageOf(failure),
  code: codeOf(failure)
})

/** The error codes of the system and of OpenSSL in an error and its causes. */
const codesOf = (error: unknown, depth = 0): ReadonlyArray<string> => {
  if (typeof error !== "object" || error === null || depth > 6) return []
  const { cause, code, errors, reason } = error as Readonly<Record<string, unknown>>
  const inner = [cause, reason, ...(Array.isArray(errors) ? (errors as ReadonlyArray<unknown>) : [])]
  return [...(typeof code === "string" ? [code] : []), ...inner.flatMap((one) => codesOf(one, depth + 1))]
}

const isCertificate = (code: string): boolean => /CERT|SELF_SIGNED|UNABLE_TO_|TLS|SSL/.test(code)

const unreachable = (host: string, error: unknown): Finding => {
  const codes = codesOf(error)
  const why = codes.some(isCertificate) ? ("certificate" as const) : ("network" as const)
  const reason = new AuthError.BrokerUnavailable({ why, systemCode: codes.find((code) => !isCertificate(code)) })
  return problem("network", "unavailable", `${host}: ${reason.message}. ${reason.remedy}`)
}

/** Difference of the clocks from which on one-time codes may be refused, in milliseconds. */
const maxSkew = 30_000

const clockFinding = (date: string | undefined, before: number, after: number): Finding => {
  // A date has a resolution of one second.
  const at =
    date === undefined
      ? Number.NaN
      : Option.match(DateTime.make(date), {
          onNone: () => Number.NaN,
          onSome: ({ epochMilliseconds }) => epochMilliseconds + 500
        })
  if (Number.isNaN(at)) return { check: "clock", text: "the answer has no date to compare with" }
  const skew = Math.round(((before + after) / 2 - at) / 1000)
  return Math.abs(skew) * 1000 < maxSkew
    ? { check: "clock", text: "this machine's clock agrees with the broker's" }
    : problem(
        "clock",
        "person",
        `this machine's clock is ${Math.abs(skew)} s ${skew > 0 ? "ahead of" : "behind"} the broker's, so one-time codes are refused. Set the clock of this machine.`
      )
}

/** A firewall answers with a page of its own, with HTTP 403 or with the number of the incident. */
const isFirewall = (status: number, body: string): boolean =>
  /request rejected|support id|access denied|attention required/i.test(body) || (status === 403 && /<html/i.test(body))

/** Sends one request without credentials to the broker, and looks at who answers and when. */
const probe = (origin: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const host = new URL(origin).host
    const before = yield* Clock.currentTimeMillis
    const answered = yield* HttpClient.get(`${origin}/`).pipe(
      Effect.flatMap((response) =>
        Effect.map(response.text, (body) => ({ body, date: response.headers["date"], status: response.status }))
      ),
      Effect.timeout("10 seconds"),
      Effect.provide(FetchHttpClient.layer),
      Effect.result
    )
    if (answered._tag === "Failure") return [unreachable(host, answered.failure)]
    const { body, date, status } = answered.success
    const clock = clockFinding(date, before, yield* Clock.currentTimeMillis)
    if (isFirewall(status, body)) {
      const { message, remedy } = new AuthError.PermissionDenied({ why: "waf" })
      return [problem("network", "denied", `${host}: ${message}. ${remedy}`), clock]
    }
    return status >= 500
      ? [
          problem("network", "unavailable", `${host} answers with HTTP ${status}. Check the broker's status page.`),
          clock
        ]
      : [{ check: "network", text: `${host} answers` }, clock]
  })

const proxyNames = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] as const

/** The proxy may have a password, so only its host is shown. */
const proxyFinding = Effect.gen(function* () {
  for (const name of proxyNames) {
    const found = yield* Effect.option(Config.URL(name))
    if (Option.isSome(found)) return [{ check: "proxy", text: `requests go through ${found.value.host} (${name})` }]
  }
  return []
})

const guardFinding = (home: homes.Home, { connection, entry, method }: connect.Opened) =>
  Effect.gen(function* () {
    const { guard } = yield* promised(() => connection.run(Renewal))
    const { pausedUntil, refusedAt, unansweredAt } = yield* LoginGuard.make(home.store).memory(entry.account)
    const now = yield* Clock.currentTimeMillis
    const used = refusedAt.length + unansweredAt.length
    const text = `${used} of ${guard.maxFailures} failed logins used`
    if (used >= guard.maxFailures) {
      return problem(
        "login guard",
        "person",
        `${text}, so nothing is sent. Correct the credentials: broker-auth add ${entry.broker} --method ${method.id} --name ${entry.name} --replace. Then run broker-auth guard reset ${entry.name}.`
      )
    }
    return pausedUntil !== undefined && pausedUntil > now
      ? problem(
          "login guard",
          "person",
          `programs send no login until ${Expiry.toIst(pausedUntil)}. broker-auth login ${entry.name} is sent.`
        )
      : { check: "login guard", text }
  })

const sessionFinding = ({ connection, entry, method }: connect.Opened): Effect.Effect<Finding, Failure> =>
  Effect.gen(function* () {
    const live = yield* promised(() => connection.run(Effect.flatMap(SessionManager, ({ peek }) => peek)))
    const log = `Log in: broker-auth login ${entry.name}`
    if (Option.isNone(live)) return { check: "session", text: `not logged in. ${log}` }
    if (!method.capabilities.includes("Profile")) {
      return { check: "session", text: "stored; this method has no call that checks it" }
    }
    const { profile } = yield* promised(() => connection.run(Profile))
    return yield* Effect.match(
      promised(() => connection.run(profile(live.value))),
      {
        onFailure: (failure): Finding =>
          failure._tag === "AuthError" && failure.reason._tag === "SessionExpired"
            ? problem(
                "session",
                "person",
                `the broker has ended the session. Get a new one: broker-auth renew ${entry.name}, or broker-auth login ${entry.name}`
              )
            : ofFailure("session", failure),
        onSuccess: () => ({ check: "session", text: "the broker accepts it" })
      }
    )
  })

export const doctor = (input: Input<"doctor">): Effect.Effect<number | undefined, Failure> =>
  Effect.gen(function* () {
    const home = yield* homes.open(input)
    const entry = yield* accounts.choose(home.store, input.account)
    const findings = yield* examine(home, entry)
    if (input.json) {
      yield* output.json(findings.map(({ check, code, text }) => ({ check, ok: code === undefined, text })))
    } else {
      for (const { check, code, text } of findings) {
        yield* output.line(`${code === undefined ? "ok" : "PROBLEM"}  ${check}: ${text}`)
      }
    }
    return findings.find(({ code }) => code !== undefined)?.code
  }).pipe(Effect.scoped)

const examine = Effect.fnUntraced(function* (
  home: homes.Home,
  entry: accounts.Entry
): Effect.fn.Return<ReadonlyArray<Finding>, Failure, Scope.Scope> {
  const opening = yield* Effect.result(connect.open(home, entry))
  if (opening._tag === "Failure") return [ofFailure("credentials", opening.failure)]
  const opened = opening.success
  const { broker } = opened.loaded
  const production = broker.environments[entry.account.environment]?.["api"] ?? ""
  const origin = home.origins === undefined ? production : (home.origins[production] ?? "")
  const network = origin === "" ? [] : yield* probe(origin)
  const later = yield* Effect.forEach(
    [guardFinding(home, opened), ...(network[0]?.code === undefined ? [sessionFinding(opened)] : [])],
    (finding) => Effect.catch(finding, (failure) => Effect.succeed(ofFailure("vault", failure)))
  )
  return [{ check: "credentials", text: "their form is correct" }, ...(yield* proxyFinding), ...network, ...later]
})
