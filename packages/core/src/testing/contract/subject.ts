import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as AuthError from "../../login/AuthError.ts"
import { Authorize } from "../../login/Authorize.ts"
import type { Broker, Capability, Method } from "../../broker/Broker.ts"
import type * as BrokerClient from "../../broker/BrokerClient.ts"
import type { Challenge } from "../../login/Challenge.ts"
import { AccountRecovery } from "../../login/AccountRecovery.ts"
import { Login } from "../../login/Login.ts"
import { Logout } from "../../login/Logout.ts"
import { Profile } from "../../login/Profile.ts"
import { type QrCode, QrLogin } from "../../login/QrLogin.ts"
import { type AuthorizationRequest, RedirectLogin } from "../../login/RedirectLogin.ts"
import { Refresh } from "../../login/Refresh.ts"
import type * as Renewal from "../../broker/Renewal.ts"
import type { Session } from "../../login/Session.ts"
import { StepUp } from "../../login/StepUp.ts"
import type { FakeBroker, Fault } from "../FakeBroker.ts"

/**
 * Changes to the options of the login method's layer, for one test. The keys of `credentials` are names of fields in
 * `Method.credentials`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changes {
  readonly credentials?: Readonly<Record<string, unknown>>
  readonly options?: BrokerClient.Options & { readonly renewal?: Renewal.Options }
}

/**
 * A new fake broker with one account, and the layer of the login method. The layer sends its requests to this fake.
 *
 * @category models
 * @since 0.1.0
 */
export interface World {
  readonly fake: FakeBroker
  /** Builds the layer of the login method for the fake's account. */
  readonly build: (changes?: Changes) => Effect.Effect<Context.Context<never>, AuthError.AuthError, Scope.Scope>
  /** All secrets of the account. */
  readonly secrets: ReadonlyArray<string>
  /** Returns the one-time code for a challenge. */
  readonly answer?: (challenge: Challenge) => Effect.Effect<Redacted.Redacted<string>>
  /** Logs in as a user does in the browser, and returns the callback URL. */
  readonly browse?: (request: AuthorizationRequest) => Effect.Effect<Redacted.Redacted<string>>
  /** Scans a QR code as the broker's app does, and approves the login. */
  readonly scan?: (code: QrCode) => Effect.Effect<void>
  /** The proof of identity for an account recovery, such as the PAN (the user's tax number). */
  readonly identity?: string
}

/**
 * A login method of a broker, and the data that its contract tests need.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  readonly broker: Broker
  readonly method: Method
  readonly make: Effect.Effect<World, never, Scope.Scope>
  /** The names of the fake's endpoints, keyed by capability. */
  readonly endpoints: Partial<Record<Capability, string>>
  /** Each entry makes one credential wrong. The key is the name of the credential in the test titles. */
  readonly wrongCredentials: Readonly<Record<string, Changes>>
  /** Changes that make the TOTP code in a login request wrong. Absent if a login request contains no TOTP code. */
  readonly wrongCode?: Changes
  /** Changes that make a login return a challenge. Default: no changes. */
  readonly stepUp?: Changes
  /** `confirmed`: the broker confirms the logout of a session that has already ended. */
  readonly logoutAgain?: "confirmed"
  /** `session-before`: a login sends the token of the previous session. The biometric login of RMoney does this. */
  readonly loginCarries?: "session-before"
  /** `person`: the one-time codes of a login arrive by SMS or email, and the user enters them. */
  readonly codes?: "person"
  /** A call that the fake rejects if the token is invalid. Required if the login method has no `Profile`. */
  readonly call?: { readonly method: string; readonly url: string; readonly body: string }
  /** Makes a refusal in the broker's format. The tests pass a `code` that is not in the broker's error table. */
  readonly refusal: (code: string) => Fault
  /** An answer in the broker's format that reports success but contains no token. */
  readonly emptyYes: Fault
  /** The platform's function that converts a value to text, such as Node's `util.inspect` with `depth: 20`. */
  readonly inspect: (value: unknown) => string
}

/**
 * One test case of a contract.
 *
 * @category models
 * @since 0.1.0
 */
export interface Case {
  readonly name: string
  readonly run: Effect.Effect<void, unknown, Scope.Scope>
}

/**
 * The error with which a case fails if the subject violates the contract.
 *
 * @category errors
 * @since 0.1.0
 */
export class ContractViolation extends Data.TaggedError("ContractViolation")<{ readonly message: string }> {}

export const ensure = (holds: boolean, message: string): Effect.Effect<void, ContractViolation> =>
  holds ? Effect.void : Effect.fail(new ContractViolation({ message }))

export const same = (actual: unknown, expected: unknown, what: string) =>
  ensure(
    JSON.stringify(actual) === JSON.stringify(expected),
    `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`
  )

