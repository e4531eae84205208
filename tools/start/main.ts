/** `npm start`: the life of a session at every broker, over real HTTP to fakes on this machine. */
import * as Simulator from "@auth/simulator/Simulator"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { day } from "./day.ts"
import * as Stage from "./stage.ts"

const limit = Duration.seconds(30)

const began = performance.now()

const stage = Stage.make(process.stdout, process.stderr)

const program = day.pipe(
  Effect.ensuring(stage.close),
  Effect.provideService(Stage.Stage, stage),
  Effect.provide(SimulatorClock.layer.pipe(Layer.provideMerge(Layer.merge(Simulator.layer(), FetchHttpClient.layer)))),
  Effect.scoped,
  Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.die(`It took longer than ${Duration.format(limit)}.`) }),
  Effect.andThen(
    Effect.suspend(() => stage.print(`All went as it should, in ${((performance.now() - began) / 1000).toFixed(1)} s.`))
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
