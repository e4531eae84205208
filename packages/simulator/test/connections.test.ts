import { assert, describe, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { broker as Angel } from "@auth/angel/AngelBroker"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { FakeAngel } from "@auth/angel/msw"
import type { Broker } from "@auth/broker-core/broker/Broker"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type { Logout } from "@auth/broker-core/login/Logout"
import type { Session } from "@auth/broker-core/login/Session"
import type * as Core from "@auth/broker-core/session/Connection"
import * as Connections from "@auth/broker-core/session/Connections"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalApi from "@auth/motilal/MotilalApi"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { broker as Motilal } from "@auth/motilal/MotilalBroker"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import * as Connection from "@auth/node/Connection"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import { broker as Rmoney } from "@auth/rmoney/RmoneyBroker"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { broker as Rupeezy } from "@auth/rupeezy/RupeezyBroker"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoApi from "@auth/samco/SamcoApi"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import { broker as Samco } from "@auth/samco/SamcoBroker"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { LoginPage, Simulator } from "@auth/simulator"
import { FakeZerodha } from "@auth/zerodha/msw"
import * as ZerodhaApi from "@auth/zerodha/ZerodhaApi"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import { broker as Zerodha } from "@auth/zerodha/ZerodhaBroker"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { servedOf } from "./support.ts"

type Account = Readonly<Record<string, string>>

/** A way to log in. `login`, `renewal` and `logout` list the endpoints that each step calls. */
interface Way<Services> {
  readonly broker: Broker
  /** The fake's account, with the credentials that the layer reads. */
  readonly account: object
  readonly layer: (options: {
    readonly environment?: "uat"
    readonly origins: Readonly<Record<string, string>>
  }) => Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> &
    Layer.Layer<Services | Renewal | Logout | Authorize, AuthError.AuthError, HttpClient.HttpClient>
  /** The fields that the user enters in the login page. Absent if there is no login page. */
  readonly form?: (totp: string) => Account
  /** `codes`: the user gives the program the one-time code. `scan`: the user scans a QR code. */
  readonly person?: "codes" | "scan"
  readonly login: ReadonlyArray<string>
  /** Method and path of a call that the test sends with `fetch`. */
  readonly path: `${"GET" | "POST"} /${string}`
  /** Sends the call in `path` through the broker's typed API. */
  readonly read: (connection: Core.Calls<Services>) => Promise<unknown>
  /** The endpoint that `path` and `read` call. */
  readonly reads: string
  /** The endpoint that the connection's `profile` calls. Absent if the connection has no `profile`. */
  readonly profile?: string
  /** Absent if a person must log in again after the broker refuses the token. */
  readonly renewal?: ReadonlyArray<string>
  /**
   * Body of an injected answer that refuses the token. Without `refused`, the test clears the broker's state instead.
   * The token is then unknown. Set `refused` if the renewal would fail without the broker's state.
   */
  readonly refused?: string
  readonly logout: ReadonlyArray<string>
}

type Opened = Core.Calls<never> & Partial<Core.ProfileCalls & Core.RedirectCalls & Core.QrCalls>

interface Setting {
  readonly simulator: Simulator.Simulator["Service"]
  readonly folder: string
}

const key = Layer.effect(VaultKey.VaultKey, VaultKey.fromText(Redacted.make("ab".repeat(32)), "the key of a test"))

const environmentOf = ({ methods }: Broker, account: object): Account =>
  Object.fromEntries(
    methods.flatMap(({ credentials }) =>
      Object.entries(credentials).flatMap(([field, { env }]) => {
        const value = (account as Account)[field === "totp" ? "totpSecret" : field]
        return value === undefined ? [] : [[env, value]]
      })
    )
  )

const layerOf = <Services>({ account, broker, layer }: Way<Services>, { simulator }: Setting) => {
  const environment = broker === Rmoney ? "uat" : undefined
  const origins = servedOf(simulator, broker, environment)
  const configured = layer({ ...(environment && { environment }), origins }).pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environmentOf(broker, account))))
  )
  // A connection uses the simulator's clock, because the test advances this clock to the next TOTP period.
  return Layer.merge(configured, Layer.succeed(Clock.Clock, simulator.clock))
}

