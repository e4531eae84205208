/** Replaces the origins of brokers with those of the broker simulator. */
import type { Broker } from "@auth/broker-core/broker/Broker"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type CommandFailed, fail } from "./failure.ts"
import { say } from "./output.ts"

const variable = "BROKER_AUTH_SIMULATOR"

const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"])

const Info = Schema.fromJsonString(Schema.Struct({ origins: Schema.Record(Schema.String, Schema.String) }))

/** The simulator's address for each origin of a broker. */
export type Origins = Readonly<Record<string, string>>

const isLoopback = (text: string): boolean => {
  const url = Result.getOrUndefined(Result.try(() => new URL(text)))
  return url?.protocol === "http:" && loopback.has(url.hostname)
}

/**
 * `given` is the value of the flag `--simulator`, which takes precedence over `BROKER_AUTH_SIMULATOR`. If neither is
 * set, requests go to the real brokers.
 */
export const origins = Effect.fnUntraced(function* (
  given: string | undefined
): Effect.fn.Return<Origins | undefined, CommandFailed> {
  const configured = Option.getOrUndefined(yield* Effect.option(Config.NonEmptyString(variable)))
  const control = given ?? configured
  if (control === undefined) return undefined
  if (!isLoopback(control)) {
    return yield* fail(
      "usage",
      `The simulator must have an http address on this machine, such as http://127.0.0.1:4010, not ${JSON.stringify(control)}.`
    )
  }
  const noAnswer = () =>
    fail("unavailable", `No broker simulator answers at ${control}. Start it: broker-auth-simulator --port 4010`)
  const info = yield* HttpClient.get(new URL("/info", control)).pipe(
    Effect.flatMap((response) => response.text),
    Effect.flatMap((text) => Schema.decodeUnknownEffect(Info)(text)),
    Effect.timeout("10 seconds"),
    Effect.catch(noAnswer),
    Effect.provide(FetchHttpClient.layer)
  )
  const served = Object.values(info.origins)
  if (!served.every(isLoopback))
    return yield* fail(
      "usage",
      `The simulator at ${control} names an address that is not an http address on this machine.`
    )
  yield* say(`SIMULATOR: this command uses the fake brokers at ${control}. Nothing is real.`)
  return info.origins
})

/**
 * Returns the simulator's addresses for one environment of the broker. The keys are purposes, such as `api`. Usually,
 * `environment` is the name of an environment. At RMoney, `environment` may also be an origin. If `environment` is not
 * a name of an environment, this function uses the broker's first environment. If an address is missing, this function
 * fails, so that no request goes to the real broker.
 */
export const originsOf = (
  broker: Broker,
  environment: string | undefined,
  all: Origins
): Effect.Effect<Readonly<Record<string, string>>, CommandFailed> => {
  const environments = Object.entries(broker.environments)
  const named = environments.find(([name]) => name.toLowerCase() === environment?.toLowerCase()) ?? environments[0]
  const chosen = Object.entries(named?.[1] ?? {})
  if (chosen.length === 0)
    return fail("usage", `${broker.title} has no hosts that the simulator can replace. Run without the simulator.`)
  const missing = chosen.find(([, origin]) => all[origin] === undefined)
  return missing === undefined
    ? Effect.succeed(Object.fromEntries(chosen.map(([purpose, origin]) => [purpose, all[origin] ?? ""])))
    : fail("usage", `The simulator does not serve ${missing[1]}. Start it with the broker ${broker.id}.`)
}
