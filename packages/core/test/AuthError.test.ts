import * as AuthError from "@auth/broker-core/login/AuthError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { shown } from "./support.ts"

const said = { code: "AB1050", brokerMessage: "Invalid totp." }
const problem = (field: string) => ({ field, problem: "is missing" })

const redirectWhys = [
  "state",
  "origin",
  "missing-token",
  "repeated",
  "denied",
  "not-a-url",
  "other-account",
  "request-changed",
  "request-expired"
] as const

const rows: ReadonlyArray<readonly [reason: AuthError.Reason, message: string, remedy: string]> = [
  [
    new AuthError.InvalidCredentials({ field: "pin", ...said }),
    "The broker refused the pin (AB1050: Invalid totp.)",
    "Check the pin, correct it, and log in once more. Do not send it again unchanged."
  ],
  [
    new AuthError.InvalidStepUpCode({ kind: "totp", hints: [] }),
    "The broker refused the one-time code",
    "Use a fresh code. A code works only once."
  ],
  [
    new AuthError.InvalidStepUpCode({ kind: "authorization-code", hints: [] }),
    "The broker refused the code of the browser login",
    "Begin the browser login again. The code of a callback works only once."
  ],
  [
    new AuthError.InvalidStepUpCode({ kind: "authorization-code", hints: [], by: "client" }),
    "A callback of this browser login was used before, so nothing was sent",
    "Begin the browser login again. The code of a callback works only once."
  ],
  [
    new AuthError.InvalidStepUpCode({
      kind: "totp",
      hints: [
        { id: "ClockDrift", text: "Your clock is late." },
        { id: "CodeReused", text: "Wait." }
      ],
      ...said
    }),
    "The broker refused the one-time code (AB1050: Invalid totp.)",
    "Use a fresh code. Your clock is late. Wait."
  ],
  ...(["used", "timed-out", "other-account", "attempts", "refused"] as const).map(
    (why, index) =>
      [
        new AuthError.ChallengeExpired({ why }),
        `This step can no longer be completed: ${
          [
            "it was already answered or replaced",
            "it has timed out",
            "it belongs to another account",
            "too many wrong codes were entered",
            "the broker does not recognize it"
          ][index]
        }`,
        "Start again from the first step."
      ] as const
  ),
  [
    new AuthError.AccountLocked({ scope: "account", unlock: "broker" }),
    "The broker has locked this account",
    "Ask the broker's support to unlock the account. Until then, stop every program that logs in."
  ],
  [
    new AuthError.AccountLocked({ scope: "trading", unlock: "wait", code: "AB1006" }),
    "The broker has locked this account for trading (AB1006)",
    "Wait until the broker unlocks the account. Until then, stop every program that logs in."
  ],
  [
    new AuthError.AccountLocked({ scope: "otp", unlock: "self-service" }),
    "The broker has locked the use of one-time codes for this account",
    "Unlock the account with the broker's account recovery. Until then, stop every program that logs in."
  ],
  [
    new AuthError.AccountLocked({ scope: "account", unlock: "unknown" }),
    "The broker has locked this account",
    "Check the broker's app, or ask the broker's support. Until the account is unlocked, stop every program that logs in."
  ],
  ...(
    [
      ["expired", "its token has expired"],
      ["invalid", "the broker does not accept its token"],
      ["refresh-invalid", "the broker does not accept its refresh token"],
      ["refresh-expired", "its refresh token has expired"],
      ["logged-out", "it was logged out"],
      ["unknown", "the broker does not say why"]
    ] as const
  ).map(
    ([why, what]) => [new AuthError.SessionExpired({ why }), `The session has ended: ${what}`, "Log in again."] as const
  ),
  [new AuthError.SessionExpired({ why: "missing" }), "There is no session: no token was sent", "Log in again."],
  [
    new AuthError.SessionLimitReached({}),
    "The broker allows no more sessions for this account",
    "Log out of sessions that you no longer use, then log in once."
  ],
  [
    new AuthError.RateLimited({ by: "client", retryAfter: Duration.millis(1500) }),
    "The broker's rate limit does not allow this call yet, so nothing was sent",
    "Wait 2 seconds before the next call, and let one program at a time log in."
  ],
  [
    new AuthError.RateLimited({ by: "broker", retryAfter: undefined, brokerMessage: "exceeding access rate" }),
    "The broker refused the call because of too many calls (exceeding access rate)",
    "Wait a while before the next call, and let one program at a time log in."
  ],
  [
    new AuthError.RateLimited({ by: "broker", retryAfter: Duration.zero }),
    "The broker refused the call because of too many calls",
    "Wait a while before the next call, and let one program at a time log in."
  ],
  [
    new AuthError.BrokerUnavailable({ why: "broker", status: 503, retryAfter: Duration.seconds(90) }),
    "The broker is not available: it reports an internal fault, HTTP 503",
    "Check the network and the broker's status page, then try again after 90 seconds."
  ],
  ...(
    [
      ["ip", "this IP address is not registered for the app"],
      ["waf", "its firewall blocked the request"],
      ["subscription", "there is no subscription to the API"],
      ["activation", "the app is not activated"],
      ["consent", "consent is missing"],
      ["app", "this type of app is not allowed to make this call"],
      ["unknown", "it does not say why"]
    ] as const
  ).map(
    ([why, what]) =>
      [new AuthError.PermissionDenied({ why, advice: "Do." }), `The broker denies access: ${what}`, "Do."] as const
  ),
  [
    new AuthError.PermissionDenied({ why: "waf", supportId: "428592", code: "x" }),
    "The broker denies access: its firewall blocked the request, support id 428592 (x)",
    "Stop for a while: repeated logins can get your IP address blocked. If the block continues, quote the support id to the broker's support."
  ],
  [
    new AuthError.ActionRequired({ what: "Change the password" }),
    "An action is required first",
    "Change the password, then try again."
  ],
  [
    new AuthError.ActionRequired({ what: "Change the password.", advice: "Use the app.", code: "E1" }),
    "An action is required first: Change the password (E1)",
    "Use the app."
  ],
  [
    new AuthError.BrokerUnavailable({ why: "time-out" }),
    "The broker is not available: no answer came in time",
    "Check the network and the broker's status page, then try again in a moment."
  ],
  [
    new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNREFUSED" }),
    "No connection to the broker: this machine could not connect, ECONNREFUSED",
    "Check this machine's network and VPN, and whether a firewall blocks connections to the broker, then try again. If other machines cannot connect either, the broker is down."
  ],
  [
    new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNRESET" }),
    "The broker is not available: the connection failed, ECONNRESET",
    "Check the network and the broker's status page, then try again in a moment."
  ],
  [
    new AuthError.BrokerUnavailable({ why: "network", systemCode: "ENOTFOUND" }),
    "No connection to the broker: this machine could not resolve the broker's host name, ENOTFOUND",
    "Check this machine's network and DNS, and the spelling of the host if you have configured a host. Then try again."
  ],
  [
    new AuthError.BrokerUnavailable({ why: "proxy", systemCode: "ECONNREFUSED" }),
    "No connection to the broker: the proxy between this machine and the broker failed, ECONNREFUSED",
    "Check that the proxy's address is correct, that the proxy is running, and that it allows connections to the broker."
  ],
  [
    new AuthError.BrokerUnavailable({ why: "broker", status: 503, brokerMessage: "Down" }),
    "The broker is not available: it reports an internal fault, HTTP 503 (Down)",
    "Check the network and the broker's status page, then try again in a moment."
  ],
  [
    new AuthError.MalformedResponse({ status: 200, problem: "it is not JSON", excerpt: "Back at seven." }),
    "The broker's answer (HTTP 200) could not be decoded: it is not JSON. It starts with: Back at seven.",
    "Check whether the broker is under maintenance, or whether a proxy sent this answer."
  ],
  [
    new AuthError.MalformedResponse({ status: 200, problem: "it is empty", excerpt: "" }),
    "The broker's answer (HTTP 200) could not be decoded: it is empty",
    "Check whether the broker is under maintenance, or whether a proxy sent this answer."
  ],
  [
    new AuthError.BrokerRejected({ code: "XY1", brokerMessage: "No", status: 200 }),
    "The broker rejected the call (XY1: No)",
    "Look up the code in the broker's documentation. If the code concerns logging in, please report it to the authors of this package."
  ],
  [
    new AuthError.InvalidRequest({ problems: [problem("pin"), problem("apiKey"), problem("pin")] }),
    "The request is invalid: pin is missing; apiKey is missing; pin is missing",
    "Correct the values of pin, apiKey."
  ],
  ...redirectWhys.map(
    (why, index) =>
      [
        new AuthError.RedirectRejected({ why, advice: "Begin again." }),
        `The login was not accepted: ${
          [
            "the state does not match this login",
            "the callback's address is not the registered redirect URL",
            "the callback's address contains no token",
            "a parameter occurs more than once, with different values",
            "the login was denied",
            "the given text is not an address",
            "the login was for an account other than the configured one",
            "the sealed request of this login is damaged, or was sealed with another key or for another account",
            "it was begun too long ago"
          ][index]
        }`,
        "Begin again."
      ] as const
  )
]

