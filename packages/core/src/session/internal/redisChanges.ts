/**
 * Reports changes of sessions that are stored in Redis. The script that writes a session also adds an entry to a
 * stream. All sessions with the same key prefix share this stream. A process reads the stream with one blocking command,
 * on a connection of its own.
 *
 * A pub/sub channel would lose messages while the connection is interrupted. From a stream, a process can read the
 * missed entries later.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Redis from "effect/persistence/Redis"
import * as Random from "effect/Random"
import type { Changes } from "./changes.ts"
import * as watchers from "./watchers.ts"

type Service = Redis.Redis["Service"]

export const streamOf = (prefix: string): string => `${prefix}:changes`

/**
 * The stream keeps about this number of entries. A process that misses more entries reads the session of every account
 * again.
 */
const streamLength = 10_000

/**
 * With `pcall`, the script succeeds even if the program has no permission to write to the stream. In a cluster, `XADD`
 * can fail, because a script cannot write keys of two nodes. So no program reads the stream in a cluster.
 */
export const announceLua = (stream: string, account: string, version: string): string =>
  `redis.pcall("XADD", ${stream}, "MAXLEN", "~", "${streamLength}", "*", "account", ${account}, "version", ${version})`

export interface Waits {
  /** If no entry is added within this time, Redis ends the read, and the process reads again. */
  readonly block: Duration.Duration
  /**
   * If Redis does not answer within this time, the connection is closed and opened again. For a read of the stream, the
   * limit is `block` plus this time.
   */
  readonly grace: Duration.Duration
}

const defaultWaits: Waits = { block: Duration.seconds(20), grace: Duration.seconds(5) }

/**
 * Pause before changes are reported. If this process made a change, its write returns during the pause. The process
 * then recognizes its own change.
 */
const settle = Duration.millis(50)

/** Pause between two reads of the stream, so that many changes are read at once. */
const gather = Duration.millis(200)

const longestRetry = 60_000

type StreamEntry = readonly [id: string, fields: ReadonlyArray<string>]

/** If the stream has no entries, a process reads from this position. */
const start = "0-0"

/** With version 3 of the Redis protocol, the reply is a map. */
const entriesOf = (reply: unknown, stream: string): ReadonlyArray<StreamEntry> => {
  if (reply === null || typeof reply !== "object") return []
  if (Array.isArray(reply)) return (reply as ReadonlyArray<readonly [string, ReadonlyArray<StreamEntry>]>)[0]?.[1] ?? []
  if (reply instanceof Map) return (reply as ReadonlyMap<string, ReadonlyArray<StreamEntry>>).get(stream) ?? []
  return (reply as Readonly<Record<string, ReadonlyArray<StreamEntry>>>)[stream] ?? []
}

const fieldOf = (fields: ReadonlyArray<string>, name: string): string | undefined => {
  const at = fields.indexOf(name)
  return at < 0 || at % 2 === 1 ? undefined : fields[at + 1]
}

const newest = (entries: ReadonlyArray<StreamEntry>): ReadonlyMap<string, number> => {
  const versions = new Map<string, number>()
  for (const [, fields] of entries) {
    const account = fieldOf(fields, "account")
    const version = Number(fieldOf(fields, "version"))
    if (account !== undefined && Number.isSafeInteger(version)) versions.set(account, version)
  }
  return versions
}

export const make = (redis: Service, prefix: string, { block, grace } = defaultWaits): Changes => {
  const stream = streamOf(prefix)
  const readArguments = ["COUNT", "1000", "BLOCK", String(Duration.toMillis(block)), "STREAMS", stream]
  const readLimit = Duration.sum(block, grace)
  const all = watchers.make()
  /** The entries after this position must be read. `undefined` before the first connection. */
  let last: string | undefined
  /** Counts how often changes may have been missed. */
  let misses = 0
  let isListening = false
  let tries = 0

  /** Whether the stream can be used: see `announceLua`. */
  const isSupported = (connection: Redis.Connection) =>
    Effect.map(connection.send<string>("INFO", "cluster"), (info) => info.includes("cluster_enabled:0"))

  const locate = Effect.fnUntraced(function* (connection: Redis.Connection) {
    if (last !== undefined && last !== start) {
      const found = yield* connection.send<ReadonlyArray<unknown>>("XRANGE", stream, last, last)
      if (found.length > 0) return last
    }
    misses += 1
    const [end] = yield* connection.send<ReadonlyArray<StreamEntry>>("XREVRANGE", stream, "+", "-", "COUNT", "1")
    return end?.[0] ?? start
  })

  const readOn = Effect.fnUntraced(function* (connection: Redis.Connection, from: string) {
    const reply = yield* Effect.timeout(connection.send("XREAD", ...readArguments, from), readLimit)
    const entries = entriesOf(reply, stream)
    const end = entries.at(-1)?.[0]
    if (end === undefined) return from
    yield* Effect.sleep(settle)
    yield* Effect.forEach(newest(entries), ([account, version]) => all.tell(account, version), { discard: true })
    last = end
    yield* Effect.sleep(gather)
    return end
  })

  /** Succeeds at once in a cluster, where changes cannot be reported. */
  const listen = Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* Effect.timeout(redis.reserve, grace)
      if (!(yield* Effect.timeout(isSupported(connection), grace))) return
      let position = yield* Effect.timeout(locate(connection), grace)
      last = position
      isListening = true
      tries = 0
      while (true) position = yield* readOn(connection, position)
    })
  ).pipe(Effect.ensuring(Effect.sync(() => void (isListening = false))))

  const retry = Effect.suspend(() => {
    tries += 1
    return Effect.flatMap(Random.nextBetween(0.5, 1), (share) =>
      Effect.sleep(Math.min(longestRetry, 250 * 2 ** tries) * share)
    )
  })

  const keepListening: Effect.Effect<void> = Effect.suspend(() =>
    Effect.matchCauseEffect(listen, {
      onSuccess: () => Effect.void,
      onFailure: () => Effect.andThen(retry, keepListening)
    })
  )

  let running: Deferred.Deferred<Fiber.Fiber<void>> | undefined

  const startListening = Effect.suspend(() => {
    if (running !== undefined) return Effect.void
    const begun = Deferred.makeUnsafe<Fiber.Fiber<void>>()
    running = begun
    return Effect.flatMap(Effect.forkDetach(keepListening), (fiber) => Deferred.succeed(begun, fiber))
  })

  const stopListening = Effect.suspend(() => {
    const begun = running
    if (begun === undefined || all.size() > 0) return Effect.void
    running = undefined
    return Effect.flatMap(Deferred.await(begun), Fiber.interrupt)
  })

  return {
    mark: Effect.sync(() => (isListening ? misses : undefined)),
    watch: (account, changed) =>
      Effect.uninterruptible(
        Effect.suspend(() => {
          const remove = all.add(account, changed)
          return Effect.as(startListening, Effect.andThen(Effect.sync(remove), stopListening))
        })
      )
  }
}
