const known: { fetch?: unknown } = {}

const sourceOfNode = /^function fetch\(input, init = undefined\)[\s\S]*require\('internal\/deps\/undici\/undici'\)/

/**
 * Whether the global `fetch` is Node's own. Checks the source text of `fetch`, because the program may have replaced
 * `fetch` before this module was loaded.
 */
export const isFetchOfNode = (): boolean => {
  const { fetch } = globalThis
  if (fetch !== undefined && fetch === known.fetch) return true
  if (typeof fetch !== "function" || !sourceOfNode.test(Function.prototype.toString.call(fetch))) return false
  known.fetch = fetch
  return true
}
