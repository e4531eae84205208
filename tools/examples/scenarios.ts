/** The scenarios of the examples: the actions of the user, and the expected output and requests. */
import * as assert from "node:assert/strict"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as http from "node:http"
import * as path from "node:path"
import { broker as Angel } from "@auth/angel/AngelBroker"
import { FakeAngel } from "@auth/angel/msw"
import { broker as Motilal } from "@auth/motilal/MotilalBroker"
import { FakeMotilal } from "@auth/motilal/msw"
import { FakeRmoney } from "@auth/rmoney/msw"
import { broker as Rmoney } from "@auth/rmoney/RmoneyBroker"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import { broker as Rupeezy } from "@auth/rupeezy/RupeezyBroker"
import { FakeSamco } from "@auth/samco/msw"
import { broker as Samco } from "@auth/samco/SamcoBroker"
import { LoginPage, type Simulator } from "@auth/simulator"
import { FakeZerodha } from "@auth/zerodha/msw"
import { broker as Zerodha } from "@auth/zerodha/ZerodhaBroker"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import { runsRedis, startRedis } from "../redis/server.ts"
import { freePort, listen } from "../vitest/freePort.ts"
import { inWorld, type Place, type Variables, variablesOf, type World } from "./run.ts"

const angel = FakeAngel.demoAccount
const motilal = FakeMotilal.demoAccount
const rmoney = FakeRmoney.demoAccount
const rmoneyTotp = FakeRmoney.demoTotpAccount
const rupeezy = FakeRupeezy.demoAccount
const samco = FakeSamco.demoAccount
const zerodha = FakeZerodha.demoAccount

const uat = { RMONEY_ENVIRONMENT: "uat" }
const variables = {
  angel: variablesOf(Angel, angel),
  "angel-publisher": variablesOf(Angel, { ...angel, apiKey: angel.publisherKey }),
  motilal: variablesOf(Motilal, motilal),
  "motilal-otp": variablesOf(Motilal, { ...motilal, totpSecret: undefined }),
  rmoney: { ...uat, ...variablesOf(Rmoney, { ...rmoney, totpSecret: undefined }) },
  "rmoney-totp": { ...uat, ...variablesOf(Rmoney, rmoneyTotp) },
  rupeezy: variablesOf(Rupeezy, rupeezy),
  samco: variablesOf(Samco, samco),
  zerodha: variablesOf(Zerodha, zerodha)
}

const sends = async ({ sent }: World, expected: ReadonlyArray<string>) => assert.deepEqual(await sent(), expected)

const newestCode = async ({ simulator }: World, broker: Simulator.BrokerId, account: string): Promise<string> =>
  (await Effect.runPromise(simulator.codes(broker, account))).at(-1) ?? ""

const runs = async (world: World, command: string, env: Variables, prints: RegExp, requests: ReadonlyArray<string>) => {
  const running = world.start(command, env)
  await running.ends()
  await running.prints(prints)
  await sends(world, requests)
}

const script = async (world: World) => {
  const run = (requests: ReadonlyArray<string>) =>
    runs(world, "script.ts", variables.angel, /net: '9999999999999'/, requests)
  await run(["loginByPassword", "getRMS"])
  await run(["getRMS"])
  await world.forget()
  await run(["getRMS", "generateTokens", "loginByPassword", "getRMS"])
}

interface Short {
  readonly variables: Variables
  readonly module: string
  readonly address?: string
  readonly prints: RegExp
  readonly login: ReadonlyArray<string>
  readonly call: string
}

const shortest: Readonly<Record<string, Short>> = {
  motilal: {
    variables: variables.motilal,
    module: "@auth/motilal/MotilalAuth",
    prints: /"name":"DEMO TRADER"/,
    login: ["authdirectapi", "getaccesstoken"],
    call: "getprofile"
  },
  rupeezy: {
    variables: variables.rupeezy,
    module: "@auth/rupeezy/RupeezyAuth",
    address: "https://vortex-api.rupeezy.in/v2/user/funds",
    prints: /\{.*\}/,
    login: ["login"],
    call: "getFunds"
  },
  samco: {
    variables: variables.samco,
    module: "@auth/samco/SamcoAuth",
    address: "https://tradeapi.samco.in/limit/getLimits",
    prints: /equityLimit/,
    login: ["sessionToken"],
    call: "getLimits"
  },
  rmoney: {
    variables: variables["rmoney-totp"],
    module: "@auth/rmoney/RmoneyAuth",
    prints: /"name":"DEMO TRADER"/,
    login: ["pwdValidate", "toptVerify"],
    call: "getProfile"
  }
}

