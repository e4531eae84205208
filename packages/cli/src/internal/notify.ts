/** `--notify`: sends the summary of logins to a program or to a web address. */
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Connection from "@auth/node/Connection"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { type CommandFailed, fail } from "./failure.ts"
import { say } from "./output.ts"
import * as programs from "./programs.ts"
import * as references from "./references.ts"

/** An address may contain a secret, such as a token. So a reference, such as `env:NAME`, can replace the address. */
export type Target =
  | { readonly _tag: "Program"; readonly words: ReadonlyArray<string> }
  | { readonly _tag: "Address"; readonly url: Redacted.Redacted<string> }
  | { readonly _tag: "Reference"; readonly reference: Redacted.Redacted<string> }

export const Timeout: Context.Reference<Duration.Duration> = Context.Reference<Duration.Duration>(
  "@auth/cli/notify/Timeout",
  { defaultValue: () => Duration.seconds(10) }
)

const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"])

const isAllowed = (text: string): boolean => {
  const url = Result.getOrUndefined(Result.try(() => new URL(text)))
  // `fetch` refuses a URL with a user name or a password.
  if (url === undefined || url.username !== "" || url.password !== "") return false
  return url.protocol === "https:" || (url.protocol === "http:" && loopback.has(url.hostname))
}

const notAllowed =
  "the address must be a valid https:// address without a user name and password (http:// is allowed for this machine only)"

/** Parses the value of `--notify`, without resolving references. */
export const targetOf = (given: string): Effect.Effect<Target, CommandFailed> => {
  const text = Redacted.make(given)
  if (references.prefixOf(text) !== undefined) return Effect.succeed({ _tag: "Reference", reference: text })
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given)) {
    return isAllowed(given)
      ? Effect.succeed({ _tag: "Address", url: text })
      : fail("usage", `--notify cannot be used: ${notAllowed}. No login was sent.`)
  }
  const words = programs.wordsOf(given)
  return (words[0] ?? "") === ""
    ? fail("usage", "--notify needs a command or an address. No login was sent.")
    : Effect.succeed({ _tag: "Program", words })
}

const systemCodeOf = (error: unknown, depth = 0): string | undefined => {
  if (typeof error !== "object" || error === null || depth > 6) return undefined
  const { cause, code, reason } = error as Readonly<Record<string, unknown>>
  return typeof code === "string" ? code : (systemCodeOf(cause, depth + 1) ?? systemCodeOf(reason, depth + 1))
}

const connectionProblem = (error: unknown): string => {
  const code = systemCodeOf(error)
  return `the connection failed${code === undefined ? "" : ` (${code})`}`
}

/** Returns the problem, or `undefined` after an answer of 2xx. A redirect is not followed, and counts as a problem. */
const post = Effect.fnUntraced(
  function* (url: Redacted.Redacted<string>, body: string) {
    const request = HttpClientRequest.bodyText(HttpClientRequest.post(Redacted.value(url)), body, "application/json")
    const duration = yield* Timeout
    return yield* HttpClient.execute(request).pipe(
      // An unread answer would keep the connection open.
      Effect.tap(({ text }) => Effect.ignore(Effect.timeout(text, "1 second"))),
      Effect.map(({ status }) =>
        status >= 200 && status < 300 ? undefined : `the server answered with HTTP ${status}`
      ),
      Effect.timeoutOrElse({
        duration,
        orElse: () => Effect.succeed(`the server did not answer within ${Duration.toSeconds(duration)} seconds`)
      })
    )
  },
  Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
  Effect.provideService(HttpClient.TracerPropagationEnabled, false),
  Effect.provide(Connection.layerClient),
  Effect.catch((error) =>
    Effect.succeed(AuthError.isAuthError(error) ? error.reason.message : connectionProblem(error))
  )
)

const resolved = (reference: Redacted.Redacted<string>, body: string): Effect.Effect<string | undefined> =>
  Effect.matchEffect(references.resolve(reference), {
    onFailure: ({ message }) => Effect.succeed(message.replace(" Nothing was sent.", "").replace(/\.$/, "")),
    onSuccess: (url) => (isAllowed(Redacted.value(url)) ? post(url, body) : Effect.succeed(notAllowed))
  })

const deliver = (target: Target, body: string): Effect.Effect<string | undefined> => {
  switch (target._tag) {
    case "Program":
      return Effect.map(programs.run(target.words, { input: body, output: "ignored" }), (result) =>
        Result.isFailure(result) ? result.failure : undefined
      )
    case "Address":
      return post(target.url, body)
    case "Reference":
      return resolved(target.reference, body)
  }
}

export const send = (target: Target, summary: unknown): Effect.Effect<boolean> =>
  Effect.flatMap(deliver(target, `${JSON.stringify(summary)}\n`), (problem) =>
    problem === undefined
      ? Effect.succeed(true)
      : Effect.as(
          say(`broker-auth: The notification was not delivered: ${problem}. The logins are not affected.`),
          false
        )
  )
