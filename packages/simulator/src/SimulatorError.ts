/**
 * What goes wrong with a simulator itself; what its brokers say is not among it.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * The simulator cannot do what was asked: a port is in use, a broker or an endpoint does not exist. The message says
 * what to do.
 *
 * @category errors
 * @since 0.1.0
 */
export class SimulatorError extends Data.TaggedError("SimulatorError")<{
  /** What happened and what to do, for a person. */
  readonly message: string
}> {}
