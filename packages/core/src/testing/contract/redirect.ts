import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Reason } from "../../login/AuthError.ts"
import { RedirectLogin } from "../../login/RedirectLogin.ts"
import { type Case, ContractViolation, ensure, failsWith, same, service, start, type Subject } from "./subject.ts"

const begin = Effect.fnUntraced(function* (subject: Subject) {
  const world = yield* start(subject)
  const redirect = yield* service(yield* world.build(), RedirectLogin)
  const request = yield* redirect.begin
  if (world.browse === undefined) return yield* new ContractViolation({ message: "the subject cannot browse" })
  return { ...world, redirect, request, browse: world.browse(request) }
})

/** Values that plain JavaScript may pass instead of the expected one. */
const nothings: ReadonlyArray<readonly [string, unknown]> = [
  ["nothing", undefined],
  ["null", null],
  ["text", "https://app.example.com/callback?code=1"],
  ["an empty object", {}]
]

/** Forged callbacks, made by changing the real one. */
const forgeries: ReadonlyArray<readonly [string, (url: URL) => void, Reason["_tag"]]> = [
  ["another host", (url) => void (url.hostname = "evil.example"), "RedirectRejected"],
  ["another path", (url) => void (url.pathname = "/elsewhere"), "RedirectRejected"],
  ["an error in it", (url) => url.searchParams.set("error", "access_denied"), "RedirectRejected"],
  [
    "nothing but its state",
    (url) => {
      const state = url.searchParams.get("state")
      url.search = state === null ? "" : `?state=${state}`
      url.hash = ""
    },
    "RedirectRejected"
  ]
]

/** The real callback, in the forms that copying and servers produce. */
const spellings: ReadonlyArray<readonly [string, (url: URL) => string]> = [
  ["with &amp; for &", ({ href }) => href.replaceAll("&", "&amp;")],
  ["with a second question mark", ({ href }) => href.replace("?", "?app=1?")],
  ["with its parameters in the fragment", ({ href }) => href.replace("?", "#")],
  ["in quotes", ({ href }) => `"${href}"`],
  ["with blanks and a line break", ({ href }) => ` ${href.replace("?", "\r\n  ?")}\n`],
  ["with the default port", (url) => url.href.replace(url.host, `${url.hostname.toUpperCase()}:443`)],
  ["without its origin", ({ hash, pathname, search }) => pathname + search + hash]
]

export const redirect = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "begins a browser login over https, and does not print the address",
    run: Effect.gen(function* () {
      const { request } = yield* begin(subject)
      yield* ensure(Redacted.value(request.url).startsWith("https://"), "https")
      yield* ensure(!subject.inspect(request).includes(Redacted.value(request.url)), "the address was printed")
    })
  },
  {
    name: "begins each browser login with a new state",
    run: Effect.gen(function* () {
      const { redirect, request } = yield* begin(subject)
      const again = yield* redirect.begin
      yield* ensure(Redacted.value(request.state).length >= 22, "at least 128 bits")
      yield* ensure(Redacted.value(request.state) !== Redacted.value(again.state), "states differ")
    })
  },
  {
    name: "completes a callback once: the second completion fails, and sends nothing",
    run: Effect.gen(function* () {
      const { browse, fake, redirect, request } = yield* begin(subject)
      const callback = yield* browse
      yield* redirect.complete(request, callback)
      const before = (yield* fake.journal).length
      yield* failsWith(redirect.complete(request, callback), "InvalidStepUpCode")
      yield* same((yield* fake.journal).length, before, "requests after the second completion")
    })
  },
  {
    name: "checks a callback without sending anything, and completes it afterwards",
    run: Effect.gen(function* () {
      const { browse, fake, redirect, request } = yield* begin(subject)
      const callback = yield* browse
      const before = (yield* fake.journal).length
      yield* redirect.check(request, callback)
      yield* redirect.check(request, callback)
      yield* failsWith(redirect.check(yield* redirect.begin, callback), "RedirectRejected")
      yield* same((yield* fake.journal).length, before, "requests of the checks")
      yield* same(redirect.broker, subject.broker.id, "broker")
      yield* failsWith(redirect.check(request, Redacted.make("not an address")), "RedirectRejected")
    })
  },
  {
    name: "completes a browser login with a session of the account",
    run: Effect.gen(function* () {
      const { browse, redirect, request } = yield* begin(subject)
      const session = yield* redirect.complete(request, yield* browse)
      yield* same([session.account.broker, session.method], [subject.broker.id, subject.method.id], "broker, method")
    })
  },
  {
    name: "rejects a callback of another login",
    run: Effect.gen(function* () {
      const { browse, redirect } = yield* begin(subject)
      const other = yield* redirect.begin
      yield* failsWith(redirect.complete(other, yield* browse), "RedirectRejected")
    })
  },
  ...spellings.map(([what, spell]): Case => ({
    name: `completes a callback ${what}`,
    run: Effect.gen(function* () {
      const { browse, redirect, request } = yield* begin(subject)
      const url = new URL(Redacted.value(yield* browse))
      const session = yield* redirect.complete(request, Redacted.make(spell(url)))
      yield* same(session.account.broker, subject.broker.id, "broker")
    })
  })),
  {
    name: "rejects a callback with a second, different token, and sends nothing",
    run: Effect.gen(function* () {
      const { browse, fake, redirect, request } = yield* begin(subject)
      const url = new URL(Redacted.value(yield* browse))
      const before = (yield* fake.journal).length
      for (const name of Array.from(url.searchParams.keys())) {
        const twice = `${url.href}&${name}=another`
        yield* failsWith(redirect.complete(request, Redacted.make(twice)), "RedirectRejected")
      }
      yield* same((yield* fake.journal).length, before, "requests")
    })
  },
  ...forgeries.map(([what, tamper, tag]): Case => ({
    name: `rejects a callback with ${what}`,
    run: Effect.gen(function* () {
      const { browse, redirect, request } = yield* begin(subject)
      const url = new URL(Redacted.value(yield* browse))
      tamper(url)
      yield* failsWith(redirect.complete(request, Redacted.make(url.href)), tag)
    })
  })),
  ...nothings.map(([what, nothing]): Case => ({
    name: `fails with InvalidRequest if plain JavaScript passes ${what} to complete a login`,
    run: Effect.gen(function* () {
      const { browse, fake, redirect, request } = yield* begin(subject)
      const callback = yield* browse
      const before = (yield* fake.journal).length
      yield* failsWith(
        Effect.suspend(() => redirect.complete(nothing as never, callback)),
        "InvalidRequest"
      )
      yield* failsWith(
        Effect.suspend(() => redirect.complete(request, nothing as never)),
        "InvalidRequest"
      )
      yield* same((yield* fake.journal).length, before, "requests")
    })
  })),
  {
    name: "rejects a callback that is not an address",
    run: Effect.gen(function* () {
      const { redirect, request } = yield* begin(subject)
      yield* failsWith(redirect.complete(request, Redacted.make("not an address")), "RedirectRejected")
    })
  }
]
