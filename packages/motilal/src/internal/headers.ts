import type * as AuthError from "@auth/broker-core/login/AuthError"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import type { Tokens } from "@auth/broker-core/login/Session"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import { version } from "./version.ts"

export type SourceId = "WEB" | "DESKTOP" | "MOBILE"

/** Data about the calling program. The package assumes that the broker checks only the format of these data. */
export interface Identity {
  /** Kind of the calling program. Default: `WEB`. */
  readonly sourceId?: SourceId | undefined
  /** Default: `127.0.0.1`. */
  readonly clientLocalIp?: string | undefined
  /** Default: `127.0.0.1`. Your address is not looked up. */
  readonly clientPublicIp?: string | undefined
  /** Default: `00:00:00:00:00:00`. */
  readonly macAddress?: string | undefined
  /** The short name of a vendor, if the program belongs to one. Default: the user id of the account. */
  readonly vendorInfo?: string | undefined
  /** Default: `unknown`. */
  readonly osName?: string | undefined
  /** Default: `unknown`. */
  readonly osVersion?: string | undefined
  /** Default: `unknown`. */
  readonly deviceModel?: string | undefined
  /** At most 25 characters. Default: `unknown`. */
  readonly manufacturer?: string | undefined
  /** Default: `broker-auth`. */
  readonly productName?: string | undefined
  /** Default: the version of this package. */
  readonly productVersion?: string | undefined
  /** For `DESKTOP` and `MOBILE`. Default: a random id for each layer. */
  readonly installedAppId?: string | undefined
  /** 15 digits, needed for `MOBILE`. */
  readonly imeiNumber?: string | undefined
  /** For `WEB`. Default: `Chrome`. */
  readonly browserName?: string | undefined
  /** For `WEB`. Default: `105.0`. */
  readonly browserVersion?: string | undefined
  /** Default: not sent. */
  readonly latitude?: string | undefined
  /** Default: not sent. */
  readonly longitude?: string | undefined
  /** Value of the header `sdkversion`, which only the official SDKs send. Default: not sent. */
  readonly sdkVersion?: string | undefined
}

export interface HeaderRow {
  readonly name: string
  /** The broker's error code if the header is missing or wrong. */
  readonly code: string
  readonly from: "fixed" | "key" | "session" | "identity"
  readonly sources: ReadonlyArray<SourceId>
  readonly mandatory: "yes" | "no"
  readonly shape: RegExp
  readonly option?: keyof Identity
  readonly preset?: string
}

export const sources: ReadonlyArray<SourceId> = ["WEB", "DESKTOP", "MOBILE"]

const anything = /^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/
const address = /^\d{1,3}(?:\.\d{1,3}){3}$/
const degrees = /^-?\d{1,3}(?:\.\d+)?$/

const given = (name: string, code: string, from: HeaderRow["from"], shape: RegExp = anything): HeaderRow => ({
  name,
  code,
  from,
  sources,
  mandatory: "yes",
  shape
})

const identity = (
  name: string,
  code: string,
  option: keyof Identity,
  more: Partial<Pick<HeaderRow, "mandatory" | "preset" | "shape" | "sources">> = {}
): HeaderRow => ({ ...given(name, code, "identity"), option, ...more })

/**
 * Every header of the broker's table, in the broker's order. Source: Motilal OpenAPI documentation, "Header Parameters"
 * and "Error Codes", as of 2026-11-21. The defaults of the two browser headers are the documented samples.
 */
