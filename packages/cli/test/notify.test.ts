import { assert, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as http from "node:http"
import * as path from "node:path"
import { freePort } from "../../../tools/vitest/freePort.ts"
import { messageOf } from "../src/internal/failure.ts"
import * as notify from "../src/internal/notify.ts"
import * as programs from "../src/internal/programs.ts"
import { inProcess, makeUser, type User } from "./support.ts"

interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly type: string | undefined
  readonly body: string
}

const server = Effect.gen(function* () {
  const received: Array<Received> = []
  const port = yield* Effect.promise(freePort)
  const listening = yield* Effect.acquireRelease(
    Effect.callback<http.Server>((resume) => {
      const made = http.createServer((request, response) => {
        let body = ""
        request.on("data", (chunk) => (body += String(chunk)))
        request.on("end", () => {
          const { headers, method, url } = request
          received.push({ method, url, type: headers["content-type"], body })
          if (url?.startsWith("/silent")) return
          if (url?.startsWith("/moved")) response.setHeader("location", "/elsewhere")
          response.statusCode = url?.startsWith("/moved") ? 307 : url?.startsWith("/broken") ? 500 : 204
          response.end()
        })
      })
      made.listen(port, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) => Effect.sync(() => made.close() && made.closeAllConnections())
  )
  assert.isTrue(listening.listening)
  return { origin: `http://127.0.0.1:${port}`, received }
})

const summary = { text: "1 of 1 account is logged in.", in: [{ name: "mine" }] }

const send = (user: User, given: string) =>
  Effect.gen(function* () {
    const sending = Effect.flatMap(notify.targetOf(given), (target) => notify.send(target, summary))
    const { exit, stderr, stdout } = yield* inProcess(user, sending)
    assert.strictEqual(stdout, "")
    return { isDelivered: yield* exit, stderr }
  })

it.live("notify.send sends the summary by POST, and never prints the target's address", () =>
  Effect.gen(function* () {
    const { origin, received } = yield* server
    const user = yield* makeUser({ HOOK: `${origin}/ok/secret-of-hook`, REMOTE: "http://example.com/secret-of-hook" })
    const body = `${JSON.stringify(summary)}\n`
    for (const given of [`${origin}/ok/secret-of-hook`, "env:HOOK", `exec:echo ${origin}/ok/secret-of-hook`]) {
      assert.deepStrictEqual(yield* send(user, given), { isDelivered: true, stderr: "" }, given)
      const expected = { method: "POST", url: "/ok/secret-of-hook", type: "application/json", body }
      assert.deepStrictEqual(received.splice(0), [expected])
    }
    for (const [given, says] of [
      [`${origin}/moved/secret-of-hook`, /HTTP 307/],
      [`${origin}/broken/secret-of-hook`, /HTTP 500/],
      [`${origin}/silent/secret-of-hook`, /did not answer within 0\.3 seconds/],
      ["http://127.0.0.1:1/secret-of-hook", /the connection failed/],
      ["env:REMOTE", /must be a valid https/],
      ["env:ABSENT", /ABSENT is not set or is empty\. Set the variable, or use another kind of reference\. The logins/],
      ["exec:false", /exit code 1/]
    ] as const) {
      const sending = Effect.provideService(send(user, given), notify.Timeout, Duration.millis(300))
      const { isDelivered, stderr } = yield* sending
      assert.isFalse(isDelivered, given)
      assert.match(stderr, says)
      assert.match(stderr, /^broker-auth: The notification was not delivered: .* The logins are not affected\.\n$/)
      assert.notMatch(stderr, /secret-of-hook|Nothing was sent/, given)
    }
    assert.deepStrictEqual(
      received.map(({ url }) => url?.split("/")[1]),
      ["moved", "broken", "silent"]
    )
  })
)

it.live("notify.targetOf rejects an invalid target", () =>
  Effect.gen(function* () {
    for (const given of [
      "http://example.com/secret-of-hook",
      "ftp://127.0.0.1/secret-of-hook",
      "https://me:secret-of-hook@example.com/",
      "https://",
      "",
      "  "
    ]) {
      const failure = yield* Effect.flip(notify.targetOf(given))
      assert.strictEqual(failure.code, "usage", given)
      assert.notInclude(messageOf(failure), "secret-of-hook")
    }
  })
)

it.live("notify.send passes the summary to a program only on standard input", () =>
  Effect.gen(function* () {
    const user = yield* makeUser()
    const record = path.join(user.state, "record")
    const program = path.join(user.state, "notify.sh")
    const body = `#!/bin/sh\nprintf '%s|' "$@" > "${record}"\nenv > "${record}.env"\ncat >> "${record}"\nyes | head -c 200000\n`
    fs.writeFileSync(program, body, { mode: 0o700 })
    process.env["BROKER_AUTH_KEY"] = "not-for-programs"
    const sent = yield* send(user, `"${program}" "a b" c`)
    delete process.env["BROKER_AUTH_KEY"]
    assert.deepStrictEqual(sent, { isDelivered: true, stderr: "" })
    assert.strictEqual(fs.readFileSync(record, "utf8"), `a b|c|${JSON.stringify(summary)}\n`)
    assert.notMatch(fs.readFileSync(`${record}.env`, "utf8"), /BROKER_AUTH_KEY|logged in/)
    for (const [given, says] of [
      ["no-such-program", /the program no-such-program is not installed/],
      ["sh -c 'exit 4'", /sh ended with exit code 4/],
      ["sleep 600", /sleep did not answer within 0\.3 seconds/]
    ] as const) {
      const sending = Effect.provideService(send(user, given), programs.Timeout, Duration.millis(300))
      const { isDelivered, stderr } = yield* sending
      assert.deepStrictEqual([isDelivered, stderr.split("\n").length], [false, 2])
      assert.match(stderr, says)
    }
  })
)
