import { assert, it } from "@effect/vitest"
import { crc32, deflateSync } from "node:zlib"
import * as qrImage from "../src/internal/qrImage.ts"

const count = 25

const isFinder = (x: number, y: number) => {
  const ring = (left: number, top: number) => {
    const far = Math.max(Math.abs(x - left - 3), Math.abs(y - top - 3))
    return far === 3 || far <= 1
  }
  return (
    (x < 7 && y < 7 && ring(0, 0)) ||
    (x >= count - 7 && y < 7 && ring(count - 7, 0)) ||
    (x < 7 && y >= count - 7 && ring(0, count - 7))
  )
}

const modules: qrImage.Modules = Array.from({ length: count }, (_, y) =>
  Array.from({ length: count }, (_column, x) => isFinder(x, y) || (x > 8 && y > 8 && (x * 7 + y * 3) % 5 < 2))
)

const chunk = (type: string, body: Uint8Array): Buffer => {
  const content = Buffer.concat([Buffer.from(type), body])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(body.length, 0)
  ends.writeUInt32BE(crc32(content), 4)
  return Buffer.concat([ends.subarray(0, 4), content, ends.subarray(4)])
}

interface Format {
  readonly title: string
  readonly depth: number
  readonly color: number
  readonly bytes: (isDark: boolean) => ReadonlyArray<number>
  readonly filter: number
}

const fileOf = (
  { color, depth, height, width }: Readonly<Record<"width" | "height" | "depth" | "color", number>>,
  bytes: ReadonlyArray<number>
): string => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, color, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header),
    ...(color === 3 ? [chunk("PLTE", Buffer.from([255, 255, 255, 0, 0, 0]))] : []),
    chunk("IDAT", deflateSync(Buffer.from(bytes))),
    chunk("IEND", Buffer.alloc(0))
  ]).toString("base64")
}

const scale = 4
const border = 16

const pngOf = ({ bytes, color, depth, filter }: Format): string => {
  const size = count * scale + 2 * border
  const pixel = (x: number, y: number) =>
    modules[Math.floor((y - border) / scale)]?.[Math.floor((x - border) / scale)] === true
  const rows = Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_column, x) => bytes(pixel(x, y))).flat()
  )
  const step = bytes(true).length
  const filtered = rows.flatMap((row, y) => [
    filter,
    ...row.map((value, x) => {
      const [left, above] = [row[x - step] ?? 0, rows[y - 1]?.[x] ?? 0]
      const predicted = [0, left, above, (left + above) >> 1][filter] ?? 0
      return (value - predicted) & 255
    })
  ])
  return fileOf({ width: size, height: size, depth, color }, filtered)
}

const formats: ReadonlyArray<Format> = [
  { title: "gray", depth: 8, color: 0, bytes: (isDark) => [isDark ? 0 : 255], filter: 0 },
  {
    title: "RGB, filter Sub",
    depth: 8,
    color: 2,
    bytes: (isDark) => (isDark ? [0, 0, 0] : [255, 255, 255]),
    filter: 1
  },
  {
    title: "RGB with alpha, filter Up",
    depth: 8,
    color: 6,
    bytes: (isDark) => [0, 0, 0, isDark ? 255 : 0],
    filter: 2
  },
  { title: "palette, filter Average", depth: 8, color: 3, bytes: (isDark) => [isDark ? 1 : 0], filter: 3 }
]

for (const format of formats) {
  it(`qrImage.read returns the modules of a PNG image: ${format.title}`, () => {
    assert.deepStrictEqual(qrImage.read(pngOf(format)), modules)
    assert.deepStrictEqual(qrImage.read(`data:image/png;base64,${pngOf(format)}`), modules)
  })
}

it("qrImage.draw draws a light margin, and two modules per character", () => {
  const lines = qrImage.draw(modules)
  assert.strictEqual(lines.length, Math.ceil((count + 4) / 2))
  for (const line of lines) assert.strictEqual(line.length, count + 4)
  assert.strictEqual(lines[0], "█".repeat(count + 4))
  assert.strictEqual(lines[1]?.slice(0, 9), "██ ▄▄▄▄▄ ")
})

it("qrImage.read accepts an image without a QR code only if the image is square", () => {
  const imageOf = (width: number, height: number) =>
    fileOf(
      { width, height, depth: 8, color: 0 },
      Array.from({ length: height }, () => [0, ...Array(width).fill(0)]).flat()
    )
  assert.lengthOf(qrImage.read(imageOf(30, 30)) ?? [], 30)
  assert.isUndefined(qrImage.read(imageOf(30, 20)))
})

it("qrImage.read returns undefined if the image is not a complete PNG image", () => {
  const png = pngOf(formats[0]!)
  for (const image of ["", "no base64", "AAAA", png.slice(0, 100), png.slice(0, 60)]) {
    assert.isUndefined(qrImage.read(image), image.slice(0, 20))
  }
})
