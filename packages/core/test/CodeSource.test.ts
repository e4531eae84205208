import { createHmac } from "node:crypto"
import * as Account from "@auth/broker-core/login/Account"
import * as Challenge from "@auth/broker-core/login/Challenge"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Terminal from "effect/Terminal"
import * as TestClock from "effect/testing/TestClock"

const request = (id = "A123456"): CodeSource.CodeRequest => ({
  account: Account.make({ broker: "angel", id }),
  kind: "totp"
})

const secret = Redacted.make("JBSWY3DPEHPK3PXP")

// With WebCrypto, the tests would advance the virtual time before the MAC is computed.
const immediateMac = Mac.layerWebCryptoWith({
  hmac: (hash, key, data) => createHmac(hash.replace("-", ""), key).update(data).digest()
}).pipe(Layer.provide(SecureRandom.layerWebCrypto))

/** `at` is the time at which the source returned the code, in seconds. */
const timed = (source: CodeSource.CodeSource, id?: string) =>
  Effect.gen(function* () {
    const code = Redacted.value(yield* source.code(request(id)))
    return { code, at: (yield* Clock.currentTimeMillis) / 1000 }
  }).pipe(Effect.provide(immediateMac))

const during = <A, E>(seconds: number, ...effects: ReadonlyArray<Effect.Effect<A, E>>) =>
  Effect.gen(function* () {
    const fibers = yield* Effect.forEach(effects, (effect) => Effect.forkChild(effect, { startImmediately: true }))
    for (let second = 0; second < seconds; second += 1) yield* TestClock.adjust("1 second")
    return yield* Effect.forEach(fibers, Fiber.join)
  })

describe("CodeSource.totp", () => {
  it.effect.each([
    { asked: 0, given: 0 },
    { asked: 27.999, given: 27.999 },
    { asked: 28, given: 30 },
    { asked: 29, given: 30 },
    { asked: 30, given: 30 }
  ])("returns no code in the last two seconds of a period: request at $asked s, code at $given s", ({ asked, given }) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(asked * 1000)
      const [code] = yield* during(3, timed(CodeSource.totp(secret)))
      assert.strictEqual(code?.at, given)
    })
  )

  it.effect("returns no code within the given margin before the end of a period", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(20_000)
      const [given] = yield* during(10, timed(CodeSource.totp(secret, { margin: "10 seconds" })))
      assert.strictEqual(given?.at, 30)
    })
  )

  it.each([NaN, -5, "2 secs" as "2 seconds"])("reports a margin of %s as a problem", (margin) =>
    assert.include(CodeSource.totp(secret, { margin }).problem, 'is not a duration such as "2 seconds"')
  )

  it.effect("returns a code even if the margin is longer than the period", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(timed(CodeSource.totp(secret, { margin: "1 minute" })))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(fiber.pollUnsafe()?._tag, "Success", "the source returned no code")
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("uses each TOTP period only once for an account", () =>
    Effect.gen(function* () {
      const source = CodeSource.totp(secret)
      const [first] = yield* during(0, timed(source))
      const [second] = yield* during(30, timed(source))
      assert.deepStrictEqual([first?.at, second?.at], [0, 30])
      assert.notStrictEqual(first?.code, second?.code)
    })
  )

  it.effect("does not delay a code because of another account", () =>
    Effect.gen(function* () {
      const source = CodeSource.totp(secret)
      const given = yield* during(0, timed(source, "A1"), timed(source, "B2"))
      assert.deepStrictEqual(
        given.map(({ at }) => at),
        [0, 0]
      )
    })
  )

  it.effect("returns codes of ten periods for ten concurrent requests", () =>
    Effect.gen(function* () {
      const source = CodeSource.totp(secret)
      const given = yield* during(270, ...Array.from({ length: 10 }, () => timed(source)))
      assert.deepStrictEqual(
        given.map(({ at }) => at).toSorted((a, b) => a - b),
        [0, 30, 60, 90, 120, 150, 180, 210, 240, 270]
      )
    })
  )

  it.effect("does not use up a period for an interrupted request", () =>
    Effect.gen(function* () {
      const source = CodeSource.totp(secret)
      yield* during(0, timed(source))
      const impatient = yield* Effect.forkChild(timed(source), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.interrupt(impatient)
      const [next] = yield* during(20, timed(source))
      assert.strictEqual(next?.at, 30)
    })
  )

  it.effect("returns a code at once if the clock is set back by a day", () =>
    Effect.gen(function* () {
      const day = 86_400
      yield* TestClock.setTime(10 * day * 1000)
      const source = CodeSource.totp(secret)
      yield* during(0, timed(source))
      yield* TestClock.setTime(9 * day * 1000)
      const [given] = yield* during(0, timed(source))
      assert.strictEqual(given?.at, 9 * day)
    })
  )

  it.effect("reports an invalid secret as a problem and as a typed error", () =>
    Effect.gen(function* () {
      const source = CodeSource.totp(Redacted.make("JBSW-Y3DP-EHPK-3PX1"))
      assert.match(source.problem ?? "", /^is not base32/)
      const error = yield* Effect.flip(source.code(request()))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.include(error.message, "totp is not base32")
      assert.notInclude(error.message, "JBSW")
    })
  )
})

