/** Opens sessions and executes the requests of a scenario. Runs as a separate process, so that it can be killed. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import type * as AuthError from "@auth/broker-core/login/AuthError"
import type * as Logout from "@auth/broker-core/login/Logout"
import type * as Renewal from "@auth/broker-core/broker/Renewal"
import type * as Session from "@auth/broker-core/login/Session"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as Vault from "@auth/broker-core/session/Vault"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { flushCompileCache } from "node:module"
import { setTimeout as sleep } from "node:timers/promises"
import { servePeer } from "../interop/peer.ts"
import * as broken from "./broken.ts"
import type { BrokerId, Broken, Open, Outcome, Place, Request } from "./protocol.ts"

type Manager = SessionManager.SessionManager["Service"]

/** How far each session's clock is ahead of the machine's clock, in milliseconds. */
const aheadOf = new Map<string, number>()
const clockOf = (name: string) => SimulatorClock.make(() => aheadOf.get(name) ?? 0)

const brokers: Readonly<
  Record<BrokerId, (options: Open) => Layer.Layer<Renewal.Renewal | Logout.Logout, AuthError.AuthError, never>>
> = {
  angel: ({ account, origin }) =>
    AngelAuth.layer({
      origins: { api: origin },
      credentials: {
        clientCode: account["clientCode"] ?? "",
        pin: Redacted.make(account["pin"] ?? ""),
        apiKey: Redacted.make(account["apiKey"] ?? ""),
        totp: Redacted.make(account["totpSecret"] ?? "")
      }
    }).pipe(Layer.provide(FetchHttpClient.layer)),
  samco: ({ account, origin }) =>
    SamcoAuth.layer({
      origins: { api: origin },
      credentials: {
        userId: account["userId"] ?? "",
        apiKey: Redacted.make(account["apiKey"] ?? ""),
        apiSecret: Redacted.make(account["apiSecret"] ?? "")
      }
    }).pipe(Layer.provide(FetchHttpClient.layer))
}

type Kept = SessionStore.SessionStore | SessionLock.SessionLock

const redisVault = async (url: string, prefix: string): Promise<Layer.Layer<Kept, unknown, VaultKey.VaultKey>> => {
  // The import takes a third of a second, so only programs that need Redis import NodeRedis.
  const NodeRedis = await import("@effect/platform-node/NodeRedis")
  return Vault.layerRedis({ prefix }).pipe(Layer.provide(NodeRedis.layer({ url, disableOfflineQueue: true })))
}

const vaultOf = (place: Place) =>
  place.kind === "sqlite" ? NodeVault.layer({ folder: place.folder }) : redisVault(place.url, place.prefix)

const keyOf = (part: Broken | undefined) => (part === "key-in-clear" ? VaultKey.layerPlaintext : VaultKey.layerConfig())

let scope = Effect.runSync(Scope.make())
const managers = new Map<string, Manager>()

const make = (options: Open, vault: Layer.Layer<Kept, unknown, VaultKey.VaultKey>) =>
  Effect.gen(function* () {
    const kept = yield* Layer.build(Layer.provide(vault, keyOf(options.broken)))
    const store = broken.storeOf(options.broken, Context.get(kept, SessionStore.SessionStore))
    const lock = broken.lockOf(options.broken, Context.get(kept, SessionLock.SessionLock), options.place)
    return yield* SessionManager.make().pipe(
      Effect.provide(brokers[options.broker](options)),
      Effect.provideService(SessionStore.SessionStore, store),
      Effect.provideService(SessionLock.SessionLock, lock)
    )
  })

/** Disables the log, because NodeRedis would log each connection that a scenario interrupts. */
const run = <A, E>(name: string, effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.flatMap(clockOf(name), (clock) =>
    effect.pipe(Effect.provideService(Clock.Clock, clock), Effect.provide(Logger.layer([])))
  ).pipe(Effect.runPromise)

const digest = (token: Redacted.Redacted<string>): string =>
  createHash("sha256").update(Redacted.value(token)).digest("hex")

const last = new Map<string, Session.Session>()

type Untimed<T> = T extends unknown ? Omit<T, "tookMillis"> : never

const describeSession = (name: string) => (session: Session.Session) =>
  Effect.map(Clock.currentTimeMillis, (now): Untimed<Outcome> => {
    last.set(name, session)
    return { _tag: "Session", token: digest(session.tokens.access), expiresAt: session.expiresAt, now }
  })

const describeFailure = (error: SessionManager.Failure): Untimed<Outcome> => ({
  _tag: "Failed",
  error: error._tag,
  reason: error.reason._tag,
  why: "why" in error.reason ? error.reason.why : undefined,
  systemCode: "systemCode" in error.reason ? error.reason.systemCode : undefined,
  message: error.message
})

const ask = (
  name: string,
  call: (manager: Manager) => Effect.Effect<Untimed<Outcome>, SessionManager.Failure>
): Promise<Outcome> => {
  const manager = managers.get(name)
  if (manager === undefined) throw new Error(`The session ${name} was not opened.`)
  const began = performance.now()
  return run(
    name,
    Effect.map(Effect.result(call(manager)), (result): Outcome => ({
      ...Result.getOrElse(result, describeFailure),
      tookMillis: performance.now() - began
    }))
  )
}

const isFailure = (error: unknown): error is SessionManager.Failure => VaultError.isVaultError(error)

const open = async (options: Open): Promise<Outcome | undefined> => {
  aheadOf.set(options.name, options.ahead)
  const vault = await vaultOf(options.place)
  const began = performance.now()
  const made = await run(options.name, Effect.result(Scope.provide(make(options, vault), scope)))
  if (Result.isSuccess(made)) {
    managers.set(options.name, broken.managerOf(options.broken, made.success))
    return undefined
  }
  if (isFailure(made.failure)) return { ...describeFailure(made.failure), tookMillis: performance.now() - began }
  throw made.failure
}

const until = async (at: number | undefined): Promise<void> => {
  if (at !== undefined) await sleep(Math.max(0, at - Date.now()))
}

const become = (user: number): undefined => {
  process.setgroups?.([])
  process.setgid?.(user)
  process.setuid?.(user)
}

/** Closes all sessions, so that the next scenario can reuse this program. */
const close = async (): Promise<undefined> => {
  managers.clear()
  last.clear()
  const before = scope
  scope = Effect.runSync(Scope.make())
  await Effect.runPromise(Scope.close(before, Exit.void))
}

servePeer(async (request: Request): Promise<Outcome | undefined> => {
  if (request.do === "open") return open(request)
  if (request.do === "close") return close()
  if (request.do === "become") return become(request.user)
  if (request.do === "clock") {
    aheadOf.set(request.name, request.ahead)
    return undefined
  }
  const { name } = request
  if (request.do === "peek") {
    return ask(name, ({ peek }) =>
      Effect.flatMap(peek, (found) =>
        Option.match(found, { onNone: () => Effect.succeed({ _tag: "None" as const }), onSome: describeSession(name) })
      )
    )
  }
  await until(request.at)
  if (request.do === "logout") {
    return ask(name, ({ logout }) => Effect.map(logout, ({ _tag }) => ({ _tag: "Receipt" as const, receipt: _tag })))
  }
  return ask(name, (manager) => {
    const session =
      request.do === "session" ? manager.session : manager.renew(request.do === "renew" ? undefined : last.get(name))
    return Effect.flatMap(session, describeSession(name))
  })
})

// Writes the compile cache now, so that the next program starts twice as fast.
flushCompileCache()
