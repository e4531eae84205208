const known: { fetch?: unknown } = {}

const sourceOfNode = /^function fetch\(input, init = undefined\)[\s\S]*require\('internal\/deps\/undici\/undici'\)/

/**
 * Whether the global `fetch` is Node's own. The program may have replaced `fetch` before this module was loaded, so
 * this function has no reliable original for a comparison. Instead, it checks the source text of `fetch`.
 */
export const isFetchOfNode = (): boolean => {
  const { fetch } = globalThis
  if (fetch !== undefined && fetch === known.fetch) return true
  if (typeof fetch !== "function" || !sourceOfNode.test(Function.prototype.toString.call(fetch))) return false
  known.fetch = fetch
  return true
}
