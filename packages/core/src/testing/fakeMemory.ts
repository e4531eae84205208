import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"

type Parts = Record<string, unknown>

const entriesOf = (value: object): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(value).filter(([, part]) => part !== undefined)

const encode = (accounts: ReadonlyArray<object>, value: unknown): unknown => {
  if (!Predicate.isObjectOrArray(value)) return value
  const account = accounts.indexOf(value)
  if (account !== -1) return { $account: account }
  if (value instanceof Map) return { $map: Array.from(value, (entry) => encode(accounts, entry)) }
  if (value instanceof Set) return { $set: Array.from(value, (part) => encode(accounts, part)) }
  if (Array.isArray(value)) return value.map((part) => encode(accounts, part))
  return Object.fromEntries(entriesOf(value).map(([name, part]) => [name, encode(accounts, part)]))
}

/** An account is encoded as its index in `accounts`. */
export const encodeMemory = (accounts: ReadonlyArray<object>, parts: Parts): unknown => encode(accounts, { ...parts })

const listOf = (value: unknown): ReadonlyArray<unknown> => {
  if (!Array.isArray(value)) throw new TypeError("not a list")
  return value
}

const entryOf = (value: unknown): readonly [unknown, unknown] => {
  const list = listOf(value)
  if (list.length !== 2) throw new TypeError("not an entry")
  return [list[0], list[1]]
}

const decode = (accounts: ReadonlyArray<object>, value: unknown): unknown => {
  if (!Predicate.isObjectOrArray(value)) return value
  if (Array.isArray(value)) return value.map((part) => decode(accounts, part))
  if ("$map" in value) return new Map(listOf(decode(accounts, value.$map)).map(entryOf))
  if ("$set" in value) return new Set(listOf(decode(accounts, value.$set)))
  if ("$account" in value) {
    const account = accounts[Number(value.$account)]
    if (account === undefined) throw new TypeError("unknown account")
    return account
  }
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, decode(accounts, part)]))
}

const kindOf = (value: unknown): string => {
  if (value instanceof Map) return "map"
  if (value instanceof Set) return "set"
  return Array.isArray(value) ? "list" : typeof value
}

/** Returns `undefined` if the snapshot cannot be decoded, or if its parts differ from `like` in name or kind. */
export const decodeMemory = (accounts: ReadonlyArray<object>, snapshot: unknown, like: Parts): Parts | undefined => {
  const decoded = Result.getOrUndefined(Result.try(() => decode(accounts, snapshot)))
  if (kindOf(decoded) !== "object" || decoded === null) return undefined
  const parts = decoded as Parts
  const names = new Set([...Object.keys(parts), ...Object.keys(like)])
  return Array.from(names).every((name) => kindOf(parts[name]) === kindOf(like[name])) ? parts : undefined
}

/** Changes maps, sets and lists in place, because the routes of the fake use these objects. */
export const restoreMemory = (target: Parts, parts: Parts): void => {
  for (const [name, part] of Object.entries(parts)) {
    const into = target[name]
    if (into instanceof Map && part instanceof Map) {
      into.clear()
      for (const [key, value] of part) into.set(key, value)
    } else if (into instanceof Set && part instanceof Set) {
      into.clear()
      for (const value of part) into.add(value)
    } else if (Array.isArray(into) && Array.isArray(part)) {
      into.length = 0
      for (const value of part) into.push(value)
    } else target[name] = part
  }
}
