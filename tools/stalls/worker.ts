/**
 * Runs in a worker thread. Adds up by how many milliseconds a timer was later than usual, and sends the total on
 * request. If the timer is later than usual, the operating system did not run this process.
 */
import { parentPort } from "node:worker_threads"

/** Interval of the timer, in milliseconds. */
const interval = 10
/** Usual delay of the timer, even on an idle machine, in milliseconds. The total does not contain it. */
const usual = 10

let late = 0
let isAsked = false
let last = performance.now()
parentPort?.on("message", () => (isAsked = true))
setInterval(() => {
  const now = performance.now()
  late += Math.max(0, now - last - interval - usual)
  last = now
  if (isAsked) parentPort?.postMessage(late)
  isAsked = false
}, interval)
