import type { Broker } from "@auth/broker-core/broker/Broker"
import { RmoneyBroker } from "@auth/rmoney"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { originsOf } from "../src/internal/simulator.ts"

const { broker } = RmoneyBroker

const real = Array.from(new Set(Object.values(broker.environments).flatMap((origins) => Object.values(origins))))
const simulated = Object.fromEntries(real.map((origin, index) => [origin, `http://127.0.0.1:${5000 + index}`]))

describe("the addresses of the simulator", () => {
  it.effect.each<readonly [what: string, given: string | undefined, expected: string]>([
    ["the first environment if no name is given", undefined, "uat"],
    ["uat if uat is given", "uat", "uat"],
    ["uat if UAT is given", "UAT", "uat"],
    ["production if Production is given", "Production", "production"],
    ["the first environment if a host is given", "https://trade.example.com", "uat"],
    ["the first environment if the unknown name `constructor` is given", "constructor", "uat"]
  ])("replace the origins of %s", ([, given, expected]) =>
    Effect.gen(function* () {
      const wanted = Object.entries(broker.environments[expected] ?? {})
      assert.isNotEmpty(wanted)
      assert.deepStrictEqual(
        yield* originsOf(broker, given, simulated),
        Object.fromEntries(wanted.map(([purpose, origin]) => [purpose, simulated[origin]]))
      )
    })
  )

  it.effect("cause an error if the address for an origin is missing", () =>
    Effect.gen(function* () {
      const [origin = "", ...others] = real
      const incomplete = Object.fromEntries(others.map((other) => [other, "http://127.0.0.1:5000"]))
      const error = yield* Effect.flip(originsOf(broker, undefined, incomplete))
      assert.include(error.message, `The simulator does not serve ${origin}`)
    })
  )

  it.effect.each<Broker["environments"]>([{}, { production: {} }])(
    "cause an error if the broker has no hosts: %j",
    (environments) =>
      Effect.gen(function* () {
        const hostless: Broker = { ...broker, environments }
        assert.include((yield* Effect.flip(originsOf(hostless, undefined, simulated))).message, "Run without")
      })
  )
})
