/**
 * Runs in a worker thread that does nothing else. If the timer of this thread is later than usual, the operating system
 * did not run this process. Adds up these delays, and sends the total on request, in milliseconds.
 */
import { parentPort } from "node:worker_threads"

/** Interval of the timer, in milliseconds. */
const interval = 10
/** A delay of at most this number of milliseconds is usual, even on an idle machine. The total does not contain it. */
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
