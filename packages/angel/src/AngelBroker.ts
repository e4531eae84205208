/**
 * Angel One, described as data.
 *
 * @since 0.1.0
 */
import type { Assumption, Broker, Renewal } from "@auth/broker-core/broker/Broker"
import * as Result from "effect/Result"

const asOf = "2026-11-21"

const clientCode = {
  env: "ANGEL_CLIENT_CODE",
  description: "Client code of the account, such as A123456",
  secret: false,
  normalize: (value: string) => value.toUpperCase(),
  problem: (value: string) => {
    if (value.includes("@")) return "is an e-mail address: give the client code, such as A123456"
    return /^[A-Za-z0-9]+$/.test(value) ? undefined : "has characters other than letters and digits"
  }
} as const

const apiKey = {
  env: "ANGEL_API_KEY",
  description: "API key of your app, from the SmartAPI portal",
  secret: true,
  // It travels in a header, and no header carries others.
  problem: (value: string) => (/^[\x21-\x7e]+$/.test(value) ? undefined : "has characters that no API key has")
} as const

const bareAddress = /^(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[^\]]*\])$/i

const redirectUrlProblem = (value: string): string | undefined => {
  const url = Result.getOrUndefined(Result.try(() => new URL(value)))
  if (url === undefined) return "is not an address"
  return url.protocol === "https:" && !bareAddress.test(url.hostname)
    ? undefined
    : "must be https with a host name: the broker refuses http, localhost and bare IP addresses"
}

/**
 * What `AngelAuth` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const credentials = {
  clientCode,
  pin: {
    env: "ANGEL_PIN",
    description: "The 4-digit PIN that opens the mobile app (not the web password)",
    secret: true,
    // An administrator of SmartAPI's forum: the password of the login is the PIN of four digits (posts 18654, 18722).
    problem: (value: string) =>
      /^[0-9]{4}$/.test(value)
        ? undefined
        : "must be four digits, 0 to 9: the PIN that opens the mobile app, not the web password"
  },
  apiKey,
  totp: {
    env: "ANGEL_TOTP_SECRET",
    description: "The secret behind the QR code of enabling TOTP: base32, or the otpauth:// address",
    secret: true,
    codes: true
  }
} as const

/**
 * What `AngelPublisher` needs, and under which names it looks for it in the environment.
 *
 * @category credentials
 * @since 0.1.0
 */
export const publisherCredentials = {
  clientCode,
  apiKey: { ...apiKey, description: 'API key of an app of the kind "Publisher": other kinds get HTTP 403' },
  redirectUrl: {
    env: "ANGEL_REDIRECT_URL",
    description: "The redirect URL that is registered for the app",
    secret: false,
    problem: redirectUrlProblem
  }
} as const

/** Two, until more is known: no broker here locks an account before the third refusal. */
const budget = {
  maxFailures: 2,
  window: "24 hours",
  source: "No lock-out is documented for a wrong PIN or code; users assume one"
} as const

/**
 * How the sessions of each method are renewed.
 *
 * @category renewals
 * @since 0.1.0
 */
export const renewals = {
  totp: {
    by: ["refresh", "login"],
    when: "Within the day by a refresh; after midnight IST, the end of every session, by a login",
    codes: "totp",
    ...budget
  },
  publisher: { by: [], when: "A person logs in by browser again", ...budget }
} as const satisfies Record<string, Renewal>

const assumptions: ReadonlyArray<Assumption> = [
  {
    id: "identity-headers",
    text: "The IP and MAC headers must be there, but their values are not checked.",
    confidence: "medium",
    option: "clientLocalIp, clientPublicIp, macAddress",
    asOf
  },
  {
    id: "refresh-within-the-day",
    text: "generateTokens renews a session within the day; after midnight only a login helps.",
    confidence: "medium",
    option: "none: Renewal.layerLogin always logs in",
    asOf
  },
  {
    id: "refresh-token-in-callback",
    text: "The publisher callback may bring a refresh token. It is taken if it is there.",
    confidence: "low",
    option: "none needed: without it the session has none",
    asOf
  },
  {
    id: "redirect-url-parameter",
    text: "The publisher page takes a redirect_url parameter.",
    confidence: "medium",
    option: "sendRedirectUrl",
    asOf
  },
  {
    id: "daily-end",
    text: "Sessions end at midnight IST as documented; an older statement says 05:00.",
    confidence: "medium",
    option: "expiry",
    asOf
  },
  {
    id: "lock-out",
    text: "The account is not locked before the third wrong PIN or code: renewals stop after two in 24 hours.",
    confidence: "low",
    option: "renewal.maxFailures, renewal.window",
    asOf
  }
]

/**
 * @category descriptors
 * @since 0.1.0
 */
export const broker: Broker = {
  id: "angel",
  title: "Angel One",
  methods: [
    {
      id: "totp",
      layer: "AngelAuth",
      title: "Client code, PIN and TOTP",
      capabilities: ["Login", "Refresh", "Logout", "Profile", "Authorize"],
      credentials,
      expiry: "Midnight IST, or the token's own end if that is earlier",
      renewal: renewals.totp
    },
    {
      id: "publisher",
      layer: "AngelPublisher",
      title: "Browser",
      capabilities: ["RedirectLogin", "Logout", "Profile", "Authorize"],
      credentials: publisherCredentials,
      expiry: "Midnight IST, or the token's own end if that is earlier",
      renewal: renewals.publisher
    }
  ],
  environments: {
    production: {
      api: "https://apiconnect.angelone.in",
      login: "https://smartapi.angelone.in",
      feed: "https://smartapisocket.angelone.in"
    }
  },
  secretHeaders: ["authorization", "x-privatekey"],
  documentation: ["https://smartapi.angelone.in/docs"],
  assumptions,
  verifiedOn: asOf
}
