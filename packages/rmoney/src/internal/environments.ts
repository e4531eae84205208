import type { Environment, Options } from "../RmoneyApi.ts"
import { broker } from "../RmoneyBroker.ts"

/** Said where a call has no host to go to. */
export const noHost =
  'has no host for this call: RMoney publishes none for production, so give { production: "https://…" }'

/** The choice as the table of credentials has it: `uat`, `production` or an origin. */
export const toText = (options: Pick<Options, "environment" | "origins">): unknown => {
  const { environment, origins } = options
  if (environment !== undefined) return isObject(environment) ? environment.production : environment
  return origins?.["api"] ?? origins?.["openApi"] ?? "none"
}

const isObject = (environment: unknown): environment is { readonly production: string } =>
  typeof environment === "object" && environment !== null && "production" in environment

/** The choice as it was read from text that has been checked. */
export const fromText = (text: string): Environment => {
  const known = { uat: "uat", production: "production" } as const
  return known[text.toLowerCase() as keyof typeof known] ?? { production: text }
}

/** The environment as accounts name it. */
export const nameOf = (text: string): string => (text.toLowerCase() === "uat" ? "uat" : "production")

/** The hosts of the choice. */
export const originsOf = (text: string): Readonly<Record<string, string>> => {
  const known = broker.environments[nameOf(text)] ?? {}
  return /^https?:/i.test(text) ? { ...known, api: text } : known
}
