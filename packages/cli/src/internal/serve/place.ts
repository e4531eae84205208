/** The Unix socket of the server: its path, its folder, and the removal of an old socket. */
import * as Account from "@auth/broker-core/login/Account"
import { SessionLock } from "@auth/broker-core/session/SessionLock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import process from "node:process"
import { type CommandFailed, fail, type Failure } from "../failure.ts"
import type { Home } from "../home.ts"

/** On macOS, a socket address has 104 bytes for the path and its terminating zero byte. */
const maxPathBytes = 103

const codeOf = (error: unknown): string => {
  const { code } = error as { readonly code?: unknown }
  return typeof code === "string" ? code : "unknown"
}

const found = (path: string): Fs.Stats | undefined => Fs.lstatSync(path, { throwIfNoEntry: false })

/** Makes a missing folder. Fails if other users have access to the folder. */
const checkFolder = (folder: string): Effect.Effect<void, CommandFailed> => {
  const made = Result.try(() => {
    if (found(folder) === undefined) Fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    return Fs.lstatSync(folder)
  })
  if (Result.isFailure(made)) return fail("usage", `The folder ${folder} cannot be made (${codeOf(made.failure)}).`)
  const { mode, uid } = made.success
  if (!made.success.isDirectory())
    return fail("usage", `${folder} is not a folder. With --socket, name a path in a folder of your own.`)
  if (uid !== process.geteuid?.()) {
    return fail(
      "usage",
      `The folder ${folder} belongs to another user. With --socket, name a path in a folder of your own.`
    )
  }
  return (mode & 0o077) === 0
    ? Effect.void
    : fail(
        "usage",
        `Other users have access to the folder ${folder}. With --socket, name a path in a folder of mode 700.`
      )
}

const unusable = (path: string, code: string) =>
  fail("usage", `The socket ${path} cannot be used (${code}). Name another path with --socket.`)

/** Returns `true` if a connection to the socket succeeds, otherwise the system's error code. */
const connects = (path: string): Effect.Effect<true | string> =>
  Effect.callback((resume) => {
    const socket = Net.connect({ path })
    socket.once("connect", () => {
      // An open socket would keep this program running until the server closes the socket.
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.once("error", (error) => resume(Effect.succeed(codeOf(error))))
    return Effect.sync(() => void socket.destroy())
  })

/** Runs `call`. If `call` throws, for example with EACCES, the effect fails with `CommandFailed`. */
const attempt = <A>(path: string, call: () => A): Effect.Effect<A, CommandFailed> => {
  const result = Result.try(call)
  return Result.isSuccess(result) ? Effect.succeed(result.success) : unusable(path, codeOf(result.failure))
}

/** Removes the socket of a server that was killed. */
const clear = Effect.fnUntraced(function* (path: string): Effect.fn.Return<void, CommandFailed> {
  const there = yield* attempt(path, () => found(path))
  if (there === undefined) return
  if (!there.isSocket()) return yield* fail("usage", `${path} is not a socket. Name another path with --socket.`)
  const answer = yield* connects(path)
  if (answer === "ECONNREFUSED" || answer === "ENOENT") {
    return yield* attempt(path, () => Fs.rmSync(path, { force: true }))
  }
  // EAGAIN: a server listens, but its queue of new connections is full.
  if (answer !== true && answer !== "EAGAIN") return yield* unusable(path, answer)
  return yield* fail(
    "usage",
    `Another server uses the socket ${path}. Use or end that server, or name another path with --socket.`
  )
})

export const pathOf = (given: string | undefined, folder: string): Effect.Effect<string, CommandFailed> => {
  const path = given === undefined ? Path.join(folder, "serve.sock") : Path.resolve(given)
  const size = new TextEncoder().encode(path).byteLength
  return size <= maxPathBytes
    ? Effect.succeed(path)
    : fail(
        "usage",
        `The path of a socket has at most ${maxPathBytes} bytes, and ${path} has ${size}. Name a shorter path with --socket.`
      )
}

const lockPlace = Account.make({ broker: "broker-auth", id: "serve" })

/** The lock prevents two servers with the same vault from opening the socket at the same time. */
export const withSocket = <A, R>(
  home: Home,
  path: string,
  listen: Effect.Effect<A, NodeJS.ErrnoException, R>
): Effect.Effect<A, Failure, R> =>
  Context.get(home.services, SessionLock).withLock(lockPlace, () =>
    Effect.gen(function* () {
      yield* checkFolder(Path.dirname(path))
      yield* clear(path)
      const listening = yield* Effect.catch(listen, (error) =>
        fail("usage", `The socket ${path} cannot be opened (${codeOf(error)}). Name another path with --socket.`)
      )
      yield* attempt(path, () => Fs.chmodSync(path, 0o600))
      return listening
    })
  )
