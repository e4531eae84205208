import { assert, it } from "@effect/vitest"
import { FakeMotilal } from "@auth/motilal/msw"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Faults from "../src/internal/faults.ts"
import { brokers } from "../src/internal/brokers.ts"
import { errorOf, post, send } from "./support.ts"

const packages = join(import.meta.dirname, "../..")

it.live("GET / on the control port lists faults, fields, limits and units", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["angel", "rmoney"] })
    yield* send(`${simulator.origins["https://apiconnect.angelone.in"]}/`)
    const { text } = yield* send(`${simulator.control}/`)
    for (const { sample } of Object.values(Faults.table)) assert.include(text, sample)
    const [entry] = yield* simulator.journal()
    for (const field of Object.keys(entry ?? assert.fail("no entry")))
      assert.match(text, new RegExp(`^  ${field} `, "m"))
    for (const [broker, { accounts }] of Object.entries(simulator.brokers)) {
      for (const field of Object.keys(accounts[0] ?? {})) assert.match(text, new RegExp(`^  ${broker} +${field} `, "m"))
    }
    assert.match(text, /^ {2}angel +pin +four digits +body password of loginByPassword/m)
    assert.match(text, /^ {2}angel +loginByPassword +1 request in 1 second for each client code$/m)
    assert.match(text, /^ {2}rmoney +wrong passwords +4 in 300 seconds, .* +switch lockAfter$/m)
    assert.match(text, /milliseconds/)
    assert.notMatch(text, /^ {2}samco /m)
    // A narrow terminal would show trailing blanks as an empty line.
    assert.notMatch(text, / $/m)
  })
)

it.live("the control port accepts every fault of `Faults.table`", () =>
  Effect.gen(function* () {
    const { control } = yield* Simulator.make({ brokers: ["angel"] })
    for (const [kind, { sample }] of Object.entries(Faults.table)) {
      const fault: unknown = JSON.parse(sample)
      const answer = yield* post(`${control}/faults`, { broker: "angel", endpoint: "*", fault })
      assert.strictEqual(answer.status, 200, sample)
      assert.include(answer.text, `"kind":"${kind}"`)
    }
    const refused = yield* post(`${control}/faults`, { broker: "angel", endpoint: "*", fault: "flood" })
    for (const kind of Object.keys(Faults.table)) assert.include(errorOf(refused), kind)
  })
)

it.live("every endpoint, header and field in `descriptor.fields` exists in the broker's package", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    for (const [broker, { descriptor }] of Object.entries(brokers)) {
      const names = Object.fromEntries(Object.entries(descriptor.fields).map(([field, [, wire]]) => [field, wire]))
      const { accounts } = simulator.brokers[broker] ?? assert.fail(broker)
      assert.sameMembers(Object.keys(names), Object.keys(accounts[0] ?? {}), broker)
      const refused = yield* post(`${simulator.control}/faults`, { broker, endpoint: "none", fault: "waf" })
      const endpoints = /use one of (.*)\.$/.exec(errorOf(refused))?.[1]?.split(", ") ?? []
      const files = ["src", "src/internal"].flatMap((folder) =>
        readdirSync(join(packages, broker, folder), { withFileTypes: true })
          .filter((file) => file.isFile() && !file.name.endsWith("Descriptor.ts"))
          .map((file) => join(packages, broker, folder, file.name))
      )
      const sources = files.map((file) => readFileSync(file, "utf8")).join("\n")
      for (const place of Object.values(names).flatMap((wire) => (typeof wire === "string" ? [] : wire))) {
        if (place.of !== undefined) assert.include(endpoints, place.of, `${broker} ${place.name}`)
        assert.match(sources, new RegExp(`["' .{]${place.name}["':,]`), `${broker} ${place.name}`)
      }
    }
  })
)

it.live("GET / on the control port lists the limits of every broker", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const { text } = yield* send(`${simulator.control}/`)
    const lines = text.split("\n").map((line) => line.trim().replaceAll(/ {2,}/g, "  "))
    for (const broker of Simulator.brokerIds) {
      const { limits } = yield* brokers[broker].descriptor.make({})
      assert.isNotEmpty(limits, broker)
      for (const { limit, of } of limits) {
        const cells = `${broker}  ${of}  ${limit}`.replaceAll("`", "")
        assert.isTrue(
          lines.some((line) => line === cells || line.startsWith(`${cells}  switch `)),
          cells
        )
      }
    }
    const { limits } = yield* FakeMotilal.make()
    assert.deepInclude(limits, { of: "each call", limit: "2 requests in 1 second for each user id", switch: "limit" })
  })
)
