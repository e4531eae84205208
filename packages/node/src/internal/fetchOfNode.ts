/** The last `fetch` that was found to be Node's own. */
const known: { fetch?: unknown } = {}

/**
 * Whether the global `fetch` is Node's own. Only its source text shows this: a program may have replaced `fetch` before
 * this module was loaded. A `fetch` with an unknown source counts as replaced.
 */
export const isFetchOfNode = (): boolean => {
  const { fetch } = globalThis
  if (fetch === known.fetch) return true
  if (typeof fetch !== "function" || !/^function fetch\(input, init = undefined\)[\s\S]*internal\/deps\/undici\/undici/.test(Function.prototype.toString.call(fetch))) return false
  known.fetch = fetch
  return true
}
