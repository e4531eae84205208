/**
 * Metrics of logins, refreshes and renewals. A renewal gets a new session from the store, from a refresh, or from a
 * login. No attribute of a metric contains a secret or the id of an account.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"

/**
 * Counts the logins that a session manager started or continued, for each `broker` and `outcome`. `outcome` is `ok`,
 * `interrupted`, or the reason of the failure. A defect is counted as `interrupted`.
 *
 * Logins that the login guard stopped are not counted. Logins in the browser or by a QR code are not counted either.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManager from "@auth/broker-core/session/SessionManager"
 * import * as SessionMetrics from "@auth/broker-core/session/SessionMetrics"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Metric from "effect/Metric"
 *
 * const Sessions = SessionManager.layer().pipe(
 *   Layer.provide(AngelAuth.layerConfig()),
 *   Layer.provide([Vault.layerMemory, FetchHttpClient.layer])
 * )
 *
 * const sent = Metric.value(Metric.withAttributes(SessionMetrics.logins, { broker: "angel", outcome: "ok" }))
 *
 * const program = Effect.gen(function* () {
 *   const before = yield* sent
 *   yield* SessionManager.session
 *   const after = yield* sent
 *   after.count - before.count // => 1
 * }).pipe(Effect.provide(Sessions))
 * ```
 *
 * @category metrics
 * @since 0.1.0
 */
export const logins = Metric.counter("broker_auth_logins", {
  description: "Number of logins started or continued, for each broker and outcome",
  incremental: true
})

/**
 * Counts the refreshes that were sent, for each `broker` and `outcome`. `outcome` is `ok`, `interrupted`, or the reason
 * of the failure. A defect is counted as `interrupted`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const refreshes = Metric.counter("broker_auth_refreshes", {
  description: "Number of refreshes that were sent, for each broker and outcome",
  incremental: true
})

/**
 * Counts the renewals that failed, for each `broker` and `reason`. A renewal that ended because of a logout is not
 * counted.
 *
 * @category metrics
 * @since 0.1.0
 */
export const failures = Metric.counter("broker_auth_renewal_failures", {
  description: "Number of renewals that failed, for each broker and reason",
  incremental: true
})

/**
 * Measures how long renewals take, for each `broker`. A renewal that fails is measured only if the old session is still
 * live. The time includes the wait for the account's lock and the wait for the next TOTP period. Effect adds the
 * attribute `time_unit`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const wait = Metric.timer("broker_auth_renewal_wait", {
  description: "Duration of renewals, including the wait for the lock and for the next TOTP period"
})
