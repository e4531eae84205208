import { assert, it } from "@effect/vitest"
import { accountOf, expectSession, idOf, sessionOf } from "./session.ts"

it("expectSession reports a missing session and a session for another account", () => {
  const [id, other] = [idOf(0), idOf(1)]
  const [own, foreign] = [sessionOf(accountOf(id), 0), sessionOf(accountOf(other), 0)]
  assert.doesNotThrow(() => expectSession(own, id))
  assert.throws(() => expectSession(undefined, id), "Expected a session for B100000, but got no session.")
  assert.throws(() => expectSession(foreign, id), "Expected a session for B100000, but got a session for B100001.")
})