const tags = [
  "InvalidCredentials",
  "InvalidStepUpCode",
  "ChallengeExpired",
  "AccountLocked",
  "SessionExpired",
  "SessionLimitReached",
  "RateLimited",
  "PermissionDenied",
  "ActionRequired",
  "BrokerUnavailable",
  "MalformedResponse",
  "BrokerRejected",
  "InvalidRequest",
  "RedirectRejected"
] as const satisfies ReadonlyArray<AuthError.Reason["_tag"]>

it("`rows` and `tags` of this test contain every reason", () => {
  // The next statement does not compile if a reason is missing from `tags`.
  const all: Record<AuthError.Reason["_tag"], true> = Object.fromEntries(tags.map((tag) => [tag, true])) as Record<
    (typeof tags)[number],
    true
  >
  assert.deepStrictEqual(
    Object.keys(all).toSorted(),
    Array.from(new Set(rows.map(([reason]) => reason._tag))).toSorted()
  )
})

describe("AuthError", () => {
  it.each(rows.map(([reason, message, remedy]) => ({ tag: reason._tag, reason, message, remedy })))(
    "has the expected message and remedy for $tag: $message",
    ({ message, reason, remedy }) => {
      assert.strictEqual(reason.message, message)
      assert.strictEqual(reason.remedy, remedy)
    }
  )

  const kinds = (["ip", "waf", "subscription", "activation", "consent", "app", "unknown"] as const).map(
    (why) => new AuthError.PermissionDenied({ why })
  )
  const redirects = redirectWhys.map((why) => new AuthError.RedirectRejected({ why }))
  const excerpts = ["Back at seven.", "<redacted>…", "Why?", "not found", ""].map(
    (excerpt) => new AuthError.MalformedResponse({ status: 200, problem: "it is not JSON", excerpt })
  )
  const sentences = [
    new AuthError.ActionRequired({ what: "Accept the new terms." }),
    new AuthError.ActionRequired({ what: "Accept the new terms", code: "E1", brokerMessage: "Terms." }),
    new AuthError.InvalidRequest({ problems: [{ field: "pin", problem: "is not the PIN." }] })
  ]

  it.each([...rows.map(([reason]) => reason), ...kinds, ...redirects, ...excerpts, ...sentences])(
    "ends the message of $_tag with the remedy, without double punctuation",
    (reason) => {
      const { message, remedy } = AuthError.make("angel", "login", reason)
      assert.isTrue(message.startsWith("angel login: "), message)
      assert.isTrue(message.endsWith(remedy), message)
      assert.match(remedy, /^[A-Z].+\.$/)
      for (const slip of [/\.\s*\./, /[.?…]\s*,/, /: \./, / {2}/, / \)/, /undefined|null|\[object/]) {
        assert.notMatch(message, slip)
      }
    }
  )

  it("takes the remedy of InvalidCredentials from `advice`", () => {
    const args = { advice: "Give the PIN.", field: "pin" }
    assert.strictEqual(new AuthError.InvalidCredentials(args).remedy, "Give the PIN.")
  })
})

