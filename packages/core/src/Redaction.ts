/**
 * Removes secrets from text that a person or a log will see.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Headers from "effect/http/Headers"

const mask = "<redacted>"

const patterns: ReadonlyArray<readonly [RegExp, string]> = [
  // A JSON or form field whose name speaks of a secret, also when the text breaks off inside its value.
  [
    /(["']?[\w-]*(?:password|passwd|secret|token|totp|otp|pin|api_?key|authorization|privatekey|auth_?code)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,&;}<>"']+)/gi,
    `$1${mask}`
  ],
  [/\bbearer\s+[^\s"',<>]+/gi, `Bearer ${mask}`],
  [/eyJ[\w-]*(?:\.[\w-]*)*/g, mask],
  // Opaque strings that mix letters and digits: session ids, hashes, base64.
  [/(?=[\w+/=-]{20,})(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{20,}/g, mask]
]

const encodings: ReadonlyArray<(secret: string) => string> = [
  (secret) => secret,
  (secret) => JSON.stringify(secret).slice(1, -1),
  // A lone surrogate has no URL form.
  (secret) =>
    Result.getOrElse(
      Result.try(() => encodeURIComponent(secret)),
      () => secret
    ),
  (secret) => secret.replace(/[&<>"']/g, (character) => htmlEntities[character] ?? character),
  (secret) => Base64.encode(secret).replace(/=+$/, ""),
  (secret) => Base64Url.encode(secret),
  (secret) => Hex.encode(secret)
]

const htmlEntities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

const exactly = (secrets: Iterable<Redacted.Redacted<string>>): RegExp | undefined => {
  const spellings = new Set<string>()
  for (const secret of secrets) {
    const value = Redacted.value(secret)
    if (value.length < 3) continue
    for (const encode of encodings) spellings.add(encode(value))
  }
  if (spellings.size === 0) return undefined
  // The longest first, so that a secret inside another leaves no remainder.
  const longestFirst = Array.from(spellings).sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map(escapeRegExp).join("|"), "gi")
}

/**
 * Replaces the given secrets, in every spelling they may come back in, and whatever looks like one.
 *
 * @example
 * ```ts
 * import * as Redaction from "@auth/broker-core/Redaction"
 * import * as Redacted from "effect/Redacted"
 *
 * Redaction.scrub("PIN 4711 is wrong", [Redacted.make("4711")]) // => "PIN <redacted> is wrong"
 * ```
 *
 * @category redaction
 * @since 0.1.0
 */
export const scrub = (text: string, secrets: Iterable<Redacted.Redacted<string>> = []): string => {
  const known = exactly(secrets)
  const withoutKnown = known === undefined ? text : text.replace(known, mask)
  return patterns.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), withoutKnown)
}

/** Beyond this many characters a text is cut before it is searched: a pattern over megabytes costs seconds. */
const window = 4096

/**
 * A short, safe quotation of a body, for errors: of JSON only names and types are kept, of other text the
 * first 200 characters without tags and secrets.
 *
 * @example
 * ```ts
 * import * as Redaction from "@auth/broker-core/Redaction"
 *
 * Redaction.excerpt(`{"status":true,"data":{"jwtToken":"eyJhbGciOiJIUzUxMiJ9"}}`)
 * // => `{"status":boolean,"data":{"jwtToken":string(20)}}`
 * ```
 *
 * @category redaction
 * @since 0.1.0
 */
export const excerpt = (
  text: string,
  options?: { readonly json?: unknown; readonly secrets?: Iterable<Redacted.Redacted<string>> }
): string => {
  const json = options?.json === undefined ? parse(text) : options.json
  const quoted =
    json === undefined
      ? scrub(cut(text).replace(/<(style|script)[\s\S]*?(<\/\1>|$)|<[^>]*>?/gi, " "), options?.secrets)
      : scrub(cut(outline(json, 0)), options?.secrets)
  const line = quoted.replace(/\s+/g, " ").trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

const parse = (text: string): unknown =>
  text.length > window ? undefined : Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))

// What the cut may have left of a secret is no longer found as one, so the last word goes with it.
const cut = (text: string): string => (text.length > window ? text.slice(0, window).replace(/\S*$/, "") : text)

// Keys of an answer are the broker's names, but a strange body may have made one of a secret: only plain words pass.
const keyName = (key: string): string => (/^[A-Za-z_]\w{0,39}$/.test(key) ? key : "…")

const outline = (value: unknown, depth: number): string => {
  if (Array.isArray(value)) return `array(${value.length})`
  if (Predicate.isString(value)) return `string(${value.length})`
  if (!Predicate.isObject(value)) return value === null ? "null" : typeof value
  if (depth >= 3) return "object"
  const fields = Object.entries(value).slice(0, 20)
  return `{${fields.map(([key, field]) => `"${keyName(key)}":${outline(field, depth + 1)}`).join(",")}}`
}

/**
 * Keeps the given header names out of logs and spans of Effect's HTTP modules, beside the names that Effect
 * already hides.
 *
 * @example
 * ```ts
 * import * as Redaction from "@auth/broker-core/Redaction"
 *
 * const QuietHeaders = Redaction.layerHeaders(["x-privatekey"])
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHeaders = (names: Iterable<string>): Layer.Layer<never> =>
  Layer.succeedContext(
    // `CurrentRedactedNames` replaces the list it finds, so the default must be repeated.
    Context.make(Headers.CurrentRedactedNames, [
      ...Context.get(Context.empty(), Headers.CurrentRedactedNames),
      ...Array.from(names, (name) => name.toLowerCase())
    ])
  )
