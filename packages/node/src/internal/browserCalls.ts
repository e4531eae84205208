import * as AuthError from "@auth/broker-core/login/AuthError"
import type { RedirectLogin } from "@auth/broker-core/login/RedirectLogin"
import type { Session } from "@auth/broker-core/login/Session"
import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
import type * as Core from "@auth/broker-core/session/Connection"
import * as Effect from "effect/Effect"
import * as RedirectListener from "../RedirectListener.ts"

/**
 * Options of `login`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginOptions extends RedirectListener.LoginOptions, BrowserLogin.Options {
  /** When this signal is aborted, the login ends. */
  readonly signal?: AbortSignal | undefined
}

/**
 * The additional function of a connection whose layer logs in through the browser.
 *
 * @category models
 * @since 0.1.0
 */
export interface BrowserCalls {
  /**
   * Opens the login page in the user's browser, waits for the login, and stores the session. If no browser can be
   * opened, `login` shows an address for the user to open.
   *
   * If the user has started the login, pass `byPerson: true`. The browser then always opens. Without `byPerson: true`,
   * these rules apply:
   *
   * - If the stored session has not expired, `login` returns it. If the layer has a profile call, `login` first checks
   *   the session with this call. If the broker refuses the session, `login` opens the browser.
   * - If another program has opened the browser for this account, `login` waits for that program's session.
   * - All programs together open the browser at most three times in an hour for one account. Logins with
   *   `byPerson: true` are not counted.
   *
   * A login that takes longer than five minutes fails, even with a longer `timeout`.
   */
  readonly login: (options?: LoginOptions) => Promise<Session>
}

/** `unknown` adds nothing to an intersection type. */
export type WithBrowser<Services> = RedirectLogin extends Services ? BrowserCalls : unknown

const loginOf =
  ({ account, run }: Core.Calls<RedirectLogin>): BrowserCalls["login"] =>
  (options) =>
    run(
      Effect.flatMap(
        Effect.try({
          try: () => ({ ...options }),
          catch: () => AuthError.invalidRequest(account.broker, "login", "options", "cannot be read: pass plain values")
        }),
        ({ byPerson, method, timeout }) => BrowserLogin.run(RedirectListener.login({ method, timeout }), { byPerson })
      ),
      options
    )

/** Only the calls of a layer with `RedirectLogin` contain `beginLogin`. */
export const withBrowser = <Services, C extends Core.CallsOf<Services>>(calls: C): C & WithBrowser<Services> => {
  const login = loginOf(calls as unknown as Core.Calls<RedirectLogin>)
  return ("beginLogin" in calls ? { ...calls, login } : calls) as C & WithBrowser<Services>
}