export const services = {
  Login,
  StepUp,
  Refresh,
  Logout,
  Profile,
  RedirectLogin,
  QrLogin,
  AccountRecovery,
  Authorize
} as const

export const provides = (context: Context.Context<never>, capability: Capability): boolean =>
  Option.isSome(Context.getOption(context, services[capability] as typeof Login))

export const service = <Id, Shape>(
  context: Context.Context<never>,
  tag: Context.Key<Id, Shape>
): Effect.Effect<Shape, ContractViolation> =>
  Option.match(Context.getOption(context, tag), {
    onNone: () => Effect.fail(new ContractViolation({ message: `the layer does not provide ${tag.key}` })),
    onSome: Effect.succeed
  })

/** 2026-11-20 09:30:01 IST, one second after the start of a TOTP period. In milliseconds since the epoch. */
export const morning = 1_795_147_201_000

export const start = Effect.fnUntraced(function* (subject: Subject) {
  yield* TestClock.setTime(morning)
  return yield* subject.make
})

export const signIn = Effect.fnUntraced(function* (
  subject: Subject,
  world: World,
  context: Context.Context<never>
): Effect.fn.Return<Session, AuthError.AuthError | ContractViolation> {
  if (subject.method.capabilities.includes("RedirectLogin")) {
    const redirect = yield* service(context, RedirectLogin)
    const request = yield* redirect.begin
    if (world.browse === undefined)
      return yield* new ContractViolation({ message: "the subject's world has no `browse`" })
    return yield* redirect.complete(request, yield* world.browse(request))
  }
  if (subject.method.capabilities.includes("QrLogin")) {
    const qr = yield* service(context, QrLogin)
    const code = yield* qr.begin
    if (world.scan === undefined) return yield* new ContractViolation({ message: "the subject's world has no `scan`" })
    yield* world.scan(code)
    const session = yield* qr.poll(code)
    if (Option.isSome(session)) return session.value
    return yield* new ContractViolation({ message: "there is no session after the scan" })
  }
  const { login } = yield* service(context, Login)
  const outcome = yield* login
  if (outcome._tag === "Authenticated") return outcome.session
  if (world.answer === undefined)
    return yield* new ContractViolation({ message: "the subject's world has no `answer`" })
  const stepUp = yield* service(context, StepUp)
  return yield* stepUp.verify(outcome.challenge, yield* world.answer(outcome.challenge))
})

/** Logs in, and advances the clock to the next TOTP period. */
export const signedIn = Effect.fnUntraced(function* (subject: Subject, changes?: Changes) {
  const world = yield* start(subject)
  const context = yield* world.build(changes)
  const session = yield* signIn(subject, world, context)
  yield* TestClock.adjust("31 seconds")
  return { world, context, session }
})

export const endpointOf = (subject: Subject, capability: Capability): Effect.Effect<string, ContractViolation> => {
  const endpoint = subject.endpoints[capability]
  return endpoint === undefined
    ? Effect.fail(new ContractViolation({ message: `the subject has no endpoint for ${capability}` }))
    : Effect.succeed(endpoint)
}

export const timesAsked = (fake: FakeBroker, endpoint: string): Effect.Effect<number> =>
  Effect.map(fake.journal, (entries) => entries.filter((entry) => entry.endpoint === endpoint).length)

/** Waits in real time, for at most about 15 seconds. */
export const untilAsked = Effect.fnUntraced(function* (fake: FakeBroker, endpoint: string, times: number) {
  for (let attempts = 0; attempts < 3000; attempts += 1) {
    if ((yield* timesAsked(fake, endpoint)) >= times) return
    yield* TestClock.withLive(Effect.sleep("5 millis"))
  }
  return yield* new ContractViolation({ message: `the endpoint ${endpoint} was called fewer than ${times} times` })
})

export const reasonOf = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<AuthError.Reason, ContractViolation, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) => {
    const error = Option.getOrUndefined(Exit.findErrorOption(exit))
    if (AuthError.isAuthError(error)) return Effect.succeed(error.reason)
    const got = Exit.isSuccess(exit)
      ? "the effect succeeded"
      : `the effect failed with another error: ${String(exit.cause)}`
    return Effect.fail(new ContractViolation({ message: `expected an AuthError, but ${got}` }))
  })

export const failsWith = Effect.fnUntraced(function* <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  tag: AuthError.Reason["_tag"]
) {
  const reason = yield* reasonOf(effect)
  yield* same(reason._tag, tag, "reason")
  yield* ensure(reason.message.length > 10 && reason.remedy.length > 10, "the error must have a message and a remedy")
  return reason
})

/** Unlike `same`, `alike` ignores the order of fields. */
export const alike = (actual: unknown, expected: unknown) =>
  ensure(Equal.equals(actual, expected), `expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`)
