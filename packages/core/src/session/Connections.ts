/**
 * Connections to many accounts, for programs without Effect. The accounts may belong to several brokers.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AuthError from "../login/AuthError.ts"
import type { Authorize } from "../login/Authorize.ts"
import type { Logout } from "../login/Logout.ts"
import type { Session } from "../login/Session.ts"
import type { Renewal } from "../broker/Renewal.ts"
import type * as Connection from "./Connection.ts"
import { readObject, readOptions, requireLogin, unreadable } from "./internal/argumentChecks.ts"
import { type CallsOf, fromServices } from "./internal/connectionCalls.ts"
import * as connectionRun from "./internal/connectionRun.ts"
import { base, type Closable, openIn } from "./internal/connectionScope.ts"
import { ManagerOwner } from "./internal/managerOwner.ts"
import * as stepUpCodes from "./internal/stepUpCodes.ts"
import type { Failure } from "./SessionManager.ts"
import * as SessionManagers from "./SessionManagers.ts"
import type { VaultError } from "./VaultError.ts"

/**
 * The layers of the accounts. The keys are your names for the accounts.
 *
 * @category models
 * @since 0.1.0
 */
export type Accounts = Readonly<
  Record<string, Layer.Layer<Renewal | Logout | Authorize, AuthError.AuthError | VaultError, HttpClient.HttpClient>>
>

/**
 * Options of `open`. If a login needs a one-time code, the function `codes` is called with a question. The question's
 * field `account` says which account needs the code.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<A extends Accounts> extends Connection.Options {
  /** The layers of the accounts. The keys are your names for the accounts. */
  readonly accounts: A
}

/**
 * What `warm` yields for each account: the result of the account, and the progress over all accounts.
 *
 * @category models
 * @since 0.1.0
 */
export type Progress<Name extends string> = {
  /** The key of this account in `accounts`. */
  readonly name: Name
  /** Number of accounts that have a result so far, including this account. */
  readonly done: number
  /** Number of accounts that have failed so far. */
  readonly failed: number
  readonly total: number
} & ({ readonly session: Session; readonly error?: never } | { readonly session?: never; readonly error: Failure })

/**
 * Open connections to several accounts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connections<A extends Accounts> extends Closable {
  readonly names: ReadonlyArray<keyof A & string>
  /**
   * Returns the functions of an account. The first call with a name checks the credentials, but sends nothing to the
   * broker. If the credentials are invalid, the promise rejects.
   */
  readonly account: <Name extends keyof A & string>(name: Name) => Promise<CallsOf<Layer.Success<A[Name]>>>
  /**
   * Gets a session for each account in `names`, and yields each result as soon as it is known. Default for `names`: all
   * accounts. If one account fails or its broker does not answer, the other accounts continue.
   */
  readonly warm: (
    options?: SessionManagers.WarmOptions & { readonly names?: ReadonlyArray<keyof A & string> | undefined }
  ) => AsyncIterable<Progress<keyof A & string>>
}

const unknownAccount = (name: string, known: ReadonlyArray<string>) =>
  AuthError.make(
    "accounts",
    "account",
    new AuthError.InvalidRequest({
      problems: [{ field: "name", problem: `${JSON.stringify(name)} is not the name of an account` }],
      advice: `The accounts are: ${known.join(", ")}.`
    })
  )

/**
 * Opens connections to several accounts, with one vault and one HTTP client. `open` opens the vault, but sends nothing
 * to the brokers.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Connections from "@auth/broker-core/session/Connections"
 * import * as MotilalAuth from "@auth/motilal/MotilalAuth"
 *
 * await using connections = await Connections.open({
 *   accounts: { mine: AngelAuth.layerConfig(), family: MotilalAuth.layerConfig() }
 * })
 * const failed: Array<string> = []
 * for await (const { error, name } of connections.warm()) {
 *   if (error !== undefined) failed.push(`${name}: ${error.remedy}`)
 * }
 * const mine = await connections.account("mine")
 * const session = await mine.session()
 * session.account.broker // => "angel"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = <const A extends Accounts>(options: Options<A>): Promise<Connections<A>> =>
  openIn((life, owner) =>
    Effect.gen(function* () {
      type Name = keyof A & string
      const given = yield* readOptions(Predicate.isNullish(options) ? ({} as typeof options) : options)
      const accounts = yield* readObject("accounts", given.accounts)
      const { codes, early, pollInterval, renewalTimeout } = given
      const names = Object.keys(accounts) as ReadonlyArray<Name>
      const scope = yield* Effect.scope
      const { client, vault } = base(given)
      const context = yield* Layer.buildWithScope(Layer.merge(vault, client), scope)
      const layerOf = (name: string) => {
        if (!Object.hasOwn(accounts, name)) return Layer.effectContext(Effect.fail(unknownAccount(name, names)))
        // In plain JavaScript, the value of an account may be `undefined`, which `requireLogin` rejects.
        const layer = accounts[name] as A[Name]
        return stepUpCodes.withCodesIfNeeded(requireLogin(layer), codes)
      }
      const managers = yield* SessionManagers.make(layerOf, { early, pollInterval, renewalTimeout }).pipe(
        Effect.provideContext(Context.add(context, Scope.Scope, scope)),
        Effect.provideService(ManagerOwner, owner)
      )
      const { attempt, awaitClosed, reject, run, wrong } = connectionRun.make("accounts", life, context)
      const opened = new Map<string, Promise<CallsOf<never>>>()

      const connect = (name: string): Promise<CallsOf<never>> => {
        const build = Effect.flatMap(managers.services(name), (services) =>
          fromServices<never>(Context.merge(context, services), life)
        )
        const connected = run("account", Scope.provide(build, scope))
        opened.set(name, connected)
        // After a failure, the next call of `account` connects again.
        connected.catch(() => opened.delete(name))
        return connected
      }

      return {
        names,
        account: (name: string) =>
          attempt("account", () => {
            if (!Predicate.isString(name)) return reject("account", "name", "is not text: pass a key of `accounts`")
            return opened.get(name) ?? connect(name)
          }),
        warm: (given) => {
          const progress = Effect.try({
            try: () => {
              const { names: chosen = names, ...warmOptions } = { ...given }
              return managers.warm(chosen, warmOptions)
            },
            catch: () => wrong("warm", "options", unreadable)
          })
          return Stream.toAsyncIterable(
            Stream.unwrap(life.isClosed() ? awaitClosed("warm") : progress).pipe(
              Stream.interruptWhen(awaitClosed("warm")),
              Stream.map(({ outcome, ...rest }) => ({
                ...rest,
                ...(Exit.isSuccess(outcome)
                  ? { session: outcome.value }
                  : { error: Cause.squash(outcome.cause) as Failure })
              }))
            )
          )
        }
      } as Omit<Connections<A>, keyof Closable>
    })
  )
