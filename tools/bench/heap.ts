import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
export const collect = runInNewContext("gc") as (options?: {
  readonly type: "major"
  readonly execution: "sync"
  readonly flavor: "last-resort"
}) => void

/** Returns the number of bytes in use after a garbage collection. */
export const heap = (): number => {
  // In the first collection, native finalizers can release more objects. The second collection frees these objects.
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

const codeSpaces: ReadonlySet<string> = new Set(["code_space", "code_large_object_space"])

/**
 * Returns the number of bytes in use after the most thorough garbage collection. Machine code and bytecode do not
 * count, because V8 compiles code and drops it at any time. Bytecode is in the spaces whose names begin with `trusted`.
 */
export const smallestHeap = (): number => {
  collect({ type: "major", execution: "sync", flavor: "last-resort" })
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !codeSpaces.has(name) && !name.startsWith("trusted"))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0)
}
