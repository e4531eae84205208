/**
 * The error of the simulator itself. A simulated broker reports its errors as HTTP answers. Only `LoginPage.submit`
 * turns such an answer into a `SimulatorError`.
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
