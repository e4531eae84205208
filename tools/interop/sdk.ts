/** Types for the files in `sdks`. */
import type { Peer } from "./peer.ts"
import type { Simulator } from "./simulator.ts"

export interface ClientOptions {
  readonly apiKey: string
  /** Only if the broker requires an id in addition to the key. */
  readonly applicationId?: string
  /** Address of the simulated broker. */
  readonly root: string
}

/** A client object of a broker's SDK, in a separate process. */
export interface Client {
  readonly call: <Answer>(method: string, ...args: ReadonlyArray<unknown>) => Promise<Answer>
}

export interface Workbench {
  readonly simulator: Simulator
  readonly folder: string
  readonly open: (options: ClientOptions) => Promise<Client>
  /** Starts a script of `tools/interop` in a separate process. */
  readonly start: (script: string) => Promise<Peer>
}

export interface Scenario {
  readonly title: string
  /** Returns a short description of the SDK's behavior. Throws if the behavior is not as expected. */
  readonly run: (workbench: Workbench) => Promise<string>
}

export interface Sdk {
  readonly name: string
  readonly version: string
  readonly preload: ReadonlyArray<string>
  /** Runs in the separate process of the SDK. */
  readonly open: (options: ClientOptions) => object
  readonly scenarios: ReadonlyArray<Scenario>
}