const fiveLines =
  ({ address = "", call, login, module, prints, variables }: Short) =>
  async (world: World) => {
    const run = (requests: ReadonlyArray<string>) =>
      runs(world, `fiveLines.ts ${module} ${address}`.trim(), variables, prints, requests)
    await run([...login, call])
    await run([call])
    await world.forget()
    await run([call, ...login, call])
  }

const otpPrompt = async (world: World) => {
  const running = world.start("otpPrompt.ts", variables["motilal-otp"])
  await running.prints(/Code sent to/)
  running.type("000000")
  await running.prints(/refused the one-time code/)
  await running.prints(/Code sent to[^]*Code sent to/)
  running.type(await newestCode(world, "motilal", motilal.userId))
  await running.prints(/Logged in: DEMO TRADER/)
  await running.ends()
  await sends(world, ["authdirectapi", "verifyotp", "verifyotp", "getaccesstoken", "getprofile"])
}

const qr = async (world: World) => {
  const running = world.start("qr.ts", variables.rmoney)
  const file = await running.prints(/Open (\S+), and scan/)
  assert.equal(fs.readFileSync(file).subarray(1, 4).toString(), "PNG")
  let polled: string | undefined
  while (polled === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const journal = await Effect.runPromise(world.simulator.journal("rmoney"))
    polled = journal.find(({ endpoint }) => endpoint === "qrLogin")?.body
  }
  const { qrName } = JSON.parse(polled) as { readonly qrName: string }
  await fetch(`${world.origins["https://webuat.rmoneyindia.co.in"]}/qr-scan?qrName=${qrName}`, {
    method: "POST",
    body: new URLSearchParams({ userid: rmoney.userId, password: rmoney.password })
  })
  await running.prints(/clientId: 'TEST101'/)
  await running.ends()
  assert.equal(fs.existsSync(file), false)
  await sends(world, ["qrGenerate", "qrLogin", "qr-scan", "qrLogin", "getProfile"])
  await runs(world, "qr.ts", variables.rmoney, /clientId: 'TEST101'/, ["getProfile"])
}

interface Browser {
  readonly variables: Variables
  readonly id: string
  readonly form: (totp: string) => Readonly<Record<string, string>>
  readonly login: ReadonlyArray<string>
}

const browsers: Readonly<Record<string, Browser>> = {
  angel: {
    variables: variables["angel-publisher"],
    id: angel.clientCode,
    form: (totp) => ({ clientcode: angel.clientCode, pin: angel.pin, totp }),
    login: ["publisher-login", "publisher-login", "getProfile"]
  },
  motilal: {
    variables: variables.motilal,
    id: motilal.userId,
    form: (totp) => ({ userid: motilal.userId, password: motilal.password, "2FA": motilal.pan, totp }),
    login: ["portal-login", "portal-login", "getaccesstoken", "getprofile"]
  },
  rmoney: {
    variables: variables.rmoney,
    id: rmoney.userId,
    form: () => ({ userid: rmoney.userId, password: rmoney.password }),
    login: ["login-page", "login-page", "vendorGetUserDetails"]
  },
  rupeezy: {
    variables: variables.rupeezy,
    id: rupeezy.clientCode,
    form: (totp) => ({ client_code: rupeezy.clientCode, password: rupeezy.password, totp, consent: "given" }),
    login: ["flow", "flow", "createSession"]
  },
  samco: {
    variables: variables.samco,
    id: samco.userId,
    form: () => ({ apiSecret: samco.apiSecret }),
    login: ["authorizePage", "authorizePage", "oauthToken"]
  },
  zerodha: {
    variables: variables.zerodha,
    id: zerodha.userId,
    form: (totp) => ({ user_id: zerodha.userId, password: zerodha.password, totp }),
    login: ["loginPage", "loginPage", "sessionToken"]
  }
}

