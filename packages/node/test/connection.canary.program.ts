/** Run by `connection.canary.test.ts`. Calls the functions of `Connection`, and prints all values and errors. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import { FakeAngel } from "@auth/angel/msw"
import { TestHttp } from "@auth/broker-core/testing"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { FakeMotilal } from "@auth/motilal/msw"
import * as Connection from "@auth/node/Connection"
import * as RedirectListener from "@auth/node/RedirectListener"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { freePort } from "../../../tools/vitest/freePort.ts"
import { tell } from "../../../tools/canary/program.ts"

process.env["BROKER_AUTH_KEY"] = "c4a7".repeat(16)
const folder = `${process.env["HOME"]}/vault`

const show = (name: string, value: unknown): void =>
  console.log(name, value, inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value), String(value))

const attempt = async (name: string, promise: Promise<unknown>): Promise<void> => {
  try {
    show(name, await promise)
  } catch (error) {
    show(name, error)
    console.error(error)
  }
}

const angelAccount = { ...FakeAngel.demoAccount, pin: "8305", apiKey: "CANARYtrd", totpSecret: "CANARYTOTPSECRET" }
const motilalAccount = {
  ...FakeMotilal.demoAccount,
  password: "CANARYpassword",
  apiKey: "CANARYmotilal"
}

const angel = async (name: string, pin: string) => {
  const fake = await Effect.runPromise(FakeAngel.make({ accounts: [angelAccount] }))
  const layer = AngelAuth.layer({
    credentials: {
      clientCode: angelAccount.clientCode,
      pin: Redacted.make(pin),
      apiKey: Redacted.make(angelAccount.apiKey),
      totp: Redacted.make(angelAccount.totpSecret)
    }
  })
  const connection = await Connection.open(layer, { folder: `${folder}-${name}`, client: TestHttp.layerFake(fake) })
  connection.on("renewed", (session) => show(`${name}: renewed`, session))
  connection.on("failed", (error) => show(`${name}: failed`, error))
  show(name, connection)
  await attempt(`${name}: session`, connection.session())
  await attempt(`${name}: profile`, connection.profile())
  const url = "https://apiconnect.angelone.in/rest/secure/angelbroking/user/v1/getProfile"
  await attempt(`${name}: fetch`, connection.fetch(url))
  await attempt(`${name}: order`, connection.fetch(url, { method: "POST", body: "CANARYbody" }))
  await attempt(`${name}: unreachable`, connection.fetch("http://127.0.0.1:1/"))
  await attempt(`${name}: renew`, connection.renew())
  await attempt(`${name}: logout`, connection.logout())
  await connection.close()
  await attempt(`${name}: closed`, connection.session())
  for (const { body } of await Effect.runPromise(fake.journal)) tell(/"totp":"(\d{6})"/.exec(body)?.[1])
}

const motilal = async () => {
  const fake = await Effect.runPromise(FakeMotilal.make({ accounts: [motilalAccount] }))
  const layer = MotilalAuth.layer({
    credentials: {
      userId: motilalAccount.userId,
      password: Redacted.make(motilalAccount.password),
      secondFactor: Redacted.make(motilalAccount.secondFactor),
      apiKey: Redacted.make(motilalAccount.apiKey),
      apiSecret: Redacted.make(motilalAccount.apiSecret)
    }
  })
  await using connection = await Connection.open(layer, {
    folder: `${folder}-motilal`,
    client: TestHttp.layerFake(fake),
    codes: (question) => {
      show("motilal: question", { ...question, signal: undefined })
      tell("770077")
      return "770077"
    }
  })
  await attempt("motilal: session", connection.session())
}

const samco = async () => {
  const redirectUrl = `http://127.0.0.1:${await freePort()}/callback`
  const account = { ...FakeSamco.demoAccount, apiSecret: "CANARYsamco", redirectUrl }
  const fake = await Effect.runPromise(FakeSamco.make({ accounts: [account] }))
  const open = (url: string) =>
    Effect.promise(async () => {
      show("samco: opened", url)
      const address = (await fetch(url, { redirect: "manual" })).headers.get("location") ?? ""
      const form = new URLSearchParams({ apiSecret: account.apiSecret })
      const logged = await fake.respond(new Request(address, { method: "POST", body: form, redirect: "manual" }))
      const callback = logged.headers.get("location") ?? ""
      for (const value of new URL(callback).searchParams.values()) tell(value)
      const last = await fetch(callback)
      show("samco: the address that remains in the browser", last.url)
      show("samco: the page that remains in the browser", await last.text())
      return true
    })
  const layer = Layer.mergeAll(
    SamcoOAuth.layer({
      credentials: { userId: account.userId, apiKey: Redacted.make(account.apiKey), redirectUrl }
    }),
    Layer.succeed(RedirectListener.Browser, { open }),
    Layer.succeed(RedirectListener.UserTerminal, {
      isTerminal: Effect.succeed(false),
      show: (text: string) => Effect.sync(() => show("samco: terminal", text)),
      lines: Effect.never
    })
  )
  await using connection = await Connection.open(layer, { folder: `${folder}-samco`, client: TestHttp.layerFake(fake) })
  const begun = await connection.beginLogin()
  tell(Connection.reveal(begun.state))
  show("samco: begun", begun)
  show("samco: sealed", await begun.seal())
  await attempt("samco: wrong callback", begun.complete(`${redirectUrl}?code=CANARYcode&state=CANARYstate`))
  await attempt("samco: login", connection.login())
  tell(Connection.reveal((await connection.session()).tokens.access))
}

await angel("right", angelAccount.pin)
await angel("wrong", "8306")
await motilal()
await samco()
