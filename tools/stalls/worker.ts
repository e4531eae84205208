/**
 * Runs in a thread. Adds up the delays of a timer, in milliseconds. A delay means that the operating system did not run
 * this process. Sends the total on request.
 */
import { parentPort } from "node:worker_threads"

/** Interval of the timer, in milliseconds. */
const interval = 10
/** Delay of the timer on an idle machine, in milliseconds. It is not counted. */
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