const codesIn =
  ({ simulator }: Setting) =>
  async ({ account: { broker, id } }: Core.CodeQuestion) =>
    (await Effect.runPromise(simulator.codes(broker as Simulator.BrokerId, id))).at(-1) ?? ""

const idOf = ({ account, broker }: Way<never>): string =>
  (account as Account)[broker === Angel || broker === Rupeezy ? "clientCode" : "userId"] ?? ""

const way = <Services>(row: Way<Services>) => ({
  ...(row as unknown as Way<never>),
  layerIn: (setting: Setting) => layerOf(row, setting),
  open: (setting: Setting): Promise<Core.Connection<never>> =>
    Connection.open<Services, AuthError.AuthError>(layerOf(row, setting), {
      folder: setting.folder,
      key,
      ...(row.person === "codes" && { codes: codesIn(setting) })
    })
})

const angel = FakeAngel.demoAccount
const motilal = FakeMotilal.demoAccount
const rmoney = FakeRmoney.demoAccount
const rmoneyTotp = FakeRmoney.demoTotpAccount
const rupeezy = FakeRupeezy.demoAccount
const samco = FakeSamco.demoAccount
const zerodha = FakeZerodha.demoAccount

const ofAngel = {
  broker: Angel,
  path: "GET /rest/secure/angelbroking/user/v1/getRMS",
  reads: "getRMS",
  profile: "getProfile",
  logout: ["logout"]
} as const
const ofMotilal = {
  broker: Motilal,
  path: "POST /rest/login/v5/getprofile",
  reads: "getprofile",
  profile: "getprofile",
  logout: ["logout"]
} as const
const ofRupeezy = {
  broker: Rupeezy,
  path: "GET /v2/user/funds",
  reads: "getFunds",
  profile: "getFunds",
  logout: ["deleteSession"]
} as const
const ofSamco = {
  broker: Samco,
  path: "GET /limit/getLimits",
  reads: "getLimits",
  profile: "getLimits",
  logout: ["logout"]
} as const
const ofRmoney = { broker: Rmoney, path: "GET /open-api/od/v1/profile", reads: "getProfile", logout: [] } as const

const funds = (connection: Core.Calls<AngelApi.AngelApi>) =>
  connection.call(AngelApi.AngelApi, (api, session) => api.getRMS(session))
const motilalProfile = (connection: Core.Calls<MotilalApi.MotilalApi>) =>
  connection.call(MotilalApi.MotilalApi, (api, session) => api.getprofile({}, session))
const rupeezyFunds = (connection: Core.Calls<RupeezyApi.RupeezyApi>) =>
  connection.call(RupeezyApi.RupeezyApi, (api, session) => api.getFunds(session))
const limits = (connection: Core.Calls<SamcoApi.SamcoApi>) =>
  connection.call(SamcoApi.SamcoApi, (api, session) => api.getLimits(session))
const rmoneyProfile = (connection: Core.Calls<RmoneyApi.RmoneyApi>) =>
  connection.call(RmoneyApi.RmoneyApi, (api, session) => api.getProfile(session))

