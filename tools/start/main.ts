/** `npm start`: the life of a session at every broker, over real HTTP to fakes on this machine. */
import * as Expiry from "@auth/broker-core/Expiry"
import * as Simulator from "@auth/simulator/Simulator"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { angel } from "./angel.ts"
import { heading, table } from "./stage.ts"
import { type Act, acts, type MakeStory, until } from "./story.ts"

/** One entry for each broker. They run side by side. */
const brokers: ReadonlyArray<MakeStory> = [angel]

const open = Effect.fnUntraced(function* ({ at, title }: Act) {
  const simulator = yield* Simulator.Simulator
  if (at !== undefined) yield* simulator.advance(yield* until(at))
  const now = Expiry.toIst(yield* Clock.currentTimeMillis)
  yield* heading(`${now}  ${title}`)
})

const day = Effect.gen(function* () {
  yield* Console.log(
    "The life of a session, step by step, against fake brokers over HTTP on this machine.\n" +
      "No account here is real, and no broker is contacted."
  )
  const stories = yield* Effect.all(brokers)
  for (const act of acts) {
    yield* open(act)
    yield* Effect.all(
      stories.map((story) => story.acts[act.id]),
      { concurrency: "unbounded", discard: true }
    )
  }
  yield* Console.log(`\n${table(stories.flatMap((story) => story.rows()))}\n`)
})

const limit = Duration.seconds(60)

const began = performance.now()

const program = day.pipe(
  Effect.provide(SimulatorClock.layer.pipe(Layer.provideMerge(Layer.merge(Simulator.layer(), FetchHttpClient.layer)))),
  Effect.scoped,
  Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.die(`It took longer than ${Duration.format(limit)}.`) }),
  Effect.andThen(
    Effect.suspend(() => Console.log(`All went as it should, in ${((performance.now() - began) / 1000).toFixed(1)} s.`))
  )
)

const complaint = (cause: Cause.Cause<{ readonly message: string }>): string => {
  const error: unknown = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

const exit = await Effect.runPromiseExit(program)
if (Exit.isFailure(exit)) {
  console.error(`\nnpm start failed: ${complaint(exit.cause)}`)
  process.exitCode = 1
}
