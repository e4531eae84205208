import { assert, it } from "@effect/vitest"
import { secretParts } from "../src/broker/internal/secretParts.ts"

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`

it.each([
  ["token abcd:efgh", ["abcd:efgh", "abcd", "efgh"]],
  [basic("user:ab:cd"), ["user:ab:cd", "user", "ab:cd"]],
  [basic("user:pässwort"), ["user:pässwort", "user", "pässwort"]],
  [basic("उपयोगकर्ता:पासवर्ड"), ["उपयोगकर्ता", "पासवर्ड"]],
  ["key:a:b:c:d", ["key:a:b:c:d", "a:b:c:d"]]
])('secretParts finds these parts of "%s": %j', (value, parts) => {
  assert.includeMembers(Array.from(secretParts(value)), parts)
})