const ways = {
  AngelAuth: way({
    ...ofAngel,
    account: angel,
    layer: AngelAuth.layerConfig,
    login: ["loginByPassword"],
    read: funds,
    renewal: ["generateTokens", "loginByPassword"]
  }),
  AngelPublisher: way({
    ...ofAngel,
    account: { ...angel, apiKey: angel.publisherKey },
    layer: AngelPublisher.layerConfig,
    form: (totp) => ({ clientcode: angel.clientCode, pin: angel.pin, totp }),
    login: ["publisher-login", "publisher-login", "getProfile"],
    read: funds
  }),
  "MotilalAuth with TOTP": way({
    ...ofMotilal,
    account: motilal,
    layer: MotilalAuth.layerConfig,
    login: ["authdirectapi", "getaccesstoken"],
    read: motilalProfile,
    renewal: ["authdirectapi", "getaccesstoken"]
  }),
  "MotilalAuth with a code by SMS": way({
    ...ofMotilal,
    account: { ...motilal, totpSecret: undefined },
    layer: MotilalAuth.layerConfig,
    person: "codes",
    login: ["authdirectapi", "verifyotp", "getaccesstoken"],
    read: motilalProfile,
    renewal: ["authdirectapi", "verifyotp", "getaccesstoken"]
  }),
  MotilalPortal: way({
    ...ofMotilal,
    account: motilal,
    layer: MotilalPortal.layerConfig,
    form: (totp) => ({ userid: motilal.userId, password: motilal.password, "2FA": motilal.pan, totp }),
    login: ["portal-login", "portal-login", "getaccesstoken", "getprofile"],
    read: motilalProfile
  }),
  RupeezyAuth: way({
    ...ofRupeezy,
    account: rupeezy,
    layer: RupeezyAuth.layerConfig,
    login: ["login"],
    read: rupeezyFunds,
    renewal: ["login"]
  }),
  RupeezyPartner: way({
    ...ofRupeezy,
    account: rupeezy,
    layer: RupeezyPartner.layerConfig,
    form: (totp) => ({ client_code: rupeezy.clientCode, password: rupeezy.password, totp, consent: "given" }),
    login: ["flow", "flow", "createSession"],
    read: rupeezyFunds
  }),
  SamcoAuth: way({
    ...ofSamco,
    account: samco,
    layer: SamcoAuth.layerConfig,
    login: ["sessionToken"],
    read: limits,
    renewal: ["sessionToken"]
  }),
  SamcoLegacy: way({
    ...ofSamco,
    account: samco,
    layer: SamcoLegacy.layerConfig,
    login: ["login"],
    read: limits,
    renewal: ["login"]
  }),
  SamcoOAuth: way({
    ...ofSamco,
    account: samco,
    layer: SamcoOAuth.layerConfig,
    form: () => ({ apiSecret: samco.apiSecret }),
    login: ["authorizePage", "authorizePage", "oauthToken"],
    read: limits,
    renewal: ["oauthRefresh"],
    logout: ["oauthRevoke"],
    refused: '{"status":"Failure","statusMessage":"Unauthorized - Invalid token. sessId missing."}'
  }),
  "RmoneyAuth with a code by SMS": way({
    ...ofRmoney,
    account: { ...rmoney, totpSecret: undefined },
    layer: RmoneyAuth.layerConfig,
    person: "codes",
    login: ["pwdValidate", "otpValidate"],
    read: rmoneyProfile,
    profile: "getProfile",
    renewal: ["pwdValidate", "otpValidate"]
  }),
  "RmoneyAuth with TOTP": way({
    ...ofRmoney,
    account: rmoneyTotp,
    layer: RmoneyAuth.layerConfig,
    login: ["pwdValidate", "toptVerify"],
    read: rmoneyProfile,
    profile: "getProfile",
    renewal: ["pwdValidate", "toptVerify"]
  }),
  RmoneySso: way({
    ...ofRmoney,
    account: rmoney,
    layer: RmoneySso.layerConfig,
    form: () => ({ userid: rmoney.userId, password: rmoney.password }),
    login: ["login-page", "login-page", "vendorGetUserDetails"],
    read: rmoneyProfile,
    profile: "getProfile"
  }),
  RmoneyQr: way({
    ...ofRmoney,
    account: rmoney,
    layer: RmoneyQr.layerConfig,
    person: "scan",
    login: ["qrGenerate", "qr-scan", "qrLogin"],
    read: rmoneyProfile
  }),
  RmoneyBiometric: way({
    ...ofRmoney,
    account: rmoney,
    layer: RmoneyBiometric.layerConfig,
    login: ["bioPwdValidate"],
    read: rmoneyProfile,
    renewal: ["bioPwdValidate"],
    refused: "Unauthorized"
  }),
  ZerodhaAuth: way({
    broker: Zerodha,
    account: zerodha,
    layer: ZerodhaAuth.layerConfig,
    form: (totp) => ({ user_id: zerodha.userId, password: zerodha.password, totp }),
    login: ["loginPage", "loginPage", "sessionToken"],
    path: "GET /user/margins",
    read: (connection) => connection.call(ZerodhaApi.ZerodhaApi, (api, session) => api.getMargins(session)),
    reads: "getMargins",
    profile: "getProfile",
    logout: ["deleteSession"]
  })
}

