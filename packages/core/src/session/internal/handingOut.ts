/** What those get who ask: the held session, the one that a renewal brings, or why there is none. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Session from "../../login/Session.ts"
import * as Held from "./held.ts"
import { closed, hold, look, loggedOut, type Self, whileOpen } from "./managed.ts"
import { readily } from "./readily.ts"
import * as Record from "./record.ts"
import { unnoted } from "../../login/internal/requestsSent.ts"
import { join as joinRenewal, takeOff } from "./renewing.ts"

type Failure = Held.Failure

const nowOf = (fiber: Fiber.Fiber<unknown, unknown>): number => fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()

/** A renewal cannot run in a scope that is closed. */
const join = (
  self: Self,
  dead: Session.Session | undefined,
  byPerson = false
): Effect.Effect<Session.Session, Failure> =>
  whileOpen(self, "session", () => self.state.flight?.wait ?? unnoted(joinRenewal(self, dead, byPerson)))

/** What those get whose patience is over. Their token may have ended meanwhile, or somebody has logged out. */
const instead = (self: Self): Effect.Effect<Session.Session, Failure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = Held.liveSession(self.state, now)
    return live === undefined ? obtain(self, now) : Effect.succeed(live)
  })

/** One timer for all who hold a token that lives: one for each of them would cost ten times as much as the wait. */
const takePatience = (self: Self): Effect.Effect<Effect.Effect<Session.Session, Failure>> =>
  Effect.uninterruptible(
    Effect.flatMap(unnoted(takeOff(self, { dead: undefined, byPerson: false })), (flight) => {
      if (flight.patientWait !== undefined) return Effect.succeed(flight.patientWait)
      const end = Deferred.makeUnsafe<Option.Option<Session.Session>, Failure>()
      const wait = Effect.flatMap(
        Deferred.await(end),
        Option.match({ onSome: Effect.succeed, onNone: () => instead(self) })
      )
      flight.patientWait = wait
      return Effect.map(Effect.forkIn(Effect.timeoutOption(flight.wait, self.patience), self.scope), (fiber) => {
        fiber.addObserver((exit) => Deferred.doneUnsafe(end, self.isClosed ? closed(self, "session") : exit))
        return wait
      })
    })
  )

const joinPatiently = (self: Self): Effect.Effect<Session.Session, Failure> =>
  whileOpen(self, "session", () => self.state.flight?.patientWait ?? Effect.flatten(takePatience(self)))

/** What other programs have done meanwhile: one may have a newer session, or have logged out. */
const catchUp = (self: Self): Effect.Effect<void, Failure> =>
  Effect.suspend(() => {
    const { logouts, version = 0 } = self.state
    return Effect.flatMap(look(self, undefined), ({ isNewest, record, session }) =>
      session === undefined ||
      !isNewest ||
      self.state.flight !== undefined ||
      (record.version <= version && !Held.isNewer(self.state, session))
        ? Effect.void
        : hold(self, session, { tag: "PickedUp", version: record.version, logouts })
    )
  })

/** Nobody waits for the look: a store that hangs or fails does not stop who holds a token that lives. */
const lookAside = (self: Self, live: Session.Session, now: number) => {
  Held.lookLater(self.state, live, { now, lookEvery: self.lookEvery })
  return Effect.as(Effect.forkIn(Effect.ignore(catchUp(self)), self.scope), live)
}

const obtain = (self: Self, now: number): Effect.Effect<Session.Session, Failure> => {
  self.askedAt = now
  if (self.isClosed) return closed(self, "session")
  if (self.state.loggedOut) return loggedOut(self)
  const live = Held.liveSession(self.state, now)
  if (live !== undefined && now < self.state.held.renewAt) return lookAside(self, live, now)
  const pause = Held.pauseOf(self.state, live, now)
  if (pause !== undefined) return live === undefined ? Effect.fail(pause.error) : Effect.succeed(live)
  return live === undefined ? join(self, undefined) : joinPatiently(self)
}

export const sessionOf = readily(
  ({ state }: Self, fiber) => Held.fresh(state, nowOf(fiber)),
  (self, fiber) => obtain(self, nowOf(fiber))
)

export const freshExit = (self: Self, now: number): Exit.Exit<Session.Session> | undefined =>
  Held.fresh(self.state, now)?.exit

const sessionAt = (self: Self, now: number): Effect.Effect<Session.Session, Failure> =>
  freshExit(self, now) ?? obtain(self, now)

export const peek = (self: Self): Effect.Effect<Option.Option<Session.Session>, Failure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<Option.Option<Session.Session>, Failure> => {
    self.askedAt = now
    if (self.isClosed) return closed(self, "peek")
    const live = Held.liveSession(self.state, now)
    if (live !== undefined || self.state.loggedOut) return Effect.succeed(Option.fromUndefinedOr(live))
    return Effect.map(Record.read(self.store, self.account), (record) =>
      record._tag === "Live" && Held.isLive(record.session, now) && !Held.sameToken(record.session, self.state.dead)
        ? Option.some(record.session)
        : Option.none()
    )
  })

/** The caller says that the broker refused this token. */
const replace = (self: Self, dead: Session.Session) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const live = Held.liveSession(self.state, now)
    if (live !== undefined && !Held.sameToken(live, dead)) return sessionAt(self, now)
    Held.refuse(self.state, dead)
    if (self.state.loggedOut) return loggedOut(self)
    const pause = Held.pauseOf(self.state, undefined, now)
    if (pause !== undefined) return Effect.fail(pause.error)
    const { flight } = self.state
    const another = Effect.suspend(() => Effect.flatMap(join(self, dead), (got) => insteadOf(self, dead, got)))
    if (flight === undefined) return another
    // One that was under way before may bring the very token that the broker has refused since.
    return Effect.flatMap(flight.wait, (got) => (Held.sameToken(got, dead) ? another : Effect.succeed(got)))
  })

/** The token lives, but it is not the other one that was asked for. */
const insteadOf = (self: Self, before: Session.Session | undefined, got: Session.Session) =>
  before !== undefined && self.state.pause !== undefined && Held.sameToken(got, before)
    ? Effect.fail(self.state.pause.error)
    : Effect.succeed(got)

export const renew = (self: Self, dead: Session.Session | undefined): Effect.Effect<Session.Session, Failure> =>
  whileOpen(self, "renew", () => {
    if (dead !== undefined) return replace(self, dead)
    // Who asks on purpose wants a session whoever has logged out before.
    self.state.version = undefined
    self.state.loggedOut = false
    const before = self.state.held.session
    return Effect.flatMap(join(self, before, true), (renewed) => insteadOf(self, before, renewed))
  })
