/**
 * Removes secrets from text for messages and logs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { beginning, printable } from "./internal/printable.ts"
import { mask, unescaped, withoutNeighbors, withoutOpaqueWords, withoutTags } from "./internal/quoting.ts"

// With a lookbehind, a pattern is tried only at the beginning of a word. If it were tried at each character, one
// megabyte of text would take hours.
const patterns: ReadonlyArray<readonly [RegExp, string]> = [
  // A JSON or form field. The name of the field ends with the name of a secret, such as `pin`. The text may end inside
  // the value of the field.
  [
    /(?<![\w-])(["']?[\w-]*(?:password|passwd|passphrase|secret|token|totp|otp|pin|api_?key|authorization|privatekey|auth_?code|jwt|session_?id|cookie|signature)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|(?:(?:bearer|basic)\s+)?[^\s,&;}<>"']+)/gi,
    `$1${mask}`
  ],
  [/\bbearer\s+[^\s"',<>]+/gi, `Bearer ${mask}`],
  [/eyJ[\w-]*(?:\.[\w-]*)*/g, mask],
  // Opaque strings that mix letters and digits: session ids, hashes, base64.
  [/(?<![\w+/=-])(?=[\w+/=-]{20,})(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{20,}/g, mask]
]

const encodings: ReadonlyArray<(secret: string) => string> = [
  (secret) => secret,
  (secret) => JSON.stringify(secret).slice(1, -1),
  // A secret with half of a surrogate pair cannot be encoded for a URL.
  (secret) =>
    Result.getOrElse(
      Result.try(() => encodeURIComponent(secret)),
      () => secret
    ),
  // In a form, a blank is a plus sign.
  (secret) => new URLSearchParams({ "": secret }).toString().slice(1),
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

const hide = (text: string, secrets: Iterable<Redacted.Redacted<string>>): string => {
  const spellings = new Set<string>()
  for (const secret of secrets) {
    const value = Redacted.value(secret)
    if (value.length < 3) continue
    for (const encode of encodings) spellings.add(encode(value))
  }
  if (spellings.size === 0) return text
  // If a short secret inside a longer secret were replaced first, the rest of the longer secret would remain.
  const longestFirst = Array.from(spellings).sort((a, b) => b.length - a.length)
  return text.replace(new RegExp(longestFirst.map(escapeRegExp).join("|"), "gi"), mask)
}

/** Maximum length of a text for `patterns`. On about four million characters, a pattern overflows V8's stack. */
const searchable = 1_048_576

/**
 * Cuts a text that is longer than `length` characters, and removes the last word before the cut. If this word is longer
 * than 200 characters, only its last 200 characters are removed. `patterns` would not recognize a token that the cut has
 * shortened.
 */
const cut = (text: string, length: number): string =>
  text.length > length ? text.slice(0, length - 200) + text.slice(length - 200, length).replace(/\S*$/, "") : text

/**
 * Hides the secrets both before and after `printable`. `printable` removes invisible characters, which may have been
 * inside a secret.
 */
const clean = (text: string, secrets: Iterable<Redacted.Redacted<string>>): string => {
  const hidden = cut(hide(text, secrets), searchable)
  const shown = printable(hidden)
  return shown === hidden ? hidden : hide(shown, secrets)
}

/**
 * Makes text safe for messages and logs:
 * - Replaces the given secrets with `<redacted>`, even if they are encoded for JSON, HTML, a URL or a form, or in
 *   base64 or hexadecimal. A secret with fewer than three characters is not replaced.
 * - Replaces other text that looks like a secret.
 * - Removes or replaces control characters, invisible characters, and characters that change the direction of text.
 * - Removes all text after the first 1,048,576 characters.
 *
 * @example
 * ```ts
 * import * as Redaction from "@auth/broker-core/broker/Redaction"
 * import * as Redacted from "effect/Redacted"
 *
 * Redaction.scrub("PIN 4711 is wrong", [Redacted.make("4711")]) // => "PIN <redacted> is wrong"
 * ```
 *
 * @category redaction
 * @since 0.1.0
 */
export const scrub = (text: string, secrets: Iterable<Redacted.Redacted<string>> = []): string =>
  patterns.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), clean(text, secrets))

/**
 * Returns a short excerpt of a body, without secrets, for errors. The excerpt is cut after 200 characters. If the body
 * is JSON, the excerpt contains only the names and types of fields, and the lengths of texts and arrays. If the body is
 * other text, HTML tags are removed, and these parts are replaced:
 * - secrets
 * - the value after the name of a secret
 * - words of at least ten characters that contain both letters and digits
 *
 * @example
 * ```ts
 * import * as Redaction from "@auth/broker-core/broker/Redaction"
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
  const { json = parse(text), secrets = [] } = options ?? {}
  // The secrets are hidden first. `withoutTags` or `cut` could remove a part of a secret, and the rest would not be
  // recognized.
  const quoted =
    json === undefined
      ? withoutEscapes(scrub(cut(withoutTags(clean(text, secrets)), 4096)), secrets)
      : hide(outline(json, 0), secrets)
  const line = quoted.replace(/\s+/g, " ").trim()
  return line.length > 200 ? `${beginning(line, 200)}…` : line
}

const parse = (text: string): unknown => Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))

/** A text may have been escaped more than once, so it is unescaped up to three times. */
const levels = [1, 2, 3]

const withoutEscapes = (text: string, secrets: Iterable<Redacted.Redacted<string>>): string => {
  const plain = levels.reduce((rest) => {
    const next = unescaped(rest)
    return next === rest ? rest : scrub(withoutTags(clean(next, secrets)))
  }, text)
  return withoutOpaqueWords(withoutNeighbors(plain))
}

// A malformed body may have a secret as a key, so only keys that are plain words are shown.
const keyName = (key: string): string => (/^[A-Za-z_]\w{0,39}$/.test(key) && scrub(key) === key ? key : "…")

const outline = (value: unknown, depth: number): string => {
  if (Array.isArray(value)) return `array(${value.length})`
  if (Predicate.isString(value)) return `string(${value.length})`
  if (!Predicate.isObject(value)) return value === null ? "null" : typeof value
  if (depth >= 3) return "object"
  const fields = Object.entries(value).slice(0, 20)
  return `{${fields.map(([key, field]) => `"${keyName(key)}":${outline(field, depth + 1)}`).join(",")}}`
}

/**
 * Hides the values of the given headers in the logs and spans of Effect's HTTP modules. The headers that Effect hides
 * by default stay hidden.
 *
 * @example
 * ```ts
 * import * as Redaction from "@auth/broker-core/broker/Redaction"
 *
 * const QuietHeaders = Redaction.layerHeaders(["x-privatekey"])
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHeaders = (names: Iterable<string>): Layer.Layer<never> =>
  // `headerNames.ts` loads Effect's HTTP modules and Schema, so it is imported only when the layer is built.
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./internal/headerNames.ts")),
      ({ layer }) => layer(names)
    )
  )
