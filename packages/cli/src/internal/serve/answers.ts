import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { IncomingMessage } from "node:http"
import type { Entry } from "../accounts.ts"
import type { Failure } from "../failure.ts"
import type { Home } from "../home.ts"
import { type Answer, hasOwnHost, isFromBrowser, json, readBody } from "../http/messages.ts"
import type { Respond } from "../http/server.ts"
import * as output from "../output.ts"
import * as sessions from "../sessions.ts"
import { type EndpointName, type Route, routeOf } from "./endpoints.ts"
import type { Change, Live, OpenAccounts } from "./openAccounts.ts"
import { document } from "./openApi.ts"
import type { Check } from "./programs.ts"
import * as problems from "./problems.ts"

export interface Server {
  readonly home: Home
  readonly open: OpenAccounts
  /** `undefined` on a Unix socket, where programs need no token. */
  readonly isAllowed: Check | undefined
}

const maxStreams = 32

/** Interval of the line `: alive`, which shows clients and proxies that a stream of events is open. */
const heartbeat = "15 seconds"

const plain = (value: string | Redacted.Redacted<string>): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

const sessionAnswer = ({ headers, session: { account, expiresAt, issuedAt, tokens } }: Live): Answer =>
  json(200, {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, plain(value)])),
    token: Redacted.value(tokens.access),
    feedToken: tokens.feed === undefined ? null : Redacted.value(tokens.feed),
    broker: account.broker,
    account: account.id,
    issuedAt: output.toIso(issuedAt),
    expiresAt: output.toIso(expiresAt)
  })

const eventOf = (change: Change): string => {
  const { entry } = change
  const about = { account: entry.name, broker: entry.broker }
  const data =
    change._tag === "renewed"
      ? {
          ...about,
          issuedAt: output.toIso(change.session.issuedAt),
          expiresAt: output.toIso(change.session.expiresAt)
        }
      : change._tag === "failed"
        ? { ...about, error: problems.problemOf(change.failure, entry.name) }
        : about
  return `event: ${change._tag}\ndata: ${JSON.stringify(data)}\n\n`
}

const decodeDead = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ token: Schema.RedactedFromValue(Schema.NonEmptyString) }))
)

export const make = ({ home, isAllowed, open }: Server): Respond => {
  let streams = 0

  const listAccounts = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const rows = yield* Effect.forEach(yield* open.list, (entry) =>
      Effect.map(sessions.stored(home.store, entry), (session) => ({
        name: entry.name,
        broker: entry.broker,
        account: entry.account.id,
        method: entry.method,
        session: sessions.stateOf(session, now),
        issuedAt: output.toIso(session?.issuedAt),
        expiresAt: output.toIso(session?.expiresAt)
      }))
    )
    return json(200, { accounts: rows })
  })

  const withAccount = (name: string, use: (entry: Entry) => Effect.Effect<Answer, Failure>) =>
    Effect.flatMap(open.list, (entries) => {
      const entry = entries.find((known) => known.name === name)
      return entry === undefined ? Effect.succeed(problems.refuse("AccountUnknown")) : use(entry)
    })

  const renew = Effect.fnUntraced(function* (message: IncomingMessage, entry: Entry) {
    const body = yield* Effect.result(readBody(message))
    if (Result.isFailure(body)) {
      return problems.refuse(body.failure === "too-large" ? "BodyTooLarge" : "BodyInvalid")
    }
    const dead = decodeDead(body.success)
    if (Option.isNone(dead)) return problems.refuse("BodyInvalid")
    return sessionAnswer(yield* open.renew(entry, dead.value.token))
  })

  const events = ({ headers }: IncomingMessage): Answer => {
    if (streams >= maxStreams) return problems.refuse("StreamsExhausted")
    streams += 1
    const changes = Stream.map(Stream.fromPubSub(open.changes), eventOf)
    const beats = Stream.map(Stream.tick(heartbeat), () => ": alive\n\n")
    const body = Stream.merge(changes, beats).pipe(
      // A program whose bearer token is revoked gets no further event.
      Stream.takeWhileEffect(() => Effect.orElseSucceed(allowed(headers.authorization), () => false)),
      Stream.ensuring(Effect.sync(() => void (streams -= 1)))
    )
    return { status: 200, headers: { "content-type": "text/event-stream" }, body }
  }

  const allowed = (authorization: string | undefined): Effect.Effect<boolean, Failure> =>
    isAllowed === undefined ? Effect.succeed(true) : isAllowed(authorization)

  const handlers: Readonly<
    Record<
      EndpointName,
      (message: IncomingMessage, name: string, port: number | undefined) => Effect.Effect<Answer, Failure>
    >
  > = {
    listAccounts: () => listAccounts,
    getSession: (_, name) => withAccount(name, (entry) => Effect.map(open.session(entry), sessionAnswer)),
    renewSession: (message, name) => withAccount(name, (entry) => renew(message, entry)),
    readEvents: (message) => Effect.sync(() => events(message)),
    getDocument: (_message, _name, port) =>
      Effect.sync(() => json(200, document(port === undefined ? undefined : `http://127.0.0.1:${port}`)))
  }

  const handle = (message: IncomingMessage, { endpoint, name }: Route, port: number | undefined) => {
    const decoded = Result.try(() => decodeURIComponent(name))
    if (Result.isFailure(decoded)) return Effect.succeed(problems.refuse("AccountUnknown"))
    return Effect.catch(handlers[endpoint](message, decoded.success, port), (failure) =>
      Effect.succeed(problems.fail(failure, decoded.success))
    )
  }

  return Effect.fnUntraced(function* (message, port): Effect.fn.Return<Answer> {
    if (!hasOwnHost(message, port)) return problems.refuse("HostRefused")
    if (isFromBrowser(message)) return problems.refuse("OriginRefused")
    const isKnown = yield* Effect.result(allowed(message.headers.authorization))
    if (Result.isFailure(isKnown)) return problems.fail(isKnown.failure, "the vault")
    if (!isKnown.success) return problems.refuse("BearerRefused", { "www-authenticate": "Bearer" })
    const route = routeOf(message.method ?? "", message.url?.split("?", 1)[0] ?? "")
    if ("endpoint" in route) return yield* handle(message, route, port)
    return route.allowed.length === 0
      ? problems.refuse("PathUnknown")
      : problems.refuse("MethodRefused", { allow: route.allowed.join(", ") })
  })
}
