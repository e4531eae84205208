import * as AuthError from "@auth/broker-core/login/AuthError"
import type { RedirectLogin } from "@auth/broker-core/login/RedirectLogin"
import type { Session } from "@auth/broker-core/login/Session"
import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
import type * as Core from "@auth/broker-core/session/Connection"
import * as Effect from "effect/Effect"
import * as RedirectListener from "../RedirectListener.ts"

/**
 * Options of `login`: the options of `RedirectListener.login`, the options of `BrowserLogin.run`, and a signal.
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
   * opened, the terminal shows the address of the page.
   *
   * If the user has started the login, pass `byPerson: true`. A login with `byPerson: true` always opens the browser.
   * Without `byPerson: true`, these rules apply:
   *
   * - If the stored session has not expired, `login` checks the session with the layer's profile call. If the broker
   *   does not refuse the session, `login` returns the session and opens no browser. If the layer has no profile call,
   *   `login` returns the stored session without this check.
   * - If another program has opened the browser for this account, `login` waits for that program's session.
   * - All programs together open the browser at most three times in an hour for one account. Logins with
   *   `byPerson: true` are not counted.
   *
   * If the user has not completed a login after five minutes, the login fails, even with a longer `timeout`.
   */
  readonly login: (options?: LoginOptions) => Promise<Session>
}

/** If `Services` does not contain `RedirectLogin`, the type is `unknown`, which adds no function to a connection. */
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
