import * as VaultError from "@auth/broker-core/session/VaultError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const what = "session of tiny/production/default/T1"

/** The reason, `isRetryable`, and the pattern of the message. */
const table: ReadonlyArray<readonly [VaultError.Reason, boolean, RegExp]> = [
  [new VaultError.Tampered({ what }), false, /session of tiny.* was changed .* new login/],
  [new VaultError.WrongKey({ what }), false, /session of tiny.* not written with this key.* Provide the key/],
  [new VaultError.NewerVersion({ what, version: 2 }), false, /has format 2, .* Update this package/],
  [
    new VaultError.Io({ what: `write the ${what}`, systemCode: "ENOSPC" }),
    true,
    /write the session .* \(ENOSPC\)\. Check/
  ],
  [new VaultError.Io({ what: `read the ${what}`, advice: "Mount it." }), true, /Could not read the .*T1\. Mount it\./],
  [
    new VaultError.KeyUnavailable({ why: "it is locked" }),
    false,
    /no key .*: it is locked\. Provide the key .* nothing is stored/
  ],
  [new VaultError.KeyUnavailable({ why: "it is locked", advice: "Unlock it." }), false, /it is locked\. Unlock it\.$/],
  [
    new VaultError.LockUnavailable({ why: "busy", waited: Duration.seconds(60) }),
    true,
    /held the lock of this account for 60 seconds\. Look for a program whose login does not end/
  ],
  [
    new VaultError.Io({ what: "use it", advice: "chmod 700 it", retry: "never" }),
    false,
    /Could not use it\. chmod 700 it$/
  ],
  [new VaultError.LockUnavailable({ why: "busy" }), true, /held the lock of this account\. Look/],
  [
    new VaultError.LockUnavailable({ why: "lost" }),
    true,
    /no longer holds the lock .* deleted, or has expired, .* suspended\. Try again\.$/
  ],
  [
    new VaultError.InvalidOption({ option: "lease", problem: "must be a duration" }),
    false,
    /The option lease must be a duration\. Correct this option/
  ]
]

describe("a VaultError", () => {
  it.each(table.map(([reason, isRetryable, message]) => [reason._tag, message, reason, isRetryable] as const))(
    "describes the reason %s as %s",
    (_, message, reason, isRetryable) => {
      const error = VaultError.make("get", reason)
      assert.match(error.message, message)
      assert.isTrue(error.message.startsWith("vault get: ") && error.message.endsWith(error.remedy))
      assert.strictEqual(error.isRetryable, isRetryable)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(error)), {
        _tag: "VaultError",
        operation: "get",
        reason: reason._tag,
        message: reason.message,
        remedy: reason.remedy,
        isRetryable
      })
      assert.isTrue(VaultError.isVaultError(error))
    }
  )

  it("is the only value that isVaultError accepts", () => {
    assert.isFalse(VaultError.isVaultError(new Error("vault")))
    assert.isFalse(VaultError.isVaultError(undefined))
  })

  it.effect("can be caught by its reason with Effect.catchReason", () =>
    Effect.gen(function* () {
      const failing = Effect.fail(VaultError.make("put", new VaultError.Io({ what: "write", systemCode: "EROFS" })))
      const code = yield* Effect.catchReason(failing, "VaultError", "Io", ({ systemCode }) =>
        Effect.succeed(systemCode)
      )
      assert.strictEqual(code, "EROFS")
    })
  )
})