const retryable = ["RateLimited", "BrokerUnavailable"]

it.each(rows.map(([reason]) => reason))(
  "isRetryable is true only for RateLimited and BrokerUnavailable: $_tag",
  (reason) => {
    const error = AuthError.make("angel", "login", reason)
    assert.strictEqual(error.isRetryable, retryable.includes(reason._tag))
    assert.strictEqual(error.retryAfter, retryable.includes(reason._tag) ? reason.retryAfter : undefined)
  }
)

it.each([
  ["an expired certificate", new AuthError.BrokerUnavailable({ why: "certificate", systemCode: "CERT_HAS_EXPIRED" })],
  ["a proxy that requires a login", new AuthError.BrokerUnavailable({ why: "proxy", status: 407 })]
] as const)("BrokerUnavailable because of %s is not retryable", (_, reason) => {
  const error = AuthError.make("angel", "login", reason)
  assert.isFalse(error.isRetryable)
  assert.match(error.message, /^angel login: No (?:secure )?connection to the broker: /)
  assert.notInclude(error.message, "status page")
})

it.effect.each(rows.map(([reason]) => reason))("Effect.catchReason catches $_tag only by its own tag", (reason) =>
  Effect.gen(function* () {
    const failing = Effect.fail(AuthError.make("angel", "login", reason))
    for (const tag of tags) {
      const caught = yield* failing.pipe(
        Effect.catchReason("AuthError", tag, (found) => Effect.succeed(found)),
        Effect.result
      )
      assert.strictEqual(caught._tag, tag === reason._tag ? "Success" : "Failure")
      if (caught._tag === "Success") assert.strictEqual(caught.success, reason)
    }
  })
)

