/** The results of logins, for people, for programs and for notifications. No text contains a secret. */
import * as ExitCode from "../ExitCode.ts"
import { codeOf as codeOfFailure, type Failure, messageOf, partsOf } from "./failure.ts"
import { untilText } from "./login.ts"
import { printable, toIso } from "./output.ts"

interface Named {
  readonly name: string
  readonly broker: string
}

interface In extends Named {
  readonly state: "in"
  /** In milliseconds since the epoch. `undefined` if unknown. */
  readonly expiresAt: number | undefined
}

interface Out extends Named {
  /** `person`: only a person can log in. */
  readonly state: "person" | "failed"
  readonly failure: Failure
}

export type Outcome = In | Out

/** A summary contains this command instead of the login page's address, because the address contains a secret. */
const commandOf = ({ name }: Named): string => `broker-auth login ${name}`

const isIn = (outcome: Outcome): outcome is In => outcome.state === "in"

const outs = (outcomes: ReadonlyArray<Outcome>, state: Out["state"]): ReadonlyArray<Out> =>
  outcomes.filter((outcome): outcome is Out => outcome.state === state)

const whyPerson = ({ failure, name }: Out): string | undefined =>
  failure._tag === "CommandFailed" ? undefined : printable(partsOf(failure, name).reason)

export const textOf = (outcome: Outcome): string => {
  if (isIn(outcome)) return `logged in ${untilText(outcome)}`
  if (outcome.state === "failed") return printable(messageOf(outcome.failure, outcome.name))
  const why = whyPerson(outcome)
  return `needs a person: ${commandOf(outcome)}${why === undefined ? "" : ` (${why})`}`
}

export const codeOf = (outcomes: ReadonlyArray<Outcome>): number | undefined => {
  if (outs(outcomes, "person").length > 0) return ExitCode.table.person.code
  const [first] = outs(outcomes, "failed")
  return first === undefined ? undefined : codeOfFailure(first.failure)
}

const inLines = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> => {
  const groups = new Map<string, ReadonlyArray<string>>()
  for (const outcome of outcomes.filter(isIn)) {
    const until = untilText(outcome)
    groups.set(until, [...(groups.get(until) ?? []), outcome.name])
  }
  return Array.from(groups, ([until, names]) => `Logged in ${until}: ${names.join(", ")}`)
}

export const linesOf = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> => {
  const count = outcomes.filter(isIn).length
  const verb = count === 1 ? "is" : "are"
  return [
    `${count} of ${outcomes.length} ${outcomes.length === 1 ? "account" : "accounts"} ${verb} logged in.`,
    ...inLines(outcomes),
    ...outs(outcomes, "person").map((outcome) => `${outcome.name}: ${textOf(outcome)}`),
    ...outs(outcomes, "failed").map((outcome) => `${outcome.name}: failed: ${textOf(outcome)}`)
  ]
}

export const toJson = (outcomes: ReadonlyArray<Outcome>) => ({
  text: linesOf(outcomes).join("\n"),
  in: outcomes.filter(isIn).map(({ broker, expiresAt, name }) => ({ name, broker, expiresAt: toIso(expiresAt) })),
  person: outs(outcomes, "person").map((outcome) => ({
    name: outcome.name,
    broker: outcome.broker,
    command: commandOf(outcome),
    reason: whyPerson(outcome) ?? null
  })),
  failed: outs(outcomes, "failed").map(({ broker, failure, name }) => {
    const { reason, remedy } = partsOf(failure, name)
    return {
      name,
      broker,
      reason: printable(reason),
      remedy: remedy === undefined ? null : printable(remedy),
      exitCode: codeOfFailure(failure)
    }
  })
})
