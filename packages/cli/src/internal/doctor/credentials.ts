/** Checks the form of each credential, and finds values in the wrong field. */
import type { Field } from "@auth/broker-core/broker/Credentials"
import type { Method } from "@auth/broker-core/broker/Broker"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Entry } from "../accounts.ts"
import { problemOf, verbatim } from "../fieldProblem.ts"
import * as references from "../references.ts"
import { type Cause, clientFields, type Finding, fine, ofFailure, problem, withProgress } from "./finding.ts"

type Values = Readonly<Record<string, Redacted.Redacted<string>>>

export interface Checked {
  /**
   * The credentials by environment variable. References, such as `op://…`, are resolved. If a reference cannot be
   * resolved, the credential is missing.
   */
  readonly values: Values
  readonly findings: ReadonlyArray<Finding>
}

const otherNames: ReadonlyArray<readonly [form: RegExp, name: string]> = [
  [/^(?:\+?91)?[6-9]\d{9}$/, "mobile number"],
  [/^[A-Za-z]{5}\d{4}[A-Za-z]$/, "PAN"]
]

const otherNameIn = (text: string, { problem: problemIn }: Field): string | undefined => {
  // A field that accepts an email address also accepts a mobile number and a PAN.
  const isAlias = problemIn === undefined || problemIn("name@example.com", 0) === undefined
  return isAlias ? undefined : otherNames.find(([form]) => form.test(text))?.[1]
}

const symbolsOf = (value: Redacted.Redacted<string> | undefined): string =>
  value === undefined ? "" : Redacted.value(value).replace(/[\s-]/g, "").toUpperCase()

const misplaced = (
  name: string,
  field: Field,
  value: Redacted.Redacted<string>,
  given: { readonly problem: string | undefined; readonly totp: string }
): readonly [Cause, string] | undefined => {
  const text = Redacted.value(value).trim()
  if (field.codes === true) {
    return /^\d{6,8}$/.test(symbolsOf(value))
      ? ["code-as-secret", "is a code from the authenticator app, not the secret from which the app makes the codes"]
      : undefined
  }
  const isSecret = given.problem !== undefined && CodeSource.looksLikeSecret(value)
  if (isSecret || (given.totp !== "" && symbolsOf(value) === given.totp)) {
    return ["secret-as-code", "looks like the TOTP secret, which does not belong in this field"]
  }
  if (!clientFields.has(name)) return undefined
  const otherName = otherNameIn(text, field)
  if (otherName !== undefined) return ["wrong-client-code", `is a ${otherName}, not a client code`]
  return given.problem === undefined ? undefined : ["wrong-client-code", given.problem]
}

const addAgain = ({ broker, method, name }: Entry): string =>
  `broker-auth add ${broker} --method ${method} --name ${name} --replace`

const remedyOf = (entry: Entry, { description, env }: Field): string => {
  const stored = entry.values[env]
  const reference = stored === undefined ? undefined : references.referenceIn(stored)
  const right = `The right value: ${description}.`
  return reference === undefined
    ? `${right} Type all credentials again: ${addAgain(entry)}`
    : `${right} Correct the value that ${reference} stands for.`
}

const checkField = Effect.fnUntraced(function* (
  entry: Entry,
  { id, name, field }: { readonly id: string; readonly name: string; readonly field: Field },
  values: Values
) {
  const value = values[field.env]
  if (value === undefined && field.optional === true) return []
  const names = values[verbatim]
  const given = value ?? Redacted.make("")
  const found = yield* problemOf(id, field, references.literal(given), names === undefined ? {} : { [verbatim]: names })
  const totp = symbolsOf(Object.entries(values).find(([env]) => env.endsWith("_TOTP_SECRET"))?.[1])
  const [cause, text] = misplaced(name, field, given, { problem: found, totp }) ?? ["form" as const, found]
  return text === undefined
    ? []
    : [problem("credentials", [cause, "input"], `${field.env} ${text}`, remedyOf(entry, field))]
})

const resolve = (entry: Entry) =>
  Effect.forEach(Object.entries(entry.values), ([env, value]) =>
    Effect.match(withProgress(`Waiting for the program that returns ${env}…`)(references.resolve(value)), {
      onFailure: (failure): readonly [string, Redacted.Redacted<string> | Finding] => {
        const { found, remedy = "" } = ofFailure("credentials", failure)
        const again = `Or store another value: ${addAgain(entry)}`
        return [env, problem("credentials", ["reference", "input"], found, `${remedy} ${again}`.trim())]
      },
      onSuccess: (resolved): readonly [string, Redacted.Redacted<string> | Finding] => [env, resolved]
    })
  )

/** Sends nothing to the broker. */
export const checkCredentials = Effect.fnUntraced(function* (entry: Entry, method: Method): Effect.fn.Return<Checked> {
  const resolved = yield* resolve(entry)
  const unresolved = new Map<string, Finding>()
  const values: Record<string, Redacted.Redacted<string>> = {}
  for (const [env, result] of resolved) {
    if (Redacted.isRedacted(result)) values[env] = result
    else unresolved.set(env, result)
  }
  const fields = Object.entries(method.credentials).filter(([, { env }]) => !unresolved.has(env))
  const wrong = yield* Effect.forEach(fields, ([name, field]) =>
    checkField(entry, { id: entry.broker, name, field }, values)
  )
  const problems = [...unresolved.values(), ...wrong.flat()]
  const findings = problems.length === 0 ? [fine("credentials", "their form is right")] : problems
  return { values, findings }
})
