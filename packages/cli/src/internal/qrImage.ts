/** Reads the modules of a QR code from an image, and draws them as text. Brokers send the QR code as a PNG image. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { inflateSync } from "node:zlib"

/** `true` is dark. */
export type Modules = ReadonlyArray<ReadonlyArray<boolean>>

const signature = [137, 80, 78, 71, 13, 10, 26, 10]

/** Samples per pixel, by the color type of the PNG format (https://www.w3.org/TR/png-3/#3colourType). */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

const maxSize = 2000

/** In a square image with at most this many rows, each pixel counts as a module if no QR code is found. */
const smallImage = 60

interface Header {
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly color: number
}

interface Chunks {
  readonly header: Header
  readonly palette: Uint8Array
  readonly data: Uint8Array
}

const readChunks = (bytes: Uint8Array): Chunks | undefined => {
  if (signature.some((byte, index) => bytes[index] !== byte)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const data: Array<Uint8Array> = []
  let header: Header | undefined
  let palette = new Uint8Array()
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const body = bytes.subarray(at + 8, at + 8 + length)
    if (type === "IHDR" && length === 13 && body.length === 13 && body[12] === 0) {
      const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)]
      header = { width, height, depth: body[8] ?? 0, color: body[9] ?? 0 }
    }
    if (type === "PLTE") palette = Uint8Array.from(body)
    if (type === "IDAT") data.push(body)
    at += length + 12
  }
  if (header === undefined || header.width > maxSize || header.height > maxSize) return undefined
  return { header, palette, data: Uint8Array.from(data.flatMap((part) => Array.from(part))) }
}

const paeth = (left: number, above: number, corner: number): number => {
  const guess = left + above - corner
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)]
  if (a <= b && a <= c) return left
  return b <= c ? above : corner
}

/** The filters of the PNG format, by filter type: none, sub, up, average, Paeth. */
const filters: ReadonlyArray<(left: number, above: number, corner: number) => number> = [
  () => 0,
  (left) => left,
  (_, above) => above,
  (left, above) => (left + above) >> 1,
  paeth
]

const unfilter = (raw: Uint8Array, stride: number, step: number, height: number): ReadonlyArray<Uint8Array> => {
  const rows: Array<Uint8Array> = []
  for (let y = 0; y < height; y += 1) {
    const start = y * (stride + 1)
    const filter = filters[raw[start] ?? 0] ?? (() => 0)
    const row = new Uint8Array(stride)
    const before = rows[y - 1]
    for (let x = 0; x < stride; x += 1) {
      const added = filter(row[x - step] ?? 0, before?.[x] ?? 0, before?.[x - step] ?? 0)
      row[x] = ((raw[start + 1 + x] ?? 0) + added) & 255
    }
    rows.push(row)
  }
  return rows
}

const readPixels = ({ data, header, palette }: Chunks): Modules | undefined => {
  const { color, depth, height, width } = header
  const samples = samplesOf[color]
  if (samples === undefined || ![1, 2, 4, 8].includes(depth)) return undefined
  const stride = Math.ceil((width * samples * depth) / 8)
  const inflated = Result.try(() => inflateSync(data, { maxOutputLength: (stride + 1) * height }))
  if (Result.isFailure(inflated)) return undefined
  const rows = unfilter(inflated.success, stride, Math.max(1, (samples * depth) / 8), height)
  const sample = (row: Uint8Array, index: number): number => {
    const bit = index * depth
    return ((row[bit >> 3] ?? 0) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
  }
  const isDark = (row: Uint8Array, x: number): boolean => {
    const first = sample(row, x * samples)
    if (color === 3) return (palette[first * 3] ?? 0) < 128
    const isTransparent = (color === 4 || color === 6) && sample(row, x * samples + samples - 1) < 128
    return !isTransparent && first < (1 << depth) / 2
  }
  return rows.map((row) => Array.from({ length: width }, (_, x) => isDark(row, x)))
}

/** `size` is the width of a module in pixels. The finder pattern in the upper left corner is seven modules wide. */
const toModules = (pixels: Modules): Modules | undefined => {
  const top = pixels.findIndex((row) => row.includes(true))
  const left = Math.min(...pixels.map((row) => row.indexOf(true)).filter((x) => x >= 0))
  const right = Math.max(...pixels.map((row) => row.lastIndexOf(true)))
  const first = pixels[top]
  if (first === undefined) return undefined
  const end = first.indexOf(false, left)
  const size = ((end === -1 ? right + 1 : end) - left) / 7
  const count = Math.round((right + 1 - left) / size)
  // Each side of a QR code has 21 to 177 modules, in steps of four.
  if (count < 21 || count > 177 || (count - 21) % 4 !== 0) return undefined
  const at = (index: number): number => Math.floor((index + 0.5) * size)
  return Array.from({ length: count }, (_, y) =>
    Array.from({ length: count }, (_column, x) => pixels[top + at(y)]?.[left + at(x)] ?? false)
  )
}

/** `image` is base64, with or without the prefix of a data URI. */
export const read = (image: string): Modules | undefined => {
  const bytes = Result.getOrUndefined(Base64.decode(image.replace(/^data:[^,]*,/, "").replaceAll(/\s/g, "")))
  const chunks = bytes === undefined ? undefined : readChunks(bytes)
  const pixels = chunks === undefined ? undefined : readPixels(chunks)
  if (pixels === undefined) return undefined
  const isSquare = pixels[0]?.length === pixels.length
  return toModules(pixels) ?? (isSquare && pixels.length <= smallImage ? pixels : undefined)
}

/** In modules. Scanners need a light margin around the QR code. */
const margin = 2

const isLight = (modules: Modules, x: number, y: number): boolean => modules[y]?.[x] !== true

/**
 * A character shows two modules, one above the other. The key says whether the upper module is light, and whether the
 * lower module is light.
 */
const blocks = { "true true": "█", "true false": "▀", "false true": "▄", "false false": " " } as const

/** A light module is filled, and a dark module is blank. */
export const draw = (modules: Modules): ReadonlyArray<string> => {
  const size = modules.length + 2 * margin
  return Array.from({ length: Math.ceil(size / 2) }, (_, line) =>
    Array.from({ length: size }, (_column, column) => {
      const [x, y] = [column - margin, line * 2 - margin]
      return blocks[`${isLight(modules, x, y)} ${isLight(modules, x, y + 1)}`]
    }).join("")
  )
}
