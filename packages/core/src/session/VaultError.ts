/**
 * The error of everything that keeps sessions: stores, locks and their keys.
 *
 * No reason holds a foreign error, a path's content or a secret.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import { timeText } from "../login/internal/timeText.ts"

/**
 * What is stored is not what was written: somebody or something has changed it.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Tampered extends Data.TaggedError("Tampered")<{
  /** What was found changed: `"session of angel/production/default/A123456"`. */
  readonly what: string
}> {
  readonly isRetryable = false
  override get message(): string {
    return `The stored ${this.what} was changed by something else than this library`
  }
  get remedy(): string {
    return "Find out who can write there. Then delete what is stored: the next session is a new login."
  }
}

/**
 * What is stored was written with another key, or with none where there is one now.
 *
 * @category reasons
 * @since 0.1.0
 */
export class WrongKey extends Data.TaggedError("WrongKey")<{
  /** What cannot be read. */
  readonly what: string
}> {
  readonly isRetryable = false
  override get message(): string {
    return `The stored ${this.what} was not written with this key`
  }
  get remedy(): string {
    return "Give the key that it was written with: if the key was changed, restart this program with the new one. Or delete what is stored: the next session is a new login."
  }
}

/**
 * What is stored was written by a newer version of this library.
 *
 * @category reasons
 * @since 0.1.0
 */
export class NewerVersion extends Data.TaggedError("NewerVersion")<{
  /** What cannot be read. */
  readonly what: string
  readonly version: number
}> {
  readonly isRetryable = false
  override get message(): string {
    return `The stored ${this.what} is of format ${this.version}, which this version does not know`
  }
  get remedy(): string {
    return "Update this package in every program that shares the vault."
  }
}

/**
 * Reading or writing failed.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Io extends Data.TaggedError("Io")<{
  /** What was being done: `"write the session"`. */
  readonly what: string
  /** The system's word for it, such as `ENOSPC`. */
  readonly systemCode?: string | undefined
  /** What to do now, where there is better advice than the reason's own. */
  readonly advice?: string | undefined
  /** `"never"` where a person has to put something right first. */
  readonly retry?: "never" | undefined
}> {
  get isRetryable(): boolean {
    return this.retry !== "never"
  }
  override get message(): string {
    return `Could not ${this.what}${this.systemCode === undefined ? "" : ` (${this.systemCode})`}`
  }
  get remedy(): string {
    return this.advice ?? "Check that the place is there, has room, and may be written to by this program."
  }
}

/**
 * There is no key to encrypt with. Nothing is stored in clear instead.
 *
 * @category reasons
 * @since 0.1.0
 */
export class KeyUnavailable extends Data.TaggedError("KeyUnavailable")<{
  /** Why there is none: `"the keyring did not answer within 3 seconds"`. */
  readonly why: string
  /** What to do now. */
  readonly advice?: string | undefined
}> {
  readonly isRetryable = false
  override get message(): string {
    return `There is no key for the vault: ${this.why}`
  }
  get remedy(): string {
    return this.advice ?? "Provide the key in another way. Nothing is written in clear in its place."
  }
}

/**
 * The lock of an account could not be had, or was lost.
 *
 * @category reasons
 * @since 0.1.0
 */
export class LockUnavailable extends Data.TaggedError("LockUnavailable")<{
  /** `busy`: another program held it all the time. `lost`: this program was stopped for longer than its lease. */
  readonly why: "busy" | "lost"
  readonly waited?: Duration.Duration | undefined
}> {
  readonly isRetryable = true
  override get message(): string {
    if (this.why === "lost") return "This program was stopped for so long that another one took its lock"
    const waited = this.waited === undefined ? "" : ` for ${timeText(this.waited)}`
    return `Another program has held the lock of this account${waited}`
  }
  get remedy(): string {
    return this.why === "lost" ? "Ask again." : "Look for a program that hangs in a login, or ask again later."
  }
}

/**
 * An option cannot be meant, such as a time-out of `NaN`. Nothing was read, written or locked.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidOption extends Data.TaggedError("InvalidOption")<{
  /** The name of the option: `"acquireTimeout"`. */
  readonly option: string
  /** What it must be: `"must be longer than nothing, such as \"60 seconds\""`. */
  readonly problem: string
}> {
  readonly isRetryable = false
  override get message(): string {
    return `The option ${this.option} ${this.problem}`
  }
  get remedy(): string {
    return "Correct it where the layer is made."
  }
}

/**
 * Everything that can be the reason of a `VaultError`.
 *
 * @category reasons
 * @since 0.1.0
 */
export type Reason = Tampered | WrongKey | NewerVersion | Io | KeyUnavailable | LockUnavailable | InvalidOption

/**
 * Keeping or finding a session failed, and `reason` says how.
 *
 * @example
 * ```ts
 * import * as VaultError from "@auth/broker-core/session/VaultError"
 * import * as Effect from "effect/Effect"
 *
 * const full = VaultError.make("put", new VaultError.Io({ what: "write the session", systemCode: "ENOSPC" }))
 *
 * const program = Effect.fail(full).pipe(
 *   Effect.catchReason("VaultError", "Io", (reason) => Effect.succeed(reason.systemCode))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class VaultError extends Data.TaggedError("VaultError")<{
  /** What was being done: `get`, `put`, `lock`, `key`, `open`. */
  readonly operation: string
  readonly reason: Reason
}> {
  override get message(): string {
    return `vault ${this.operation}: ${this.reason.message}. ${this.remedy}`
  }
  /** What to do now, for a person. */
  get remedy(): string {
    return this.reason.remedy
  }
  /** Whether the same call may succeed later without anything being changed. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override toJSON(): unknown {
    return {
      _tag: this._tag,
      operation: this.operation,
      reason: this.reason._tag,
      message: this.reason.message,
      remedy: this.remedy,
      isRetryable: this.isRetryable
    }
  }
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = (operation: string, reason: Reason): VaultError => new VaultError({ operation, reason })

/**
 * @category guards
 * @since 0.1.0
 */
export const isVaultError = (value: unknown): value is VaultError => value instanceof VaultError
