/**
 * The error of stores, locks and vault keys.
 *
 * The `reason` of a `VaultError` never contains the error of another library, the content of a file, or a secret.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import { timeText } from "../login/internal/timeText.ts"

/**
 * The stored entry was changed by another program, or is damaged.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Tampered extends Data.TaggedError("Tampered")<{
  /** The changed entry, such as `"session of angel/production/default/A123456"`. */
  readonly what: string
}> {
  readonly isRetryable = false
  override get message(): string {
    return `The stored ${this.what} was changed by something other than this library`
  }
  get remedy(): string {
    return "Find out which program can write to this storage, then delete the entry or the whole vault. A deleted session needs a new login, and deleted credentials must be stored again."
  }
}

/**
 * The key does not match the stored entry. There are three cases:
 *
 * - The entry was encrypted with another key.
 * - The entry is encrypted, but was read without a key.
 * - The entry is not encrypted, but was read with a key.
 *
 * @category reasons
 * @since 0.1.0
 */
export class WrongKey extends Data.TaggedError("WrongKey")<{
  /** The entry that cannot be read. */
  readonly what: string
}> {
  readonly isRetryable = false
  override get message(): string {
    return `The stored ${this.what} was not written with this key`
  }
  get remedy(): string {
    return "Provide the key that the entry was written with. If the key was changed, restart this program with the new key. Or delete the entry or the whole vault: a deleted session needs a new login, and deleted credentials must be stored again."
  }
}

/**
 * The stored entry was written by a newer version of this library.
 *
 * @category reasons
 * @since 0.1.0
 */
export class NewerVersion extends Data.TaggedError("NewerVersion")<{
  /** The entry that cannot be read. */
  readonly what: string
  readonly version: number
}> {
  readonly isRetryable = false
  override get message(): string {
    return `The stored ${this.what} has format ${this.version}, which this version of the library cannot read`
  }
  get remedy(): string {
    return "Update this package in every program that shares the vault."
  }
}

/**
 * The storage could not be used. For example, a read, a write or a connection failed.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Io extends Data.TaggedError("Io")<{
  /** What could not be done, such as `"write the session"`. */
  readonly what: string
  /** The error code of the system, such as `ENOSPC`, or of Redis, such as `OOM`. */
  readonly systemCode?: string | undefined
  /** Text for the user: what to do now. Default: the general remedy of this reason. */
  readonly advice?: string | undefined
  /** `"never"`: a retry cannot succeed before the user has changed something. */
  readonly retry?: "never" | undefined
}> {
  get isRetryable(): boolean {
    return this.retry !== "never"
  }
  override get message(): string {
    return `Could not ${this.what}${this.systemCode === undefined ? "" : ` (${this.systemCode})`}`
  }
  get remedy(): string {
    return this.advice ?? "Check that the storage exists, has free space, and is writable by this program."
  }
}

/**
 * There is no key for encryption, so nothing is stored.
 *
 * @category reasons
 * @since 0.1.0
 */
export class KeyUnavailable extends Data.TaggedError("KeyUnavailable")<{
  /** Why the key is missing, such as `"the keyring did not answer within 3 seconds"`. */
  readonly why: string
  /** Text for the user: what to do now. */
  readonly advice?: string | undefined
}> {
  readonly isRetryable = false
  override get message(): string {
    return `There is no key for the vault: ${this.why}`
  }
  get remedy(): string {
    return this.advice ?? "Provide the key in another way. Without a key, nothing is stored."
  }
}

/**
 * The lock of an account could not be acquired, or was lost.
 *
 * @category reasons
 * @since 0.1.0
 */
export class LockUnavailable extends Data.TaggedError("LockUnavailable")<{
  /**
   * - `busy`: the lock was not acquired within the time-out, because other programs or other fibers held it.
   * - `lost`: this program no longer holds the lock, and another program may hold it. The lock was released, its file
   *   was deleted, or it expired in Redis. A lock in Redis can expire while the program is suspended.
   */
  readonly why: "busy" | "lost"
  readonly waited?: Duration.Duration | undefined
}> {
  readonly isRetryable = true
  override get message(): string {
    if (this.why === "lost")
      return "This program no longer holds the lock of this account: the lock was deleted, or has expired, for example while the program was suspended"
    const waited = this.waited === undefined ? "" : ` for ${timeText(this.waited)}`
    return `Other programs, or other calls in this program, have held the lock of this account${waited}`
  }
  get remedy(): string {
    return this.why === "lost" ? "Try again." : "Look for a program whose login does not end, or try again later."
  }
}

/**
 * An option has an invalid value, such as a time-out of `NaN`. Nothing was read, written or locked.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidOption extends Data.TaggedError("InvalidOption")<{
  /** The name of the option, such as `"acquireTimeout"`. */
  readonly option: string
  /** The condition that the value must meet, such as `"must be a duration above zero, such as \"60 seconds\""`. */
  readonly problem: string
}> {
  readonly isRetryable = false
  override get message(): string {
    return `The option ${this.option} ${this.problem}`
  }
  get remedy(): string {
    return "Correct this option in the code of your program."
  }
}

/**
 * The reasons of a `VaultError`.
 *
 * @category reasons
 * @since 0.1.0
 */
export type Reason = Tampered | WrongKey | NewerVersion | Io | KeyUnavailable | LockUnavailable | InvalidOption

/**
 * A store, lock or key failed. `reason` says why.
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
  /** The operation that failed: `get`, `put`, `lock`, `key`, `open`, `connect` or `remove`. */
  readonly operation: string
  readonly reason: Reason
}> {
  override get message(): string {
    return `vault ${this.operation}: ${this.reason.message}. ${this.remedy}`
  }
  /** Text for the user: what to do now. */
  get remedy(): string {
    return this.reason.remedy
  }
  /** Whether the same call may succeed later without a change by the user. */
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
 * Makes a `VaultError`. `operation` is the operation that failed, such as `get`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (operation: string, reason: Reason): VaultError => new VaultError({ operation, reason })

/**
 * Whether a value is a `VaultError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isVaultError = (value: unknown): value is VaultError => value instanceof VaultError
