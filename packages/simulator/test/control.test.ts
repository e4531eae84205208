import { assert, it } from "@effect/vitest"
import type { FakeBroker } from "@auth/broker-core/testing"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { withBlockedPort } from "../../../tools/vitest/blockedPort.ts"
import { account, type Answer, api, errorOf, post, send } from "./support.ts"

const json = ({ text }: Answer): unknown => JSON.parse(text)

interface ClockAnswer {
  readonly now: string
  readonly ist: string
  readonly aheadMillis: number
}

interface JournalAnswer {
  readonly entries: ReadonlyArray<FakeBroker.JournalEntry>
  readonly dropped: number
}

const readClock = (answer: Answer) => json(answer) as ClockAnswer

it.live("the control port returns help, broker addresses and account credentials", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const help = yield* send(`${simulator.control}/`)
    assert.include(help.headers.get("content-type") ?? "", "text/plain")
    for (const path of ["/info", "/journal", "/clock", "/faults", "/totp", "/codes", "/reset"]) {
      assert.include(help.text, path)
    }
    assert.include(help.text, "not real")
    const info = json(yield* send(`${simulator.control}/info`)) as Simulator.Info
    assert.strictEqual(info.control, simulator.control)
    assert.deepStrictEqual(info.origins, simulator.origins)
    assert.strictEqual(info.brokers["angel"]?.accounts[0]?.["totpSecret"], account.totpSecret)
    assert.strictEqual((yield* send(`${simulator.control}/info`, { method: "HEAD" })).status, 200)
  })
)

it.live("the control port can return the journal of one broker", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    yield* send(`${simulator.origins[api]}/rest/nowhere?x=1`, { headers: { "x-privatekey": "k" } })
    for (const query of ["", "?broker=angel"]) {
      const { dropped, entries } = json(yield* send(`${simulator.control}/journal${query}`)) as JournalAnswer
      assert.strictEqual(dropped, 0)
      assert.deepStrictEqual(
        entries.map(({ endpoint, status, url }) => [endpoint, status, url]),
        [["unknown", 404, `${api}/rest/nowhere?x=1`]]
      )
    }
    const ofOther = json(yield* send(`${simulator.control}/journal?broker=samco`)) as JournalAnswer
    assert.lengthOf(ofOther.entries, 0)
  })
)

it.live("the journal keeps the newest requests to each broker, and counts dropped requests", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["angel", "samco"], journalLimit: 2 })
    const samco = simulator.origins["https://tradeapi.samco.in"] ?? ""
    const fill = Effect.gen(function* () {
      for (const path of ["/1", "/2", "/3", "/4"]) yield* send(`${simulator.origins[api]}${path}`)
      yield* send(`${samco}/5`)
    })
    const ask = (query: string) =>
      Effect.map(send(`${simulator.control}/journal${query}`), (answer) => {
        const { dropped, entries } = json(answer) as JournalAnswer
        return [entries.map(({ url }) => new URL(url).pathname), dropped]
      })
    yield* fill
    assert.deepStrictEqual(yield* ask(""), [["/3", "/4", "/5"], 2])
    assert.deepStrictEqual(yield* ask("?broker=angel"), [["/3", "/4"], 2])
    assert.deepStrictEqual(yield* ask("?broker=samco"), [["/5"], 0])
    assert.strictEqual(yield* simulator.journalDropped(), 2)
    assert.strictEqual(yield* simulator.journalDropped("samco"), 0)
    for (const [path, body] of [
      ["/reset", ""],
      ["/seed", { brokers: {} }]
    ] as const) {
      yield* post(`${simulator.control}${path}`, body)
      assert.deepStrictEqual(yield* ask(""), [[], 0])
      // A reset and a new seed keep the limit.
      yield* fill
      assert.deepStrictEqual(yield* ask("?broker=angel"), [["/3", "/4"], 2])
    }
  })
)

it.live("the simulator refuses an invalid journal limit", () =>
  Effect.gen(function* () {
    for (const journalLimit of [0, -1, 1.5, Number.NaN, Infinity, 1_000_001]) {
      const { message } = yield* Effect.flip(Simulator.make({ journalLimit }))
      assert.include(message, "journalLimit")
      assert.include(message, "1 to 1000000")
    }
  })
)

