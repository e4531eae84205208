/** Answers the requests of the page that `broker-auth open` serves. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { IncomingMessage } from "node:http"
import { type Answer, hasOwnHost, json, readBody } from "../http/messages.ts"
import type { Respond } from "../http/server.ts"
import * as problems from "../serve/problems.ts"
import { type Accepted, type Action, actions, type Change, type Desk } from "./desk.ts"
import type { Idle } from "./idle.ts"
import type { Links } from "./links.ts"
import * as page from "./page.ts"

const refusals = {
  HostRefused: [421, "The header Host names another server", "Use the link of broker-auth open."],
  OriginRefused: [403, "The request does not come from this page", "Use the page of broker-auth open."],
  LinkRefused: [
    403,
    "The link was used before, is older than 60 seconds, or was replaced by a newer link",
    "Run broker-auth open again."
  ],
  BearerRefused: [401, "The command does not accept the bearer token of this page", "Run broker-auth open again."],
  PathUnknown: [404, "There is no such path", "Use the page of broker-auth open."],
  MethodRefused: [
    405,
    "This path does not accept the method of the request",
    "The header Allow names the accepted methods."
  ],
  AccountUnknown: [404, "There is no account with this name", "Add it with broker-auth add."],
  Busy: [409, "Another action for this account is running", "Wait until it has ended, or cancel it."],
  Nothing: [
    409,
    "The account does not accept this request in its current step",
    "Look at the page: it shows the current step."
  ],
  BodyInvalid: [400, "The body is not the expected JSON", "Use the page of broker-auth open."],
  StreamsExhausted: [503, "Too many pages are open", "Close some of them, then run broker-auth open again."],
  Fault: [500, "The command has a fault", "Please report it."]
} as const satisfies Readonly<Record<string, readonly [status: number, message: string, remedy: string]>>

type Refusal = keyof typeof refusals

export const refuse = (reason: Refusal, headers: Readonly<Record<string, string>> = {}): Answer => {
  const [status, message, remedy] = refusals[reason]
  return json(status, { error: { reason, message, remedy } }, { ...page.headers, ...headers })
}

const maxStreams = 16

/** Each event stream sends a comment at this interval, so that its connection is never idle for longer. */
const heartbeat = "15 seconds"

const done = (value: unknown = {}): Answer => json(200, value, page.headers)

const outcomes: Readonly<Record<Accepted, () => Answer>> = {
  accepted: () => done(),
  unknown: () => refuse("AccountUnknown"),
  busy: () => refuse("Busy"),
  nothing: () => refuse("Nothing")
}

const decodeText = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ text: Schema.RedactedFromValue(Schema.NonEmptyString) }))
)

const eventOf = ({ _tag, ...data }: Change): string => `event: ${_tag}\ndata: ${JSON.stringify(data)}\n\n`

const isAction = (text: string): text is Action => actions.some((action) => action === text)

const accountPath = /^\/accounts\/([^/]+)\/([a-z]+)$/

/** Whether the page itself sent the POST. Browsers send `Origin` with every POST, so a POST without it is refused. */
const isOwn = ({ headers }: IncomingMessage): boolean =>
  headers.origin === `http://${headers.host}` &&
  (headers["sec-fetch-site"] ?? "same-origin") === "same-origin" &&
  headers["content-type"] === "application/json"

export interface Server {
  readonly desk: Desk
  readonly links: Links
  readonly idle: Idle
  readonly used: () => void
}

export const make = ({ desk, idle, links, used }: Server): Respond => {
  let streams = 0

  const events = (): Answer => {
    if (streams >= maxStreams) return refuse("StreamsExhausted")
    streams += 1
    idle.enter()
    const beats = Stream.map(Stream.tick(heartbeat), () => ": alive\n\n")
    const body = Stream.merge(Stream.map(desk.changes, eventOf), beats).pipe(
      // Yields between two parts, so that the connection sends each part before the next part is written.
      Stream.mapEffect((part) => Effect.as(Effect.yieldNow, part)),
      Stream.ensuring(
        Effect.sync(() => {
          streams -= 1
          idle.leave()
        })
      )
    )
    return { status: 200, headers: { ...page.headers, "content-type": "text/event-stream" }, body }
  }

  const readText = (message: IncomingMessage) =>
    Effect.map(Effect.result(readBody(message)), (body) =>
      Result.isSuccess(body)
        ? Option.getOrUndefined(Option.map(decodeText(body.success), ({ text }) => text))
        : undefined
    )

  const exchange = Effect.fnUntraced(function* (message: IncomingMessage): Effect.fn.Return<Answer> {
    const link = yield* readText(message)
    if (link === undefined) return refuse("BodyInvalid")
    const bearer = yield* links.exchange(link)
    if (bearer === undefined) return refuse("LinkRefused")
    used()
    return done({ bearer: Redacted.value(bearer) })
  })

  const forAccount = Effect.fnUntraced(function* (message: IncomingMessage, name: string, what: string) {
    if (isAction(what)) return outcomes[yield* desk.start(name, what)]()
    if (what === "cancel") return outcomes[yield* desk.cancel(name)]()
    if (what === "resend") return outcomes[yield* desk.resend(name)]()
    if (what !== "answer") return refuse("PathUnknown")
    const text = yield* readText(message)
    return text === undefined ? refuse("BodyInvalid") : outcomes[yield* desk.answer(name, text)]()
  })

  const post = (message: IncomingMessage, path: string) => {
    if (path === "/events") return Effect.sync(events)
    if (path === "/login-all") return Effect.as(desk.startAll, done())
    const [, encoded = "", what = ""] = accountPath.exec(path) ?? []
    const name = Result.getOrUndefined(Result.try(() => decodeURIComponent(encoded)))
    return name === undefined || what === "" ? Effect.succeed(refuse("PathUnknown")) : forAccount(message, name, what)
  }

  return Effect.fnUntraced(function* (message, port): Effect.fn.Return<Answer> {
    if (!hasOwnHost(message, port)) return refuse("HostRefused")
    const path = message.url?.split("?", 1)[0] ?? ""
    if (path === "/") {
      return message.method === "GET" || message.method === "HEAD"
        ? { status: 200, headers: page.documentHeaders, body: page.document }
        : refuse("MethodRefused", { allow: "GET, HEAD" })
    }
    if (message.method === "GET") return refuse("PathUnknown")
    if (message.method !== "POST") return refuse("MethodRefused", { allow: "POST" })
    if (!isOwn(message)) return refuse("OriginRefused")
    if (path === "/link") return yield* exchange(message)
    if (!links.isAllowed(message.headers.authorization)) return refuse("BearerRefused")
    return yield* Effect.catch(post(message, path), (failure) => {
      const failed = problems.fail(failure, "the vault")
      return Effect.succeed({ ...failed, headers: { ...page.headers, ...failed.headers } })
    })
  })
}
