import * as Context from "effect/Context"
import type { Reason } from "../../login/AuthError.ts"

/** What the owner of many session managers and one of them tell each other. */
export interface Tenancy {
  /** When the manager was asked for anything last, at the latest. Milliseconds since the epoch. Set by the manager. */
  lastAsked: (now: number) => number
  /** Why the owner closes the manager; `undefined` if its scope just ends. */
  closedBecause: Reason | undefined
}

/** Given by the owner to the manager that is being built. */
export const Tenancy = Context.Reference<Tenancy | undefined>("@auth/broker-core/internal/Tenancy", {
  defaultValue: () => undefined
})
