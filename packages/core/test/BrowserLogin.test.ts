import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import { Profile } from "@auth/broker-core/login/Profile"
import * as Session from "@auth/broker-core/login/Session"
import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import { SessionStore } from "@auth/broker-core/session/SessionStore"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { account, breakable, makeShared, makeTiny, morning, numberOf, pass, type Shared, start } from "./sessions.ts"
import { shown } from "./support.ts"

const makeWorld = (shared: Shared = makeShared()) => {
  const tabs: Array<string> = []
  const tiny = makeTiny({ by: [] })
  const program = Effect.fnUntraced(function* (name: string) {
    const manager = yield* start(tiny, shared)
    /** `takes` is in milliseconds. */
    const login = (takes: number, end: Effect.Effect<void, AuthError.AuthError> = Effect.void) =>
      Effect.gen(function* () {
        tabs.push(name)
        yield* Effect.sleep(takes)
        yield* end
        const tokens = { access: Redacted.make(`access-${name}`) }
        const issuedAt = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        return Session.make({ account, method: "browser", tokens, issuedAt, expiry: Expiry.after("1 hour") })
      })
    const run = (takes: number, options: BrowserLogin.Options = {}, end?: Effect.Effect<void, AuthError.AuthError>) =>
      BrowserLogin.run(login(takes, end), options).pipe(
        Effect.provideService(SessionManager, manager),
        Effect.provideService(SessionStore, shared.store)
      )
    return { manager, run }
  })
  return { calls: tiny.calls, program, tabs }
}

const begin = TestClock.setTime(morning)
const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
const reasonOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit) ? "success" : (/\b(ActionRequired|RedirectRejected|Io)\b/.exec(shown(exit))?.[0] ?? shown(exit))

const denied = Effect.fail(AuthError.make("tiny", "complete", new AuthError.RedirectRejected({ why: "denied" })))

