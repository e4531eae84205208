import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { CodeSource } from "@auth/broker-core/login/CodeSource"
import * as Expiry from "@auth/broker-core/login/Expiry"
import { Logout, type LogoutReceipt } from "@auth/broker-core/login/Logout"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"

export const account = Account.make({ broker: "tiny", id: "T1" })

/** 2026-11-21 10:00 IST. */
export const morning = Date.UTC(2026, 10, 21, 4, 30)

/** A fake broker that numbers its tokens. */
export interface Tiny {
  readonly renewal: Renewal.Renewal["Service"]
  readonly logout: Logout["Service"]
  /** For example `login 1`, `login refused`, `refresh 2`, `logout 2`. */
  readonly calls: Array<string>
  /** The failures of the next logins and refreshes. */
  readonly failures: Array<AuthError.Reason>
  latency: Duration.Input
}

export interface TinyOptions {
  readonly expiry?: Expiry.Expiry
  readonly early?: Duration.Input
  readonly codes?: "totp" | CodeSource | undefined
  readonly by?: ReadonlyArray<"login" | "refresh">
  readonly afterCutOff?: boolean
  /** The credentials whose fingerprint LoginGuard stores. */
  readonly credentials?: Readonly<Record<string, unknown>>
}

export const makeTiny = (options: TinyOptions = {}): Tiny => {
  const { by = ["login"], expiry = Expiry.dailyAt("00:00") } = options
  let issued = 0
  const issue = (call: string) => {
    const answer = Effect.suspend(() => {
      const reason = tiny.failures.shift()
      tiny.calls.push(reason === undefined ? `${call} ${++issued}` : `${call} refused`)
      if (reason !== undefined) return Effect.fail(AuthError.make("tiny", call, reason))
      const tokens = { access: Redacted.make(`access-${issued}`), refresh: Redacted.make(`refresh-${issued}`) }
      return Effect.succeed({ tokens })
    })
    return Session.issue(
      { account, method: "totp", expiry },
      Effect.suspend(() => Effect.andThen(Effect.sleep(tiny.latency), answer))
    )
  }
  const tiny: Tiny = {
    calls: [],
    failures: [],
    latency: 0,
    renewal: Effect.runSync(
      Renewal.make({
        account,
        early: options.early,
        codes: options.codes,
        afterCutOff: options.afterCutOff,
        credentials: options.credentials,
        login: by.includes("login") ? issue("login") : undefined,
        refresh: by.includes("refresh") ? () => issue("refresh") : undefined
      })
    ),
    logout: {
      logout: (session) =>
        Effect.sync((): LogoutReceipt => {
          tiny.calls.push(`logout ${numberOf(session)}`)
          return { _tag: "Revoked", account }
        })
    }
  }
  return tiny
}

export const numberOf = (session: Session.Session): string =>
  Redacted.value(session.tokens.access).replace("access-", "")

export interface Shared {
  readonly store: SessionStore.SessionStore["Service"]
  readonly lock: SessionLock.SessionLock["Service"]
}

export const makeShared = (): Shared => ({ store: SessionStore.makeMemory(), lock: SessionLock.makeMemory() })

/** Makes a new SessionManager. Two calls with the same `shared` simulate two programs. */
export const start = (...options: Parameters<typeof startWith>) => Effect.orDie(startWith(...options))

export const startWith = (tiny: Tiny, shared: Shared = makeShared(), options: SessionManager.Options = {}) =>
  Effect.map(
    Layer.build(
      SessionManager.layer(options).pipe(
        Layer.provide(
          Layer.succeedContext(
            Context.make(Renewal.Renewal, tiny.renewal).pipe(
              Context.add(Logout, tiny.logout),
              Context.add(SessionStore.SessionStore, shared.store),
              Context.add(SessionLock.SessionLock, shared.lock)
            )
          )
        ),
        Layer.fresh
      )
    ),
    (context) => Context.get(context, SessionManager.SessionManager)
  )

export const pass = (duration: Duration.Input) => TestClock.adjust(duration)

export const breakable = (store: SessionStore.SessionStore["Service"]) => {
  const state: { broken: boolean | SessionStore.Slot; unreadable: boolean } = { broken: false, unreadable: false }
  const full = VaultError.make("put", new VaultError.Io({ what: "write the session", systemCode: "ENOSPC" }))
  const unreadable = VaultError.make("get", new VaultError.Io({ what: "read the session", systemCode: "EIO" }))
  const service: SessionStore.SessionStore["Service"] = {
    ...store,
    get: (...args) => (state.unreadable ? Effect.fail(unreadable) : store.get(...args)),
    put: (...args) => (state.broken === true || state.broken === args[1] ? Effect.fail(full) : store.put(...args))
  }
  return { state, service }
}
