import * as Predicate from "effect/Predicate"

/**
 * Finds an error code from the operating system, the runtime or the HTTP client, such as `ENOSPC` or
 * `ERR_BODY_TOO_LARGE`. Searches the error, then its `reason`, or its `cause` if it has no `reason`, and so on. Nothing
 * else is copied from the error, because the error may contain secrets.
 */
export const systemCode = (error: unknown, depth = 0): string | undefined => {
  if (depth > 5 || !Predicate.isObject(error)) return undefined
  const code = "code" in error ? error.code : undefined
  if (Predicate.isString(code) && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code
  return systemCode("reason" in error ? error.reason : "cause" in error ? error.cause : undefined, depth + 1)
}
