/**
 * The error of the simulator itself. A simulated broker reports its errors as HTTP answers. Only `LoginPage.submit`
 * converts these answers to a `SimulatorError`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * The simulator cannot do what was requested. For example, a port is in use, or an endpoint does not exist.
 *
 * @category errors
 * @since 0.1.0
 */
export class SimulatorError extends Data.TaggedError("SimulatorError")<{
  /** Says what happened and what to do. */
  readonly message: string
}> {}
