import { assert, describe, it } from "@effect/vitest"
import * as VaultContract from "@auth/broker-core/testing/VaultContract"
import * as Effect from "effect/Effect"
import { freshFolder, open } from "./support.ts"

const subject = {
  make: Effect.map(freshFolder, (folder) => ({ open: open({ folder }) }))
}

const storeOf = { make: Effect.map(subject.make, (place) => ({ open: Effect.map(place.open, ({ store }) => store) })) }
const lockOf = { make: Effect.map(subject.make, (place) => ({ open: Effect.map(place.open, ({ lock }) => lock) })) }

describe("contract of NodeVault's store:", () => {
  for (const { name, run } of VaultContract.storeCases(storeOf)) it.live(name, () => run)
})

describe("contract of NodeVault's lock:", () => {
  for (const { name, run } of VaultContract.lockCases(lockOf)) it.live(name, () => run)
})

it("the contract has test cases for stores and locks", () => {
  assert.isNotEmpty(VaultContract.storeCases(storeOf))
  assert.isNotEmpty(VaultContract.lockCases(lockOf))
})