it.live("the control port advances and resets the clock", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const url = `${simulator.control}/clock`
    const before = readClock(yield* send(url))
    assert.strictEqual(before.aheadMillis, 0)
    assert.strictEqual(readClock(yield* post(url, { advance: "8 hours" })).aheadMillis, 28_800_000)
    const after = readClock(yield* post(url, { advance: 1000 }))
    assert.strictEqual(after.aheadMillis, 28_801_000)
    assert.closeTo(Date.parse(after.now) - Date.parse(before.now), 28_801_000, 5000)
    assert.match(after.ist, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d IST$/)
    // The brokers use the advanced clock.
    const answer = yield* send(`${simulator.origins[api]}/`)
    assert.closeTo(Date.parse(answer.headers.get("date") ?? "") - Date.parse(after.now), 0, 5000)
    assert.strictEqual(readClock(yield* post(`${simulator.control}/reset`, "")).aheadMillis, 0)
    assert.deepStrictEqual(yield* simulator.journal(), [])
  })
)

it.live("the control port returns a TOTP code and the seconds until expiry", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const url = `${simulator.control}/totp?broker=angel&account=${account.clientCode}`
    const shown = json(yield* send(url)) as Simulator.TotpCode
    assert.match(shown.code, /^\d{6}$/)
    assert.isTrue(shown.validForSeconds >= 1 && shown.validForSeconds <= 30)
    yield* simulator.advance("1 minute")
    const later = json(yield* send(url)) as Simulator.TotpCode
    assert.notStrictEqual(later.code, shown.code)
    const codes = yield* send(`${simulator.control}/codes?broker=angel&account=${account.clientCode}`)
    assert.deepStrictEqual(json(codes), { codes: [] })
  })
)

it.live("a fault is set by name, and removed by a reset", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const armed = yield* post(`${simulator.control}/faults`, { broker: "angel", endpoint: "*", fault: "waf", times: 2 })
    assert.deepStrictEqual(json(armed), { broker: "angel", endpoint: "*", fault: { kind: "waf" }, times: 2 })
    const ask = send(`${simulator.origins[api]}/`)
    assert.include((yield* ask).text, "Request Rejected")
    yield* post(`${simulator.control}/reset`, "")
    assert.strictEqual((yield* ask).text, "not found")
  })
)

const faults = (change: Record<string, unknown>) => ({ broker: "angel", endpoint: "getRMS", fault: "waf", ...change })

const refusals: ReadonlyArray<readonly [title: string, path: string, body: unknown, says: ReadonlyArray<string>]> = [
  ["a body that is not JSON", "/clock", "8 hours", ["not JSON", '{"advance": "8 hours"}']],
  ["a duration with an unknown unit", "/clock", { advance: "8 hourz" }, ["advance: not a duration", "8 hours"]],
  ["a negative duration", "/clock", { advance: -1 }, ["advance: not a duration"]],
  ["an infinite duration", "/clock", { advance: "Infinity" }, ["advance: not a duration"]],
  ["a clock change to a date after the year 9999", "/clock", { advance: "4000000 days" }, ["9999"]],
  ["a clock change with an unknown field", "/clock", { advance: 1, by: 2 }, ["by"]],
  ["a fault with a misspelled field", "/faults", faults({ time: 2 }), ["time"]],
  ["a `waf` fault with a status", "/faults", faults({ fault: { kind: "waf", status: 5 } }), ["status"]],
  ["an unknown query parameter", "/clock?dry=1", { advance: 1 }, ["dry", "no parameters"]],
  ["a reset with a query parameter", "/reset?broker=angel", "", ["broker", "no parameters"]],
  ["a clock change without a duration", "/clock", {}, ["advance: Missing key"]],
  ["a fault for an unknown broker", "/faults", faults({ broker: "nobody" }), ["nobody", "use one of angel"]],
  ["a fault for an unknown endpoint", "/faults", faults({ endpoint: "login" }), ['"login"', "loginByPassword", "*"]],
  ["an unknown fault", "/faults", faults({ fault: "flood" }), ['"flood"', "rate-limit, truncated"]],
  ["a number in place of a fault", "/faults", faults({ fault: 7 }), ["fault 7", "waf"]],
  [
    "a latency fault without a duration",
    "/faults",
    faults({ fault: "latency" }),
    ["duration: Missing key", "3 seconds"]
  ],
  [
    "a fault with an invalid HTTP status",
    "/faults",
    faults({ fault: { kind: "status", status: 700 } }),
    ["status", "200 and 599"]
  ],
  [
    "a fault with an invalid header",
    "/faults",
    faults({ fault: { kind: "answer", status: 200, body: "", headers: { "a b": "c" } } }),
    ["headers: has a name or a value"]
  ],
  ["a fault for zero requests", "/faults", faults({ times: 0 }), ["times", "between 1 and 1000"]],
  ["a fault without any field", "/faults", {}, ["broker: Missing key; endpoint: Missing key"]]
]

