import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as AuthError from "../../login/AuthError.ts"

/** A redirect to another origin. The redirect was not followed. */
export class RedirectStopped extends Data.TaggedError("RedirectStopped")<{ readonly origin: string }> {}

/** The HTTP client followed a redirect to another origin, and may have sent the credentials there. */
export class RedirectFollowed extends Data.TaggedError("RedirectFollowed")<{
  readonly origin: string
  readonly status: number
}> {}

export const originOf = (url: string): string | undefined =>
  Result.getOrUndefined(Result.try(() => new URL(url).origin))

/** To save time, the addresses are not parsed if `url` begins with the origin of `other`. */
export const isSameOrigin = (url: string, other: string): boolean => {
  const path = other.indexOf("/", "https://".length)
  return (path !== -1 && url.startsWith(other.slice(0, path + 1))) || originOf(url) === originOf(other)
}

export const followedTo = (answeredBy: string, sentTo: string, status: number): RedirectFollowed | undefined => {
  if (isSameOrigin(answeredBy, sentTo)) return undefined
  // Some HTTP clients do not report which address answered.
  const origin = originOf(answeredBy)
  return origin === undefined ? undefined : new RedirectFollowed({ origin, status })
}

export const toReason = ({ origin, status }: RedirectFollowed): AuthError.Reason =>
  new AuthError.MalformedResponse({
    status,
    problem: `the HTTP client followed a redirect to ${origin}, and may have sent the call's credentials there`,
    excerpt: "",
    advice:
      "Use an HTTP client that does not follow redirects. If that host does not belong to the broker, change the credentials of the call (password, PIN, code, keys, tokens), because the host's owner may have them."
  })
