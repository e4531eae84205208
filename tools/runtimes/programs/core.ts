/** Uses `@auth/broker-core` without a broker: a TOTP code, an encrypted store, and a sealed login request. */
import * as Account from "@auth/broker-core/login/Account"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Totp from "@auth/broker-core/login/Totp"
import * as SealedRequest from "@auth/broker-core/session/SealedRequest"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

const account = Account.make({ broker: "example", id: "EX1" })

const expect = (what: string, found: unknown, expected: unknown): void => {
  if (found !== expected) throw new Error(`${what}: found ${String(found)}, but expected ${String(expected)}`)
}

const program = Effect.gen(function* () {
  // The first test vector of RFC 6238, appendix B.
  const totp = Totp.make({ key: Redacted.make(new TextEncoder().encode("12345678901234567890")), digits: 8 })
  expect("the code", Redacted.value(yield* Totp.codeAtStep(totp, 1)), "94287082")

  const key = yield* VaultKey.fromBytes(yield* VaultKey.generate, "a random key")
  const memory = SessionStore.makeMemory()
  const store = SessionStore.encrypted(key)(memory)
  const textOf = (entry: SessionStore.Entry | undefined) =>
    entry === undefined ? "no entry" : new TextDecoder().decode(Redacted.value(entry.value))
  const written = yield* store.put(account, "session", Redacted.make(new TextEncoder().encode("a session")), 0)
  expect("the result of the write", written, true)
  expect("the entry", textOf(yield* store.get(account, "session")), "a session")
  expect(
    "whether the stored entry is unencrypted",
    textOf(yield* memory.get(account, "session")).includes("a session"),
    false
  )

  const state = yield* RedirectLogin.makeState
  const request = { url: Redacted.make("https://broker.example"), state, redirectUrl: "https://app.example.com" }
  const opened = yield* SealedRequest.open(yield* SealedRequest.seal(request, key, { account }), key, { account })
  expect("the state", Redacted.value(opened.state), Redacted.value(state))
})

export const useCore = (): Promise<void> => Effect.runPromise(program)