const get = (url: string, cookie = "") => fetch(url, { redirect: "manual", headers: { cookie } })

const startApp = (world: World, broker: string) => {
  const running = world.start(`webApp.ts ${broker}`, { PORT: "0", ...browsers[broker]?.variables })
  return running.prints(/Open (\S+)\/login/)
}

const browse = async ({ origins, simulator }: World, app: string, broker: string) => {
  const { form, id } = browsers[broker] as Browser
  const answer = await get(`${app}/login`)
  assert.equal(answer.status, 302)
  const setCookie = answer.headers.get("set-cookie") ?? ""
  const location = answer.headers.get("location") ?? ""
  const { origin } = new URL(location)
  const page = Redacted.make((origins[origin] ?? "") + location.slice(origin.length))
  const totp = form.length === 0 ? "" : (await Effect.runPromise(simulator.totp(broker as never, id))).code
  const submitted = LoginPage.submit(page, form(totp)).pipe(Effect.provide(FetchHttpClient.layer))
  const { pathname, search } = new URL(Redacted.value(await Effect.runPromise(submitted)))
  return { setCookie, cookie: setCookie.split(";")[0] ?? "", callback: pathname + search }
}

const webApp = (broker: string) => async (world: World) => {
  const app = await startApp(world, broker)
  const { callback, cookie, setCookie } = await browse(world, app, broker)
  for (const attribute of ["HttpOnly", "SameSite=Lax", "Secure", "Path=/callback", "Max-Age=600"]) {
    assert.ok(setCookie.includes(`; ${attribute}`), setCookie)
  }
  assert.ok(setCookie.length < 1100)
  // The process that gets the callback is not the process that began the login.
  const other = await startApp(world, broker)
  const completed = await get(other + callback, cookie)
  assert.equal(completed.status, 303, await completed.text())
  assert.equal(completed.headers.get("location"), "/")
  assert.match(completed.headers.get("set-cookie") ?? "", /^login=; Max-Age=0; /)
  for (const address of [app, other]) {
    assert.equal(await (await get(`${address}/`)).text(), `Logged in as ${browsers[broker]?.id}`)
  }
  await sends(world, browsers[broker]?.login ?? [])
}

const refusals = async (world: World) => {
  const app = await startApp(world, "samco")
  assert.equal((await get(`${app}/nothing`)).status, 404)
  const mine = await browse(world, app, "samco")
  const other = await browse(world, app, "samco")
  const code = new URLSearchParams(mine.callback.split("?")[1]).get("code") ?? "no code"
  for (const cookie of ["", "login=AAAA", other.cookie]) {
    const answer = await get(app + mine.callback, cookie)
    const text = await answer.text()
    assert.equal(answer.status, 400, text)
    assert.match(text, /Begin/)
    assert.ok(!text.includes(code))
  }
  assert.equal((await get(app + mine.callback, mine.cookie)).status, 303)
  const again = await get(app + mine.callback, mine.cookie)
  assert.equal(again.status, 400)
  assert.match(await again.text(), /used before/)
}

const browser = async (world: World) => {
  const { origins, simulator } = world
  const redirectUrl = `http://127.0.0.1:${await freePort()}/callback`
  const accounts = { brokers: { zerodha: { accounts: [{ ...zerodha, redirectUrl }] } } }
  const env = { ...variables.zerodha, ZERODHA_REDIRECT_URL: redirectUrl }
  const logIn = async (requests: ReadonlyArray<string>) => {
    const running = world.start("browser.ts", env)
    const location = (await get(await running.prints(/(http:\S+\/start\/\S+)/))).headers.get("location") ?? ""
    const { origin } = new URL(location)
    const page = Redacted.make((origins[origin] ?? "") + location.slice(origin.length))
    const { code } = await Effect.runPromise(simulator.totp("zerodha", zerodha.userId))
    const form = browsers["zerodha"]?.form(code) ?? {}
    const submitted = LoginPage.submit(page, form).pipe(Effect.provide(FetchHttpClient.layer))
    const finished = await fetch(Redacted.value(await Effect.runPromise(submitted)))
    assert.match(await finished.text(), /Login complete/)
    await running.prints(/Logged in: DEMO TRADER/)
    await running.ends()
    await sends(world, requests)
  }
  await Effect.runPromise(simulator.seed(accounts))
  await logIn(["loginPage", "loginPage", "sessionToken", "getProfile"])
  // The program first checks the stored session with the profile call, and then requests the profile.
  await runs(world, "browser.ts", env, /Logged in: DEMO TRADER/, ["getProfile", "getProfile"])
  await world.forget(accounts)
  await logIn(["getProfile", "loginPage", "loginPage", "sessionToken", "getProfile"])
}