describe("CodeSource", () => {
  it.effect("`fixed` removes the quotation marks around the code", () =>
    Effect.gen(function* () {
      const source = CodeSource.fixed(Redacted.make('"123456"\r\n'))
      assert.strictEqual(Redacted.value(yield* source.code(request())), "123456")
      assert.strictEqual(CodeSource.fixed(Redacted.make("''")).problem, "is empty")
    })
  )

  it.effect("`fixed` removes the white space around the code", () =>
    Effect.gen(function* () {
      const source = CodeSource.fixed(Redacted.make(" 123456\n"))
      assert.isUndefined(source.problem)
      assert.strictEqual(Redacted.value(yield* source.code(request())), "123456")
      assert.strictEqual(CodeSource.fixed(Redacted.make("  ")).problem, "is empty")
    })
  )

  it.effect("`fromEffect` passes account, kind and destinations to the function", () =>
    Effect.gen(function* () {
      const source = CodeSource.fromEffect(({ account, destinations, kind }) =>
        Effect.succeed(Redacted.make(`${account.id} ${kind} ${destinations?.join()}`))
      )
      const code = yield* source.code({ ...request(), kind: "otp", destinations: ["xxxxxx1234"] })
      assert.strictEqual(Redacted.value(code), "A123456 otp xxxxxx1234")
    })
  )

  it.effect("`respond` gives the source the challenge's fields, except id and step token", () =>
    Effect.gen(function* () {
      const { account } = request()
      const ledger = yield* Challenge.makeLedger(account)
      const challenge = yield* ledger.open({
        kinds: ["otp", "totp"],
        destinations: ["xxxxxx1234"],
        resendAt: 30_000,
        resendsLeft: 1,
        expiresAt: 60_000,
        attemptsLeft: 3,
        digits: 4,
        stepToken: Redacted.make("step")
      })
      const asked: Array<CodeSource.CodeRequest> = []
      const codes = CodeSource.fromEffect((given) => {
        asked.push(given)
        return Effect.succeed(Redacted.make("1234"))
      })
      yield* CodeSource.respond(codes)(challenge)
      assert.deepStrictEqual(asked, [
        {
          account,
          kind: "otp",
          destinations: ["xxxxxx1234"],
          resendAt: 30_000,
          resendsLeft: 1,
          expiresAt: 60_000,
          attemptsLeft: 3,
          digits: 4
        }
      ])
    })
  )

  it("`isCodeSource` returns true only for code sources", () => {
    assert.isTrue(CodeSource.isCodeSource(CodeSource.fixed(Redacted.make("123456"))))
    for (const other of [secret, undefined, null, "123456", { code: Effect.void }]) {
      assert.isFalse(CodeSource.isCodeSource(other))
    }
  })
})

