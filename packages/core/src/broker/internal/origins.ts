import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as AuthError from "../../login/AuthError.ts"

type Origins = Readonly<Record<string, string>>

interface Given {
  /** The broker's origins, keyed by purpose. */
  readonly environment: Origins
  /** The origins that replace origins of `environment`. */
  readonly origins: Origins | undefined
  /** Purposes that `origins` may contain in addition to those of `environment`. */
  readonly purposes: ReadonlyArray<string> | undefined
  readonly insecureHttp: "allow" | undefined
}

const loopback = /^http:\/\/(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d+)?$/i

/** A program in plain JavaScript may pass values of other types, such as a `URL`. */
const originProblem = (origin: unknown, insecureHttp: "allow" | undefined): string | undefined => {
  const url = Predicate.isString(origin) ? Result.getOrUndefined(Result.try(() => new URL(origin))) : undefined
  if (!Predicate.isString(origin) || url === undefined || url.origin !== origin.toLowerCase()) {
    return "must be the text of an origin, such as https://api.example.com, without a default port (443 or 80), a path or a slash at the end"
  }
  if (url.protocol === "https:" || loopback.test(origin) || insecureHttp === "allow") return undefined
  return 'must be https, because http does not encrypt credentials (insecureHttp: "allow" permits http)'
}

/** Rejects unknown purposes. With a misspelled purpose, calls would go to the broker's real host. */
export const checkOrigins = (broker: string, { environment, insecureHttp, origins, purposes = [] }: Given) => {
  const known = Array.from(new Set([...Object.keys(environment), ...purposes]))
  for (const [purpose, origin] of Object.entries({ ...environment, ...origins })) {
    const problem = known.includes(purpose)
      ? originProblem(origin, insecureHttp)
      : `is not an origin of this broker: use ${known.join(", ")}`
    if (problem === undefined) continue
    return Effect.fail(AuthError.invalidRequest(broker, "configuration", `origins.${purpose}`, problem))
  }
  return Effect.void
}
