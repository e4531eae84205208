import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as headers from "./headers.ts"

const asOf = "2026-11-21"
const documented = 'Motilal OpenAPI documentation, "Error Codes"'
const faq = "Motilal OpenAPI FAQ"

const row = (
  code: string,
  meaning: string,
  reason: ErrorTable.ErrorRow["reason"],
  more: Partial<Pick<ErrorTable.ErrorRow, "operations" | "source">> = {}
): ErrorTable.ErrorRow => ({ code, meaning, reason, source: documented, asOf, ...more })

const apiKey = ErrorTable.invalidCredentials("apiKey")

const inLogin = { operations: ["authdirectapi"] }
const inOtp = { operations: ["verifyotp", "resendotp"] }

/** MO2005 comes before the password is looked at, and people swap the two: seen in several clients. */
const swapped =
  "Give the API key where the API key is wanted and the API secret where the secret is: the two are easily swapped, " +
  "and the password is hashed with the key, never with the secret."

/** The headers whose codes mean nothing but that the header is wrong. */
const headerRows = headers.table
  .filter(({ code, from }) => code.startsWith("MO20") && from !== "key" && from !== "session")
  .map(({ code, name, option }) =>
    row(
      code,
      `The header ${name} is missing or wrong`,
      ErrorTable.invalidRequest(name, `is missing or not as the broker wants it${option ? ` (option ${option})` : ""}`)
    )
  )

const range = (first: number, last: number): ReadonlyArray<number> =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

/** Codes of calls that have nothing to do with logging in: kept as they came. */
const orderCodes = [
  1003,
  ...range(1012, 1016),
  ...range(1051, 1061),
  ...range(1063, 1086),
  ...range(1089, 1091),
  ...range(1101, 1104),
  5003
].map((number) => row(`MO${number}`, "Concerns orders or data", ErrorTable.rejected))

export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  {
    message: /not a valid account number/i,
    meaning: "The PAN is not linked to Aadhaar",
    source: `${faq}, question 48`,
    asOf,
    reason: ErrorTable.denied("unknown", "Link the PAN with Aadhaar first: the broker names this as the cause.")
  },
  row("MO1000", "Invalid user id or password", ErrorTable.invalidCredentials("userId or password")),
  row(
    "MO1001",
    "Invalid user id; also where the API key belongs to somebody else",
    ErrorTable.invalidCredentials("userId", "Check the userId, and that the apiKey is one of this user's own apps."),
    { source: `${documented}; ${faq}, question 11` }
  ),
  row("MO1002", "The password is not a hash of 64 characters", ErrorTable.invalidRequest("password", "is not a hash")),
  row("MO1004", "Invalid API key", apiKey),
  row("MO1005", "API key not found", apiKey),
  row("MO1006", "The app is not authorised for live use", ErrorTable.denied("activation")),
  row("MO1007", "The one-time code is wrong or of an older page", ErrorTable.invalidCode("otp"), {
    ...inOtp,
    source: `${documented}; reports of integrators on the OTP step`
  }),
  row(
    "MO1007",
    "Date of birth or PAN is wrong",
    ErrorTable.invalidCredentials(
      "secondFactor",
      "Give the date of birth or the PAN that the broker has on file, and check the userId."
    )
  ),
  row("MO1008", "Invalid checksum", ErrorTable.invalidRequest("checksum", "was refused")),
  row("MO1011", "The client is not logged in", ErrorTable.sessionExpired("logged-out")),
  row("MO1050", "Invalid input", ErrorTable.invalidRequest("request", "was refused as invalid")),
  ...["MO1062", "MO1087", "MO1088"].map((code) =>
    row(
      code,
      "The client code is missing or invalid",
      ErrorTable.invalidRequest("clientcode", "is missing or wrong: a dealer must name its client (option dealer)")
    )
  ),
  row("MO1092", "Consent is missing", ErrorTable.denied("consent")),
  row("MO1093", "Invalid TOTP", ErrorTable.invalidCode("totp", ErrorTable.totpHints)),
  row(
    "MO1094",
    "No TOTP key, or it was reset",
    ErrorTable.invalidCode(
      "totp",
      () => [{ id: "ReEnrolled", text: "Was TOTP enabled anew? Then the old secret is void." }],
      "Enable TOTP in the broker's portal, and give its new secret. Without a secret the login asks for a code by SMS."
    )
  ),
  row("MO1095", "There is no such OTP session", ErrorTable.challengeExpired("refused")),
  row("MO1096", "Too many wrong one-time codes", ErrorTable.locked("otp", "unknown")),
  row(
    "MO1097",
    "The login was not verified by its one-time code",
    ErrorTable.actionRequired("Answer the one-time code of this login, or log in again")
  ),
  row(
    "MO1098",
    "Only dealers may do this",
    ErrorTable.denied("unknown", "This call is for dealers: use a dealer's login.")
  ),
  row("MO1099", "The one-time code is badly formed", ErrorTable.invalidCode("totp", ErrorTable.totpHints), inLogin),
  row("MO1099", "The one-time code is badly formed", ErrorTable.invalidCode("otp")),
  row(
    "MO1100",
    "The login may not do this",
    ErrorTable.denied(
      "unknown",
      "If this login waits for a one-time code, answer it first; else ask the broker's support."
    )
  ),
  row("MO2000", "Maximum of active sessions exceeded", ErrorTable.sessionLimit),
  row("MO2001", "Invalid method", ErrorTable.invalidRequest("request", "was sent by a method that the broker refuses")),
  row("MO2002", "Invalid JSON", ErrorTable.invalidRequest("request", "was refused as badly formed")),
  row("MO2005", "The header apikey is missing or wrong", ErrorTable.invalidCredentials("apiKey", swapped), {
    source: `${documented}; comments in clients of third parties on swapped keys`
  }),
  row("MO2006", "The header apisecretkey is missing or wrong", ErrorTable.invalidCredentials("apiSecret")),
  row("MO2007", "The header authorization is missing or wrong", ErrorTable.sessionExpired("invalid")),
  row(
    "MO2013",
    "The version number is wrong, probably that of the user-agent",
    ErrorTable.invalidRequest("user-agent", "names a version that the broker refuses")
  ),
  ...headerRows,
  row("MO2035", "The IP address is not registered", ErrorTable.denied("ip")),
  row("MO3001", "Several records where one is wanted", ErrorTable.unavailable),
  ...["MO5000", "MO5001", "MO5002"].map((code) =>
    row(code, "Connection trouble at the broker", ErrorTable.unavailable)
  ),
  row("MO8000", "Technical trouble at the broker", ErrorTable.unavailable),
  row("MO8001", "The token is invalid", ErrorTable.sessionExpired("invalid")),
  row("MO8002", "The token has expired", ErrorTable.sessionExpired("expired")),
  row("MO8003", "The token is missing", ErrorTable.sessionExpired("missing")),
  row("MO8050", "The refresh token is invalid", ErrorTable.sessionExpired("refresh-invalid")),
  row("MO8051", "The refresh token has expired", ErrorTable.sessionExpired("refresh-expired")),
  row("MO8052", "The session of the dashboard is over", ErrorTable.sessionExpired("unknown")),
  row("MOSL100", "Login id or password is invalid", ErrorTable.invalidCredentials("userId or password"), {
    source: 'Motilal OpenAPI documentation, sample of "Failed Response"'
  }),
  ...orderCodes
]
