import * as AuthError from "@auth/broker-core/login/AuthError"
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { forPerson, messageOf } from "../src/internal/failure.ts"
import { problemOf } from "../src/internal/serve/problems.ts"

const core = path.join(import.meta.dirname, "../../core/src")

/** The texts in the source code of core that name a function of `SessionManager`, `LoginGuard` or `connection`. */
const advice = fs
  .readdirSync(core, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.startsWith("testing"))
  .map((file) =>
    fs.readFileSync(path.join(core, file), "utf8").replaceAll(/\/\*.*?\*\/|^\s*\/\/.*?$|"\s*\+\s*"/gms, "")
  )
  .flatMap((code) => code.match(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [])
  .filter((text) => /(?:SessionManager|LoginGuard|connection)\.[a-z]\w+[ .,]/.test(text))

describe("advice for programs", () => {
  it.each(advice)("becomes advice for users of the command: %s", (text) => {
    const error = AuthError.make("angel", "session", new AuthError.ActionRequired({ what: "Log in", advice: text }))
    assert.notMatch(messageOf(forPerson(error, "mine"), "mine"), /SessionManager|LoginGuard|connection\./)
  })

  it("becomes a command with the account's name in answers of `broker-auth serve`", () => {
    const advice = "To allow logins again, call LoginGuard.reset."
    const error = AuthError.make("angel", "session", new AuthError.ActionRequired({ what: "Wait", advice }))
    assert.strictEqual(problemOf(error, "mine").remedy, "To allow logins again, run broker-auth guard reset mine.")
  })

  it("is found in the source code of core", () => assert.isAbove(advice.length, 5))
})
