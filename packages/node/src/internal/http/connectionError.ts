import * as Predicate from "effect/Predicate"

interface Facts {
  code?: string
  syscall?: string
  hostname?: string
  address?: string
  port?: number
  errors?: ReadonlyArray<ConnectionError>
}

/** Replaces the original error of an HTTP exchange, because that error may contain the request or the answer. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError"

  constructor(message: string, facts: Facts) {
    super(message)
    Object.assign(this, facts)
  }
}

const shape = {
  code: /^[A-Z][A-Z0-9_]{2,60}$/,
  syscall: /^[a-z]{2,20}$/,
  hostname: /^[\w.:-]{1,255}$/,
  address: /^[\w.:/-]{1,255}$/
}

const proxyAnswer = /^Proxy response \(\d{3}\) !== 200 when HTTP Tunneling/

const factsOf = (error: object): Facts => {
  const facts: Facts = {}
  for (const name of ["code", "syscall", "hostname", "address"] as const) {
    const value: unknown = Reflect.get(error, name)
    if (Predicate.isString(value) && shape[name].test(value)) facts[name] = value
  }
  // If an answer is not valid HTTP, the error from some versions of undici has no code.
  if (Reflect.get(error, "name") === "HTTPParserError") facts.code ??= "HPE_INVALID"
  const port: unknown = Reflect.get(error, "port")
  if (Predicate.isNumber(port)) facts.port = port
  return facts
}

const messageOf = (error: object, { address, code, hostname, port, syscall }: Facts): string => {
  const message: unknown = Reflect.get(error, "message")
  const proxy = Predicate.isString(message) ? proxyAnswer.exec(message)?.[0] : undefined
  if (proxy !== undefined) return proxy
  const place = hostname ?? (address === undefined || port === undefined ? address : `${address}:${port}`)
  return [syscall, code, place].filter(Predicate.isNotUndefined).join(" ") || "the connection failed"
}

export const toConnectionError = (error: unknown, depth = 0): ConnectionError => {
  if (!Predicate.isObject(error)) return new ConnectionError("the connection failed", {})
  const facts = factsOf(error)
  const cause: unknown = Reflect.get(error, "cause")
  if (facts.code === undefined && Predicate.isObject(cause) && depth < 5) return toConnectionError(cause, depth + 1)
  // Node tries several addresses of a host, and reports one error for each address.
  const several: unknown = Reflect.get(error, "errors")
  if (Array.isArray(several) && depth < 5) facts.errors = several.map((one) => toConnectionError(one, depth + 1))
  return new ConnectionError(messageOf(error, facts), facts)
}
