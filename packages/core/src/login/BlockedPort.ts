/**
 * The ports that browsers and `fetch` refuse to open: the "bad ports" of the Fetch standard. Chromium reports
 * `ERR_UNSAFE_PORT`, and `fetch` of Node reports "bad port".
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/** Source: https://fetch.spec.whatwg.org/#port-blocking, 2026. */
const blocked: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080
])

/**
 * Returns whether browsers and `fetch` refuse a port.
 *
 * @example
 * ```ts
 * import * as BlockedPort from "@auth/broker-core/login/BlockedPort"
 *
 * BlockedPort.isBlocked(6000) // => true
 * BlockedPort.isBlocked(8400) // => false
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const isBlocked = (port: number): boolean => blocked.has(port)

/**
 * Browsers and `fetch` refuse the port.
 *
 * @category errors
 * @since 0.1.0
 */
export class BlockedPort extends Data.TaggedError("BlockedPort")<{ readonly port: number }> {
  /** Chromium's error code for a blocked port. */
  readonly code = "ERR_UNSAFE_PORT"

  override get message(): string {
    return `Browsers and fetch refuse to open port ${this.port} (see https://fetch.spec.whatwg.org/#port-blocking)`
  }
}

const maxTries = 5

/**
 * Opens a port that browsers and `fetch` accept, and returns the port. For port 0, the operating system selects the
 * port. If the selected port is blocked, `avoid` calls `open` again, at most 5 times in total.
 *
 * `open` must open the given port and return the opened port. It must close that port when the scope closes.
 *
 * Fails with `BlockedPort` if the given port is blocked, or if all 5 selected ports are blocked.
 *
 * @example
 * ```ts
 * import * as BlockedPort from "@auth/broker-core/login/BlockedPort"
 * import * as Effect from "effect/Effect"
 *
 * const ports = [10080, 50123]
 * const open = () => Effect.sync(() => ports.shift() ?? 0)
 *
 * Effect.runSync(Effect.scoped(BlockedPort.avoid(0, open))) // => 50123
 * ```
 *
 * @category listening
 * @since 0.1.0
 */
export const avoid = <E, R>(
  port: number,
  open: (port: number) => Effect.Effect<number, E, R>
): Effect.Effect<number, E | BlockedPort, Exclude<R, Scope.Scope> | Scope.Scope> => {
  const attempt = (triesLeft: number): Effect.Effect<number, E | BlockedPort, Exclude<R, Scope.Scope> | Scope.Scope> =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const opened = yield* Scope.provide(open(port), scope)
      if (!isBlocked(opened)) return opened
      // The blocked port stays open during the next attempts, so the system cannot select that port again.
      const next = triesLeft > 1 ? attempt(triesLeft - 1) : Effect.fail(new BlockedPort({ port: opened }))
      return yield* Effect.ensuring(next, Scope.close(scope, Exit.void))
    })
  return isBlocked(port) ? Effect.fail(new BlockedPort({ port })) : attempt(maxTries)
}