const fleet = async (world: World) => {
  const redis = await startRedis()
  try {
    const env = { ...variables.rupeezy, REDIS_URL: redis.url }
    // Each process has its own state folder, as if each process ran on its own machine.
    const fleet = ["first", "second", "third"].map((machine) =>
      world.start("fleet.ts", { ...env, XDG_STATE_HOME: path.join(redis.folder, machine) })
    )
    for (const running of fleet) {
      await running.ends()
      await running.prints(/^200 \{/m)
    }
    assert.deepEqual((await world.sent()).toSorted(), ["getFunds", "getFunds", "getFunds", "login"])
    await world.forget()
    await runs(world, "fleet.ts", env, /XX9999 has a session, issued at 20/, ["getFunds", "login", "getFunds"])
  } finally {
    await redis.stop()
  }
}

const morning = async (world: World) => {
  const env = { ...variables.motilal, ...variables.samco, ...variables.rmoney }
  const running = world.start("morning.ts", { ...env, MOTILAL_PASSWORD: "wrong" })
  await running.prints(/Code from rmoney for TEST101: /)
  running.type(await newestCode(world, "rmoney", rmoney.userId))
  await running.prints(/3 of 3: /)
  await running.prints(/business: TEST101/)
  await running.prints(/family: DV99999/)
  await running.prints(/mine: motilal .*refused/)
  await running.prints(/equityLimit/)
  await running.ends()
  const requests = ["authdirectapi", "getLimits", "otpValidate", "pwdValidate", "sessionToken"]
  assert.deepEqual((await world.sent()).toSorted(), requests)
  await world.wait()
  // One account's login failed in the first run. Only this account logs in again.
  await runs(world, "morning.ts", env, /mine: AA017/, ["authdirectapi", "getaccesstoken", "getLimits"])
}

const typedCall = async (world: World) => {
  const run = (prints: RegExp, requests: ReadonlyArray<string>) =>
    runs(world, "typedCall.ts", variables["rmoney-totp"], prints, requests)
  await run(/^Session issued at 20.*\nTEST102: DEMO TRADER/, ["pwdValidate", "toptVerify", "getProfile"])
  await run(/^Session issued at 20.*\nTEST102: DEMO TRADER/, ["getProfile"])
  await world.forget()
  const renewed = /^Session issued at 20.*\nSession issued at 20.*\nTEST102: DEMO TRADER/
  await run(renewed, ["getProfile", "pwdValidate", "toptVerify", "getProfile"])
}

const ways: Readonly<Record<string, readonly [env: Variables, login: ReadonlyArray<string>]>> = {
  angel: [variables.angel, ["loginByPassword"]],
  motilal: [variables.motilal, ["authdirectapi", "getaccesstoken"]],
  rmoney: [variables["rmoney-totp"], ["pwdValidate", "toptVerify"]],
  "rmoney-biometric": [variables.rmoney, ["bioPwdValidate"]],
  rupeezy: [variables.rupeezy, ["login"]],
  samco: [variables.samco, ["sessionToken"]],
  "samco-legacy": [variables.samco, ["login"]]
}

const session = (way: string) => async (world: World) => {
  const [env = {}, login = []] = ways[way] ?? []
  const prints = /^The token of \w+ has \d+ characters, and expires at 20\d\d-/
  await runs(world, `session.ts ${way}`, env, prints, login)
}

/**
 * Starts a server for the market feed, because the simulator has no market data. The server forwards the headers of
 * each WebSocket handshake to the simulator. If the headers are right, the simulator answers with status 426.
 */
const startFeed = async (simulator: string) => {
  const server = http.createServer()
  server.on("upgrade", (request, socket) => {
    const headers = { ...(request.headers as Record<string, string>), host: new URL(simulator).host }
    http.get(simulator + request.url, { headers }, ({ headers, statusCode }) => {
      if (statusCode !== 426) {
        socket.end(`HTTP/1.1 401 Unauthorized\r\nx-error-message: ${String(headers["x-error-message"])}\r\n\r\n`)
        return
      }
      const key = request.headers["sec-websocket-key"] ?? ""
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
      )
      const price = Buffer.from("SBIN 842.05")
      socket.write(Buffer.concat([Buffer.from([0x81, price.length]), price]))
      // Answers the client's close frame.
      socket.once("data", () => socket.end(Buffer.from([0x88, 0])))
    })
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => void server.close()
  }
}

const feedOrigin = "https://smartapisocket.angelone.in"

const feed = async (world: World) => {
  const { close, url } = await startFeed(world.origins[feedOrigin] ?? "")
  world.origins[feedOrigin] = url
  try {
    await runs(world, "feed.ts", variables.angel, /The feed is open[^]*SBIN 842\.05/, [
      "loginByPassword",
      "smart-stream"
    ])
  } finally {
    close()
  }
}

export interface Scenario {
  readonly title: string
  readonly example: string
  /**
   * Whether this scenario is like another scenario, but with another broker or login method. If so,
   * `examples.test.ts` plays this scenario only in thorough runs.
   */
  readonly isAlike: boolean
  /** Returns how many times an example was started. */
  readonly play: (place: Place) => Promise<number>
}

const scenario = (
  example: string,
  title: string,
  play: (world: World) => Promise<void>,
  like?: "others"
): Scenario => ({
  example,
  title,
  isAlike: like === "others",
  play: (place) => inWorld(place, play)
})

export const scenarios: ReadonlyArray<Scenario> = [
  scenario("script.ts", "logs in once, reuses the session, and replaces a session that the broker ended", script),
  ...Object.entries(shortest).map(([broker, short]) =>
    scenario(
      "fiveLines.ts",
      `logs in to ${broker} once, reuses the session, and replaces a session that the broker ended`,
      fiveLines(short),
      "others"
    )
  ),
  scenario("otpPrompt.ts", "asks the user for the code again after a wrong code", otpPrompt),
  scenario("qr.ts", "shows a QR code in the first run, and reuses the session in the second run", qr),
  ...Object.keys(browsers).map((broker) =>
    scenario(
      "webApp.ts",
      `completes a browser login at ${broker} that another process began`,
      webApp(broker),
      broker === "zerodha" ? undefined : "others"
    )
  ),
  scenario("webApp.ts", "refuses a repeated callback, and a callback without the right cookie", refusals),
  scenario("browser.ts", "opens the broker's page only if there is no valid session", browser),
  ...(runsRedis
    ? [scenario("fleet.ts", "sends one login if three processes share a session through Redis", fleet)]
    : []),
  scenario("morning.ts", "logs in to three accounts, asks for a code, and continues after a failure", morning),
  scenario("typedCall.ts", "repeats a refused call with a new session", typedCall),
  ...Object.keys(ways).map((way) =>
    scenario(
      "session.ts",
      `gets a session for the argument ${way}, and prints when the session expires`,
      session(way),
      way === "angel" ? undefined : "others"
    )
  ),
  scenario("feed.ts", "opens the market feed with the headers of the session", feed),
  scenario("unitTest.ts", "passes with its own fake broker, and sends no request to the simulator", (world) =>
    runs(world, "unitTest.ts", { EXAMPLES_ORIGINS: "" }, /pass 1/, [])
  ),
  scenario("commonjs.cjs", "loads the packages with require", (world) =>
    runs(world, "commonjs.cjs", variables.samco, /equityLimit/, ["sessionToken", "getLimits"])
  )
]

/** Suits a machine with two cores. */
const atOnce = 2

/** Returns how many times the successful scenarios started an example, and one problem for each failed scenario. */
export const playScenarios = async (place: Place) => {
  const waiting = [...scenarios]
  const problems: Array<string> = []
  let played = 0
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { example, play, title } = next
      try {
        const started = await play(place)
        played += started
      } catch (error) {
        problems.push(`${example}: ${title}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return { played, problems: problems.toSorted() }
}
