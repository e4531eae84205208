/** Measures the heap of a bench. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** Number of bytes in use after a collection. */
export const heap = (): number => {
  // The first collection does not free objects with a finalizer or a weak reference, so a second collection follows.
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
