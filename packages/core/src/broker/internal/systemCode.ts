import * as Predicate from "effect/Predicate"

/**
 * Finds an error code from the operating system, the runtime or the HTTP client, such as `ENOSPC` or
 * `ERR_BODY_TOO_LARGE`. If an error has no such code, the search continues in its `reason`. If the error has no
 * `reason`, the search continues in its `cause`. Only the code is returned, because an error may contain secrets.
 */
export const systemCode = (error: unknown, depth = 0): string | undefined => {
  if (depth > 5 || !Predicate.isObject(error)) return undefined
  const code = "code" in error ? error.code : undefined
  if (Predicate.isString(code) && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code
  const { cause, reason } = error as { readonly cause?: unknown; readonly reason?: unknown }
  return systemCode(reason ?? cause, depth + 1)
}
