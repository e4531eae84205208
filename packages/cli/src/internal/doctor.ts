/** `doctor`: checks what can prevent a login, and says what to do. It sends a login only with `--login`. */
import { Authorize } from "@auth/broker-core/login/Authorize"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as ExitCode from "../ExitCode.ts"
import * as accounts from "./accounts.ts"
import * as brokers from "./brokers.ts"
import type { Input } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { checkGuard, checkLogin, checkSession, forbidsLogin } from "./doctor/account.ts"
import { checkCredentials } from "./doctor/credentials.ts"
import { checkCertificates, checkProxy } from "./doctor/environment.ts"
import { type Finding, ofFailure } from "./doctor/finding.ts"
import { checkNetwork } from "./doctor/network.ts"
import { type Failure, promised } from "./failure.ts"
import * as homes from "./home.ts"
import { codes } from "./login.ts"
import * as output from "./output.ts"
import * as prompts from "./prompts.ts"
import * as references from "./references.ts"

const originOf = (home: homes.Home, { broker }: brokers.Loaded, { account }: accounts.Entry): string => {
  const production = broker.environments[account.environment]?.["api"] ?? ""
  return home.origins === undefined ? production : (home.origins[production] ?? "")
}

const open = Effect.fnUntraced(function* (
  home: homes.Home,
  entry: accounts.Entry,
  input: Input<"doctor">
): Effect.fn.Return<connect.Opened & { readonly origin: string }, Failure, Scope.Scope> {
  const mayAsk = input.login && (yield* prompts.isTerminal)
  const opened = yield* connect.open(home, entry, mayAsk ? { codes } : {})
  const { origins } = yield* promised(() => opened.connection.run(Authorize))
  return { ...opened, origin: origins[0] ?? originOf(home, opened.loaded, entry) }
})

const ofAccount = Effect.fnUntraced(function* (
  home: homes.Home,
  opened: connect.Opened,
  input: Input<"doctor">,
  before: ReadonlyArray<Finding>
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const isReachable = !before.some(({ check, problem }) => check === "network" && problem !== undefined)
  const check = Effect.all([checkGuard(home, opened), checkSession(opened, isReachable)])
  const found = yield* check
  if (!input.login) return found
  const all = [...before, ...found]
  const login = yield* checkLogin(opened, all)
  // The login may have solved a problem that a check found, so both checks run again.
  const hadProblem = found.some(({ problem }) => problem !== undefined)
  const mayBeSolved = login.problem === undefined && hadProblem && !forbidsLogin(all)
  return [...(mayBeSolved ? yield* check : found), login]
})

const examine = Effect.fnUntraced(function* (
  home: homes.Home,
  entry: accounts.Entry,
  input: Input<"doctor">
): Effect.fn.Return<ReadonlyArray<Finding>, Failure, Scope.Scope> {
  const loaded = yield* brokers.loadBroker(entry.broker, entry.folder)
  const method = yield* connect.methodOf(loaded, entry)
  const { findings: credentials, values } = yield* checkCredentials(entry, method)
  const proxy = yield* checkProxy
  const environment = [proxy, yield* checkCertificates]
  const resolved = Object.fromEntries(Object.entries(values).map(([env, value]) => [env, references.literal(value)]))
  const opening = yield* Effect.result(open(home, { ...entry, values: resolved }, input))
  const origin = Result.isSuccess(opening) ? opening.success.origin : originOf(home, loaded, entry)
  const network = origin === "" || proxy.problem !== undefined ? [] : yield* checkNetwork(loaded.broker, origin)
  const before = [...credentials, ...environment, ...network]
  if (Result.isSuccess(opening)) return [...before, ...(yield* ofAccount(home, opening.success, input, before))]
  const isExplained = [...credentials, ...environment].some(({ problem }) => problem !== undefined)
  // The usual cause of an unexplained failure is an invalid combination of valid credentials.
  return isExplained ? before : [ofFailure("credentials", opening.failure, loaded.broker), ...environment, ...network]
})

const show = Effect.fnUntraced(function* ({ check, found, problem, remedy = "" }: Finding) {
  yield* output.line(`${problem === undefined ? "ok" : "PROBLEM"}  ${check}: ${found}`)
  if (remedy !== "") yield* output.line(`    ${remedy}`)
})

const codeOf = (findings: ReadonlyArray<Finding>): number | undefined => {
  const names = new Set(findings.map(({ problem }) => problem?.code))
  const worst = ExitCode.severity.find((name) => names.has(name))
  return worst === undefined ? undefined : ExitCode.table[worst].code
}

export const doctor = (input: Input<"doctor">): Effect.Effect<number | undefined, Failure> =>
  Effect.gen(function* () {
    const home = yield* homes.open(input)
    const entry = yield* accounts.choose(home.store, input.account)
    const findings = yield* examine(home, entry, input)
    if (input.json) {
      yield* output.json(
        findings.map(({ check, found, problem, remedy }) => ({
          check,
          ok: problem === undefined,
          cause: problem?.cause ?? null,
          found,
          remedy: remedy ?? null
        }))
      )
    } else {
      yield* Effect.forEach(findings, show, { discard: true })
    }
    return codeOf(findings)
  }).pipe(Effect.scoped)
