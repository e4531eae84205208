/**
 * Runs in a worker thread. Adds up the delays of a timer, in milliseconds, and sends the total on request. A delay that
 * is longer than usual means that the operating system did not run this process.
 */
import { parentPort } from "node:worker_threads"

/** Interval of the timer, in milliseconds. */
const interval = 10
/** Usual delay of the timer, also on an idle machine, in milliseconds. This part of a delay is not counted. */
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
