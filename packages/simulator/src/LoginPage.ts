/**
 * Submits the forms of the simulated brokers' login pages, for tests without a browser.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import { SimulatorError } from "./SimulatorError.ts"

const refuse = (message: string) => Effect.fail(new SimulatorError({ message }))

const unescape = (text: string): string =>
  text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))

const read = (page: string, pattern: RegExp): string => unescape(pattern.exec(page)?.[1] ?? "")

const hiddenFields = (page: string): ReadonlyArray<readonly [string, string]> =>
  Array.from(page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g), ([, name = "", value = ""]) => [
    unescape(name),
    unescape(value)
  ])

const problemOf = (page: string): string =>
  read(page, /role="alert">([^<]+)</) || page.replace(/<[^>]*>/g, " ").trim() || "The page is empty."

const send = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const response = yield* client.execute(request)
    return { location: response.headers["location"], page: yield* response.text }
  }).pipe(
    // The redirect goes to the user's program, which may not be running.
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
    Effect.mapError(
      () =>
        new SimulatorError({ message: "No login page answers at this address: check that the simulator is running." })
    )
  )

/**
 * Submits the form of a simulated broker's login page, and returns the address that the page redirects to. The README
 * lists the names of the fields. If the page rejects the form, the effect fails with the page's message. The effect
 * always fails for RMoney's page for QR codes, because this page never redirects.
 *
 * @example
 * ```ts
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as LoginPage from "@auth/simulator/LoginPage"
 * import * as Effect from "effect/Effect"
 *
 * const login = (fields: Readonly<Record<string, string>>) =>
 *   Effect.gen(function* () {
 *     const redirect = yield* RedirectLogin.RedirectLogin
 *     const request = yield* redirect.begin
 *     return yield* redirect.complete(request, yield* LoginPage.submit(request.url, fields))
 *   })
 * ```
 *
 * @category pages
 * @since 0.1.0
 */
export const submit = Effect.fnUntraced(function* (
  url: Redacted.Redacted<string>,
  fields: Readonly<Record<string, string>>
): Effect.fn.Return<Redacted.Redacted<string>, SimulatorError, HttpClient.HttpClient> {
  const { page } = yield* send(HttpClientRequest.get(Redacted.value(url)))
  if (!page.includes('<form method="post"')) return yield* refuse(`The login page has no form: ${problemOf(page)}`)
  const action = new URL(read(page, /<form method="post" action="([^"]*)"/), Redacted.value(url))
  const answer = yield* send(
    HttpClientRequest.post(action).pipe(
      HttpClientRequest.bodyUrlParams([...hiddenFields(page), ...Object.entries(fields)])
    )
  )
  return answer.location === undefined
    ? yield* refuse(`The login page rejected the form: ${problemOf(answer.page)}`)
    : Redacted.make(answer.location)
})
