import { assert, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { steadily, watchStalls } from "./stalls.ts"

const wait = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Suspends this process, as if the host suspended the machine. */
const standStill = (millis: number) =>
  new Promise((resolve) => {
    const script = `kill -STOP ${process.pid}; sleep ${millis / 1000}; kill -CONT ${process.pid}`
    spawn("sh", ["-c", script], { stdio: "ignore" }).once("close", resolve)
  })

it("watchStalls counts a suspension of the process, but not a later `setTimeout`", async () => {
  const stalls = await watchStalls()
  await standStill(400)
  const stood = await stalls.total()
  assert.isTrue(stood > 300, `${stood} ms`)
  // If `total` also counted the time of this wait, `quiet` would be larger than `stood`.
  await wait(1000)
  const quiet = (await stalls.total()) - stood
  assert.isBelow(quiet, stood)
  await stalls.stop()
})

it("watchStalls does not count work of the main thread", () =>
  steadily(async () => {
    const stalls = await watchStalls()
    const began = performance.now()
    while (performance.now() - began < 400) Math.sqrt(began)
    const stood = await stalls.total()
    await stalls.stop()
    assert.isBelow(stood, 300)
  }))

it("steadily repeats a measurement that failed after a stall", async () => {
  let measured = 0
  const answer = await steadily(async () => {
    measured += 1
    if (measured > 1) return measured
    await standStill(400)
    throw new Error("too slow")
  })
  assert.strictEqual(answer, 2)
})

it("steadily throws the error of a measurement that failed without a stall", async () => {
  const failure = await steadily(async () => {
    await wait(1)
    throw new Error("too slow")
  }).catch((error: unknown) => error)
  assert.instanceOf(failure, Error)
})
