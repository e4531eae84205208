import type * as Angel from "@auth/angel/msw"
import type * as Motilal from "@auth/motilal/msw"
import type * as Rmoney from "@auth/rmoney/msw"
import type * as Rupeezy from "@auth/rupeezy/msw"
import type * as Samco from "@auth/samco/msw"
import type * as Zerodha from "@auth/zerodha/msw"
import type { BrokerId } from "./brokers.ts"

/** Where a field of an account is seen on the wire. */
export interface Place {
  readonly where: "body" | "header" | "query" | "form" | "answer"
  readonly name: string
  /** The endpoint, as the journal names it. Default: every call. */
  readonly of?: string
  /** What is there, if it is not the value itself. */
  readonly as?: "code" | "hash"
}

/** A field that is not sent: what it changes. */
export type WireName = ReadonlyArray<Place> | string

const place =
  (where: Place["where"]) =>
  (of: string, name: string, as?: Place["as"]): Place => ({ where, name, of, ...(as === undefined ? {} : { as }) })

const body = place("body")
const query = place("query")
const form = place("form")
const answer = place("answer")
const header = (name: string): Place => ({ where: "header", name })

const redirected = "where the login page sends the browser"
const ordersOnly = "`unregistered`: orders are refused"

const angel: Readonly<Record<keyof Angel.FakeAngel.Account, WireName>> = {
  clientCode: [body("loginByPassword", "clientcode"), form("publisher-login", "clientcode")],
  pin: [body("loginByPassword", "password"), form("publisher-login", "pin")],
  totpSecret: [body("loginByPassword", "totp", "code"), form("publisher-login", "totp", "code")],
  apiKey: [header("x-privatekey")],
  publisherKey: [header("x-privatekey"), query("publisher-login", "api_key")],
  redirectUrl: redirected,
  name: [answer("getProfile", "name")],
  email: [answer("getProfile", "email")],
  mobile: [answer("getProfile", "mobileno")],
  state: "`blocked`: a login fails with AB1006",
  ip: ordersOnly
}

const motilal: Readonly<Record<keyof Motilal.FakeMotilal.Account, WireName>> = {
  userId: [body("authdirectapi", "userid"), header("vendorinfo"), form("portal-login", "userid")],
  password: [body("authdirectapi", "password", "hash"), form("portal-login", "password")],
  apiKey: [header("apikey"), query("portal-login", "apikey")],
  apiSecret: [header("apisecretkey")],
  secondFactor: [body("authdirectapi", "2FA"), form("portal-login", "2FA")],
  pan: [body("authdirectapi", "2FA"), form("portal-login", "2FA")],
  totpSecret: [body("authdirectapi", "totp", "code"), form("portal-login", "totp", "code")],
  redirectUrl: redirected,
  name: [answer("getprofile", "name")],
  role: "`dealer`: a login needs no `2FA`, and getprofile needs the client",
  client: [body("getprofile", "clientcode")],
  state: "other than `active`: a login is refused",
  ip: "`unregistered`: orders are refused, with the switch `addressCheck` all calls"
}

const rupeezy: Readonly<Record<keyof Rupeezy.FakeRupeezy.Account, WireName>> = {
  clientCode: [body("login", "client_code"), form("flow", "client_code")],
  password: [body("login", "password"), form("flow", "password")],
  totpSecret: [body("login", "totp", "code"), form("flow", "totp", "code")],
  applicationId: [
    body("login", "application_id"),
    query("flow", "applicationId"),
    body("createSession", "applicationId")
  ],
  apiKey: [header("x-api-key"), body("createSession", "checksum", "hash")],
  redirectUrl: redirected,
  name: [answer("login", "user_name")],
  email: [answer("login", "email")],
  mobile: [answer("login", "mobile")],
  userCode: [answer("login", "userCode")],
  state: "`blocked`: a login is refused",
  whitelist: "`unlisted`: the login page refuses the account",
  ip: ordersOnly
}

const samco: Readonly<Record<keyof Samco.FakeSamco.Account, WireName>> = {
  userId: [body("login", "userId"), body("accessToken", "uid"), answer("sessionToken", "accountID")],
  name: [answer("sessionToken", "accountName")],
  apiKey: [body("sessionToken", "apiKey"), query("authorizePage", "api_key")],
  apiSecret: [body("sessionToken", "apiSecret"), form("authorizePage", "apiSecret")],
  redirectUrl: [query("authorizePage", "redirect_url")],
  appName: [answer("oauthAuthorize", "appName")],
  app: "`inactive`: its key is unknown (EOAUTH001)",
  password: [body("login", "password")],
  yob: [body("login", "yob")],
  secretApiKey: [body("accessToken", "secretApiKey")],
  accessToken: [body("login", "accessToken")],
  state: "other than `active`: no session starts",
  subscription: "`none`: no session starts",
  appSignIn: "`needed`: no session starts (EOAUTH999)",
  ip: "`unregistered`: the login page and orders are refused (EOAUTH009)",
  primaryIp: [answer("sessionToken", "primaryIp"), body("ipUpdate", "primaryIp")],
  secondaryIp: [answer("sessionToken", "secondaryIp"), body("ipUpdate", "secondaryIp")]
}

const rmoney: Readonly<Record<keyof Rmoney.FakeRmoney.Account, WireName>> = {
  userId: [body("pwdValidate", "userId"), form("login-page", "userid")],
  password: [body("pwdValidate", "password"), form("login-page", "password")],
  pan: [body("pwdForgot", "pan"), body("pwdValidate", "userId")],
  email: [body("pwdValidate", "userId")],
  mobile: [body("pwdValidate", "userId")],
  name: [answer("otpValidate", "clientName")],
  totpSecret: [body("toptVerify", "totp", "code"), form("login-page", "totp", "code")],
  totp: "`enabled`: the account has an authenticator",
  vendor: [body("ssoGetUserDetails", "vendor"), query("login-page", "appcode")],
  appCode: [query("login-page", "appcode")],
  apiSecret: [body("vendorGetUserDetails", "checkSum", "hash")],
  redirectUrl: redirected,
  deviceId: [body("bioPwdValidate", "deviceId")],
  accessToken: [body("bioPwdValidate", "token")],
  state: "other than `active`: the account or its app is refused",
  passChangeFlag: [answer("otpValidate", "passChangeFlag")],
  isDormant: [answer("otpValidate", "isDormant")]
}

const zerodha: Readonly<Record<keyof Zerodha.FakeZerodha.Account, WireName>> = {
  userId: [form("loginPage", "user_id"), answer("sessionToken", "user_id")],
  password: [form("loginPage", "password")],
  totpSecret: [form("loginPage", "totp", "code")],
  apiKey: [query("loginPage", "api_key"), form("sessionToken", "api_key")],
  apiSecret: [form("sessionToken", "checksum", "hash")],
  redirectUrl: redirected,
  name: [answer("sessionToken", "user_name")],
  email: [answer("sessionToken", "email")],
  state: "`blocked`: the login page refuses the user",
  app: "`disabled`: the login page refuses the user",
  ip: "other than `registered`: orders are refused",
  platform: "`approved`: a login brings a refresh token"
}

/** Where the fields of the accounts are seen on the wire. A field that the fake has and this table lacks is an error. */
export const wireNames: Readonly<Record<BrokerId, Readonly<Record<string, WireName>>>> = {
  angel,
  motilal,
  rupeezy,
  samco,
  rmoney,
  zerodha
}
