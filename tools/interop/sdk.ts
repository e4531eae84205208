/** The interface of a file in `sdks` for one official SDK, and of the workbench for its scenarios. */
import type { Peer } from "./peer.ts"
import type { Simulator } from "./simulator.ts"

export interface ClientOptions {
  readonly apiKey: string
  /** Id of the app, if the broker has one besides the key. */
  readonly applicationId?: string
  /** Address of the simulated broker. */
  readonly root: string
}

/** An instance of the SDK in a process of its own. */
export interface Client {
  /** Calls a method, and returns its result. Fails if the method rejects, or if the process crashes. */
  readonly call: <Answer>(method: string, ...args: ReadonlyArray<unknown>) => Promise<Answer>
}

export interface Workbench {
  readonly simulator: Simulator
  /** An empty working directory for the processes of the scenario. */
  readonly folder: string
  readonly open: (options: ClientOptions) => Promise<Client>
  /** Starts another script of this folder, beside the SDK. */
  readonly start: (script: string) => Promise<Peer>
}

export interface Scenario {
  readonly title: string
  /** Throws if the behaviour is not the expected one. Returns a short description of the observed behaviour. */
  readonly run: (workbench: Workbench) => Promise<string>
}

export interface Sdk {
  /** The package on npm. */
  readonly name: string
  readonly version: string
  /** Scripts that Node loads before it. */
  readonly preload: ReadonlyArray<string>
  /** Runs in the SDK's own process. */
  readonly open: (options: ClientOptions) => object
  readonly scenarios: ReadonlyArray<Scenario>
}
