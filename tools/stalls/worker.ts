/**
 * Sums up the delay of a timer in milliseconds, which is the time for which this process was not run. Reports on
 * request.
 */
import { parentPort } from "node:worker_threads"

const interval = 10
/** Delay on an idle machine. */
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