it.each([
  [119.2, "2 minutes"],
  [3599.5, "1 hour"],
  [3620, "1 hour 1 minute"],
  [7200, "2 hours"],
  [86_460, "1 day 1 hour"]
] as const)("the remedy of RateLimited shows a wait of %s seconds as %s", (seconds, text) => {
  const { remedy } = new AuthError.RateLimited({ by: "client", retryAfter: Duration.seconds(seconds) })
  assert.include(remedy, `Wait ${text} before the next call`)
})

describe("AuthError as JSON", () => {
  it("contains the message and the remedy of its reason", () => {
    const error = AuthError.make("angel", "login", new AuthError.InvalidCredentials({ field: "pin", ...said }))
    assert.deepStrictEqual(JSON.parse(JSON.stringify(error)), {
      _tag: "AuthError",
      broker: "angel",
      operation: "login",
      reason: "InvalidCredentials",
      code: "AB1050",
      brokerMessage: "Invalid totp.",
      message: "The broker refused the pin (AB1050: Invalid totp.)",
      remedy: "Check the pin, correct it, and log in once more. Do not send it again unchanged.",
      isRetryable: false
    })
    const silent = AuthError.make("angel", "logout", new AuthError.SessionLimitReached({}))
    assert.notProperty(JSON.parse(JSON.stringify(silent)), "code")
  })

  it("contains the retry delay in milliseconds", () => {
    const wait = new AuthError.RateLimited({ by: "broker", retryAfter: Duration.seconds(3) })
    const json = JSON.parse(JSON.stringify(AuthError.make("angel", "login", wait))) as Record<string, unknown>
    assert.strictEqual(json["retryAfterMillis"], 3000)
  })
})

it("a printed AuthError contains its message", () => {
  const text = shown(AuthError.invalidRequest("angel", "login", "totp", "is not 6 digits"))
  assert.include(text, "angel login: The request is invalid: totp is not 6 digits. Correct the value of totp.")
})

it("AuthError.isAuthError returns true only for an AuthError", () => {
  const error = AuthError.invalidRequest("angel", "login", "totp", "is not 6 digits")
  assert.strictEqual(error.reason._tag === "InvalidRequest" ? error.reason.field : "", "totp")
  assert.isTrue(AuthError.isAuthError(error))
  for (const other of [error.reason, new Error("AuthError"), { _tag: "AuthError" }, null]) {
    assert.isFalse(AuthError.isAuthError(other))
  }
})

it("the message of ActionRequired contains the required action only once", () => {
  for (const fields of [{}, { code: "E1", brokerMessage: "Expired" }, { advice: "Nothing was sent." }]) {
    const reason = new AuthError.ActionRequired({ what: "Change the password", ...fields })
    const { message } = AuthError.make("angel", "login", reason)
    assert.lengthOf(message.split("Change the password"), 2, message)
    assert.lengthOf(`${reason.message}. ${reason.remedy}`.split("Change the password"), 2, reason.message)
  }
})
