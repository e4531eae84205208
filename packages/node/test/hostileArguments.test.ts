import * as AuthError from "@auth/broker-core/login/AuthError"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Connection from "@auth/node/Connection"
import * as Connections from "@auth/node/Connections"
import * as RedirectListener from "@auth/node/RedirectListener"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { freePort } from "../../../tools/vitest/freePort.ts"
import { layerKey } from "./support.ts"

const fail = (): never => {
  throw new TypeError("this value cannot be read")
}

// oxlint-disable-next-line typescript/no-explicit-any -- the arguments have types that the functions do not accept
const untyped = (value: unknown) => value as any

const withGetters = (names: string) =>
  Object.defineProperties(
    {},
    Object.fromEntries(names.split(" ").map((name) => [name, { enumerable: true, get: fail }]))
  )

const values: ReadonlyArray<readonly [what: string, value: unknown]> = [
  ["null", null],
  ["false", false],
  ["a number", 5],
  ["NaN", NaN],
  ["a BigInt", 5n],
  ["a symbol", Symbol("a")],
  ["an empty text", ""],
  ["a text with a null byte", "a\0b"],
  ["an array", [1]],
  ["a function", fail],
  ["an object without a prototype", Object.create(null)],
  [
    "an object whose getters throw",
    withGetters("vault key client folder codes accounts timeout method byPerson signal")
  ],
  ["a proxy that throws", new Proxy({}, new Proxy({}, { get: () => fail }))]
]

const folder = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), "broker-auth-node-"))
afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

const isTyped = (error: unknown): boolean => AuthError.isAuthError(error) || VaultError.isVaultError(error)

const endOf = async (call: () => unknown, patience: number): Promise<string> => {
  let promise: unknown
  try {
    promise = call()
  } catch (error) {
    return `thrown synchronously: ${String(error)}`
  }
  const pending = new Promise<string>((resolve) => setTimeout(() => resolve("pending"), patience))
  const ended = Promise.resolve(promise).then(
    () => "a value",
    (error: unknown) => (isTyped(error) ? "typed" : `not typed: ${String(error)}`)
  )
  return Promise.race([ended, pending])
}

const unexpected = async (call: (value: unknown) => unknown, allowed = ["a value", "typed"]) => {
  const ends: Array<readonly [what: string, end: string]> = []
  for (const [what, value] of values) ends.push([what, await endOf(() => call(value), 10_000)])
  return ends.filter(([, end]) => !allowed.includes(end))
}

const layerAt = (port: number) =>
  Layer.mergeAll(
    SamcoOAuth.layer({
      credentials: {
        userId: FakeSamco.demoAccount.userId,
        apiKey: Redacted.make(FakeSamco.demoAccount.apiKey),
        redirectUrl: `http://127.0.0.1:${port}/callback`
      }
    }),
    Layer.succeed(RedirectListener.Browser, { open: () => Effect.succeed(true) }),
    Layer.succeed(RedirectListener.UserTerminal, {
      isTerminal: Effect.succeed(false),
      show: () => Effect.void,
      lines: Effect.never
    })
  )

const options = { folder: Path.join(folder, "vault"), key: layerKey() }

describe("for any argument, open() resolves or rejects with a typed error:", () => {
  const closing = (opening: Promise<{ readonly close: () => Promise<void> }>) => opening.then(({ close }) => close())
  const layer = layerAt(1)

  const openings: Readonly<Record<string, (value: unknown) => unknown>> = {
    "Connection.open(…)": (value) => untyped(Connection).open(value, options),
    "Connection.open(layer, …)": (value) => untyped(Connection).open(layer, value),
    "Connections.open(…)": (value) => untyped(Connections).open(value),
    "Connections.open({ accounts: … })": (value) => untyped(Connections).open({ ...options, accounts: value }),
    ...Object.fromEntries(
      ["vault", "key", "client", "codes", "folder", "early"].flatMap((option) => [
        [
          `Connection.open(layer, { ${option}: … })`,
          (value: unknown) => untyped(Connection).open(layer, { ...options, [option]: value })
        ],
        [
          `Connections.open({ accounts, ${option}: … })`,
          (value: unknown) => untyped(Connections).open({ ...options, accounts: { layer }, [option]: value })
        ]
      ])
    )
  }

  for (const [name, call] of Object.entries(openings)) {
    it(`in the call ${name}`, { timeout: 60_000 }, async () => {
      assert.deepStrictEqual(await unexpected((value) => closing(untyped(call(value)))), [])
    })
  }
})

describe("for any argument, login() waits for a person or rejects with a typed error:", () => {
  const calls: Readonly<Record<string, (value: unknown) => unknown>> = {
    "login(…)": (value) => value,
    "login({ timeout: … })": (timeout) => ({ timeout }),
    "login({ method: … })": (method) => ({ method }),
    "login({ byPerson: … })": (byPerson) => ({ byPerson }),
    "login({ signal: … })": (signal) => ({ signal })
  }

  for (const [name, optionsOf] of Object.entries(calls)) {
    it(`in the call ${name}`, { timeout: 60_000 }, async () => {
      const layer = layerAt(await freePort())
      const call = async (value: unknown) => {
        await using connection = await Connection.open(layer, { ...options, folder: Path.join(folder, name) })
        const end = await endOf(() => untyped(connection).login(optionsOf(value)), 300)
        if (end !== "typed") throw new Error(end)
      }
      const ends: Array<string> = []
      for (const [what, value] of values) {
        const end = await call(value).then(
          () => "typed",
          (error: Error) => error.message
        )
        if (end !== "typed" && end !== "pending") ends.push(`${what}: ${end}`)
      }
      assert.deepStrictEqual(ends, [])
    })
  }
})
