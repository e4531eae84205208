/** The requests that scenarios send to programs, and the answers of the programs. */

export type BrokerId = "angel" | "samco"

/** Location of a vault. */
export type Place =
  | { readonly kind: "sqlite"; readonly folder: string }
  | { readonly kind: "redis"; readonly url: string; readonly prefix: string }

/** A part that is broken on purpose, to show that a scenario can fail. */
export type Broken =
  | "lock-open"
  | "lock-left-behind"
  | "store-in-memory"
  | "store-last-wins"
  | "hides-failures"
  | "session-for-ever"
  | "key-in-clear"

/** `name` identifies the session in later requests. */
export interface Open {
  readonly do: "open"
  readonly name: string
  readonly broker: BrokerId
  readonly origin: string
  readonly account: Readonly<Record<string, string>>
  readonly place: Place
  /** How far the session's clock is ahead of the machine's clock, in milliseconds. */
  readonly ahead: number
  readonly broken?: Broken | undefined
}

export type Request =
  | Open
  /**
   * `replace` requests a session other than the last session that the program got under this `name`. `at` is when the
   * program executes the request: a time of the machine's clock, in milliseconds since the epoch. Default: at once.
   */
  | { readonly do: "session" | "renew" | "replace" | "logout"; readonly name: string; readonly at?: number | undefined }
  /** Reads the stored session, and sends no request to the broker. */
  | { readonly do: "peek"; readonly name: string }
  | { readonly do: "clock"; readonly name: string; readonly ahead: number }
  | { readonly do: "close" }
  /** Switches the program to another user, with fewer permissions. */
  | { readonly do: "become"; readonly user: number }

export type Outcome =
  | {
      readonly _tag: "Session"
      /** SHA-256 of the access token. */
      readonly token: string
      readonly expiresAt: number | undefined
      /** Time of the session's clock when the session was returned, in milliseconds since the epoch. */
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
