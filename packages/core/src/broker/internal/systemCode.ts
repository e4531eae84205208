import * as Predicate from "effect/Predicate"

/**
 * Finds a code such as `ENOSPC` or `ERR_BODY_TOO_LARGE` in an error, its `reason` or its `cause`. Returns only the
 * code, because an error may contain secrets.
 */
export const systemCode = (error: unknown, depth = 0): string | undefined => {
  if (depth > 5 || !Predicate.isObject(error)) return undefined
  const code = "code" in error ? error.code : undefined
  if (Predicate.isString(code) && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code
  const { cause, reason } = error as { readonly cause?: unknown; readonly reason?: unknown }
  return systemCode(reason, depth + 1) ?? systemCode(cause, depth + 1)
}
