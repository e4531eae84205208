/**
 * A worker thread that only runs a timer. The timer fires late if the operating system did not run this process. The
 * worker adds up the delays, and sends the total on request, in milliseconds.
 */
import { parentPort } from "node:worker_threads"

/** In milliseconds. */
const interval = 10
/** Delay of the timer on an idle machine, in milliseconds. Only the part of a delay above this value counts. */
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
