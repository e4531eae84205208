import * as NodeVault from "@auth/node/NodeVault"
import * as Effect from "effect/Effect"
import { keyOf } from "../support.ts"

const [folder = ""] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const [from, to] = [yield* keyOf(7), yield* keyOf(9)]
  process.stdout.write("begins\n")
  const changed = yield* NodeVault.rekey({ folder, from, to })
  process.stdout.write(`changed ${changed}\n`)
})

await Effect.runPromise(program)
