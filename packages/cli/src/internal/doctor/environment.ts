/** Checks the environment variables that change how requests are sent. */
import * as Connection from "@auth/node/Connection"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Fs from "node:fs"
import process from "node:process"
import { type Finding, fine, ofFailure, problem } from "./finding.ts"

interface Variable {
  readonly name: string
  readonly value: string
}

const variableOf = Effect.fnUntraced(function* (name: string): Effect.fn.Return<Variable | undefined> {
  const value = Option.getOrElse(yield* Effect.option(Config.String(name)), () => "")
  return value === "" ? undefined : { name, value }
})

/** Like Node, prefers the lower-case variable, even if the lower-case variable is empty. */
const proxySetting = (name: string): Effect.Effect<Variable | undefined> => {
  const lower = name.toLowerCase()
  return variableOf(process.env[lower] === undefined ? name : lower)
}

/** Omits the user name and the password. */
const addressOf = (value: string): string => {
  const url = Result.getOrUndefined(Result.try(() => new URL(value)))
  return url === undefined ? "an address that cannot be read" : `${url.protocol}//${url.host}`
}

/** Checks the proxy settings, and applies them to all later requests of this process. */
export const checkProxy: Effect.Effect<Finding> = Effect.gen(function* () {
  const built = yield* Effect.result(Effect.scoped(Layer.build(Connection.layerClient)))
  if (Result.isFailure(built)) return ofFailure("proxy", built.failure)
  const proxy = yield* proxySetting("HTTPS_PROXY")
  if (proxy === undefined) {
    if ((yield* variableOf("HTTPS_PROXY")) !== undefined) {
      return fine(
        "proxy",
        "none: https_proxy is set to an empty text, so HTTPS_PROXY is ignored",
        "If this machine reaches the internet through a proxy, remove https_proxy from the environment."
      )
    }
    const http = yield* proxySetting("HTTP_PROXY")
    return http === undefined
      ? fine("proxy", "none: HTTPS_PROXY is not set")
      : fine(
          "proxy",
          `none: ${http.name} is set, but only HTTPS_PROXY is used for brokers`,
          "If this machine reaches the internet through a proxy, set HTTPS_PROXY."
        )
  }
  const direct = yield* proxySetting("NO_PROXY")
  const except = direct === undefined ? "" : `, except for ${direct.value} (${direct.name})`
  return fine("proxy", `${addressOf(proxy.value)} (${proxy.name})${except}`)
})

const begins = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g

const extraFinding = ({ name, value }: Variable): Finding => {
  const text = Result.try(() => Fs.readFileSync(value, "utf8"))
  const count = Result.isSuccess(text) ? (text.success.match(begins)?.length ?? 0) : 0
  return count === 0
    ? problem(
        "certificates",
        ["unknown-ca", "input"],
        `the file ${value} (${name}) ${Result.isSuccess(text) ? "contains no certificate" : "cannot be read"}, so Node ignores it`,
        `Set ${name} to a PEM file with the CA certificate of your company's proxy, or unset ${name}.`
      )
    : fine("certificates", `Node also trusts ${count === 1 ? "the CA" : `the ${count} CAs`} in ${value} (${name})`)
}

export const checkCertificates: Effect.Effect<Finding> = Effect.gen(function* () {
  const unchecked = yield* variableOf("NODE_TLS_REJECT_UNAUTHORIZED")
  if (unchecked?.value === "0") {
    return problem(
      "certificates",
      ["unchecked-certificates", "input"],
      "Node checks no certificate (NODE_TLS_REJECT_UNAUTHORIZED=0), so an attacker could read the credentials",
      "Remove NODE_TLS_REJECT_UNAUTHORIZED. If requests then fail because Node does not know a CA, set NODE_EXTRA_CA_CERTS to a file with the certificate of this CA."
    )
  }
  const extra = yield* variableOf("NODE_EXTRA_CA_CERTS")
  return extra === undefined
    ? fine("certificates", "Node trusts its own CAs: NODE_EXTRA_CA_CERTS is not set")
    : extraFinding(extra)
})
