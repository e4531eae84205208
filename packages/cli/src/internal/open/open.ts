/** `open`: a page in the browser that shows all accounts, and logs in to them. */
import * as RedirectListener from "@auth/node/RedirectListener"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import process from "node:process"
import * as Readline from "node:readline"
import { pathToFileURL } from "node:url"
import type { Input } from "../commandTable.ts"
import { type CommandFailed, type Failure } from "../failure.ts"
import * as homes from "../home.ts"
import * as server from "../http/server.ts"
import * as output from "../output.ts"
import * as prompts from "../prompts.ts"
import { portFailure, portOf } from "../serve/serve.ts"
import * as answers from "./answers.ts"
import * as desks from "./desk.ts"
import * as idles from "./idle.ts"
import * as linkFile from "./linkFile.ts"
import * as links from "./links.ts"

/** If no page is open for this time, the command ends. */
const idleTime = "15 minutes"

const onEnter = (use: Effect.Effect<void, CommandFailed>): Effect.Effect<never, CommandFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const lines = yield* Queue.sliding<void>(1)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const reader = Readline.createInterface({ input: process.stdin, terminal: false })
        reader.on("line", () => void Queue.offerUnsafe(lines, undefined))
        return reader
      }),
      (reader) => Effect.sync(() => reader.close())
    )
    return yield* Effect.forever(Effect.andThen(Queue.take(lines), use))
  })

const printLink = (url: string, port: number) =>
  Effect.gen(function* () {
    yield* output.say(
      `Open this link in a browser within 60 seconds. It works once. To open it on another machine, first run this command there: ssh -N -L ${port}:127.0.0.1:${port} THIS-MACHINE`
    )
    yield* output.raw(url)
  })

const openBrowser = Effect.fnUntraced(function* (
  file: linkFile.LinkFile,
  url: string
): Effect.fn.Return<void, CommandFailed> {
  yield* file.write(Redacted.make(url))
  const browser = yield* RedirectListener.Browser
  yield* output.say(
    (yield* browser.open(pathToFileURL(file.path).href))
      ? "The page opens in your browser. If it does not, run broker-auth open --link."
      : `No browser could be started. Open the file ${file.path} in a browser within 60 seconds, or run broker-auth open --link.`
  )
})

const run = Effect.fnUntraced(function* (input: Input<"open">): Effect.fn.Return<void, Failure, Scope.Scope> {
  const home = yield* homes.open(input)
  const wanted = yield* portOf(input.port ?? "0")
  const file = yield* linkFile.make(home.folder)
  const idle = idles.make(idleTime)
  const desk = yield* desks.make(home, () => !idle.isEmpty())
  const known = links.make()
  const respond = answers.make({ desk, links: known, idle, used: file.remove })
  const listen = server.serve({ place: { port: wanted }, respond, broken: answers.refuse("Fault") })
  const port = yield* Effect.catch(listen, (error) => portFailure(wanted, error))
  const offer = Effect.gen(function* () {
    const url = `http://127.0.0.1:${port}/#${Redacted.value(yield* known.issue)}`
    yield* input.link ? printLink(url, port ?? 0) : openBrowser(file, url)
  })
  yield* offer
  const isTerminal = yield* prompts.isTerminal
  yield* output.say(
    `${isTerminal ? "Enter makes a new link. " : ""}Ctrl-C ends the command. The command also ends 15 minutes after the last page is closed.`
  )
  yield* isTerminal ? Effect.raceFirst(idle.ended, onEnter(offer)) : idle.ended
  yield* output.say("No page was open for 15 minutes, so the command has ended.")
})

export const open = (input: Input<"open">): Effect.Effect<void, Failure> => Effect.scoped(run(input))
