/**
 * Rupeezy, described as data.
 *
 * @since 0.1.0
 */
import type { Assumption, Broker, Renewal } from "@auth/broker-core/broker/Broker"
import * as Result from "effect/Result"

const asOf = "2026-11-21"

const withoutSpace = (value: string): string | undefined => (/\s/.test(value) ? "has white space inside" : undefined)

const clientCode = {
  env: "RUPEEZY_CLIENT_CODE",
  description: "Client code of the account, such as XX9999",
  secret: false,
  problem: (value: string) => {
    if (value.includes("@")) return "is an e-mail address: give the client code, such as XX9999"
    if (/^[A-Za-z0-9]+$/.test(value)) return undefined
    return withoutSpace(value) ?? "has characters other than letters and digits"
  }
} as const

const applicationId = {
  env: "RUPEEZY_APPLICATION_ID",
  description: "Application id of your app, from the Vortex developer portal, such as dev_1234",
  secret: false,
  problem: withoutSpace
} as const

const apiKey = {
  env: "RUPEEZY_API_KEY",
  description: "The x-api-key of your app, from the Vortex developer portal",
  secret: true,
  // It travels in a header, and no header carries others.
  problem: (value: string) => (/^[\x21-\x7e]+$/.test(value) ? undefined : "has characters that no API key has")
} as const

const redirectUrlProblem = (value: string): string | undefined => {
  const url = Result.getOrUndefined(Result.try(() => new URL(value)))
  return url === undefined ? "is not an address" : undefined
}

/**
 * What `RupeezyAuth` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  clientCode,
  password: {
    env: "RUPEEZY_PASSWORD",
    description: "Password of the account",
    secret: true,
    freeText: true
  },
  totp: {
    env: "RUPEEZY_TOTP_SECRET",
    description: "The secret behind the QR code of enabling TOTP: base32, or the otpauth:// address",
    secret: true,
    codes: true
  },
  applicationId,
  apiKey
} as const

/**
 * What `RupeezyPartner` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const partnerCredentials = {
  clientCode,
  applicationId,
  apiKey,
  redirectUrl: {
    env: "RUPEEZY_REDIRECT_URL",
    description: "The callback URL that is registered for the app",
    secret: false,
    problem: redirectUrlProblem
  }
} as const

/** Two, until more is known: no broker here locks an account before the third refusal. */
const budget = {
  maxFailures: 2,
  window: "24 hours",
  source: "No lock-out is documented"
} as const

/**
 * How the sessions of each method are renewed.
 *
 * @category renewals
 * @since 0.1.0
 */
export const renewals = {
  totp: {
    by: ["login"],
    when: "After the end that the token tells: that a login before it gives a later end is documented nowhere",
    codes: "totp",
    ...budget
  },
  partner: { by: [], when: "A person logs in by browser again", ...budget }
} as const satisfies Record<string, Renewal>

const assumption = (id: string, confidence: Assumption["confidence"], option: string, text: string): Assumption => ({
  id,
  text,
  confidence,
  option,
  asOf
})

const assumptions: ReadonlyArray<Assumption> = [
  assumption("hosts", "medium", "origins", "There is no host for tests: none is documented or found in an SDK."),
  assumption(
    "refusals",
    "medium",
    "refusals",
    "A refused login answers HTTP 200 or 4xx with status error; its message tells a wrong password, a wrong code and a lock apart."
  ),
  assumption(
    "state-comes-back",
    "low",
    "state",
    "The callback may bring cb_param back. It is compared where it is there, and a callback without it is accepted."
  ),
  assumption(
    "user-id-is-client-code",
    "low",
    "otherAccount",
    "The user_id of a browser login's answer is the client code; another one is another account's."
  ),
  assumption(
    "end-in-token",
    "medium",
    "expiry",
    "The token's own exp is its end. How long that is, is not documented; without it the end is unknown."
  ),
  assumption(
    "no-daily-end",
    "low",
    "dailyEnd",
    "No daily end of all sessions is counted with, though one before the market opens is plausible."
  ),
  assumption(
    "dead-after-logout",
    "medium",
    "none needed: a session is not used again whatever its receipt says",
    "After a logout the broker does not accept the token any more."
  ),
  assumption(
    "forbidden",
    "medium",
    "forbidden",
    "HTTP 403 denies access and leaves the session alive; one integrator takes it for a revoked session."
  ),
  assumption(
    "address-of-orders",
    "medium",
    "refusals",
    "HTTP 403 with IP_NOT_ALLOWED means an address that is not registered, also the IPv6 one of a machine that has both."
  ),
  assumption(
    "funds-segments",
    "medium",
    "probe",
    "Funds come without an envelope, by nse and mcx, by exchange_combined, or by all three; they tell that a session is alive."
  ),
  assumption(
    "profile-call",
    "low",
    "probe",
    "GET /user/profile answers with the fields of a login. It is called only if it is asked for."
  ),
  assumption(
    "lock-out",
    "low",
    "renewal.maxFailures, renewal.window",
    "The account is not locked before the third wrong password or code: renewals stop after two in 24 hours."
  ),
  assumption(
    "renewal-at-the-end",
    "low",
    "renewal.early",
    "A new login does not lengthen the day of a session, so that none is sent before the end of the one before."
  ),
  assumption("login-time", "low", "loginTimeOffset", "login_time, which names no zone, is Indian Standard Time.")
]

const expiry = "The token's own end; unknown if it tells none"

/**
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker = {
  id: "rupeezy",
  title: "Rupeezy",
  methods: [
    {
      id: "totp",
      layer: "RupeezyAuth",
      title: "Client code, password and TOTP",
      capabilities: ["Login", "Logout", "Profile", "Authorize"],
      credentials,
      expiry,
      renewal: renewals.totp
    },
    {
      id: "partner",
      layer: "RupeezyPartner",
      title: "Browser",
      capabilities: ["RedirectLogin", "Logout", "Profile", "Authorize"],
      credentials: partnerCredentials,
      expiry,
      renewal: renewals.partner
    }
  ],
  environments: {
    production: { api: "https://vortex-api.rupeezy.in", login: "https://flow.rupeezy.in" }
  },
  secretHeaders: ["authorization", "x-api-key"],
  documentation: ["https://vortex.rupeezy.in/docs/", "https://vortex.rupeezy.in/docs/jsvortex/"],
  assumptions,
  verifiedOn: asOf
}
