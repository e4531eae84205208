import * as Predicate from "effect/Predicate"

/** The system's code in a failure or its causes, such as `ENOSPC`. The rest of a failure may contain secrets. */
export const systemCode = (error: unknown, depth = 0): string | undefined => {
  if (depth > 5 || !Predicate.isObject(error)) return undefined
  const code = "code" in error ? error.code : undefined
  if (Predicate.isString(code) && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code
  return systemCode("reason" in error ? error.reason : "cause" in error ? error.cause : undefined, depth + 1)
}
