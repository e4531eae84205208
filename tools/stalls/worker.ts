/**
 * Adds up by how much a timer is late, in milliseconds: as much as this process was not run. Tells when it is asked.
 */
import { parentPort } from "node:worker_threads"

const interval = 10
/** What a quiet machine is late by. */
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