type Row = (typeof ways)[keyof typeof ways]

const fetchJson = async ({ broker, path }: Row, { simulator }: Setting, connection: Opened): Promise<unknown> => {
  const [method = "", target = ""] = path.split(" ")
  const { api = "" } = servedOf(simulator, broker, broker === Rmoney ? "uat" : undefined)
  const answer = await connection.fetch(api + target, { method, ...(method === "POST" && { body: "{}" }) })
  assert.strictEqual(answer.status, 200)
  return answer.json()
}

const logIn = async ({ form, person }: Row, { simulator }: Setting, connection: Opened): Promise<Session> => {
  const { broker, id } = connection.account
  if (person === "scan") {
    const page = `${simulator.origins["https://webuat.rmoneyindia.co.in"]}/qr-scan`
    const body = new URLSearchParams({ userid: rmoney.userId, password: rmoney.password })
    return await connection.loginByQr!({
      show: async ({ name }) =>
        void (await fetch(`${page}?qrName=${Connection.reveal(name)}`, { method: "POST", body }))
    })
  }
  if (form === undefined) return await connection.session()
  const { seal } = await connection.beginLogin!()
  // In a web app, the callback can arrive at another process. That process resumes the login.
  const { complete, url } = await connection.resumeLogin!(await seal())
  const code = form.length === 0 ? "" : (await Effect.runPromise(simulator.totp(broker as never, id))).code
  return await complete(
    await Effect.runPromise(Effect.provide(LoginPage.submit(url, form(code)), FetchHttpClient.layer))
  )
}

const makeSent = ({ simulator }: Setting) => {
  let known = 0
  return async (): Promise<ReadonlyArray<string>> => {
    const entries = await Effect.runPromise(simulator.journal())
    const added = entries.slice(known).map(({ endpoint }) => endpoint)
    known = entries.length
    return added
  }
}

const inSetting = (
  work: (setting: Setting) => Promise<void>,
  options?: Simulator.Options
): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make(options)
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-connections-"))),
      (made) => Effect.sync(() => fs.rmSync(made, { recursive: true }))
    )
    yield* Effect.promise(() => work({ simulator, folder }))
  })

const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (AuthError.isAuthError(error) ? error.reason._tag : String(error))
  )

describe("Connection", () => {
  for (const [title, row] of Object.entries(ways)) {
    it.live(`${title}: logs in, keeps the session after a restart, replaces a refused token, logs out`, () =>
      inSetting(async (setting) => {
        const { simulator } = setting
        const sent = makeSent(setting)
        /** The fakes allow only a few calls per second. */
        const wait = () => Effect.runPromise(simulator.advance("2 seconds"))

        const first = await row.open(setting)
        assert.deepStrictEqual(await sent(), [])
        const session = await logIn(row, setting, first)
        assert.strictEqual(session.account.id, idOf(row))
        assert.deepStrictEqual(await sent(), row.login)
        assert.isObject(await fetchJson(row, setting, first))
        assert.deepStrictEqual(await sent(), [row.reads])
        await wait()
        assert.isObject(await row.read(first))
        assert.deepStrictEqual(await sent(), [row.reads])
        await wait()
        if (row.profile === undefined) assert.notProperty(first, "profile")
        else {
          assert.strictEqual((await (first as unknown as Core.ProfileCalls).profile()).name, "DEMO TRADER")
          assert.deepStrictEqual(await sent(), [row.profile])
          await wait()
        }
        await first.close()

        await using second = await row.open(setting)
        const stored = await second.session()
        assert.strictEqual(Connection.reveal(stored.tokens.access), Connection.reveal(session.tokens.access))
        assert.isObject(await fetchJson(row, setting, second))
        assert.deepStrictEqual(await sent(), [row.reads])

        if (row.refused === undefined) {
          await Effect.runPromise(simulator.seed({ brokers: {} }))
          await sent()
          // The login guard allows one login with a TOTP code in each TOTP period.
          await Effect.runPromise(simulator.advance("31 seconds"))
        } else {
          const fault = { kind: "answer", status: 401, body: row.refused } as const
          await Effect.runPromise(simulator.inject(row.broker.id as never, row.reads, fault))
        }
        const isRepeated = row.path.startsWith("GET") && row.renewal !== undefined
        const refused = isRepeated ? "no error" : row.renewal === undefined ? "ActionRequired" : "SessionExpired"
        assert.strictEqual(await reasonOf(fetchJson(row, setting, second)), refused)
        const renewal = row.renewal ?? []
        assert.deepStrictEqual(await sent(), [row.reads, ...renewal, ...(isRepeated ? [row.reads] : [])])
        if (row.renewal === undefined) {
          await logIn(row, setting, second)
          assert.deepStrictEqual(await sent(), row.login)
        }
        const renewed = await second.session()
        assert.notStrictEqual(Connection.reveal(renewed.tokens.access), Connection.reveal(session.tokens.access))
        await wait()
        assert.isObject(await row.read(second))
        assert.deepStrictEqual(await sent(), [row.reads])

        const receipt = await second.logout()
        assert.strictEqual(receipt._tag, row.logout.length === 0 ? "LocalOnly" : "Revoked")
        assert.deepStrictEqual(await sent(), row.logout)
        assert.strictEqual(await reasonOf(second.session()), "SessionExpired")
        assert.deepStrictEqual(await sent(), [])
      })
    )
  }
})

