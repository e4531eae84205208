/**
 * Finds out why a connection failed. Copies only codes and numbers from the error of the HTTP client, because the error
 * may contain secrets.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { systemCode } from "./systemCode.ts"

export interface ConnectionFault {
  readonly why: "network" | "certificate" | "proxy" | "get-body"
  readonly status?: number
  readonly systemCode: string | undefined
}

/** Error codes of Node and OpenSSL for a failed certificate check. */
const certificate =
  /^(?:CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|ERROR_IN_CERT|ERROR_IN_CRL)/

export const isCertificateCode = (code: string): boolean => certificate.test(code)

const chain = (error: unknown, depth = 0): ReadonlyArray<object> => {
  if (depth > 6 || !Predicate.isObject(error)) return []
  const next = ["reason", "cause"].flatMap((name) => (name in error ? chain(Reflect.get(error, name), depth + 1) : []))
  const several = "errors" in error && Array.isArray(error.errors) ? error.errors : []
  return [error, ...next, ...several.flatMap((one) => chain(one, depth + 1))]
}

/**
 * undici, the client behind Node's `fetch`, reports a proxy's HTTP status only in the message of the error:
 * "Proxy response (407) !== 200 when HTTP Tunneling".
 */
const proxyStatus = (error: object): number | undefined => {
  const message = "message" in error ? error.message : undefined
  const status = Predicate.isString(message) ? /^Proxy response \((\d{3})\)/.exec(message)?.[1] : undefined
  return status === undefined ? undefined : Number(status)
}

const isGetBody = (error: object): boolean =>
  "message" in error &&
  Predicate.isString(error.message) &&
  /GET\/HEAD method cannot have (?:a )?body/i.test(error.message)

const portOf = ({ port, protocol }: URL): number => (port === "" ? (protocol === "http:" ? 80 : 443) : Number(port))

/** Returns `true` if the error names a host or port that is not the broker's. That host or port is the proxy's. */
const isElsewhere = (error: object, url: URL): boolean => {
  if ("hostname" in error && Predicate.isString(error.hostname)) return error.hostname !== url.hostname
  return "syscall" in error && error.syscall === "connect" && "port" in error && error.port !== portOf(url)
}

export const connectionFault = (error: unknown, address: string): ConnectionFault => {
  const errors = chain(error)
  const code = systemCode(error) ?? errors.map((one) => systemCode(one)).find(Predicate.isNotUndefined)
  if (errors.some(isGetBody)) return { why: "get-body", systemCode: undefined }
  const status = errors.map(proxyStatus).find(Predicate.isNotUndefined)
  if (status !== undefined) return { why: "proxy", status, systemCode: undefined }
  if (code !== undefined && isCertificateCode(code)) return { why: "certificate", systemCode: code }
  const url = Option.getOrUndefined(Result.getSuccess(Result.try(() => new URL(address))))
  const atProxy = code?.startsWith("UND_ERR_PRX") || (url !== undefined && errors.some((one) => isElsewhere(one, url)))
  return { why: atProxy ? "proxy" : "network", systemCode: code }
}
