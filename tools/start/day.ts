/** Runs the stories of all brokers concurrently, from 09:00 of one day until shortly after midnight. */
import * as Expiry from "@auth/broker-core/login/Expiry"
import { Simulator } from "@auth/simulator/Simulator"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { angel } from "./angel.ts"
import { motilal } from "./motilal.ts"
import { rmoney } from "./rmoney.ts"
import { rupeezy } from "./rupeezy.ts"
import { samco } from "./samco.ts"
import * as Layout from "./layout.ts"
import { Stage } from "./stage.ts"
import { type Act, acts, type MakeStory, until } from "./story.ts"
import { zerodha } from "./zerodha.ts"

/** One entry for each broker. */
const brokers: ReadonlyArray<MakeStory> = [angel, motilal, rupeezy, samco, rmoney, zerodha]

const open = Effect.fnUntraced(function* ({ at, title }: Act) {
  const simulator = yield* Simulator
  const { print } = yield* Stage
  if (at !== undefined) yield* simulator.advance(yield* until(at))
  const now = Expiry.toIst(yield* Clock.currentTimeMillis)
  yield* print(Layout.heading(`${now}  ${title}`))
})

export const day = Effect.gen(function* () {
  const { close, print, progress } = yield* Stage
  yield* print(
    Layout.paragraphs(
      "This program shows the life of a session at six brokers, step by step. The brokers are fakes on this machine.\n" +
        "No account is real, and no real broker is contacted."
    )
  )
  const stories = yield* Effect.all(brokers)
  for (const { title } of stories) yield* progress(title, (before) => before)
  for (const act of acts) {
    yield* open(act)
    yield* Effect.all(
      stories.map((story) => story.acts[act.id] ?? Effect.void),
      { concurrency: "unbounded", discard: true }
    )
  }
  yield* close
  yield* print((page) => `\n${Layout.table(stories.flatMap((story) => story.rows()))(page)}\n`)
})