describe("Connections", () => {
  const other = way({
    ...ofRupeezy,
    account: { ...rupeezy, clientCode: "YY1111", password: "wrong" },
    layer: RupeezyAuth.layerConfig,
    login: ["login"],
    read: rupeezyFunds
  })
  const seed = { brokers: { rupeezy: { accounts: [{ clientCode: rupeezy.clientCode }, { clientCode: "YY1111" }] } } }

  it.live("`warm` gets a session for each account with a correct password", () =>
    inSetting(
      async (setting) => {
        const sent = makeSent(setting)
        await using connections = await Connections.open({
          accounts: {
            angel: ways.AngelAuth.layerIn(setting),
            motilal: ways["MotilalAuth with a code by SMS"].layerIn(setting),
            rupeezy: ways.RupeezyAuth.layerIn(setting),
            samco: ways.SamcoAuth.layerIn(setting),
            rmoney: ways["RmoneyAuth with TOTP"].layerIn(setting),
            zerodha: ways.ZerodhaAuth.layerIn(setting),
            other: other.layerIn(setting)
          },
          codes: codesIn(setting)
        })
        assert.deepStrictEqual(await sent(), [])
        await logIn(ways.ZerodhaAuth, setting, await connections.account("zerodha"))
        assert.deepStrictEqual(await sent(), ways.ZerodhaAuth.login)

        const outcomes: Record<string, string> = {}
        let last = ""
        for await (const { done, error, failed, name, session, total } of connections.warm()) {
          outcomes[name] = error === undefined ? session.account.id : error.reason._tag
          last = `${done} of ${total}, ${failed} failed`
        }
        assert.strictEqual(last, "7 of 7, 1 failed")
        assert.deepStrictEqual(outcomes, {
          angel: angel.clientCode,
          motilal: motilal.userId,
          rupeezy: rupeezy.clientCode,
          samco: samco.userId,
          rmoney: rmoneyTotp.userId,
          zerodha: zerodha.userId,
          other: "InvalidCredentials"
        })
        const used = [
          ways.AngelAuth,
          ways["MotilalAuth with a code by SMS"],
          ways.RupeezyAuth,
          ways.SamcoAuth,
          ways["RmoneyAuth with TOTP"],
          other
        ]
        assert.deepStrictEqual((await sent()).toSorted(), used.flatMap(({ login }) => login).toSorted())

        for await (const { error, name } of connections.warm())
          assert.strictEqual(error === undefined, name !== "other")
        assert.deepStrictEqual(await sent(), [])
        const mine = await connections.account("rupeezy")
        assert.isObject(await fetchJson(ways.RupeezyAuth, setting, mine))
        assert.deepStrictEqual(await sent(), ["getFunds"])
      },
      { seed }
    )
  )
})
