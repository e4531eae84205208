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

/** What a program without types may give in the place of a value. */
const nothings: ReadonlyArray<readonly [string, unknown]> = [
  ["nothing", undefined],
  ["null", null],
  ["text", "https://app.example.com/callback?code=1"],
  ["an empty object", {}]
]

/** Callbacks that must not be believed: the true one, tampered with. */
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

/** The true callback as copies and servers spell it. */
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
    name: "begins a browser login at the broker over https, and shows nothing of the address",
    run: Effect.gen(function* () {
      const { request } = yield* begin(subject)
      yield* ensure(Redacted.value(request.url).startsWith("https://"), "https")
      yield* ensure(!subject.inspect(request).includes(Redacted.value(request.url)), "the address was printed")
    })
  },
  {
    name: "begins each browser login with a state of its own",
    run: Effect.gen(function* () {
      const { redirect, request } = yield* begin(subject)
      const again = yield* redirect.begin
      yield* ensure(Redacted.value(request.state).length >= 22, "at least 128 bits")
      yield* ensure(Redacted.value(request.state) !== Redacted.value(again.state), "states differ")
    })
  },
  {
    name: "completes a callback once: a second time it is refused before anything is sent",
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
    name: "completes a browser login with a session of the account",
    run: Effect.gen(function* () {
      const { browse, redirect, request } = yield* begin(subject)
      const session = yield* redirect.complete(request, yield* browse)
      yield* same([session.account.broker, session.method], [subject.broker.id, subject.method.id], "broker, method")
    })
  },
  {
    name: "does not believe a callback of another login",
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
    name: "does not believe a callback with another token beside its own, and sends nothing",
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
    name: `does not believe a callback with ${what}`,
    run: Effect.gen(function* () {
      const { browse, redirect, request } = yield* begin(subject)
      const url = new URL(Redacted.value(yield* browse))
      tamper(url)
      yield* failsWith(redirect.complete(request, Redacted.make(url.href)), tag)
    })
  })),
  ...nothings.map(([what, nothing]): Case => ({
    name: `says what is wrong where a program without types gives ${what} to complete a login`,
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
    name: "does not believe a callback that is no address",
    run: Effect.gen(function* () {
      const { redirect, request } = yield* begin(subject)
      yield* failsWith(redirect.complete(request, Redacted.make("not an address")), "RedirectRejected")
    })
  }
]
