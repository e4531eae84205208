/**
 * Detects leaked secrets in tests. A `Net` records all logs and spans, and the values that a test passes to `show` or
 * `add`. `leaks` finds secrets in the records.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { secretParts } from "../broker/internal/secretParts.ts"

/**
 * Records everything that a program logs or traces, and other output that the test adds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Net {
  /** Loggers and a tracer that record everything, at every log level. */
  readonly layer: Layer.Layer<never>
  /** Records other output, such as a printed error or the content of a file. */
  readonly add: (source: string, shown: string) => void
  /** All records so far, as `source: text`. */
  readonly caught: () => ReadonlyArray<string>
  readonly spans: () => ReadonlyArray<Tracer.Span>
}

const stringify = (value: unknown): string => {
  const seen = new Set<unknown>()
  const text = JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === "bigint") return String(field)
    if (field instanceof Map || field instanceof Set) return Array.from(field)
    if (typeof field !== "object" || field === null) return field
    if (seen.has(field)) return "(again)"
    seen.add(field)
    return field
  })
  return text ?? String(value)
}

/** Includes the getters of prototypes, such as `message` of `AuthError.InvalidCredentials`. */
const fieldsOf = (value: object): ReadonlyArray<readonly [name: string, field: unknown]> => {
  const getters = new Set<PropertyKey>()
  let prototype: unknown = Object.getPrototypeOf(value)
  while (Predicate.isObject(prototype) && prototype !== Object.prototype) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (descriptor.get !== undefined && name !== "__proto__") getters.add(name)
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return [...Reflect.ownKeys(value), ...getters].map((name) => [
    String(name),
    Result.getOrUndefined(Result.try(() => Reflect.get(value, name) as unknown))
  ])
}

/** Returns all texts, numbers and field names in a value, except those in `Redacted` values. */
const texts = (root: unknown): ReadonlyArray<string> => {
  const found: Array<string> = []
  const seen = new Set<unknown>()
  const pending: Array<unknown> = [root]
  while (pending.length > 0 && seen.size < 100_000) {
    const value = pending.pop()
    if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") found.push(String(value))
    if (typeof value !== "object" || value === null || seen.has(value) || Redacted.isRedacted(value)) continue
    seen.add(value)
    if (ArrayBuffer.isView(value)) {
      found.push(new TextDecoder().decode(value))
      continue
    }
    if (Symbol.iterator in value) {
      pending.push(
        ...Result.getOrElse(
          Result.try(() => Array.from(value as Iterable<unknown>)),
          () => []
        )
      )
      if (Array.isArray(value)) continue
    }
    for (const [name, field] of fieldsOf(value)) {
      found.push(name)
      pending.push(field)
    }
  }
  return found
}

/**
 * Makes an empty net.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<Net> = Effect.sync(() => {
  const shown: Array<string> = []
  const spans: Array<Tracer.Span> = []
  const add = (source: string, text: string) => void shown.push(`${source}: ${text}`)
  const formats = [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple]
  const loggers = formats.map((format) => Logger.map(format, (line) => add("log", line)))
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const caughtSpans = () =>
    spans.map((span) => {
      const { annotations, attributes, kind, links, name, status } = span as Tracer.NativeSpan
      const exit = status._tag === "Ended" ? status.exit : undefined
      const failure = exit?._tag === "Failure" ? Cause.pretty(exit.cause) : ""
      return `span: ${name} ${kind} ${stringify(Array.from(attributes))} ${stringify((span as Tracer.NativeSpan).events)} ${failure} ${texts([annotations, links, status]).join(" ")}`
    })
  return {
    layer: Layer.mergeAll(
      Logger.layer(loggers),
      Layer.succeed(Tracer.Tracer, tracer),
      Layer.succeed(References.MinimumLogLevel, "Trace")
    ),
    add,
    caught: () => [...shown, ...caughtSpans()],
    spans: () => spans
  }
})

/**
 * Records an exit as JSON, as text, and with `inspect`. For a failure, also records the pretty-printed cause and the
 * stacks of the errors. `inspect` is the platform's function that converts a value to text, such as Node's
 * `util.inspect` with `depth: 20`.
 *
 * @category showing
 * @since 0.1.0
 */
export const show = (net: Net, exit: Exit.Exit<unknown, unknown>, inspect: (value: unknown) => string): void => {
  net.add("json", stringify(exit))
  net.add("text", String(exit))
  net.add("inspect", inspect(exit))
  net.add("deep", texts(exit).join(" "))
  if (exit._tag === "Success") {
    net.add("inspect", inspect(exit.value))
    net.add("json", stringify(exit.value))
    return
  }
  net.add("pretty", Cause.pretty(exit.cause))
  for (const reason of exit.cause.reasons) {
    const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    net.add("inspect", inspect(error))
    net.add("json", stringify(error))
    if (error instanceof Error)
      net.add("stack", `${error.name} ${error.message} ${error.stack} ${stringify(error.cause)}`)
  }
}

const spellings = (secret: string): ReadonlyArray<string> => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
  new URLSearchParams({ "": secret }).toString().slice(1),
  Base64.encode(secret).replace(/=+$/, ""),
  Base64Url.encode(secret),
  Hex.encode(secret)
]

/** Removes backslashes, so that a secret is also found in text that was encoded as JSON several times. */
const unescaped = (text: string): string => text.replaceAll("\\", "")

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= "0" && character <= "9"

/** A secret of digits inside a longer number is not a leak: a timestamp may contain the digits of a PIN by chance. */
const isPartOfNumber = (text: string, at: number, spelling: string): boolean =>
  /^\d+$/.test(spelling) && (isDigit(text[at - 1]) || isDigit(text[at + spelling.length]))

const find = (text: string, spelling: string): number => {
  const [lower, wanted] = [text.toLowerCase(), spelling.toLowerCase()]
  let at = lower.indexOf(wanted)
  while (at !== -1 && isPartOfNumber(lower, at, wanted)) at = lower.indexOf(wanted, at + 1)
  return at
}

/**
 * Finds secrets in the records, as plain text and in common encodings. Also finds the secret parts of a header value
 * such as `Bearer …`. Returns an excerpt of each record that contains a secret. Assert that the result is empty.
 *
 * @category checks
 * @since 0.1.0
 */
export const leaks = (net: Net, secrets: Iterable<Redacted.Redacted<string> | string>): ReadonlyArray<string> => {
  const found: Array<string> = []
  const caught = net.caught().map(unescaped)
  for (const secret of secrets) {
    const value = Redacted.isRedacted(secret) ? Redacted.value(secret) : secret
    const parts = /^(?:token|bearer|basic)\s/i.test(value) ? secretParts(value) : []
    for (const spelling of new Set([value, ...parts].flatMap(spellings))) {
      for (const text of caught) {
        const at = find(text, unescaped(spelling))
        if (at !== -1) found.push(text.slice(Math.max(0, at - 60), at + spelling.length + 20))
      }
    }
  }
  return found
}
