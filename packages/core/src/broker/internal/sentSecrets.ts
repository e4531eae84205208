/** Finds the secrets in a request, so that they can be removed from the broker's messages. */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { secretParts } from "./secretParts.ts"

/** The parts of a request that may contain secrets. */
export interface Sent {
  readonly request: unknown
  readonly headers: object
  readonly query: object | undefined
  /**
   * The session's tokens. A header may contain a token and other text. The broker's answer may quote the token alone.
   */
  readonly tokens: object | undefined
  /** The token that the previous step of the login returned. */
  readonly step?: Redacted.Redacted<string> | undefined
}

const redactedIn = (value: unknown): ReadonlyArray<string> => {
  // A broker may require the one-time code as a number.
  if (Redacted.isRedacted(value)) return [String(Redacted.value(value))]
  return Predicate.isObjectOrArray(value) ? Object.values(value).flatMap(redactedIn) : []
}

/** Headers whose values are always secret, even if the broker's package does not wrap them in `Redacted`. */
const secretHeader = /^(?:proxy-)?authorization$|^cookie$/i

export const secretsOf = ({
  headers,
  query,
  request,
  step,
  tokens
}: Sent): ReadonlyArray<Redacted.Redacted<string>> => {
  const bare = Object.entries({ ...headers }).filter(([name]) => secretHeader.test(name))
  const values = [
    ...redactedIn([headers, query, tokens, step]),
    ...bare.map(([, value]) => value).filter(Predicate.isString)
  ]
  return [...redactedIn(request), ...values, ...values.flatMap(secretParts)].map((text) => Redacted.make(text))
}
