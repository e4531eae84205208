/** What a file in `sdks` says about one official SDK, and what its scenarios have to work with. */
import type { Peer } from "./peer.ts"
import type { Simulator } from "./simulator.ts"

export interface ClientOptions {
  readonly apiKey: string
  /** Id of the app, where the broker has one beside the key. */
  readonly applicationId?: string
  /** Address of the simulated broker. */
  readonly root: string
}

/** An instance of the SDK in a process of its own. */
export interface Client {
  /** Calls a method; the answer is what it resolves with. Fails if it rejects, or if the process dies of it. */
  readonly call: <Answer>(method: string, ...args: ReadonlyArray<unknown>) => Promise<Answer>
}

export interface Workbench {
  readonly simulator: Simulator
  /** An empty folder, which is where the processes of the scenario run. */
  readonly folder: string
  readonly open: (options: ClientOptions) => Promise<Client>
  /** Starts another script of this folder, beside the SDK. */
  readonly start: (script: string) => Promise<Peer>
}

export interface Scenario {
  readonly title: string
  /** Fails if things are not as they should be; otherwise tells in a few words what was seen. */
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