export const table: ReadonlyArray<HeaderRow> = [
  given("accept", "MO2003", "fixed", /^application\/json$/),
  given("user-agent", "MO2004", "fixed", /^MOSL\/V\.\d+\.\d+\.\d+$/),
  given("authorization", "MO2007", "session"),
  given("apikey", "MO2005", "key"),
  identity("clientlocalip", "MO2009", "clientLocalIp", { preset: "127.0.0.1", shape: address }),
  identity("clientpublicip", "MO2010", "clientPublicIp", { preset: "127.0.0.1", shape: address }),
  identity("macaddress", "MO2008", "macAddress", {
    preset: "00:00:00:00:00:00",
    shape: /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i
  }),
  identity("sourceid", "MO2011", "sourceId", { preset: "WEB", shape: /^(?:WEB|MOBILE|DESKTOP)$/ }),
  identity("vendorinfo", "MO2012", "vendorInfo"),
  identity("osname", "MO2014", "osName", { preset: "unknown" }),
  identity("osversion", "MO2015", "osVersion", { preset: "unknown" }),
  identity("devicemodel", "MO2016", "deviceModel", { preset: "unknown" }),
  // The official SDK truncates the manufacturer to 25 characters.
  identity("manufacturer", "MO2017", "manufacturer", { preset: "unknown", shape: /^[\x20-\x7e]{0,24}[\x21-\x7e]$/ }),
  identity("productname", "MO2018", "productName", { preset: "broker-auth" }),
  identity("productversion", "MO2019", "productVersion", { preset: version }),
  identity("installedappid", "MO2020", "installedAppId", { sources: ["DESKTOP", "MOBILE"] }),
  identity("imeino", "MO2021", "imeiNumber", { sources: ["MOBILE"], shape: /^\d{15}$/ }),
  identity("browsername", "MO2022", "browserName", { preset: "Chrome", sources: ["WEB"] }),
  identity("browserversion", "MO2023", "browserVersion", { preset: "105.0", sources: ["WEB"] }),
  given("apisecretkey", "MO2006", "key"),
  // The header `accesstoken` has no documented error code. MO8001 is the error code of a wrong token.
  given("accesstoken", "MO8001", "session"),
  identity("latitude", "MO2024", "latitude", { mandatory: "no", shape: degrees }),
  identity("longitude", "MO2025", "longitude", { mandatory: "no", shape: degrees }),
  identity("sdkversion", "MO2026", "sdkVersion", { mandatory: "no" })
]

export interface HeaderOptions extends Identity {
  readonly apiKey: Redacted.Redacted<string>
  readonly apiSecret?: Redacted.Redacted<string> | undefined
  readonly generation: "v7" | "v4" | "v3"
}

const applies = (row: HeaderRow, source: SourceId): boolean => row.from === "identity" && row.sources.includes(source)

/** `vendorInfo` can be missing: `make` then uses the user id, which is known only when a call is made. */
const canWait = (row: HeaderRow): boolean => row.mandatory === "no" || row.option === "vendorInfo"

const problemOf = (row: HeaderRow, value: unknown): string | undefined => {
  if (value === undefined)
    return canWait(row) ? undefined : `is missing: the chosen sourceId requires the header ${row.name}`
  return Predicate.isString(value) && row.shape.test(value)
    ? undefined
    : `does not have the format of the header ${row.name} (${row.code})`
}

export const problems = (options: Identity): ReadonlyArray<AuthError.Problem> =>
  table.flatMap((row) => {
    const { option, preset } = row
    if (option === undefined || !applies(row, options.sourceId ?? "WEB")) return []
    const problem = problemOf(row, options[option] ?? preset)
    return problem === undefined ? [] : [{ field: option, problem }]
  })

const identityHeaders = (options: Identity): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (const row of table) {
    if (row.option === undefined || !applies(row, options.sourceId ?? "WEB")) continue
    const value = options[row.option] ?? row.preset
    if (value !== undefined) headers[row.name] = value
  }
  return headers
}

export const make = (options: HeaderOptions) => {
  const constant: BrokerClient.Headers = {
    "content-type": "application/json",
    accept: "application/json",
    "user-agent": "MOSL/V.1.1.0",
    apikey: options.apiKey,
    ...(options.apiSecret && { apisecretkey: options.apiSecret }),
    ...identityHeaders(options)
  }
  return (userId: string, tokens: Tokens | undefined): BrokerClient.Headers => ({
    vendorinfo: userId,
    ...constant,
    // Without a token, the header is empty, as in the official SDKs.
    authorization: tokens?.login ?? tokens?.access ?? "",
    ...(options.generation === "v7" && { accesstoken: tokens?.login === undefined ? "" : tokens.access })
  })
}