for (const [title, path, body, says] of refusals) {
  it.live(`the control port refuses ${title}`, () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.make()
      const answer = yield* post(`${simulator.control}${path}`, body)
      assert.strictEqual(answer.status, 400)
      for (const part of says) assert.include(errorOf(answer), part)
      assert.strictEqual(readClock(yield* send(`${simulator.control}/clock`)).aheadMillis, 0)
    })
  )
}

const queries: ReadonlyArray<readonly [query: string, status: number, says: string]> = [
  ["/journal?broker=nobody", 400, "use one of angel"],
  ["/journal?broker=angel&broker=samco", 400, "contains the parameter broker more than once"],
  ["/codes", 400, "broker is missing"],
  ["/codes?broker=angel", 400, "account is missing"],
  ["/codes?broker=angel&account=B1", 400, "use one of A123456"],
  ["/totp?broker=angel&account=B1", 400, "use one of A123456"],
  ["/nowhere", 404, "GET / lists"],
  ["/?x=1", 400, '/ has no parameter "x"'],
  ["/faults", 405, "accepts POST"]
]

it.live("the control port refuses wrong queries, unknown paths and wrong methods", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    for (const [query, status, says] of queries) {
      const answer = yield* send(`${simulator.control}${query}`)
      assert.strictEqual(answer.status, status, query)
      assert.include(errorOf(answer), says)
    }
    const put = yield* send(`${simulator.control}/clock`, { method: "PUT" })
    assert.strictEqual(put.headers.get("allow"), "GET, POST")
    for (const [body, status] of [
      ["", 200],
      ["{}", 200],
      ["not json", 400],
      ['{"a":1}', 400]
    ] as const) {
      assert.strictEqual((yield* send(`${simulator.control}/reset`, { method: "POST", body })).status, status, body)
    }
    const root = yield* send(`${simulator.control}/`, { method: "POST" })
    assert.deepStrictEqual([root.status, root.headers.get("allow")], [405, "GET"])
  })
)

it.live("the simulator refuses a port that is in use, out of range, or blocked by `fetch`", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const port = Number(new URL(simulator.control).port)
    const taken = yield* Effect.flip(Simulator.make({ port }))
    assert.strictEqual(
      taken.message,
      `Port ${port} on 127.0.0.1 is in use: choose another port, or omit the port to use a free port.`
    )
    const outside = yield* Effect.flip(Simulator.make({ port: 65_534 }))
    assert.include(outside.message, "between 1 and 65535")
    // With the control port 6660, the brokers' ports begin at 6661. Browsers and fetch refuse 6665 to 6669.
    for (const blocked of [6000, 6660]) {
      const { message } = yield* Effect.flip(Simulator.make({ port: blocked }))
      assert.match(
        message,
        /^Browsers and fetch refuse to open port (?:6000|6665) \(see .*\): choose another port, or omit the port to use a free port\.$/
      )
    }
  })
)

it.live("the simulator avoids a free port that `fetch` blocks", () =>
  Effect.gen(function* () {
    let ports = 0
    const count = yield* withBlockedPort(
      Effect.scoped(
        Effect.gen(function* () {
          const { control, origins } = yield* Simulator.make({ brokers: ["zerodha"] })
          ports = Object.keys(origins).length + 1
          assert.strictEqual((yield* Effect.promise(() => fetch(control))).status, 200)
        })
      )
    )
    assert.strictEqual(count, ports + 1)
  })
)
