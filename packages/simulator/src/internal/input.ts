import * as Durations from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { SimulatorError } from "../SimulatorError.ts"

const durationProblem = 'not a duration: use "8 hours", "90 seconds" or a number of milliseconds'

const isDuration = (input: string | number): boolean =>
  Option.exists(
    Durations.fromInput(input as Durations.Input),
    (duration) => Durations.isFinite(duration) && !Durations.isNegative(duration)
  )

/** A number of milliseconds, or text such as `8 hours`. */
export const Duration = Schema.Union([Schema.String, Schema.Finite]).check(
  Schema.makeFilter((input: string | number) => isDuration(input) || durationProblem)
)

const toIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const problemOf = (error: Schema.SchemaError): string =>
  toIssues(error.issue)
    .issues.map(
      ({ message, path = [] }) => `${path.length === 0 ? "The body" : path.map(String).join(".")}: ${message}`
    )
    .join("; ")

export const decode = <S extends Schema.Constraint>(schema: S, input: unknown, sample: string) =>
  Effect.mapError(
    Schema.decodeUnknownEffect(schema, { errors: "all", onExcessProperty: "error" })(input),
    (error) => new SimulatorError({ message: `${problemOf(error)}. Send ${sample}` })
  )

export const readJson = (text: string, sample: string) =>
  Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: () => new SimulatorError({ message: `The body is not JSON. Send ${sample}` })
  })
