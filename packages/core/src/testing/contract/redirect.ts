import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Reason } from "../../login/AuthError.ts"
import { RedirectLogin } from "../../login/RedirectLogin.ts"
import { type Case, ContractViolation, ensure, failsWith, same, service, start, type Subject } from "./subject.ts"

const begin = Effect.fnUntraced(function* (subject: Subject) {
  const world = yield* start(subject)
  const redirect = yield* service(yield* world.build(), RedirectLogin)
  const request = yield* redirect.begin
  if (world.browse === undefined)
    return yield* new ContractViolation({ message: "the subject's world has no `browse`" })
  return { ...world, redirect, request, browse: world.browse(request) }
})

/** Wrong values that a program without type checks may pass to `complete`. */
const wrongValues: ReadonlyArray<readonly [string, unknown]> = [
  ["undefined", undefined],
  ["null", null],
  ["plain text", "https://app.example.com/callback?code=1"],
  ["an empty object", {}]
]

const forgeries: ReadonlyArray<readonly [string, (url: URL, state: string) => void, Reason["_tag"]]> = [
  ["another host", (url) => void (url.hostname = "evil.example"), "RedirectRejected"],
  ["another path", (url) => void (url.pathname = "/elsewhere"), "RedirectRejected"],
  ["an error parameter", (url) => url.searchParams.set("error", "access_denied"), "RedirectRejected"],
  [
    "only the state",
    (url, state) => {
      for (const [name, value] of Array.from(url.searchParams)) if (value !== state) url.searchParams.delete(name)
      url.hash = ""
    },
    "RedirectRejected"
  ]
]

/** Callback URLs that a user copied inexactly, or that a server changed. */
const spellings: ReadonlyArray<readonly [string, (url: URL) => string]> = [
  ["with &amp; instead of &", ({ href }) => href.replaceAll("&", "&amp;")],
  ["with a second question mark", ({ href }) => href.replace("?", "?app=1?")],
  ["with its parameters in the fragment", ({ href }) => href.replace("?", "#")],
  ["in quotation marks", ({ href }) => `"${href}"`],
  ["with spaces and a line break", ({ href }) => ` ${href.replace("?", "\r\n  ?")}\n`],
  [
    "with the default port and the host in upper case",
    (url) => url.href.replace(url.host, `${url.hostname.toUpperCase()}:443`)
  ],
  ["without its origin", ({ hash, pathname, search }) => pathname + search + hash]
]

export const redirect = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "begins a browser login with a redacted https URL",
    run: Effect.gen(function* () {
      const { request } = yield* begin(subject)
      yield* ensure(Redacted.value(request.url).startsWith("https://"), "the URL must begin with https://")
      yield* ensure(!subject.inspect(request).includes(Redacted.value(request.url)), "the URL was printed")
    })
  },
  {
    name: "begins each browser login with a new state",
    run: Effect.gen(function* () {
      const { redirect, request } = yield* begin(subject)
      const again = yield* redirect.begin
      yield* ensure(Redacted.value(request.state).length >= 22, "the state must have at least 128 bits")
      yield* ensure(
        Redacted.value(request.state) !== Redacted.value(again.state),
        "two logins must have different states"
      )
    })
  },
  {
    name: "completes a browser login only once",
    run: Effect.gen(function* () {
      const { browse, fake, redirect, request } = yield* begin(subject)
      const callback = yield* browse
      yield* redirect.complete(request, callback)
      const before = (yield* fake.journal).length
      yield* failsWith(redirect.complete(request, callback), "InvalidStepUpCode")
      yield* same((yield* fake.journal).length, before, "number of requests after the second completion")
    })
  },
  {
    name: "checks a callback repeatedly without an HTTP request",
    run: Effect.gen(function* () {
      const { browse, fake, redirect, request } = yield* begin(subject)
      const callback = yield* browse
      const before = (yield* fake.journal).length
      yield* redirect.check(request, callback)
      yield* redirect.check(request, callback)
      yield* failsWith(redirect.check(yield* redirect.begin, callback), "RedirectRejected")
      yield* same((yield* fake.journal).length, before, "number of requests after the checks")
      yield* same(redirect.broker, subject.broker.id, "broker")
      yield* failsWith(redirect.check(request, Redacted.make("not an address")), "RedirectRejected")
    })
  },
  {
    name: "returns a session with the ids of the broker and the method",
    run: Effect.gen(function* () {
      const { browse, redirect, request } = yield* begin(subject)
      const session = yield* redirect.complete(request, yield* browse)
      yield* same([session.account.broker, session.method], [subject.broker.id, subject.method.id], "broker, method")
    })
  },
  {
    name: "rejects the callback of another login",
    run: Effect.gen(function* () {
      const { browse, redirect } = yield* begin(subject)
      const other = yield* redirect.begin
      yield* failsWith(redirect.complete(other, yield* browse), "RedirectRejected")
    })
  },
  ...spellings.map(([what, spell]): Case => ({
    name: `accepts a callback URL ${what}`,
    run: Effect.gen(function* () {
      const { browse, redirect, request } = yield* begin(subject)
      const url = new URL(Redacted.value(yield* browse))
      const session = yield* redirect.complete(request, Redacted.make(spell(url)))
      yield* same(session.account.broker, subject.broker.id, "broker")
    })
  })),
  {
    name: "rejects a callback that repeats a parameter with another value",
    run: Effect.gen(function* () {
      const { browse, fake, redirect, request } = yield* begin(subject)
      const url = new URL(Redacted.value(yield* browse))
      const before = (yield* fake.journal).length
      for (const name of Array.from(url.searchParams.keys())) {
        const twice = `${url.href}&${name}=another`
        yield* failsWith(redirect.complete(request, Redacted.make(twice)), "RedirectRejected")
      }
      yield* same((yield* fake.journal).length, before, "number of requests")
    })
  },
  ...forgeries.map(([what, tamper, tag]): Case => ({
    name: `rejects a callback with ${what}`,
    run: Effect.gen(function* () {
      const { browse, redirect, request } = yield* begin(subject)
      const url = new URL(Redacted.value(yield* browse))
      tamper(url, Redacted.value(request.state))
      yield* failsWith(redirect.complete(request, Redacted.make(url.href)), tag)
    })
  })),
  ...wrongValues.map(([what, value]): Case => ({
    name: `fails with InvalidRequest if the request or the callback is ${what}`,
    run: Effect.gen(function* () {
      const { browse, fake, redirect, request } = yield* begin(subject)
      const callback = yield* browse
      const before = (yield* fake.journal).length
      yield* failsWith(
        Effect.suspend(() => redirect.complete(value as never, callback)),
        "InvalidRequest"
      )
      yield* failsWith(
        Effect.suspend(() => redirect.complete(request, value as never)),
        "InvalidRequest"
      )
      yield* same((yield* fake.journal).length, before, "number of requests")
    })
  })),
  {
    name: "rejects a callback that is not a URL",
    run: Effect.gen(function* () {
      const { redirect, request } = yield* begin(subject)
      yield* failsWith(redirect.complete(request, Redacted.make("not an address")), "RedirectRejected")
    })
  }
]
