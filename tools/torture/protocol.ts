/** What the torture tells its programs to do, and what they answer. */

export type BrokerId = "angel" | "samco"

/** Where sessions are kept. */
export type Place =
  | { readonly kind: "sqlite"; readonly folder: string }
  | { readonly kind: "redis"; readonly url: string; readonly prefix: string }

/** A part that is broken on purpose, so that a scenario can be seen to fail: `broken.ts` says how. */
export type Broken =
  | "lock-open"
  | "lock-left-behind"
  | "store-in-memory"
  | "store-last-wins"
  | "hides-failures"
  | "session-for-ever"
  | "key-in-clear"

/** Opens the session of an account under a name. */
export interface Open {
  readonly do: "open"
  readonly name: string
  readonly broker: BrokerId
  readonly origin: string
  readonly account: Readonly<Record<string, string>>
  readonly place: Place
  /** How far the program's clock is ahead of the machine's, in milliseconds. */
  readonly ahead: number
  readonly broken?: Broken | undefined
}

export type Request =
  | Open
  /** `at`: when to ask, milliseconds since the epoch, so that many programs ask at once. */
  | { readonly do: "session" | "renew" | "replace" | "logout"; readonly name: string; readonly at?: number | undefined }
  | { readonly do: "peek"; readonly name: string }
  | { readonly do: "clock"; readonly name: string; readonly ahead: number }
  | { readonly do: "close" }
  /** Becomes another user, who may do less. */
  | { readonly do: "become"; readonly user: number }

/** What a call came to. Tokens leave a program as digests only. */
export type Outcome =
  | {
      readonly _tag: "Session"
      /** SHA-256 of the access token. */
      readonly token: string
      readonly expiresAt: number | undefined
      /** By the program's clock, when the session was handed out. */
      readonly now: number
      readonly tookMillis: number
    }
  | { readonly _tag: "None"; readonly tookMillis: number }
  | { readonly _tag: "Receipt"; readonly receipt: string; readonly tookMillis: number }
  | {
      readonly _tag: "Failed"
      readonly error: string
      readonly reason: string
      readonly why: string | undefined
      readonly systemCode: string | undefined
      readonly message: string
      readonly tookMillis: number
    }
