import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Effect from "effect/Effect"
import * as http from "node:http"
import * as process from "node:process"

/** Like Node, prefers `https_proxy` to `HTTPS_PROXY`. */
const variableOf = (environment: NodeJS.ProcessEnv): string =>
  environment["https_proxy"] === undefined ? "HTTPS_PROXY" : "https_proxy"

/**
 * Whether a version of Node reads `NODE_USE_ENV_PROXY` for all its HTTP clients. Node 24.0 to 24.4 read the variable
 * only for `fetch`. Node 23, and all versions before 22.21, ignore the variable without a warning.
 */
export const readsVariable = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)
}

const isEnabled = ({ env, execArgv, versions }: NodeJS.Process): boolean =>
  (env["NODE_USE_ENV_PROXY"] === "1" && readsVariable(versions.node)) ||
  [...execArgv, ...(env["NODE_OPTIONS"] ?? "").split(/\s+/)].includes("--use-env-proxy")

const rejected = (field: string, problem: string, advice: string) =>
  AuthError.make("connection", "open", new AuthError.InvalidRequest({ problems: [{ field, problem }], advice }))

const unused = (variable: string) =>
  rejected(
    variable,
    `is set, but Node ${process.versions.node} does not send all requests through this proxy`,
    `Start the program with NODE_USE_ENV_PROXY=1. This setting works in Node 22.21 and later versions of Node 22, and in Node 24.5 and all later versions. If the program can reach the broker without the proxy, remove ${variable} from its environment.`
  )

const isInvalid = (address: string | undefined): boolean =>
  address !== undefined && address !== "" && !URL.canParse(address)

/** Node's own error does not name the variable. For plain HTTP, Node also reads `http_proxy` and `HTTP_PROXY`. */
const invalid = (environment: NodeJS.ProcessEnv) => {
  const variable = variableOf(environment)
  const wrong = [variable, "http_proxy", "HTTP_PROXY"].find((name) => isInvalid(environment[name])) ?? variable
  return rejected(wrong, "is not the address of a proxy", "Set it to an address such as http://proxy.example:8080.")
}

interface ProxySetter {
  /** Absent in Node before 24.14, and in Node 25.0 to 25.3. */
  readonly setGlobalProxyFromEnv?: () => unknown
}

/**
 * Makes the global `fetch` send later https requests through the proxy in `https_proxy` or `HTTPS_PROXY`, even if Node
 * was started without `--use-env-proxy`. Requests to the hosts in `NO_PROXY` bypass the proxy. Does nothing if no proxy
 * is set, or if Node already uses the proxy. Otherwise, fails if Node has no `setGlobalProxyFromEnv`, or if the address
 * of a proxy is invalid.
 */
export const useProxyOfEnvironment: Effect.Effect<void, AuthError.AuthError> = Effect.suspend(() => {
  const { env } = process
  const variable = variableOf(env)
  if (env[variable] === undefined || env[variable] === "" || isEnabled(process)) return Effect.void
  const { setGlobalProxyFromEnv } = http as ProxySetter
  if (setGlobalProxyFromEnv === undefined) return Effect.fail(unused(variable))
  return Effect.try({ try: () => void setGlobalProxyFromEnv(), catch: () => invalid(env) })
})
