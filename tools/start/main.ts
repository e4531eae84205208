/**
 * `npm start`: shows the life of sessions at six brokers. The brokers are fakes on this machine, called over HTTP.
 */
import * as Simulator from "@auth/simulator/Simulator"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { day } from "./day.ts"
import * as Home from "./home.ts"
import * as Layout from "./layout.ts"
import * as Stage from "./stage.ts"

const limit = Duration.seconds(30)

const began = performance.now()

const stage = Stage.make(process.stdout, process.stderr)

const program = day.pipe(
  Effect.ensuring(stage.close),
  Effect.provideService(Stage.Stage, stage),
  Effect.provide(
    Layer.merge(SimulatorClock.layer, Home.layer).pipe(
      Layer.provideMerge(Layer.merge(Simulator.layer(), FetchHttpClient.layer))
    )
  ),
  Effect.scoped,
  Effect.timeoutOrElse({
    duration: limit,
    orElse: () => Effect.die(`The program took longer than ${Duration.format(limit)}.`)
  }),
  Effect.andThen(
    Effect.suspend(() =>
      stage.print(Layout.paragraphs(`All steps passed in ${((performance.now() - began) / 1000).toFixed(1)} s.`))
    )
  )
)

// After Ctrl+C, the interrupted program still removes its temporary files.
const stop = new AbortController()
process.once("SIGINT", () => stop.abort())

const exit = await Effect.runPromiseExit(program, { signal: stop.signal })
if (stop.signal.aborted) process.exitCode = 130
else if (Exit.isFailure(exit)) {
  const complaint = Layout.paragraphs(`\nnpm start failed: ${Stage.complaint(exit.cause)}`)
  console.error(complaint(Layout.pageOf(process.stderr, process.stderr)))
  process.exitCode = 1
}
