/** Errors of the login guard. Each error means that a login or a code was not sent. */
import * as Predicate from "effect/Predicate"
import type * as Account from "../../login/Account.ts"
import * as AuthError from "../../login/AuthError.ts"
import * as Expiry from "../../login/Expiry.ts"
import type * as VaultError from "../VaultError.ts"
import type * as Ledger from "./ledger.ts"

const actionRequired = ({ broker }: Account.Account, what: string, advice: string) =>
  AuthError.make(broker, "login", new AuthError.ActionRequired({ what, advice }))

const plural = (count: number, verb: string) => `${verb} ${count === 1 ? "a login" : `${count} logins`}`

/** `attempts`: at least `maxFailures` failed logins from the last `within` milliseconds. */
export const budgetUsedUp = (
  account: Account.Account,
  { maxFailures, within }: { readonly maxFailures: number; readonly within: number },
  attempts: ReadonlyArray<Ledger.Attempt>
) => {
  const refused = attempts.filter(({ outcome }) => outcome === "refused").length
  const open = attempts.length - refused
  const found = [
    ...(refused === 0 ? [] : [`${plural(refused, "refused")} (wrong password or one-time code)`]),
    ...(open === 0 ? [] : [plural(open, "did not answer")])
  ].join(" and ")
  const times = attempts.map(({ at }) => at).toSorted((one, other) => one - other)
  // At `until`, the oldest of the last `maxFailures` attempts no longer counts, so the guard can allow a login.
  const until = Expiry.toIst(times[times.length - maxFailures]! + within)
  return actionRequired(
    account,
    `Check the credentials of ${account.id}: the broker ${found}, and one more failure may lock the account`,
    `Nothing was sent. Correct the credentials, then call LoginGuard.reset, or wait until ${until}.`
  )
}

export const refusedBefore = (account: Account.Account) =>
  actionRequired(
    account,
    `Check the credentials of ${account.id}: the broker has refused them before`,
    "Nothing was sent. Correct the credentials. If the refused credentials are right, pass them to LoginGuard.reset to " +
      "allow them again."
  )

export const stillLocked = (account: Account.Account, { said }: Ledger.Lock) =>
  actionRequired(
    account,
    `Unlock ${account.id}: ${said.message}`,
    `Nothing was sent. ${said.remedy} Then call LoginGuard.reset.`
  )

const textOf = (value: unknown): string | undefined => (Predicate.isString(value) ? value : undefined)

export const saidOf = ({ reason }: AuthError.AuthError): Ledger.Said => ({
  tag: reason._tag,
  why: "why" in reason ? textOf(reason.why) : undefined,
  what: "what" in reason ? textOf(reason.what) : undefined,
  code: reason.code,
  brokerMessage: reason.brokerMessage,
  message: reason.message,
  remedy: reason.remedy
})

const deniedWhys: ReadonlyArray<AuthError.PermissionDenied["why"]> = [
  "ip",
  "waf",
  "subscription",
  "activation",
  "consent",
  "app",
  "unknown"
]

export const notEntered = (account: Account.Account, { message }: VaultError.VaultError) =>
  actionRequired(
    account,
    `Make the session store writable: ${message}`,
    "The code was not sent, because each attempt must first be recorded. When the store is writable, log in again."
  )

const loginNow = "To log in now, call SessionManager.renew or connection.renew."

export const codesAbandoned = (account: Account.Account, until: number) =>
  actionRequired(
    account,
    `Enter the one-time code of ${account.id} at the next login`,
    "Nothing was sent. The last logins have not sent their code, and each of them made the broker send another " +
      `code. The next try is at ${Expiry.toIst(until)}. ${loginNow}`
  )

export const paused = ({ broker }: Account.Account, { length, said, since }: Ledger.Pause) => {
  const { brokerMessage, code, what } = said
  // Without advice, the remedy of an `ActionRequired` begins with `what`. The message of the new error already
  // contains `what`, so the new advice omits the remedy.
  const isSaid = said.tag === "ActionRequired" && what !== undefined && said.remedy.startsWith(what.replace(/\.$/, ""))
  const remedy = isSaid ? "" : ` ${said.remedy}`
  const now = said.needsPerson === true ? ` ${loginNow}` : ""
  const advice = `Nothing was sent.${remedy} The next try is at ${Expiry.toIst(since + length)}.${now}`
  const common = { advice, code, brokerMessage }
  const why = deniedWhys.find((known) => known === said.why)
  if (said.tag === "PermissionDenied" && why !== undefined) {
    return AuthError.make(broker, "login", new AuthError.PermissionDenied({ ...common, why }))
  }
  if (said.tag === "SessionLimitReached") {
    return AuthError.make(broker, "login", new AuthError.SessionLimitReached(common))
  }
  if (said.tag === "BrokerRejected") {
    return AuthError.make(broker, "login", new AuthError.BrokerRejected({ ...common, code: code ?? "none" }))
  }
  return AuthError.make(
    broker,
    "login",
    said.tag === "ActionRequired"
      ? new AuthError.ActionRequired({ ...common, what: what ?? said.message })
      : new AuthError.ActionRequired({ advice, what: said.message })
  )
}

export const tooManyUnanswered = ({ broker }: Account.Account, until: number) =>
  AuthError.make(
    broker,
    "login",
    new AuthError.BrokerUnavailable({
      why: "time-out",
      advice: `Ten or more logins in the last hour got no answer. The next login can be sent at ${Expiry.toIst(until)}. Check the network.`
    })
  )
