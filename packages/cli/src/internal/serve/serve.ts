/** `serve`: runs a server for programs in any language, and manages the bearer tokens of these programs. */
import * as Effect from "effect/Effect"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import process from "node:process"
import * as accounts from "../accounts.ts"
import type { Input } from "../commandTable.ts"
import { type CommandFailed, type Failure, fail, messageOf } from "../failure.ts"
import * as homes from "../home.ts"
import * as server from "../http/server.ts"
import { untilText } from "../login.ts"
import * as output from "../output.ts"
import * as answers from "./answers.ts"
import * as openAccounts from "./openAccounts.ts"
import * as place from "./place.ts"
import { refuse } from "./problems.ts"
import * as programs from "./programs.ts"

export const portOf = (text: string): Effect.Effect<number, CommandFailed> =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? Effect.succeed(Number(text))
    : fail("usage", `--port must be a number from 0 to 65535, not ${JSON.stringify(text)}.`)

export const portFailure = (
  port: number,
  { code = "unknown", message }: NodeJS.ErrnoException
): Effect.Effect<never, CommandFailed> => {
  const why =
    code === "EADDRINUSE"
      ? `Another program on this machine uses port ${port}`
      : code === "ERR_UNSAFE_PORT"
        ? message
        : `Port ${port} cannot be opened on this machine (${code})`
  return fail("usage", `${why}. Choose another port with --port.`)
}

const listPrograms = Effect.fnUntraced(function* ({ store }: homes.Home): Effect.fn.Return<void, Failure> {
  const list = yield* programs.list(store)
  if (list.length === 0)
    return yield* output.say("No program has a bearer token. Make one: broker-auth serve --for PROGRAM")
  for (const { createdAt, name } of list) yield* output.line(`${name}: added at ${Expiry.toIst(createdAt)}`)
})

const addProgram = Effect.fnUntraced(function* ({ store }: homes.Home, name: string): Effect.fn.Return<void, Failure> {
  yield* output.raw(Redacted.value(yield* programs.add(store, name)))
  yield* output.say(
    `This is the bearer token of ${name}. It is not shown again. Revoke it: broker-auth serve --revoke ${name}`
  )
})

const revokeProgram = Effect.fnUntraced(function* (
  { store }: homes.Home,
  name: string
): Effect.fn.Return<void, Failure> {
  yield* programs.revoke(store, name)
  yield* output.say(`The bearer token of ${name} is refused from now on.`)
})

const lineOf = (change: openAccounts.Change): string => {
  const { name } = change.entry
  if (change._tag === "renewed") return `${name}: live ${untilText(change.session)}`
  return change._tag === "failed" ? `${name}: ${messageOf(change.failure, name)}` : `${name}: logged out`
}

const placeOf = Effect.fnUntraced(function* (input: Input<"serve">, { origins }: homes.Home) {
  const hasSockets = process.platform !== "win32"
  if (input.socket !== undefined && !hasSockets)
    return yield* fail("usage", "On Windows, the server cannot use a Unix socket. Use --port.")
  if (input.port !== undefined || !hasSockets) return { port: yield* portOf(input.port ?? "0") }
  return { path: yield* place.pathOf(input.socket, yield* homes.folderOf(origins)) }
})

const run = Effect.fnUntraced(function* (
  input: Input<"serve">,
  home: homes.Home
): Effect.fn.Return<never, Failure, Scope.Scope> {
  const chosen = yield* placeOf(input, home)
  const open = yield* openAccounts.make(home)
  const isAllowed = "port" in chosen ? yield* programs.makeCheck(home.store) : undefined
  const respond = answers.make({ home, open, isAllowed })
  const listen = server.serve({ place: chosen, respond, broken: refuse("Fault") })
  yield* Effect.forkScoped(Stream.runForEach(Stream.fromPubSub(open.changes), (change) => output.say(lineOf(change))))
  const count = (yield* accounts.list(home.store)).length
  const what = `${count} ${count === 1 ? "account" : "accounts"}`
  if ("path" in chosen) {
    yield* place.withSocket(home, chosen.path, listen)
    yield* output.say(`Serves ${what} to programs that run as this user. Ctrl-C ends the server. The socket is:`)
    yield* output.raw(chosen.path)
    return yield* Effect.never
  }
  const port = yield* Effect.catch(listen, (error) => portFailure(chosen.port, error))
  if ((yield* programs.list(home.store)).length === 0) {
    yield* output.say(
      "No program has a bearer token yet, so all requests are refused. Make one: broker-auth serve --for PROGRAM"
    )
  }
  yield* output.say(`Serves ${what} to programs with a bearer token. Ctrl-C ends the server. The address is:`)
  yield* output.raw(`http://127.0.0.1:${port}`)
  return yield* Effect.never
})

const exclusive = ["socket", "port", "for", "revoke", "programs"] as const

export const serve = (input: Input<"serve">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const given = exclusive.filter((name) => input[name] !== undefined && input[name] !== false)
    if (given.length > 1) {
      return yield* fail("usage", `Use only one of ${given.map((name) => `--${name}`).join(" and ")}.`)
    }
    const home = yield* homes.open(input)
    if (input.programs) return yield* listPrograms(home)
    if (input.for !== undefined) return yield* addProgram(home, input.for)
    if (input.revoke !== undefined) return yield* revokeProgram(home, input.revoke)
    return yield* run(input, home)
  }).pipe(Effect.scoped)
