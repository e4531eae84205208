import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"

/** A fake whose accounts and state can be replaced while it is served. */
export interface Replaceable {
  readonly fake: FakeBroker
  /** Gives `fake` the accounts and the state of `next`, and cuts the connections of pending requests. */
  readonly replace: (next: FakeBroker) => Effect.Effect<void>
}

export const makeReplaceable = (first: FakeBroker): Replaceable => {
  let current = first
  const ask = <A>(read: (fake: FakeBroker) => Effect.Effect<A>) => Effect.suspend(() => read(current))
  return {
    fake: {
      broker: first.broker,
      origins: first.origins,
      get endpoints() {
        return current.endpoints
      },
      get accounts() {
        return current.accounts
      },
      get limits() {
        return current.limits
      },
      respond: (request) => current.respond(request),
      journal: ask((fake) => fake.journal),
      journalDropped: ask((fake) => fake.journalDropped),
      inject: (endpoint, fault, times) => ask((fake) => fake.inject(endpoint, fault, times)),
      now: ask((fake) => fake.now),
      advance: (duration) => ask((fake) => fake.advance(duration)),
      codes: (account) => ask((fake) => fake.codes(account)),
      reset: ask((fake) => fake.reset),
      snapshot: ask((fake) => fake.snapshot),
      readSnapshot: (snapshot) => current.readSnapshot(snapshot)
    },
    replace: (next) =>
      Effect.suspend(() => {
        const before = current
        current = next
        return before.reset
      })
  }
}