describe("sessions: BrowserLogin", () => {
  it.effect("opens the browser once for 20 programs", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const programs = yield* Effect.all(Array.from({ length: 20 }, (_, index) => program(`${index}`)))
      const asked = yield* fork(
        Effect.all(
          programs.map(({ run }) => run(60_000)),
          { concurrency: "unbounded" }
        )
      )
      yield* pass("59 seconds")
      assert.lengthOf(tabs, 1)
      yield* pass("3 seconds")
      assert.deepStrictEqual(new Set((yield* Fiber.join(asked)).map(numberOf)), new Set(tabs))
      assert.lengthOf(tabs, 1)
      for (const { manager } of programs) assert.strictEqual(numberOf(yield* manager.session), tabs[0])
    })
  )

  it.effect("opens no browser if the stored session is valid", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, other] = [yield* program("one"), yield* program("other")]
      yield* Effect.andThen(fork(one.run(1000)), pass("2 seconds"))
      assert.strictEqual(numberOf(yield* other.run(1000)), "one")
      assert.deepStrictEqual(tabs, ["one"])
    })
  )

  it.effect("fails in all programs if the user denies the login", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, ...others] = yield* Effect.all(["one", "two", "three"].map(program))
      const first = yield* fork(one!.run(10_000, {}, denied))
      const waiting = yield* Effect.forEach(others, ({ run }) => fork(run(10_000)))
      yield* pass("12 seconds")
      assert.strictEqual(reasonOf(yield* Fiber.await(first)), "RedirectRejected")
      for (const fiber of waiting) assert.strictEqual(reasonOf(yield* Fiber.await(fiber)), "ActionRequired")
      assert.deepStrictEqual(tabs, ["one"])
    })
  )

  it.effect("fails in all programs if the login takes longer than five minutes", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, two] = [yield* program("one"), yield* program("two")]
      const first = yield* fork(one.run(600_000))
      const second = yield* fork(two.run(600_000))
      yield* pass("299 seconds")
      assert.deepStrictEqual([first.pollUnsafe(), second.pollUnsafe()], [undefined, undefined])
      yield* pass("3 seconds")
      assert.strictEqual(reasonOf(yield* Fiber.await(first)), "RedirectRejected")
      assert.strictEqual(reasonOf(yield* Fiber.await(second)), "ActionRequired")
      assert.deepStrictEqual(tabs, ["one"])
    })
  )

  it.effect("opens the browser at most three times in an hour", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const { run } = yield* program("one")
      for (let tries = 0; tries < 3; tries += 1) {
        yield* Effect.andThen(fork(Effect.exit(run(60_000, {}, denied))), pass("10 minutes"))
      }
      const fourth = yield* Effect.exit(run(60_000))
      assert.strictEqual(reasonOf(fourth), "ActionRequired")
      assert.include(shown(fourth), "11:00")
      assert.lengthOf(tabs, 3)
      yield* pass("31 minutes")
      yield* Effect.andThen(fork(run(60_000)), pass("2 minutes"))
      assert.lengthOf(tabs, 4)
    })
  )

  it.effect("does not count logins with `byPerson: true` towards the hourly limit", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const { run } = yield* program("one")
      for (let tries = 0; tries < 5; tries += 1) {
        yield* Effect.andThen(fork(Effect.exit(run(1000, { byPerson: true }, denied))), pass("1 minute"))
      }
      yield* Effect.andThen(fork(run(1000)), pass("2 seconds"))
      assert.lengthOf(tabs, 6)
    })
  )

  it.effect("returns the session of another program's faster login", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, user] = [yield* program("one"), yield* program("user")]
      const first = yield* fork(one.run(200_000))
      yield* pass("10 seconds")
      const second = yield* fork(user.run(30_000, { byPerson: true }))
      yield* pass("35 seconds")
      assert.deepStrictEqual(tabs, ["one", "user"])
      assert.strictEqual(numberOf(yield* Fiber.join(second)), "user")
      assert.strictEqual(numberOf(yield* Fiber.join(first)), "user")
    })
  )

  it.effect("opens the browser if the broker refuses the stored session", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, two] = [yield* program("one"), yield* program("two")]
      yield* Effect.andThen(fork(one.run(1000)), pass("2 seconds"))
      const refused = Effect.fail(AuthError.make("tiny", "profile", new AuthError.SessionExpired({ why: "invalid" })))
      const down = Effect.fail(AuthError.make("tiny", "profile", new AuthError.BrokerUnavailable({ why: "network" })))
      const withProfile = (name: string, answer: Effect.Effect<Session.UserProfile, AuthError.AuthError>) =>
        Effect.provideService({ one, two }[name]!.run(5000), Profile, {
          profile: (session) => (numberOf(session) === "one" ? answer : Effect.succeed({ id: "T1" }))
        })
      assert.strictEqual(numberOf(yield* withProfile("two", down)), "one")
      assert.strictEqual(numberOf(yield* withProfile("two", Effect.succeed({ id: "T1" }))), "one")
      assert.deepStrictEqual(tabs, ["one"])
      const first = yield* fork(withProfile("two", refused))
      // The program `one` waits for the login of the program `two`, and does not return the refused session.
      const second = yield* fork(withProfile("one", refused))
      yield* pass("7 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(first)), "two")
      assert.strictEqual(numberOf(yield* Fiber.join(second)), "two")
      assert.deepStrictEqual(tabs, ["one", "two"])
    })
  )

  it.effect("returns the session of the faster of two logins with `byPerson: true`", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [old, one, two] = yield* Effect.all(["old", "one", "two"].map(program))
      yield* Effect.andThen(fork(old!.run(1000)), pass("2 seconds"))
      const first = yield* fork(one!.run(60_000, { byPerson: true }))
      yield* pass("2 seconds")
      const second = yield* fork(two!.run(10_000, { byPerson: true }))
      yield* pass("13 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(second)), "two")
      assert.strictEqual(numberOf(yield* Fiber.join(first)), "two")
      assert.deepStrictEqual(tabs, ["old", "one", "two"])
    })
  )

  it.effect("opens the browser with `byPerson: true` despite a valid session", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, user] = [yield* program("one"), yield* program("user")]
      yield* Effect.andThen(fork(one.run(1000)), pass("2 seconds"))
      const second = yield* fork(user.run(1000, { byPerson: true }))
      yield* pass("2 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(second)), "user")
      assert.deepStrictEqual(tabs, ["one", "user"])
    })
  )

  it.effect("replaces the login of a killed program within 30 seconds", () =>
    Effect.gen(function* () {
      yield* begin
      const shared = makeShared()
      const { service, state } = breakable(shared.store)
      const { program, tabs } = makeWorld(shared)
      const dying = makeWorld({ ...shared, store: service })
      const killed = yield* dying.program("killed")
      const first = yield* fork(killed.run(200_000))
      yield* pass("3 seconds")
      // A killed program cannot remove its entry from the store. Here, the broken store prevents the removal.
      state.broken = true
      yield* Fiber.interrupt(first)
      const other = yield* program("other")
      const second = yield* fork(other.run(5000))
      yield* pass("30 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(second)), "other")
      assert.deepStrictEqual([dying.tabs, tabs], [["killed"], ["other"]])
    })
  )

  it.effect.each(["one", "other"] as const)(
    "opens the browser once for two programs after program `%s` logs out",
    (loggedOut) =>
      Effect.gen(function* () {
        yield* begin
        const { program, tabs } = makeWorld()
        const [one, other] = [yield* program("one"), yield* program("other")]
        yield* Effect.andThen(fork(other.run(1000)), pass("2 seconds"))
        yield* one.manager.session
        yield* (loggedOut === "one" ? one : other).manager.logout
        yield* pass("31 seconds")
        // The program that did not log out notices the logout when it requests a session.
        for (const { manager } of [one, other]) yield* Effect.exit(Effect.andThen(manager.session, pass("1 second")))
        const first = yield* fork(one.run(10_000))
        yield* pass("1 second")
        const waiting = yield* fork(other.run(10_000))
        yield* pass("15 seconds")
        yield* Fiber.join(first)
        assert.strictEqual(numberOf(yield* Fiber.join(waiting)), "one")
        assert.strictEqual(numberOf(yield* other.manager.session), "one")
        assert.deepStrictEqual(tabs, ["other", "one"])
      })
  )

  it.effect("fails if the waiting program logs out during another program's login", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, other] = [yield* program("one"), yield* program("other")]
      yield* other.manager.logout
      const first = yield* fork(one.run(10_000))
      yield* pass("1 second")
      const waiting = yield* fork(Effect.exit(other.run(10_000)))
      yield* pass("8500 millis")
      yield* other.manager.logout
      yield* pass("15 seconds")
      yield* Fiber.await(first)
      assert.strictEqual(reasonOf(yield* Fiber.join(waiting)), "ActionRequired")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(other.manager.session)))
      assert.deepStrictEqual(tabs, ["one"])
    })
  )

  it.effect("ends the new session if the program logs out as its login starts", () =>
    Effect.gen(function* () {
      yield* begin
      const shared = makeShared()
      const get: typeof shared.store.get = (...args) => Effect.delay(shared.store.get(...args), "1 second")
      const { calls, program, tabs } = makeWorld({ ...shared, store: { ...shared.store, get } })
      const one = yield* program("one")
      const running = yield* fork(Effect.exit(one.run(10_000)))
      yield* pass("500 millis")
      const loggingOut = yield* fork(one.manager.logout)
      yield* pass("1 minute")
      yield* Fiber.join(loggingOut)
      assert.include(shown(yield* Fiber.join(running)), "it was logged out")
      assert.deepStrictEqual([tabs, calls], [["one"], ["logout one"]])
      const session = yield* fork(Effect.exit(one.manager.session))
      yield* pass("1 minute")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(session)))
    })
  )

  it.effect("ends the new session if the waiting program logs out before its login", () =>
    Effect.gen(function* () {
      yield* begin
      const shared = makeShared()
      const { service, state } = breakable(shared.store)
      const { calls, program, tabs } = makeWorld(shared)
      const killed = yield* fork((yield* makeWorld({ ...shared, store: service }).program("killed")).run(200_000))
      yield* pass("3 seconds")
      const other = yield* program("other")
      const running = yield* fork(Effect.exit(other.run(5000)))
      yield* pass("1 second")
      yield* other.manager.logout
      state.broken = true
      yield* Fiber.interrupt(killed)
      yield* pass("30 seconds")
      assert.include(shown(yield* Fiber.join(running)), "it was logged out")
      assert.deepStrictEqual([tabs, calls], [["other"], ["logout other"]])
    })
  )

  it.effect("opens no second browser during a login of four minutes", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, two] = [yield* program("one"), yield* program("two")]
      yield* fork(one.run(240_000))
      const second = yield* fork(two.run(1000))
      yield* pass("4 minutes")
      yield* pass("2 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(second)), "one")
      assert.deepStrictEqual(tabs, ["one"])
    })
  )

  it.effect("leaves no pending login in the store after an interruption", () =>
    Effect.gen(function* () {
      yield* begin
      const { program, tabs } = makeWorld()
      const [one, two] = [yield* program("one"), yield* program("two")]
      const first = yield* fork(one.run(200_000))
      yield* pass("2 seconds")
      yield* Fiber.interrupt(first)
      yield* Effect.andThen(fork(two.run(1000)), pass("1 second"))
      assert.deepStrictEqual(tabs, ["one", "two"])
    })
  )

  it.effect("opens no browser if the store fails", () =>
    Effect.gen(function* () {
      yield* begin
      const shared = makeShared()
      const { service, state } = breakable(shared.store)
      const { program, tabs } = makeWorld({ ...shared, store: service })
      const { run } = yield* program("one")
      state.broken = true
      assert.strictEqual(reasonOf(yield* Effect.exit(run(1000))), "Io")
      assert.deepStrictEqual(tabs, [])
    })
  )

  it.effect("ignores a pending login that starts in the future", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning + 86_400_000)
      const { program, tabs } = makeWorld()
      const [one, two] = [yield* program("one"), yield* program("two")]
      yield* fork(one.run(200_000))
      yield* TestClock.setTime(morning)
      const second = yield* fork(two.run(1000))
      yield* pass("2 seconds")
      assert.strictEqual(numberOf(yield* Fiber.join(second)), "two")
      assert.deepStrictEqual(tabs, ["one", "two"])
    })
  )
})
