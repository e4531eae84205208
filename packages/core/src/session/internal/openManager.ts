import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AuthError } from "../../login/AuthError.ts"
import * as durations from "../../login/internal/durations.ts"
import { Logout } from "../../login/Logout.ts"
import { Profile } from "../../login/Profile.ts"
import type * as Session from "../../login/Session.ts"
import { Renewal } from "../../broker/Renewal.ts"
import { SessionLock } from "../SessionLock.ts"
import { SessionStore } from "../SessionStore.ts"
import { adopt, adoptFrom } from "./adoption.ts"
import { bounded } from "./bounded.ts"
import * as Cached from "./cachedSession.ts"
import { logoutOf } from "./logout.ts"
import type { ManagerOwner } from "./managerOwner.ts"
import { changes, type Self } from "./managerState.ts"
import { freshExit, onStoreChange, peekOf, renew, sessionOf } from "./sessionRequests.ts"
import { withSession } from "./sessionUse.ts"

interface Options {
  readonly early?: Duration.Input | undefined
  readonly renewalTimeout?: Duration.Input | undefined
  readonly pollInterval?: Duration.Input | undefined
}

const noWatch = Effect.succeed(Effect.void)

/** To save memory, all managers share these objects. */
const defaults = { pollInterval: Duration.seconds(30), renewalTimeout: Duration.seconds(2) }

/** Run `open` in an uninterruptible region. Later, pass the returned `Self` to `close` of `managerState.ts`. */
export const open = Effect.fnUntraced(function* (
  options: Options,
  owner: ManagerOwner | undefined
): Effect.fn.Return<Self, AuthError, Renewal | Logout | SessionStore | SessionLock> {
  const renewal = yield* Renewal
  const { logout: revoke } = yield* Logout
  const {
    early = renewal.early,
    pollInterval = defaults.pollInterval,
    renewalTimeout = defaults.renewalTimeout
  } = options
  const { broker } = renewal.account
  const self: Self = {
    account: renewal.account,
    renewal,
    revoke,
    store: bounded(yield* SessionStore),
    lock: yield* SessionLock,
    profile: Option.getOrUndefined(yield* Effect.serviceOption(Profile))?.profile,
    early: yield* durations.read(broker, "early", early),
    renewalTimeout: yield* durations.read(broker, "renewalTimeout", renewalTimeout),
    pollInterval: Duration.toMillis(yield* durations.read(broker, "pollInterval", pollInterval)),
    state: Cached.makeState(),
    isClosed: false,
    usedAt: yield* Clock.currentTimeMillis,
    owner,
    scope: undefined,
    unwatch: Effect.void,
    lastRead: undefined,
    trial: undefined,
    hub: undefined
  }
  self.unwatch = yield* self.store.changes?.watch(self.account, (version) => onStoreChange(self, version)) ?? noWatch
  return self
})

export const serviceOf = (self: Self, session = sessionOf(self)) => ({
  account: self.account,
  session,
  peek: peekOf(self),
  renew: (rejected?: Session.Session) => renew(self, rejected),
  withSession: <A, E, R>(use: (session: Session.Session) => Effect.Effect<A, E, R>) => withSession(self, use),
  adopt: (given: Session.Session) => adopt(self, given),
  adoptFrom: <E, R>(login: Effect.Effect<Session.Session, E, R>) => adoptFrom(self, login),
  logout: logoutOf(self),
  accepted: (session: Session.Session) => void (self.state.proven = session),
  freshUnsafe: (now: number) => freshExit(self, now),
  changes: changes(self)
})
