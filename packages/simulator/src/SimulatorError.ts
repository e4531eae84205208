/**
 * The error of the simulator itself. An error from a simulated broker is an HTTP answer, not a `SimulatorError`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * The simulator cannot do what was requested, for example because a port is in use, or because a broker or an endpoint
 * does not exist.
 *
 * @category errors
 * @since 0.1.0
 */
export class SimulatorError extends Data.TaggedError("SimulatorError")<{
  /** Says what happened and what to do. */
  readonly message: string
}> {}
