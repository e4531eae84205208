/** Types for the files in `sdks`. Each file describes one official SDK and its scenarios. */
import type { Peer } from "./peer.ts"
import type { Simulator } from "./simulator.ts"

export interface ClientOptions {
  readonly apiKey: string
  /** Id of the app, if the broker requires an id in addition to the key. */
  readonly applicationId?: string
  /** Address of the simulated broker. */
  readonly root: string
}

/** An instance of the SDK in a separate process. */
export interface Client {
  /** Calls a method of the SDK, and returns its result. Fails if the method rejects or the process crashes. */
  readonly call: <Answer>(method: string, ...args: ReadonlyArray<unknown>) => Promise<Answer>
}

export interface Workbench {
  readonly simulator: Simulator
  /** An empty working directory for the processes of the scenario. */
  readonly folder: string
  /** Makes an instance of the SDK. */
  readonly open: (options: ClientOptions) => Promise<Client>
  /** Starts a script of `tools/interop` in a separate process. */
  readonly start: (script: string) => Promise<Peer>
}

export interface Scenario {
  readonly title: string
  /** Throws if the SDK does not behave as expected. Otherwise returns a short description of its behaviour. */
  readonly run: (workbench: Workbench) => Promise<string>
}

export interface Sdk {
  /** Name of the package on npm. */
  readonly name: string
  readonly version: string
  /** Scripts that Node loads before the SDK. */
  readonly preload: ReadonlyArray<string>
  /** Makes an instance of the SDK. This function is called in the separate process of the SDK. */
  readonly open: (options: ClientOptions) => object
  readonly scenarios: ReadonlyArray<Scenario>
}
