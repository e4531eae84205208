import { FakeAngel } from "@auth/angel/msw"
import { refusedUnsent } from "../../../tools/vitest/brokers.ts"

export { problemsOf as problems, redacted as secret } from "../../../tools/vitest/brokers.ts"

export const demo = FakeAngel.demoAccount

export const refused = refusedUnsent(FakeAngel.make(), [demo.pin, demo.apiKey, demo.publisherKey, demo.totpSecret])

export const told = {
  missing: "is missing",
  empty: "is empty",
  noText: "must be text",
  noRedacted: "must be Redacted text",
  mail: "is an email address: use the client code, such as A123456",
  notBase32: "is not base32, which has only the letters A to Z and the digits 2 to 7",
  pasted: "is too short for a TOTP secret: use the secret in the QR code, not a code from the app",
  needsHost: "must be https with a host name: the broker refuses http, localhost and bare IP addresses"
}
