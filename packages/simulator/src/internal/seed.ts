import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import type { Rule } from "@auth/broker-core/testing/FakeDescriptor"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { SimulatorError } from "../SimulatorError.ts"
import { type BrokerId, brokerIds, brokers } from "./brokers.ts"

const optional = (rules: Readonly<Record<string, Rule>>) =>
  Schema.Struct(
    Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, Schema.optionalKey(rule.schema)]))
  )

type Account = Readonly<Record<string, unknown>>

const brokerSeed = (broker: BrokerId) => {
  const { accountField, fields, switches } = brokers[broker].descriptor
  const distinct = Schema.makeFilter((accounts: ReadonlyArray<Account>) => {
    if (accounts.length === 0) return "must have at least one account"
    const ids = accounts.map((one) => one[accountField])
    return new Set(ids).size === ids.length || `must not have two accounts with the same ${accountField}`
  })
  const { [accountField]: idRule, ...others } = Object.fromEntries(
    Object.entries(fields).map(([name, [rule]]) => [name, rule])
  )
  const one = Schema.Struct({ [accountField]: idRule?.schema ?? Schema.Never, ...optional(others).fields })
  return Schema.Struct({
    accounts: Schema.optionalKey(Schema.Array(one).check(distinct as never)),
    switches: Schema.optionalKey(optional(switches))
  })
}

const Seed = Schema.Struct({
  brokers: Schema.Struct(
    Object.fromEntries(brokerIds.map((broker) => [broker, Schema.optionalKey(brokerSeed(broker))]))
  )
})

export interface Seed {
  readonly brokers: {
    readonly [Id in BrokerId]?: {
      readonly accounts?: ReadonlyArray<Account>
      readonly switches?: Readonly<Record<string, unknown>>
    }
  }
}

const leafMessages: Readonly<Record<string, string>> = {
  MissingKey: "is missing",
  UnexpectedKey: "is not a known field",
  InvalidType: "must be an object, or a list in the case of `accounts`"
}

/** An issue contains no value of the seed, because a value may be a secret. */
const toIssues = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => leafMessages[issue._tag] ?? "is not valid"
})

const toPath = (path: ReadonlyArray<unknown>): string =>
  path.reduce<string>((sum, part) => {
    if (typeof part === "number") return `${sum}[${part}]`
    return sum === "" ? String(part) : `${sum}.${String(part)}`
  }, "") || "seed"

export const read = (input: unknown): Effect.Effect<Seed, SimulatorError> =>
  Schema.decodeUnknownEffect(Seed)(input, { errors: "all", onExcessProperty: "error" }).pipe(
    Effect.mapError(
      (error) =>
        new SimulatorError({
          message: toIssues(error.issue)
            .issues.map(({ message, path = [] }) => `${toPath(path)}: ${message}`)
            .join("; ")
        })
    )
  )

export const parse = (json: string): Effect.Effect<Seed, SimulatorError> =>
  Effect.flatMap(
    Effect.try({
      try: () => JSON.parse(json) as unknown,
      // The parser's own message quotes the text, which contains secrets.
      catch: () =>
        new SimulatorError({ message: 'seed: must be JSON, such as {"brokers": {"angel": {"accounts": […]}}}' })
    }),
    read
  )

export const demo = (ids: ReadonlyArray<BrokerId>) => ({
  brokers: Object.fromEntries(
    ids.map((broker) => [broker, { accounts: brokers[broker].descriptor.accounts, switches: {} }])
  )
})

/** Missing fields of an account are taken from the first demo account. */
export const makeFake = (seed: Seed, broker: BrokerId): Effect.Effect<FakeBroker> => {
  const { accounts, switches } = seed.brokers[broker] ?? {}
  const { descriptor } = brokers[broker]
  const [base] = descriptor.accounts
  const options = {
    ...switches,
    ...(accounts === undefined ? {} : { accounts: accounts.map((account) => ({ ...base, ...account })) })
  }
  return descriptor.make(options)
}
