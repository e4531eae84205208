/**
 * What can be counted of sessions. No attribute holds a secret or an account: `broker`, `outcome` and `reason` are all.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"

/**
 * Logins that were sent, by `broker` and `outcome` (`ok`, or the reason of the failure).
 *
 * @category metrics
 * @since 0.1.0
 */
export const logins = Metric.counter("broker_auth_logins", {
  description: "Logins that were sent, by broker and outcome",
  incremental: true
})

/**
 * Refreshes that were sent, by `broker` and `outcome` (`ok`, or the reason of the failure).
 *
 * @category metrics
 * @since 0.1.0
 */
export const refreshes = Metric.counter("broker_auth_refreshes", {
  description: "Refreshes that were sent, by broker and outcome",
  incremental: true
})

/**
 * Renewals that came to no session, by `broker` and `reason`: those that were never sent, too.
 *
 * @category metrics
 * @since 0.1.0
 */
export const failures = Metric.counter("broker_auth_renewal_failures", {
  description: "Renewals that came to no session, by broker and reason",
  incremental: true
})

/**
 * How long renewals took, the wait for the lock and for a TOTP period included, by `broker`.
 *
 * @category metrics
 * @since 0.1.0
 */
export const wait = Metric.timer("broker_auth_renewal_wait", {
  description: "How long renewals took, the wait for the lock and for a TOTP period included"
})
