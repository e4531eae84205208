import * as Checksum from "@auth/broker-core/broker/Checksum"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { SimulatorError } from "../SimulatorError.ts"

const Snapshot = Schema.Struct({
  version: Schema.Literal(1),
  /** Digest of the brokers and their accounts. */
  accounts: Schema.String,
  aheadMillis: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  brokers: Schema.Record(Schema.String, Schema.Unknown),
  checksum: Schema.String
})

const refuse = (message: string) => Effect.fail(new SimulatorError({ message }))

const digest = (value: unknown) => Effect.map(Checksum.sha256([JSON.stringify(value)]), Redacted.value)

const accountsOf = (served: ReadonlyArray<FakeBroker>) =>
  digest(served.map(({ accounts, broker }) => [broker, accounts]))

export const take = Effect.fnUntraced(function* (served: ReadonlyArray<FakeBroker>, aheadMillis: number) {
  const brokers: Record<string, unknown> = {}
  for (const fake of served) brokers[fake.broker] = yield* fake.snapshot
  const content = { version: 1, accounts: yield* accountsOf(served), aheadMillis, brokers }
  return { ...content, checksum: yield* digest(content) }
})

/** If the snapshot is invalid, nothing changes. */
export const restore = Effect.fnUntraced(function* (
  served: ReadonlyArray<FakeBroker>,
  input: unknown,
  setAhead: (millis: number) => void
): Effect.fn.Return<void, SimulatorError> {
  const snapshot = Option.getOrUndefined(Schema.decodeUnknownOption(Snapshot)(input, { onExcessProperty: "error" }))
  if (snapshot === undefined) return yield* refuse("This is not a snapshot: send the body that GET /snapshot returned.")
  const { accounts, aheadMillis, brokers, checksum, version } = snapshot
  if ((yield* digest({ version, accounts, aheadMillis, brokers })) !== checksum) {
    return yield* refuse("The snapshot was changed: send the body that GET /snapshot returned, unchanged.")
  }
  if (accounts !== (yield* accountsOf(served))) {
    return yield* refuse(
      "The snapshot belongs to other accounts: start the simulator with the same seed and brokers as when the snapshot was taken."
    )
  }
  const restores = served.map((fake) => fake.readSnapshot(brokers[fake.broker]))
  const known = restores.filter((effect) => effect !== undefined)
  if (known.length !== served.length)
    return yield* refuse(
      "This version of the simulator cannot read the snapshot: take a new snapshot with GET /snapshot."
    )
  setAhead(aheadMillis)
  yield* Effect.all(known, { discard: true })
})
