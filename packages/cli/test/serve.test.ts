import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { end, serve, withSamco } from "./serveSupport.ts"
import { timeout } from "./support.ts"

it.live(
  "serves a session with its headers on a private socket, and a restart costs no login",
  () =>
    Effect.gen(function* () {
      const { logins, user } = yield* withSamco()
      const first = yield* serve(user)
      assert.strictEqual(fs.statSync(first.where).mode & 0o777, 0o600)
      assert.strictEqual(fs.statSync(path.dirname(first.where)).mode & 0o777, 0o700)
      const before = yield* Effect.promise(() => first.ask("/v1/accounts"))
      assert.deepInclude(before.body.accounts[0], {
        name: "mine",
        broker: "samco",
        account: "DV99999",
        session: "none"
      })
      assert.strictEqual(yield* logins, 0, "the list of accounts sends nothing")

      const session = yield* Effect.promise(() => first.ask("/v1/accounts/mine/session"))
      assert.strictEqual(session.status, 200, session.text)
      assert.strictEqual(session.headers["cache-control"], "no-store")
      const { token } = session.body
      assert.deepStrictEqual(session.body.headers["x-session-token"], token)
      assert.deepInclude(session.body, { broker: "samco", account: "DV99999", feedToken: null })
      assert.isAbove(Date.parse(session.body.expiresAt), Date.parse(session.body.issuedAt))

      assert.strictEqual(yield* end(first), 143)
      assert.isFalse(fs.existsSync(first.where))
      const second = yield* serve(user)
      assert.strictEqual((yield* Effect.promise(() => second.ask("/v1/accounts/mine/session"))).body.token, token)
      assert.strictEqual(yield* logins, 1)
      assert.strictEqual(yield* end(second, "SIGINT"), 130)
    }),
  timeout
)
