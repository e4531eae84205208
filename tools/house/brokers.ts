/** The brokers of this repository: their documented calls, and the modules of their packages. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..")

export interface Documented {
  readonly folder: string
  /** The prefix of the package's modules. */
  readonly name: string
  /** Method and path of every call of the login, as documented by the broker. */
  readonly calls: ReadonlyArray<string>
  /** Only a person in a browser can log in. */
  readonly login?: "person"
}

const rmoney = (prefix: string, calls: ReadonlyArray<string>) =>
  calls.map((call) => call.replace(" ", ` /auth/v1/${prefix}`))

/**
 * The calls of the documents that this project started from: SmartAPI "Login" and "Funds"; Motilal OpenAPI v3 and v1;
 * Vortex "Authentication"; Samco Trade API "User login"; RMoney's login API. As of 2026-11-21. And Kite Connect 3
 * "User", as of 2026-11-27.
 */
export const documented: ReadonlyArray<Documented> = [
  {
    folder: "angel",
    name: "Angel",
    calls: [
      "POST /rest/auth/angelbroking/user/v1/loginByPassword",
      "POST /rest/auth/angelbroking/jwt/v1/generateTokens",
      "GET /rest/secure/angelbroking/user/v1/getProfile",
      "GET /rest/secure/angelbroking/user/v1/getRMS",
      "POST /rest/secure/angelbroking/user/v1/logout"
    ]
  },
  {
    folder: "motilal",
    name: "Motilal",
    calls: [
      "POST /rest/login/v3/authdirectapi",
      "POST /rest/login/v3/resendotp",
      "POST /rest/login/v3/verifyotp",
      "POST /rest/login/v1/getprofile",
      "POST /rest/login/v1/logout"
    ]
  },
  { folder: "rupeezy", name: "Rupeezy", calls: ["POST /v2/user/login", "POST /v2/user/session"] },
  { folder: "samco", name: "Samco", calls: ["POST /login"] },
  {
    folder: "rmoney",
    name: "Rmoney",
    calls: [
      ...rmoney("", ["POST sso/vendor/auth/getUserDetails"]),
      ...rmoney("access/", [
        "POST pwd/validate",
        "POST otp/send",
        "POST otp/validate",
        "POST topt/verify",
        "POST bio/enable",
        "POST bio/pwd/validate",
        "GET qr/generate",
        "POST qr/login",
        "POST client/unblock",
        "POST client/unblock/verify",
        "POST pwd/forgot",
        "POST pwd/forgot/verify",
        "POST pwd/reset"
      ])
    ]
  },
  {
    folder: "zerodha",
    name: "Zerodha",
    login: "person",
    calls: ["POST /session/token", "DELETE /session/token", "GET /user/profile", "GET /user/margins"]
  }
]

export interface RequestFixture {
  readonly endpoint: string
  readonly method: string
  readonly url: string
}

export interface AnswerFixture {
  readonly endpoint: string
  readonly expect: object
}

const readFixtures = ({ folder }: Documented, file: string): unknown =>
  JSON.parse(readFileSync(join(root, "packages", folder, "test/fixtures", file), "utf8"))

export const requestFixtures = (broker: Documented) =>
  readFixtures(broker, "requests.json") as ReadonlyArray<RequestFixture>

export const answerFixtures = (broker: Documented) =>
  readFixtures(broker, "success.json") as ReadonlyArray<AnswerFixture>

/** The source files of a package, with the broker's name removed from their names. */
export const sources = ({ folder, name }: Documented): ReadonlyArray<string> => {
  const path = join(root, "packages", folder, "src")
  return (existsSync(path) ? readdirSync(path, { recursive: true }) : [])
    .map((file) => String(file).replace(name, "Broker"))
    .filter((file) => file.endsWith(".ts"))
    .toSorted()
}
