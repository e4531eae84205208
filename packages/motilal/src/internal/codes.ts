import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as headers from "./headers.ts"

const documented = 'Motilal OpenAPI documentation, "Error Codes"'
const faq = "Motilal OpenAPI FAQ, question"
const row = ErrorTable.rows(documented, "2026-11-21")

const { denied, invalidCode, invalidCredentials, invalidRequest, sessionExpired, unavailable } = ErrorTable
const apiKey = invalidCredentials("apiKey")
const secondFactor = invalidCredentials(
  "secondFactor",
  "Use the date of birth or the PAN that the broker has on file, and check the userId."
)
const noTotpKey = invalidCode(
  "totp",
  () => [{ id: "ReEnrolled", text: "If TOTP was enabled again, the old secret is no longer valid." }],
  "Enable TOTP in the broker's portal, and use the new secret. Without a secret, the login needs a code by SMS."
)
const noClient = invalidRequest(
  "clientcode",
  "is missing or wrong: for a dealer's login, set the option dealer.clientCode to the client's code"
)
const notVerified = ErrorTable.actionRequired("Send the one-time code of this login or log in again")
const notLinked = denied(
  "unknown",
  "Link the PAN with Aadhaar. According to the broker's FAQ, a PAN without this link causes the error."
)
const notAllowed = denied(
  "unknown",
  "If this login waits for a one-time code, send the code first. Otherwise contact the broker's support."
)
const forDealers = denied("unknown", "Use a dealer's login for this call.")
const otherUser = invalidCredentials("userId", "Check the userId, and that the apiKey belongs to an app of this user.")
const badRequest = invalidRequest("request", "was rejected as malformed")
const badMethod = invalidRequest("request", "was sent with a method that the broker rejects")
const badVersion = invalidRequest("user-agent", "names a version that the broker rejects")

const inLogin = { operations: ["authdirectapi"] }
const inOtp = { operations: ["verifyotp", "resendotp"] }

const swapped =
  "Check that apiKey and apiSecret are not swapped. If your program calls passwordHash, pass the apiKey to it, not the apiSecret."

const headerRows = headers.table
  .filter(({ code, from }) => code.startsWith("MO20") && from !== "key" && from !== "session")
  .map(({ code, name, option }) =>
    row(
      code,
      `The header ${name} is missing or wrong`,
      ErrorTable.invalidRequest(name, `is missing or malformed${option ? `: check the option ${option}` : ""}`)
    )
  )

const range = (first: number, last: number): ReadonlyArray<number> =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

const orderCodes = [
  1003,
  ...range(1012, 1016),
  ...range(1051, 1061),
  ...range(1063, 1086),
  ...range(1089, 1091),
  ...range(1101, 1104),
  5003
].map((number) => row(`MO${number}`, "An order or another call outside the login failed", ErrorTable.rejected))

export const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  row(/not a valid account number/i, "The PAN is not linked to Aadhaar", notLinked, { source: `${faq} 48` }),
  row("MO1000", "Invalid user id or password", invalidCredentials("userId or password")),
  row("MO1001", "Invalid user id, or API key of another user", otherUser, { source: `${documented}; ${faq} 11` }),
  row("MO1002", "The password is not a hash of 64 characters", invalidRequest("password", "is not a hash")),
  row("MO1004", "Invalid API key", apiKey),
  row("MO1005", "API key not found", apiKey),
  row("MO1006", "The app is not authorized for live use", denied("activation")),
  row("MO1007", "The one-time code is wrong, or belongs to another login", invalidCode("otp"), {
    ...inOtp,
    source: `${documented}; reports of integrators on the OTP step`
  }),
  row("MO1007", "Date of birth or PAN is wrong", secondFactor),
  row("MO1008", "Invalid checksum", invalidRequest("checksum", "was refused")),
  row("MO1011", "The client is not logged in", sessionExpired("logged-out")),
  row("MO1050", "Invalid input", invalidRequest("request", "was refused as invalid")),
  ...["MO1062", "MO1087", "MO1088"].map((code) => row(code, "The client code is missing or invalid", noClient)),
  row("MO1092", "Consent is missing", denied("consent")),
  row("MO1093", "Invalid TOTP", invalidCode("totp", ErrorTable.totpHints)),
  row("MO1094", "The account has no TOTP key, or the key was reset", noTotpKey),
  row("MO1095", "The OTP session does not exist", ErrorTable.challengeExpired("refused")),
  row("MO1096", "Too many wrong one-time codes", ErrorTable.locked("otp", "unknown")),
  row("MO1097", "The login was not verified by its one-time code", notVerified),
  row("MO1098", "Only dealers may make this call", forDealers),
  row("MO1099", "The one-time code is malformed", invalidCode("totp", ErrorTable.totpHints), inLogin),
  row("MO1099", "The one-time code is malformed", invalidCode("otp")),
  row("MO1100", "This login is not allowed to make the call", notAllowed),
  row("MO2000", "The maximum number of active sessions is exceeded", ErrorTable.sessionLimit),
  row("MO2001", "Invalid method", badMethod),
  row("MO2002", "Invalid JSON", badRequest),
  row("MO2005", "The header apikey is missing or wrong", invalidCredentials("apiKey", swapped), {
    source: `${documented}; comments about swapped keys in third-party clients`
  }),
  row("MO2006", "The header apisecretkey is missing or wrong", invalidCredentials("apiSecret")),
  row("MO2007", "The header authorization is missing or wrong", sessionExpired("invalid")),
  row("MO2013", "The version number is wrong, probably in the header user-agent", badVersion),
  ...headerRows,
  row("MO2035", "The IP address is not registered", denied("ip")),
  row("MO3001", "The broker found several records instead of one", unavailable),
  ...["MO5000", "MO5001", "MO5002"].map((code) => row(code, "Connection trouble at the broker", unavailable)),
  row("MO8000", "Technical trouble at the broker", unavailable),
  row("MO8001", "The token is invalid", sessionExpired("invalid")),
  row("MO8002", "The token has expired", sessionExpired("expired")),
  row("MO8003", "The token is missing", sessionExpired("missing")),
  row("MO8050", "The refresh token is invalid", sessionExpired("refresh-invalid")),
  row("MO8051", "The refresh token has expired", sessionExpired("refresh-expired")),
  row("MO8052", '"Dashboard Session Expired", in the words of the broker', sessionExpired("unknown")),
  row("MOSL100", "Login id or password is invalid", invalidCredentials("userId or password"), {
    source: 'Motilal OpenAPI documentation, sample of "Failed Response"'
  }),
  ...orderCodes
]
