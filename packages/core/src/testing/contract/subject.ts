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
 * How a test wants the layer changed: other credentials, by the names of the descriptor's fields, and other options.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changes {
  readonly credentials?: Readonly<Record<string, unknown>>
  readonly options?: BrokerClient.Options & { readonly renewal?: Renewal.Options }
}

/**
 * A fresh fake with one account, and the layer of the method over it.
 *
 * @category models
 * @since 0.1.0
 */
export interface World {
  readonly fake: FakeBroker
  /** Builds the layer of the method for the fake's account, over a client that reaches the fake. */
  readonly build: (changes?: Changes) => Effect.Effect<Context.Context<never>, AuthError.AuthError, Scope.Scope>
  /** Every secret of the account, as the fake knows it. */
  readonly secrets: ReadonlyArray<string>
  /** Answers a step-up challenge. */
  readonly answer?: (challenge: Challenge) => Effect.Effect<Redacted.Redacted<string>>
  /** Does what a person does in the browser, and gives the address that the browser ends at. */
  readonly browse?: (request: AuthorizationRequest) => Effect.Effect<Redacted.Redacted<string>>
  /** Scans a picture with the broker's app, and approves it. */
  readonly scan?: (code: QrCode) => Effect.Effect<void>
  /** What proves the holder to an account recovery, such as the PAN. */
  readonly identity?: string
}

/**
 * A method of a broker, with what the suite must know to test it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  readonly broker: Broker
  readonly method: Method
  readonly make: Effect.Effect<World, never, Scope.Scope>
  /** The fake's name of the call behind each capability. */
  readonly endpoints: Partial<Record<Capability, string>>
  /** Credentials that the broker refuses as such, by what is wrong. */
  readonly wrongCredentials: Readonly<Record<string, Changes>>
  /** Changes with a one-time code that the broker refuses, where the login takes one. */
  readonly wrongCode?: Changes
  /** Changes that make a login come to a step-up challenge with a code by SMS or mail, where the method has that. */
  readonly stepUp?: Changes
  /** The broker confirms a logout also where the session was over already. */
  readonly logoutAgain?: "confirmed"
  /** The login proves itself with the token of the session before it, as a login by biometrics does. */
  readonly loginCarries?: "session-before"
  /** Who gives the one-time codes of a login: a person does, where it comes to a code by SMS or mail. */
  readonly codes?: "person"
  /** A call that carries the session, for methods without `Profile`: the fake refuses it for a dead token. */
  readonly call?: { readonly method: string; readonly url: string; readonly body: string }
  /** A refusal in the broker's dialect, with a code that no table has. */
  readonly refusal: (code: string) => Fault
  /** A yes in the broker's dialect that brings no token. */
  readonly emptyYes: Fault
  /** The platform's way to print a value, such as `util.inspect` at depth 20. */
  readonly inspect: (value: unknown) => string
}

/**
 * One promise that every broker keeps.
 *
 * @category models
 * @since 0.1.0
 */
export interface Case {
  readonly name: string
  readonly run: Effect.Effect<void, unknown, Scope.Scope>
}

/**
 * A promise that was not kept.
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

/** A trading morning in India, a second after a TOTP period began: 09:30:01 IST. */
export const morning = 1_795_147_201_000

export const start = Effect.fnUntraced(function* (subject: Subject) {
  yield* TestClock.setTime(morning)
  return yield* subject.make
})

/** Gets a session by whatever way the method has. */
export const signIn = Effect.fnUntraced(function* (
  subject: Subject,
  world: World,
  context: Context.Context<never>
): Effect.fn.Return<Session, AuthError.AuthError | ContractViolation> {
  if (subject.method.capabilities.includes("RedirectLogin")) {
    const redirect = yield* service(context, RedirectLogin)
    const request = yield* redirect.begin
    if (world.browse === undefined) return yield* new ContractViolation({ message: "the subject cannot browse" })
    return yield* redirect.complete(request, yield* world.browse(request))
  }
  if (subject.method.capabilities.includes("QrLogin")) {
    const qr = yield* service(context, QrLogin)
    const code = yield* qr.begin
    if (world.scan === undefined) return yield* new ContractViolation({ message: "the subject cannot scan" })
    yield* world.scan(code)
    const session = yield* qr.poll(code)
    if (Option.isSome(session)) return session.value
    return yield* new ContractViolation({ message: "the scan brought no session" })
  }
  const { login } = yield* service(context, Login)
  const outcome = yield* login
  if (outcome._tag === "Authenticated") return outcome.session
  if (world.answer === undefined) return yield* new ContractViolation({ message: "the subject cannot answer" })
  const stepUp = yield* service(context, StepUp)
  return yield* stepUp.verify(outcome.challenge, yield* world.answer(outcome.challenge))
})

/** A world with its layer built and a session in hand, half a minute after the login. */
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
    ? Effect.fail(new ContractViolation({ message: `the subject names no endpoint for ${capability}` }))
    : Effect.succeed(endpoint)
}

export const timesAsked = (fake: FakeBroker, endpoint: string): Effect.Effect<number> =>
  Effect.map(fake.journal, (entries) => entries.filter((entry) => entry.endpoint === endpoint).length)

/** Waits in real time until the fake has seen the endpoint so many times. */
export const untilAsked = Effect.fnUntraced(function* (fake: FakeBroker, endpoint: string, times: number) {
  for (let attempts = 0; attempts < 3000; attempts += 1) {
    if ((yield* timesAsked(fake, endpoint)) >= times) return
    yield* TestClock.withLive(Effect.sleep("5 millis"))
  }
  return yield* new ContractViolation({ message: `${endpoint} was not asked ${times} times` })
})

/** The reason that an effect fails with. */
export const reasonOf = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<AuthError.Reason, ContractViolation, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) => {
    const error = Option.getOrUndefined(Exit.findErrorOption(exit))
    if (AuthError.isAuthError(error)) return Effect.succeed(error.reason)
    const got = Exit.isSuccess(exit) ? "it succeeded" : `it failed otherwise: ${String(exit.cause)}`
    return Effect.fail(new ContractViolation({ message: `expected an AuthError, but ${got}` }))
  })

/** The effect fails with this reason, which tells a person what to do. */
export const failsWith = Effect.fnUntraced(function* <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  tag: AuthError.Reason["_tag"]
) {
  const reason = yield* reasonOf(effect)
  yield* same(reason._tag, tag, "reason")
  yield* ensure(reason.message.length > 10 && reason.remedy.length > 10, "the error must say what to do")
  return reason
})

/** In any order of fields, unlike `same`. */
export const alike = (actual: unknown, expected: unknown) =>
  ensure(Equal.equals(actual, expected), `expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`)
