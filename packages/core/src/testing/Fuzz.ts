/**
 * Makes malformed answers for fuzz tests by changing or replacing real answers. The same seed always gives the same
 * answers.
 *
 * @since 0.1.0
 */
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Result from "effect/Result"

const mulberry32 = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * A source of random numbers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dice {
  /** Returns a whole number from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}

/**
 * Makes a source of random numbers. The same seed always gives the same numbers.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeDice = (seed: number): Dice => {
  const random = mulberry32(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  return { below, pick: (from) => from[below(from.length)] as (typeof from)[number] }
}

/**
 * An answer from a broker.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer>
}

/**
 * The forms in which a server's answer may repeat a secret of the request.
 *
 * @category spellings
 * @since 0.1.0
 */
export const spellings: ReadonlyArray<(secret: string) => string> = [
  (secret) => secret,
  (secret) => secret.toUpperCase(),
  (secret) => `Bearer ${secret}`,
  (secret) => encodeURIComponent(secret),
  (secret) => JSON.stringify(secret).slice(1, -1),
  (secret) => secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(`"`, "&quot;"),
  (secret) => Base64.encode(secret),
  (secret) => Base64Url.encode(secret),
  (secret) => Hex.encode(secret)
]

/**
 * What a mutation can use. `echo` returns a secret in a random form. `padded` does the same, with other text before the
 * secret. The library cuts long texts in errors. The text before the secret often ends shortly before the place of the
 * cut, so the cut can be inside the secret.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tools {
  readonly dice: Dice
  readonly echo: () => string
  readonly padded: () => string
}

/**
 * A change to a body. Most mutations make the body malformed.
 *
 * @category models
 * @since 0.1.0
 */
export type Mutation = (body: string, tools: Tools) => string | Uint8Array<ArrayBuffer>

/**
 * Describes the answers of a broker. `names` are names of fields, `words` are typical values, and `dataField` is the
 * field with the data. `answers` are additional mutations for this broker. Most of them replace the body with a body
 * that contains secrets.
 *
 * @category models
 * @since 0.1.0
 */
export interface Idiom {
  readonly names: ReadonlyArray<string>
  readonly words: ReadonlyArray<string>
  readonly dataField: string
  readonly answers: ReadonlyArray<Mutation>
}

const parse = (text: string): unknown => Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))

const values: ReadonlyArray<unknown> = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  "",
  " ",
  "null",
  "true",
  "false",
  "success",
  [],
  {},
  [[]],
  { length: 1 },
  "\ud800",
  "\u0000",
  "x".repeat(3000)
]

/** Replaces or adds a value at a random place in JSON data. */
const swap = (
  { dice, names }: { readonly dice: Dice; readonly names: ReadonlyArray<string> },
  node: unknown,
  value: unknown
): unknown => {
  if (typeof node !== "object" || node === null || dice.below(4) === 0) return value
  if (Array.isArray(node)) return [...(node as ReadonlyArray<unknown>), value]
  const fields = Object.entries(node)
  const [name] = fields.length === 0 || dice.below(4) === 0 ? [dice.pick(names)] : dice.pick(fields)
  return { ...node, [name]: swap({ dice, names }, (node as Record<string, unknown>)[name], value) }
}

const unicode = (dice: Dice, length: number): string =>
  Array.from({ length }, () =>
    String.fromCharCode(dice.pick([0x20, 0x40, 0x300, 0x2028, 0xd800, 0xdc00, 0xfeff]) + dice.below(64))
  ).join("")

const bytes = (dice: Dice, length: number) => Uint8Array.from({ length }, () => dice.below(256))

/**
 * How many times the text before a secret is repeated. Most of these numbers are a little below a length at which the
 * library cuts texts in errors.
 */
const paddings = [0, 1, 150, 190, 196, 199, 280, 296, 299, 480, 492, 499, 4080, 4090, 4095]

const toolsOf = (dice: Dice, secrets: ReadonlyArray<string>): Tools => {
  const echo = () => dice.pick(spellings)(dice.pick(secrets))
  return { dice, echo, padded: () => `${dice.pick(["x", "word ", "é"]).repeat(dice.pick(paddings))}${echo()}` }
}

