import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { serve } from "./httpServers.ts"
import { start } from "./support.ts"

interface Printed {
  readonly id: string
  readonly status: number
  readonly afterLogin: ReadonlyArray<string>
  readonly afterRequest: ReadonlyArray<string>
}

const answer = JSON.stringify({
  status: true,
  message: "SUCCESS",
  errorcode: "",
  data: { jwtToken: "jwt", refreshToken: "refresh", feedToken: "feed" }
})

it.live("a login over NodeHttpClient does not load Effect's HTTP modules, Schema, Stream or Config", () =>
  Effect.gen(function* () {
    const server = yield* serve((_, response) => response.setHeader("content-type", "application/json").end(answer))
    const program = yield* start("modules.ts", [server.url])
    const end = yield* program.ended
    assert.deepStrictEqual(end, { code: 0, signal: null }, program.printed.stderr)
    const { afterLogin, afterRequest, id, status } = JSON.parse(program.printed.stdout) as Printed
    const heavy = (modules: ReadonlyArray<string>) =>
      modules.filter((name) => /^(?:http\/|(?:Schema|Stream|Config)$)/.test(name))
    assert.deepStrictEqual([id, status], ["A123456", 200])
    assert.include(afterLogin, "Effect")
    assert.deepStrictEqual(heavy(afterLogin), [])
    assert.includeMembers(heavy(afterRequest), ["http/HttpClient", "Schema", "Stream"])
  })
)
