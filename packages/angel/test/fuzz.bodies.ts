/** A small generator of random numbers, the same for the same seed: mulberry32. */
const mulberry32 = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export interface Dice {
  /** A whole number from 0, below the limit. */
  readonly below: (limit: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}

export const makeDice = (seed: number): Dice => {
  const random = mulberry32(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  return { below, pick: (from) => from[below(from.length)] as (typeof from)[number] }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer>
}

/** How a server writes a value that it sends back. */
export const spellings: ReadonlyArray<(secret: string) => string> = [
  (secret) => secret,
  (secret) => secret.toUpperCase(),
  (secret) => `Bearer ${secret}`,
  (secret) => encodeURIComponent(secret),
  (secret) => JSON.stringify(secret).slice(1, -1),
  (secret) => secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(`"`, "&quot;"),
  (secret) => Buffer.from(secret).toString("base64"),
  (secret) => Buffer.from(secret).toString("base64url"),
  (secret) => Buffer.from(secret).toString("hex")
]

type Mutation = (dice: Dice, body: string, echo: () => string) => string | Uint8Array<ArrayBuffer>

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const values: ReadonlyArray<unknown> = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  "",
  " ",
  "null",
  "true",
  "false",
  "success",
  [],
  {},
  [[]],
  { length: 1 },
  "\ud800",
  "\u0000",
  "AB1050",
  "AG8001",
  "x".repeat(3000)
]

const names = ["status", "success", "message", "errorcode", "errorCode", "data", "jwtToken", "__proto__", "constructor"]

/** Another value somewhere in the tree. */
const swap = (dice: Dice, node: unknown, value: unknown): unknown => {
  if (typeof node !== "object" || node === null || dice.below(4) === 0) return value
  if (Array.isArray(node)) return [...(node as ReadonlyArray<unknown>), value]
  const fields = Object.entries(node)
  const [name] = fields.length === 0 || dice.below(4) === 0 ? [dice.pick(names)] : dice.pick(fields)
  return { ...node, [name]: swap(dice, (node as Record<string, unknown>)[name], value) }
}

const unicode = (dice: Dice, length: number): string =>
  Array.from({ length }, () =>
    String.fromCharCode(dice.pick([0x20, 0x40, 0x300, 0x2028, 0xd800, 0xdc00, 0xfeff]) + dice.below(64))
  ).join("")

const bytes = (dice: Dice, length: number) => Uint8Array.from({ length }, () => dice.below(256))

/** Just before and after the lengths at which quotations are cut. */
const paddings = [0, 1, 150, 190, 196, 199, 280, 296, 299, 480, 492, 499, 4080, 4090, 4095]

const padded = (dice: Dice, echo: () => string) =>
  `${dice.pick(["x", "word ", "é"]).repeat(dice.pick(paddings))}${echo()}`

const mutations: ReadonlyArray<Mutation> = [
  (dice, body) => body.slice(0, dice.below(body.length + 1)),
  (dice, body) => body.slice(dice.below(body.length + 1)),
  (dice, body) => {
    const flipped = new Uint8Array(new TextEncoder().encode(body))
    for (let count = dice.below(8); count >= 0 && flipped.length > 0; count -= 1) {
      flipped[dice.below(flipped.length)]! ^= 1 << dice.below(8)
    }
    return flipped
  },
  (dice, body) => JSON.stringify(swap(dice, parse(body), dice.pick(values))),
  (dice, body) => JSON.stringify(swap(dice, swap(dice, parse(body), dice.pick(values)), dice.pick(values))),
  (dice, body) => {
    const depth = dice.pick([3, 30, 300, 3000])
    return dice.below(2) === 0
      ? `${"[".repeat(depth)}${body}${"]".repeat(depth)}`
      : `${`{"data":`.repeat(depth)}${body}${"}".repeat(depth)}`
  },
  (dice, body) =>
    body.replace(/"[^"]*"(?=[,}])|true|false|null/, dice.pick(["1e400", "-1e400", "9".repeat(400), "0.1e-400", "-0"])),
  (dice, body) => body.replace("{", `{"${dice.pick(names)}":${JSON.stringify(dice.pick(values))},`),
  (dice, body) => body.replace(/\}\s*$/, `,"${dice.pick(names)}":${JSON.stringify(dice.pick(values))}}`),
  (dice, body, echo) => JSON.stringify(swap(dice, parse(body), padded(dice, echo))),
  (dice, body, echo) => body.replace("{", `{"${echo()}":${dice.below(9)},`),
  (dice, body, echo) =>
    body.replace(
      /"data"\s*:\s*(?:\{|"[^"]*"|null)/,
      `"data":{"${echo()}":{"${echo()}":"${echo()}"},"a":${dice.below(2)}`
    ),
  (dice, _, echo) => `{"status":false,"message":"${padded(dice, echo)}","errorcode":"${echo()}","data":"${echo()}"}`,
  (dice, _, echo) =>
    `{"success":${dice.pick(["false", "true"])},"message":"${echo()}","errorCode":"AG8001","data":"${echo()}"}`,
  (dice, body, echo) => body.slice(0, dice.below(body.length + 1)) + echo() + body.slice(dice.below(body.length + 1)),
  (dice, _, echo) =>
    `<html><title>${dice.pick(["Request Rejected", "Error", echo()])}</title><p class="${echo()}">Your support ID is: ${echo()}<!-- ${echo()} --></p>${padded(dice, echo)}</html>`,
  (dice, _, echo) =>
    `${padded(dice, echo)} ${dice.pick(["Access denied because of exceeding access rate", "not found", "support id is 1"])} ${echo()}`,
  (dice, _, echo) =>
    `POST /rest HTTP/1.1\nX-PrivateKey: ${echo()}\nAuthorization: Bearer ${echo()}\n\n{"password":"${echo()}","totp":${echo()}`,
  (dice) => bytes(dice, dice.below(400)),
  (dice) => unicode(dice, dice.below(400)),
  (dice, body) => body.replace(/"/g, () => dice.pick([`"`, `"`, "\u201c", "'"])),
  (dice, body) => `${unicode(dice, dice.below(3))}${body}${unicode(dice, dice.below(3))}`
]

const failures = [
  201, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 409, 415, 418, 422, 429, 500, 502, 503, 504, 599
]

const headersOf = (dice: Dice, echo: () => string): ReadonlyArray<readonly [string, string]> => [
  [
    "content-type",
    dice.pick(["application/json", "text/html", "text/plain; charset=utf-16", "image/png", "", "nonsense"])
  ],
  ["content-length", dice.pick(["0", "5", "-1", "abc", "1e9", "99999999999", "0x10", " 7 "])],
  ["retry-after", dice.pick(["30", "0", "-5", "999999999", "soon", "Mon, 23 Nov 2026 05:00:00 GMT", ""])],
  [
    "date",
    dice.pick([
      "Mon, 23 Nov 2026 04:00:00 GMT",
      "Mon, 23 Nov 2026 05:00:00 GMT",
      "0",
      "yesterday",
      "",
      "+275760-09-13T00:00:00.001Z",
      echo()
    ])
  ],
  ["location", `https://evil.example/?${echo()}`],
  ["x-error-message", echo()]
]

/** The next answer of a broker gone mad, that knows `secrets`. */
export const nextAnswer = (dice: Dice, corpus: ReadonlyArray<string>, secrets: ReadonlyArray<string>): Answer => {
  const echo = () => dice.pick(spellings)(dice.pick(secrets))
  let body: string | Uint8Array<ArrayBuffer> = dice.pick(corpus)
  for (let count = dice.below(4); count > 0 && typeof body === "string"; count -= 1) {
    body = dice.pick(mutations)(dice, body, echo) ?? ""
  }
  const headers = headersOf(dice, echo).filter(() => dice.below(4) === 0)
  return { status: dice.below(2) === 0 ? 200 : dice.pick(failures), headers: Object.fromEntries(headers), body }
}