const commonMutations = ({ dataField, names, words }: Idiom): ReadonlyArray<Mutation> => {
  const value = (dice: Dice) => dice.pick([...values, ...words])
  const named = (dice: Dice) => ({ dice, names: [...names, "__proto__", "constructor"] })
  const data = new RegExp(`"${dataField}"\\s*:\\s*(?:\\[?\\{|"[^"]*"|null)`)
  return [
    (body) => body,
    (body, { dice }) => body.slice(0, dice.below(body.length + 1)),
    (body, { dice }) => body.slice(dice.below(body.length + 1)),
    (body, { dice }) => {
      const flipped = new Uint8Array(new TextEncoder().encode(body))
      for (let count = dice.below(8); count >= 0 && flipped.length > 0; count -= 1) {
        const at = dice.below(flipped.length)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << dice.below(8))
      }
      return flipped
    },
    (body, { dice }) => JSON.stringify(swap(named(dice), parse(body), value(dice))),
    (body, { dice }) => JSON.stringify(swap(named(dice), swap(named(dice), parse(body), value(dice)), value(dice))),
    (body, { dice }) => {
      const depth = dice.pick([3, 30, 300, 3000])
      return dice.below(2) === 0
        ? `${"[".repeat(depth)}${body}${"]".repeat(depth)}`
        : `${`{"${dataField}":`.repeat(depth)}${body}${"}".repeat(depth)}`
    },
    (body, { dice }) =>
      body.replace(
        /"[^"]*"(?=[,}])|true|false|null/,
        dice.pick(["1e400", "-1e400", "9".repeat(400), "0.1e-400", "-0"])
      ),
    (body, { dice }) => body.replace("{", () => `{"${dice.pick(named(dice).names)}":${JSON.stringify(value(dice))},`),
    (body, { dice }) =>
      body.replace(/\}\s*$/, () => `,"${dice.pick(named(dice).names)}":${JSON.stringify(value(dice))}}`),
    (body, { dice, padded }) => JSON.stringify(swap(named(dice), parse(body), padded())),
    (body, { dice, echo }) => body.replace("{", () => `{"${echo()}":${dice.below(9)},`),
    (body, { dice, echo }) =>
      body.replace(data, () => `"${dataField}":{"${echo()}":{"${echo()}":"${echo()}"},"a":${dice.below(2)}`),
    (body, { dice, echo }) =>
      body.slice(0, dice.below(body.length + 1)) + echo() + body.slice(dice.below(body.length + 1)),
    (_, { dice, echo, padded }) =>
      `<html><title>${dice.pick(["Request Rejected", "403 Forbidden", "Error", echo()])}</title><p class="${echo()}">Your support ID is: ${echo()}<!-- ${echo()} --></p>${padded()}</html>`,
    (_, { dice, echo, padded }) =>
      `${padded()} ${dice.pick([...words, "not found", "support id is 1", "Too many requests"])} ${echo()}`,
    (_, { echo }) =>
      `POST /login HTTP/1.1\nx-api-key: ${echo()}\nAuthorization: Bearer ${echo()}\n\n{"password":"${echo()}","totp":${echo()}`,
    (_, { dice }) => bytes(dice, dice.below(400)),
    (_, { dice }) => unicode(dice, dice.below(400)),
    (body, { dice }) => body.replace(/"/g, () => dice.pick([`"`, `"`, "\u201c", "'"])),
    (body, { dice }) => `${unicode(dice, dice.below(3))}${body}${unicode(dice, dice.below(3))}`
  ]
}

const failures = [
  201, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 409, 415, 418, 422, 429, 500, 502, 503, 504, 599
]

const headersOf = (dice: Dice, echo: () => string): ReadonlyArray<readonly [string, string]> => [
  [
    "content-type",
    dice.pick(["application/json", "text/html", "text/plain; charset=utf-16", "image/png", "", "nonsense"])
  ],
  ["content-length", dice.pick(["0", "5", "-1", "abc", "1e9", "99999999999", "0x10", " 7 "])],
  ["retry-after", dice.pick(["30", "0", "-5", "999999999", "soon", "Mon, 23 Nov 2026 05:00:00 GMT", ""])],
  [
    "date",
    dice.pick([
      "Mon, 23 Nov 2026 04:00:00 GMT",
      "Mon, 23 Nov 2026 05:00:00 GMT",
      "0",
      "yesterday",
      "",
      "+275760-09-13T00:00:00.001Z",
      echo()
    ])
  ],
  ["location", `https://evil.example/?${echo()}`],
  ["x-error-message", echo()]
]

/**
 * Makes a function that returns random answers, most of them malformed. The function selects a real body from `corpus`,
 * and usually changes or replaces this body. `idiom` describes the real bodies. The answers can contain the `secrets`
 * that the function gets.
 *
 * @category answers
 * @since 0.1.0
 */
export const makeAnswers = (idiom: Idiom, corpus: ReadonlyArray<string>) => {
  const mutations = [...commonMutations(idiom), ...idiom.answers]
  return (dice: Dice, secrets: ReadonlyArray<string>): Answer => {
    const tools = toolsOf(dice, secrets)
    let body: string | Uint8Array<ArrayBuffer> = dice.pick(corpus)
    for (let count = dice.below(4); count > 0 && typeof body === "string"; count -= 1) {
      body = dice.pick(mutations)(body, tools) ?? ""
    }
    const headers = headersOf(dice, tools.echo).filter(() => dice.below(4) === 0)
    return { status: dice.below(2) === 0 ? 200 : dice.pick(failures), headers: Object.fromEntries(headers), body }
  }
}
