/**
 * Keeps an account from being locked: one login for each TOTP period, and a stop before the broker's own. What it
 * counts is in the store, so that a restart or another program does not forget it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Account from "./Account.ts"
import * as AuthError from "./AuthError.ts"
import * as Expiry from "./Expiry.ts"
import { refusalOf } from "./internal/guardNumbers.ts"
import type { GuardPolicy } from "./Renewal.ts"
import { SessionStore } from "./SessionStore.ts"
import * as VaultError from "./VaultError.ts"

/**
 * What the guard remembers of an account. All instants are milliseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Memory {
  /** When the last login was sent, or may still have been under way. */
  readonly attemptedAt: number | undefined
  /** When the broker refused a password or a code, oldest first. */
  readonly refusedAt: ReadonlyArray<number>
}

/**
 * Lets logins through, or not.
 *
 * @category services
 * @since 0.1.0
 */
export class LoginGuard extends Context.Service<
  LoginGuard,
  {
    /**
     * Runs a login when one may be sent: in the next TOTP period if this one had its login, and not at all, with
     * `ActionRequired`, when the budget of refused logins is spent, or with `InvalidRequest`, when the policy is none. It
     * is counted before it is sent. The caller holds the account's lock.
     */
    readonly protect: <A, E extends AuthError.AuthError | VaultError.VaultError, R>(
      account: Account.Account,
      policy: GuardPolicy,
      login: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | AuthError.AuthError | VaultError.VaultError, R>
    /** What is remembered. */
    readonly memory: (account: Account.Account) => Effect.Effect<Memory, VaultError.VaultError>
    /** Forgets the refused logins, once the credentials were corrected. */
    readonly reset: (account: Account.Account) => Effect.Effect<void, VaultError.VaultError>
  }
>()("@auth/broker-core/LoginGuard") {}

const MemoryFromJson = Schema.fromJsonString(
  Schema.Struct({ attemptedAt: Schema.optional(Schema.Finite), refusedAt: Schema.Array(Schema.Finite) })
)
const decode = Schema.decodeUnknownOption(MemoryFromJson)
const encode = Schema.encodeSync(MemoryFromJson)

/** A code that goes out in the last moments of its period may arrive in the next: the source of codes waits, and so do we. */
const margin = 3000

const refusals: ReadonlySet<AuthError.Reason["_tag"]> = new Set(["InvalidCredentials", "InvalidStepUpCode"])

/** The clock may have been set back since: what lies further ahead than the broker remembers is no instant of ours. */
const recent = (memory: Memory, policy: GuardPolicy, now: number): ReadonlyArray<number> =>
  memory.refusedAt.filter((at) => Math.abs(now - at) < Duration.toMillis(policy.within))

const spent = (account: Account.Account, policy: GuardPolicy, refusedAt: ReadonlyArray<number>) => {
  const count = refusedAt.length === 1 ? "a login" : `${refusedAt.length} logins`
  const until = Expiry.toIst(Math.min(...refusedAt) + Duration.toMillis(policy.within))
  return AuthError.make(
    account.broker,
    "login",
    new AuthError.ActionRequired({
      what: `Check the credentials of ${account.id}: the broker refused ${count}, and one more may lock the account`,
      advice: `Nothing was sent. Correct the credentials, then allow logins again with LoginGuard.reset, or wait until ${until}.`
    })
  )
}

const periodOf = (at: number, step: Duration.Duration): number => Math.floor(at / Duration.toMillis(step))

/** How long until a login may be sent, in milliseconds. */
const waitOf = ({ attemptedAt }: Memory, { step }: GuardPolicy, now: number): number => {
  if (step === undefined) return 0
  const span = Duration.toMillis(step)
  const period = periodOf(now, step)
  const left = (period + 1) * span - now
  // A period far ahead was taken before the clock was set back: it must not block for years.
  const last = attemptedAt === undefined ? -1 : periodOf(attemptedAt, step)
  if (last >= period && last - period < 10) return left + (last - period) * span
  return left > margin ? 0 : left
}

/**
 * Makes a guard that remembers in `store`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (store: SessionStore["Service"]): LoginGuard["Service"] => {
  const read = Effect.fnUntraced(function* (
    account: Account.Account
  ): Effect.fn.Return<{ readonly version: number; readonly memory: Memory }, VaultError.VaultError> {
    const entry = yield* store.get(account, "guard")
    if (entry === undefined) return { version: 0, memory: { attemptedAt: undefined, refusedAt: [] } }
    const memory = decode(new TextDecoder().decode(Redacted.value(entry.value)))
    if (Option.isSome(memory)) {
      const { attemptedAt, refusedAt } = memory.value
      return { version: entry.version, memory: { attemptedAt, refusedAt } }
    }
    return yield* Effect.fail(
      VaultError.make("get", new VaultError.Tampered({ what: `guard of ${Account.toKey(account)}` }))
    )
  })

  /** Changes what is remembered, whoever else does so at the same time. */
  const remember = (
    account: Account.Account,
    change: (memory: Memory) => Memory
  ): Effect.Effect<void, VaultError.VaultError> =>
    Effect.flatMap(read(account), ({ memory, version }) =>
      Effect.flatMap(
        store.put(account, "guard", Redacted.make(new TextEncoder().encode(encode(change(memory)))), version),
        (written) => (written ? Effect.void : remember(account, change))
      )
    )

  const enter = Effect.fnUntraced(function* (account: Account.Account, policy: GuardPolicy) {
    const nonsense = refusalOf(account.broker, policy)
    if (nonsense !== undefined) return yield* Effect.fail(nonsense)
    while (true) {
      const { memory } = yield* read(account)
      const now = yield* Clock.currentTimeMillis
      const refusedAt = recent(memory, policy, now)
      if (refusedAt.length >= policy.wrongAnswers) return yield* Effect.fail(spent(account, policy, refusedAt))
      const wait = waitOf(memory, policy, now)
      if (wait > 0) {
        yield* Effect.sleep(Duration.millis(wait))
        continue
      }
      const entered: Memory = { attemptedAt: now, refusedAt }
      if (policy.step !== undefined) yield* remember(account, () => entered)
      return entered
    }
  })

  const refused = (account: Account.Account, policy: GuardPolicy, error: AuthError.AuthError) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (error.reason._tag === "AccountLocked") {
        const all = Array.from({ length: policy.wrongAnswers }, () => now)
        return remember(account, () => ({ attemptedAt: now, refusedAt: all }))
      }
      if (!refusals.has(error.reason._tag)) return Effect.void
      return remember(account, ({ refusedAt }) => ({ attemptedAt: now, refusedAt: [...refusedAt, now] }))
    })

  const accepted = (account: Account.Account, { step }: GuardPolicy, { attemptedAt, refusedAt }: Memory) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const crossed = step !== undefined && periodOf(now, step) !== periodOf(attemptedAt ?? now, step)
      if (refusedAt.length === 0 && !crossed) return Effect.void
      return remember(account, () => ({ attemptedAt: now, refusedAt: [] }))
    })

  return {
    protect: (account, policy, login) =>
      Effect.flatMap(enter(account, policy), (entered) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.matchEffect(restore(login), {
            // The broker's word is what the caller must hear, also where it cannot be written down.
            onFailure: (error) =>
              Effect.andThen(
                AuthError.isAuthError(error) ? Effect.ignore(refused(account, policy, error)) : Effect.void,
                Effect.fail(error)
              ),
            onSuccess: (value) => Effect.as(Effect.ignore(accepted(account, policy, entered)), value)
          })
        )
      ),
    memory: (account) => Effect.map(read(account), ({ memory }) => memory),
    reset: (account) => remember(account, ({ attemptedAt }) => ({ attemptedAt, refusedAt: [] }))
  }
}

/**
 * A guard that remembers in the session store.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/Account"
 * import * as LoginGuard from "@auth/broker-core/LoginGuard"
 * import * as Vault from "@auth/broker-core/Vault"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * // The credentials were corrected: logins may be sent again.
 * const program = Effect.gen(function* () {
 *   const guard = yield* LoginGuard.LoginGuard
 *   yield* guard.reset(Account.make({ broker: "angel", id: "A123456" }))
 * }).pipe(Effect.provide(LoginGuard.layer.pipe(Layer.provide(Vault.layerMemory))))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<LoginGuard, never, SessionStore> = Layer.effect(
  LoginGuard,
  Effect.map(SessionStore, make)
)
