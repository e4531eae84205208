/** Every login method of the brokers in the simulator, with the credentials of a fake account. */
import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import type { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { pages } from "../../simulator/test/chromium/pages.ts"
import * as brokers from "../src/internal/brokers.ts"

export interface Way {
  readonly broker: Simulator.BrokerId
  readonly method: string
  /** Index of the account among the broker's accounts in the simulator. Default: 0. */
  readonly account?: number
  readonly values: (account: FakeAccount) => Readonly<Record<string, string | undefined>>
  /** Title of the entry in `pages.ts` that fills in the login page. Absent if the login needs no browser. */
  readonly page?: string
  /** `true` if the login asks for a code that the broker sends by SMS. */
  readonly asksCode?: true
  /** The simulator's page that replaces the mobile app. Absent if the login has no QR code. */
  readonly scan?: { readonly origin: string; readonly path: string }
  /** Name of an endpoint that each login calls exactly once. */
  readonly login: string
}

export const ways: ReadonlyArray<Way> = [
  {
    broker: "angel",
    method: "totp",
    login: "loginByPassword",
    values: ({ apiKey, clientCode, pin, totpSecret }) => ({
      ANGEL_CLIENT_CODE: clientCode,
      ANGEL_PIN: pin,
      ANGEL_API_KEY: apiKey,
      ANGEL_TOTP_SECRET: totpSecret
    })
  },
  {
    broker: "angel",
    method: "publisher",
    login: "getProfile",
    page: "Angel's publisher page",
    values: ({ clientCode, publisherKey, redirectUrl }) => ({
      ANGEL_CLIENT_CODE: clientCode,
      ANGEL_API_KEY: publisherKey,
      ANGEL_REDIRECT_URL: redirectUrl
    })
  },
  {
    broker: "motilal",
    method: "password",
    login: "authdirectapi",
    values: ({ apiKey, apiSecret, password, secondFactor, totpSecret, userId }) => ({
      MOTILAL_USER_ID: userId,
      MOTILAL_PASSWORD: password,
      MOTILAL_API_KEY: apiKey,
      MOTILAL_API_SECRET: apiSecret,
      MOTILAL_SECOND_FACTOR: secondFactor,
      MOTILAL_TOTP_SECRET: totpSecret
    })
  },
  {
    broker: "motilal",
    method: "portal",
    login: "getaccesstoken",
    page: "Motilal's portal",
    values: ({ apiKey, apiSecret, redirectUrl, userId }) => ({
      MOTILAL_USER_ID: userId,
      MOTILAL_API_KEY: apiKey,
      MOTILAL_API_SECRET: apiSecret,
      MOTILAL_REDIRECT_URL: redirectUrl
    })
  },
  {
    broker: "rupeezy",
    method: "totp",
    login: "login",
    values: ({ apiKey, applicationId, clientCode, password, totpSecret }) => ({
      RUPEEZY_CLIENT_CODE: clientCode,
      RUPEEZY_PASSWORD: password,
      RUPEEZY_TOTP_SECRET: totpSecret,
      RUPEEZY_APPLICATION_ID: applicationId,
      RUPEEZY_API_KEY: apiKey
    })
  },
  {
    broker: "rupeezy",
    method: "partner",
    login: "createSession",
    page: "Rupeezy's partner page",
    values: ({ apiKey, applicationId, clientCode, redirectUrl }) => ({
      RUPEEZY_CLIENT_CODE: clientCode,
      RUPEEZY_APPLICATION_ID: applicationId,
      RUPEEZY_API_KEY: apiKey,
      RUPEEZY_REDIRECT_URL: redirectUrl
    })
  },
  {
    broker: "samco",
    method: "api-key",
    login: "sessionToken",
    values: ({ apiKey, apiSecret, userId }) => ({
      SAMCO_USER_ID: userId,
      SAMCO_API_KEY: apiKey,
      SAMCO_API_SECRET: apiSecret
    })
  },
  {
    broker: "samco",
    method: "oauth",
    login: "oauthToken",
    page: "Samco's consent page",
    values: ({ apiKey, redirectUrl, userId }) => ({
      SAMCO_USER_ID: userId,
      SAMCO_API_KEY: apiKey,
      SAMCO_REDIRECT_URL: redirectUrl
    })
  },
  {
    broker: "samco",
    method: "legacy",
    login: "login",
    values: ({ accessToken, password, userId, yob }) => ({
      SAMCO_USER_ID: userId,
      SAMCO_PASSWORD: password,
      SAMCO_ACCESS_TOKEN: accessToken,
      SAMCO_YOB: yob
    })
  },
  {
    broker: "rmoney",
    method: "password",
    login: "otpValidate",
    asksCode: true,
    values: ({ password, userId }) => ({
      RMONEY_ENVIRONMENT: "uat",
      RMONEY_USER_ID: userId,
      RMONEY_PASSWORD: password
    })
  },
  {
    broker: "rmoney",
    method: "sso",
    login: "vendorGetUserDetails",
    page: "RMoney's login page",
    values: ({ apiSecret, appCode, redirectUrl, userId }) => ({
      RMONEY_ENVIRONMENT: "uat",
      RMONEY_USER_ID: userId,
      RMONEY_APP_CODE: appCode,
      RMONEY_API_SECRET: apiSecret,
      RMONEY_REDIRECT_URL: redirectUrl
    })
  },
  {
    broker: "rmoney",
    method: "sso-vendor",
    account: 1,
    login: "ssoGetUserDetails",
    page: "RMoney's live login page, with an authenticator",
    values: ({ redirectUrl, userId, vendor }) => ({
      RMONEY_ENVIRONMENT: "production",
      RMONEY_USER_ID: userId,
      RMONEY_VENDOR: vendor,
      RMONEY_REDIRECT_URL: redirectUrl
    })
  },
  {
    broker: "rmoney",
    method: "qr",
    login: "qrGenerate",
    scan: { origin: "https://webuat.rmoneyindia.co.in", path: "/qr-scan" },
    values: ({ userId }) => ({ RMONEY_ENVIRONMENT: "uat", RMONEY_USER_ID: userId })
  },
  {
    broker: "rmoney",
    method: "biometric",
    login: "bioPwdValidate",
    values: ({ accessToken, deviceId, userId }) => ({
      RMONEY_ENVIRONMENT: "uat",
      RMONEY_USER_ID: userId,
      RMONEY_ACCESS_TOKEN: accessToken,
      RMONEY_DEVICE_ID: deviceId
    })
  },
  {
    broker: "zerodha",
    method: "browser",
    login: "sessionToken",
    page: "Zerodha's login page",
    values: ({ apiKey, apiSecret, redirectUrl, userId }) => ({
      ZERODHA_USER_ID: userId,
      ZERODHA_API_KEY: apiKey,
      ZERODHA_API_SECRET: apiSecret,
      ZERODHA_REDIRECT_URL: redirectUrl
    })
  },
  {
    broker: "zerodha",
    method: "platform",
    login: "sessionToken",
    page: "Zerodha's login page",
    values: ({ apiKey, apiSecret, redirectUrl, userId }) => ({
      ZERODHA_USER_ID: userId,
      ZERODHA_API_KEY: apiKey,
      ZERODHA_API_SECRET: apiSecret,
      ZERODHA_REDIRECT_URL: redirectUrl
    })
  }
]

export const pageOf = (way: Way) => pages.find(({ title }) => title === way.page)

export const valuesOf = (way: Way, account: FakeAccount): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(way.values(account)).filter((entry): entry is [string, string] => entry[1] !== undefined)
  )

export const secretsOf = (way: Way, account: FakeAccount) =>
  Effect.map(brokers.loadBroker(way.broker), ({ methods }) => {
    const fields = methods.find(({ id }) => id === way.method)?.credentials ?? {}
    const names = new Set(Object.values(fields).flatMap(({ env, secret }) => (secret ? [env] : [])))
    return Object.entries(valuesOf(way, account)).flatMap(([name, value]) => (names.has(name) ? [value] : []))
  })