describe("CodeSource.prompt", () => {
  /** If the prompt asks again after the last line, the user quits. */
  const ask = (lines: ReadonlyArray<string>, fields: Partial<CodeSource.CodeRequest> = {}) => {
    const shown: Array<string> = []
    const typed = [...lines]
    const terminal = Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: Effect.die("not used"),
      readInput: Effect.die("not used"),
      readLine: Effect.suspend(() => {
        const line = typed.shift()
        return line === undefined ? Effect.fail(new Terminal.QuitError({})) : Effect.succeed(line)
      }),
      display: (text) => Effect.sync(() => void shown.push(text))
    })
    return Effect.gen(function* () {
      const source = yield* CodeSource.prompt
      const exit = yield* Effect.result(source.code({ ...request(), ...fields }))
      return {
        code: exit._tag === "Success" ? Redacted.value(exit.success) : undefined,
        error: exit._tag === "Failure" ? exit.failure : undefined,
        shown
      }
    }).pipe(Effect.provideService(Terminal.Terminal, terminal))
  }

  it.effect("asks for a code from the authenticator app", () =>
    Effect.gen(function* () {
      const { code, shown } = yield* ask([" 123456 "])
      assert.deepStrictEqual(shown, ["Code from your authenticator app (angel A123456): "])
      assert.strictEqual(code, "123456")
    })
  )

  it.effect.each(["", "   ", "12345", "1234567", "abcdef", "12a456", "१२३४५६", "１２３４５６", "123456 7", "\u0000"])(
    "asks again after the answer %j",
    (wrong) =>
      Effect.gen(function* () {
        const { code, shown } = yield* ask([wrong, "123456"], { kind: "otp" })
        assert.strictEqual(code, "123456")
        assert.lengthOf(shown, 2)
        assert.match(
          shown[1] ?? "",
          /^The input is (empty|not 6 digits)\. Nothing was sent\. Enter the code again\.\nOne-time/
        )
      })
  )

  it.effect.each(["123 456", "123-456", "12 34 56"])("accepts digits in groups: %j", (line) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask([line])).code, "123456")
    })
  )

  it.effect("asks at most four times", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask(["", "1", "22", "123456"])).code, "123456")
      const { error, shown } = yield* ask(["", "1", "22", "98765", "123456"])
      assert.lengthOf(shown, 4)
      assert.strictEqual(error?.reason._tag, "InvalidRequest")
      assert.strictEqual(
        error?.message,
        "angel login: The request is invalid: code is not 6 digits. Nothing was sent. Log in again, and enter the 6 digits of the code."
      )
    })
  )

  it.effect("says that an answer looks like the TOTP secret", () =>
    Effect.gen(function* () {
      const { shown } = yield* ask(["JBSWY3DPEHPK3PXP", "123456"])
      assert.match(shown[1] ?? "", /looks like the TOTP secret/)
      assert.notInclude(shown.join(""), "JBSW")
    })
  )

  it.effect("requires the number of digits that the challenge specifies", () =>
    Effect.gen(function* () {
      const { code, shown } = yield* ask(["123456", "1234"], { digits: 4 })
      assert.strictEqual(code, "1234")
      assert.include(shown[1], "is not 4 digits")
    })
  )

  it.effect("shows where the broker sent the code", () =>
    Effect.gen(function* () {
      const sent = yield* ask(["123456"], { kind: "otp", destinations: ["xxxxxx1234", "d***@example.com"] })
      assert.deepStrictEqual(sent.shown, ["One-time code sent to xxxxxx1234, d***@example.com (angel A123456): "])
      const silent = yield* ask(["123456"], { kind: "otp", destinations: [] })
      assert.deepStrictEqual(silent.shown, ["One-time code (angel A123456): "])
    })
  )

  it.effect("masks a destination that the broker did not mask", () =>
    Effect.gen(function* () {
      const { shown } = yield* ask(["123456"], {
        kind: "otp",
        destinations: ["9876543210", "trader@example.com\u001b[2J"]
      })
      assert.deepStrictEqual(shown, ["One-time code sent to xxxx3210, txxxx@example.com[2J (angel A123456): "])
    })
  )

  it.effect("shows the expiry, the resend time and the attempts left", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000)
      const known = { kind: "otp", expiresAt: 1_300_000, attemptsLeft: 3, resendsLeft: 2 } as const
      const early = yield* ask(["123456"], { ...known, resendAt: 1_029_100 })
      assert.deepStrictEqual(early.shown, [
        "One-time code (angel A123456, valid for 5 minutes, a new code can be sent in 30 seconds, 3 attempts left): "
      ])
      const late = yield* ask(["123456"], { ...known, resendAt: 1_000_000, attemptsLeft: 1 })
      assert.include(late.shown[0], "a new code can be sent now, 1 attempt left")
      const never = yield* ask(["123456"], { ...known, resendAt: 1_029_000, resendsLeft: 0 })
      assert.deepStrictEqual(never.shown, ["One-time code (angel A123456, valid for 5 minutes, 3 attempts left): "])
    })
  )

  it.effect("fails with ActionRequired when the user quits the prompt", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask([])).error?.reason._tag, "ActionRequired")
      assert.strictEqual((yield* ask(["", "12"])).error?.reason._tag, "ActionRequired")
    })
  )
})

describe("CodeSource.shapeProblem", () => {
  it.each([
    ["123456", 6, undefined],
    ["000000", 6, undefined],
    ["1234", 4, undefined],
    ["12345", 6, "is not 6 digits"],
    ["1234567", 6, "is not 6 digits"],
    ["12 456", 6, "is not 6 digits"],
    ["123456\n", 6, "is not 6 digits"],
    ["१२३४५६", 6, "is not 6 digits"],
    ["abcdef", 6, "is not 6 digits"],
    ["", 6, "is not 6 digits"]
  ])("given the code %j and the length %d, returns %j", (code, digits, problem) =>
    assert.strictEqual(CodeSource.shapeProblem(Redacted.make(code), digits), problem)
  )

  it.each(["JBSWY3DPEHPK3PXP", "jbsw y3dp ehpk 3pxp", "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"])(
    "recognizes %j as a TOTP secret",
    (text) => {
      assert.isTrue(CodeSource.looksLikeSecret(Redacted.make(text)))
      const problem = CodeSource.shapeProblem(Redacted.make(text), 6)
      assert.match(problem ?? "", /^looks like the TOTP secret/)
      assert.notMatch(problem ?? "", /jbsw/i)
    }
  )
})

it.each(["123456", "2345672345672345", "hello", ""])("CodeSource.looksLikeSecret returns false for %j", (text) =>
  assert.isFalse(CodeSource.looksLikeSecret(Redacted.make(text)))
)
