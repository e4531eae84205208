/**
 * A web app whose user logs in at the broker: `GET /login` redirects the browser to the broker, and the path of the
 * redirect URL completes the login. Between these two requests, the state of the login is in an encrypted cookie. So
 * the app can restart, or run as several processes with the same key.
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SealedRequest from "@auth/broker-core/session/SealedRequest"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as http from "node:http"

const cookieName = "broker_login"

const cookieOf = (request: http.IncomingMessage): string | undefined =>
  (request.headers.cookie ?? "")
    .split(/;\s*/)
    .find((cookie) => cookie.startsWith(`${cookieName}=`))
    ?.slice(cookieName.length + 1)

/** The browser sends the cookie only to the callback, and scripts cannot read it. */
const setCookie = (value: string, seconds: number, redirectUrl: URL): string =>
  `${cookieName}=${value}; Path=${redirectUrl.pathname}; Max-Age=${seconds}; HttpOnly; SameSite=Lax` +
  (redirectUrl.protocol === "https:" ? "; Secure" : "")

interface Answer {
  readonly status: number
  readonly headers?: http.OutgoingHttpHeaders
  readonly text: string
}

const login = Effect.fnUntraced(function* (redirectUrl: URL) {
  const { begin } = yield* RedirectLogin.RedirectLogin
  const { account } = yield* SessionManager.SessionManager
  const request = yield* begin
  const sealed = yield* SealedRequest.seal(request, yield* VaultKey.VaultKey, { account })
  const headers = { location: Redacted.value(request.url), "set-cookie": setCookie(sealed, 600, redirectUrl) }
  return { status: 302, headers, text: "Redirecting to the broker" } satisfies Answer
})

/** `complete` accepts a path instead of a whole address, so the app also works behind a proxy. */
const callback = Effect.fnUntraced(function* (request: http.IncomingMessage, redirectUrl: URL) {
  const { complete } = yield* RedirectLogin.RedirectLogin
  const { account, adopt } = yield* SessionManager.SessionManager
  const begun = yield* SealedRequest.open(cookieOf(request), yield* VaultKey.VaultKey, { account })
  yield* adopt(yield* complete(begun, Redacted.make(request.url ?? "")))
  // The answer is a redirect, so that the code does not stay in the browser's address bar.
  return {
    status: 303,
    headers: { location: "/", "set-cookie": setCookie("", 0, redirectUrl) },
    text: ""
  } satisfies Answer
})

const home = Effect.gen(function* () {
  const { session } = yield* SessionManager.SessionManager
  const { account } = yield* session
  return { status: 200, text: `Logged in as ${account.id}` } satisfies Answer
})

/** Error messages contain no secrets, and say what to do. */
const refusal = (redirectUrl: URL) => (error: AuthError.AuthError | VaultError) =>
  Effect.succeed<Answer>({
    status: AuthError.isAuthError(error) ? 400 : 500,
    headers: { "set-cookie": setCookie("", 0, redirectUrl) },
    text: error.message
  })

/** Serves the app until its scope closes, and returns its port. Port 0 selects a free port. */
export const serve = Effect.fnUntraced(function* (options: { readonly redirectUrl: string; readonly port: number }) {
  const redirectUrl = new URL(options.redirectUrl)
  const context = yield* Effect.context<
    RedirectLogin.RedirectLogin | SessionManager.SessionManager | VaultKey.VaultKey
  >()

  const answerTo = (request: http.IncomingMessage) => {
    const path = (request.url ?? "").replace(/[?#].*$/s, "")
    if (request.method !== "GET") return Effect.succeed<Answer>({ status: 405, text: "Only GET is allowed" })
    if (path === "/login") return login(redirectUrl)
    if (path === redirectUrl.pathname) return callback(request, redirectUrl)
    return path === "/" ? home : Effect.succeed<Answer>({ status: 404, text: "Not found" })
  }

  const server = http.createServer((request, response) => {
    const reply = ({ headers, status, text }: Answer) => {
      const always = { "cache-control": "no-store", "referrer-policy": "no-referrer", "content-type": "text/plain" }
      response.writeHead(status, { ...always, ...headers }).end(text)
    }
    void Effect.runPromiseWith(context)(Effect.catch(answerTo(request), refusal(redirectUrl))).then(reply, () =>
      reply({ status: 500, text: "The app failed" })
    )
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.once("error", (error) => resume(Effect.die(error)))
      server.listen(options.port, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return (server.address() as { readonly port: number }).port
})
