/** Layout of the lines of `npm start`: for the width of a terminal, or without a limit if there is none. */
import { styleText } from "node:util"

/** Output of lines. */
export interface Output {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Page for which a text is laid out. */
export interface Page {
  /** Columns, or `undefined` if the output is not a terminal. Then no line is broken. */
  readonly width: number | undefined
  readonly style: (format: "bold" | "dim" | "green" | "red", text: string) => string
}

/** A text that can be laid out for a page. */
export type Text = (page: Page) => string

const narrowest = 20
const widest = 200

/** Some terminals report zero columns. */
const usualWidth = 80

export const widthOf = ({ columns, isTTY }: Output): number | undefined => {
  if (isTTY !== true) return undefined
  return Math.min(Math.max(columns === undefined || columns === 0 ? usualWidth : columns, narrowest), widest)
}

/** The current page of the output. It has colours only if the output is a terminal. The environment is ignored. */
export const pageOf = (output: Output, stream: NodeJS.WriteStream): Page => ({
  width: widthOf(output),
  style: (format, text) => (output.isTTY === true ? styleText(format, text, { stream }) : text)
})

/** Breaks a text between words. A word that is longer than a line gets its own line. */
export const lines = (text: string, width: number | undefined): ReadonlyArray<string> => {
  if (width === undefined) return [text]
  const found: Array<string> = []
  for (const word of text.split(" ").filter((part) => part !== "")) {
    const last = found.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) found[found.length - 1] = `${last} ${word}`
    else found.push(word)
  }
  return found.length === 0 ? [""] : found
}

/** Breaks a text, each line of which begins with `indent` blanks. */
export const wrapped = (text: string, width: number | undefined, indent = 0): ReadonlyArray<string> =>
  lines(text, width === undefined ? undefined : width - indent).map((line) => `${" ".repeat(indent)}${line}`)

/** A text in paragraphs, which are separated by line breaks. */
export const paragraphs =
  (text: string): Text =>
  ({ width }) =>
    text
      .split("\n")
      .flatMap((paragraph) => wrapped(paragraph, width))
      .join("\n")

export const heading =
  (text: string): Text =>
  ({ style, width }) =>
    `\n${lines(text, width)
      .map((line) => style("bold", line))
      .join("\n")}`

const markWidth = 4
const brokerWidth = 15
const titleWidth = 48
/** With a blank before it. */
const tookWidth = 8
const indentation = markWidth + brokerWidth

/** Below this width, a broker's name gets its own line, so that the rest has enough room. */
const isNarrow = (width: number | undefined): width is number => width !== undefined && width < 60

/** Indentation of the lines below a step. */
const indentOf = (width: number | undefined): number => (isNarrow(width) ? markWidth : indentation)

export const note =
  (text: string): Text =>
  ({ width }) =>
    wrapped(text, width, indentOf(width)).join("\n")

/** Output of a step that passed. */
export interface Passed {
  readonly broker: string
  readonly title: string
  readonly millis: number
  readonly outcome: string
  readonly notes: ReadonlyArray<string>
}

export const passed =
  ({ broker, millis, notes, outcome, title }: Passed): Text =>
  (page) => {
    const { style, width } = page
    const took = `${Math.round(millis)} ms`.padStart(tookWidth)
    const mark = `  ${style("green", "✓")} `
    const below = notes.map((text) => note(text)(page))
    if (isNarrow(width)) {
      const head = `${mark}${broker.padEnd(width - markWidth - tookWidth)}${style("dim", took)}`
      return [head, note(title)(page), note(outcome)(page), ...below].join("\n")
    }
    const column = width === undefined ? titleWidth : Math.min(titleWidth, width - indentation - tookWidth)
    const [first = "", ...others] = lines(title, width === undefined ? undefined : column)
    const head = `${mark}${broker.padEnd(brokerWidth)}${first.padEnd(column)}${style("dim", took)}`
    const rest = others.map((line) => `${" ".repeat(indentation)}${line}`)
    const length = indentation + Math.max(column, first.length) + tookWidth + 2 + outcome.length
    const fits = width === undefined || (rest.length === 0 && length <= width)
    return [...(fits ? [`${head}  ${outcome}`] : [head, ...rest, note(outcome)(page)]), ...below].join("\n")
  }

export const failed =
  (broker: string, title: string, message: string): Text =>
  (page) => {
    const mark = `  ${page.style("red", "✗")} `
    const head = isNarrow(page.width)
      ? [`${mark}${broker}`, note(title)(page)]
      : [`${mark}${broker.padEnd(brokerWidth)}${title}`]
    if (page.width !== undefined && !isNarrow(page.width) && indentation + title.length > page.width) {
      const [first = "", ...others] = lines(title, page.width - indentation)
      head.splice(
        0,
        1,
        `${mark}${broker.padEnd(brokerWidth)}${first}`,
        ...others.map((line) => `${" ".repeat(indentation)}${line}`)
      )
    }
    return [...head, note(message)(page)].join("\n")
  }

/** Progress of a broker. */
export interface Progress {
  readonly done: number
  readonly step: string
}

/** One line, which ends with whole words. */
export const progressLine = (broker: string, { done, step }: Progress, width: number): string => {
  const count = isNarrow(width) ? String(done || "") : "■".repeat(done)
  const head = `  ${step === "" ? "·" : "▸"} ${broker.padEnd(brokerWidth)}${count}`
  const left = width - 1 - head.length - 1
  const [fitting = ""] = lines(step, left)
  if (fitting === step) return `${head} ${step}`.trimEnd()
  const [shorter = ""] = lines(step, left - 1)
  return shorter.length < left ? `${head} ${shorter}…` : head.slice(0, width - 1).trimEnd()
}

/** A row of the table at the end. */
export interface Row {
  readonly broker: string
  readonly account: string
  readonly how: string
  readonly "expires at": string
  readonly in: string
  readonly "what happened": string
}

const columns = ["broker", "account", "how", "expires at", "in", "what happened"] as const

/** Columns that may be broken over several lines. */
const flexible = ["how", "what happened"] as const

const isFlexible = (column: keyof Row): boolean => flexible.some((name) => name === column)

/** Widths of the columns in a table of this width, or `undefined` if the breakable columns would be too narrow. */
const columnWidths = (rows: ReadonlyArray<Row>, width: number | undefined): ReadonlyArray<number> | undefined => {
  const natural = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)))
  const gaps = 2 * columns.length
  const sum = (widths: ReadonlyArray<number>) => widths.reduce((total, one) => total + one, 0)
  if (width === undefined || sum(natural) + gaps <= width) return natural
  const fixed = sum(natural.filter((_, index) => !isFlexible(columns[index] ?? "broker")))
  const room = width - gaps - fixed
  if (room < 40) return undefined
  const wanted = sum(natural) - fixed
  const how = Math.max(16, Math.floor((room * (natural[columns.indexOf("how")] ?? 0)) / wanted))
  return columns.map((column, index) =>
    column === "how" ? how : column === "what happened" ? room - how : (natural[index] ?? 0)
  )
}

/** A row as separate lines, if a table would not fit. */
const record = (row: Row, width: number): ReadonlyArray<string> => {
  const labels = ["how", "expires at", "what happened"] as const
  const label = isNarrow(width) ? 0 : Math.max(...labels.map(({ length }) => length)) + 2
  const value = { ...row, "expires at": `${row["expires at"]}, in ${row.in}` }
  return [
    "",
    ...wrapped(`${row.broker} ${row.account}`, width, 2),
    ...labels.flatMap((name) =>
      label === 0
        ? wrapped(`${name}: ${value[name]}`, width, 4)
        : wrapped(value[name], width, 4 + label).map((line, index) =>
            index === 0 ? `    ${name.padEnd(label)}${line.trimStart()}` : line
          )
    )
  ]
}

/** A table, or below some width a few lines for each row. */
export const table =
  (rows: ReadonlyArray<Row>): Text =>
  ({ width }) => {
    const widths = columnWidths(rows, width)
    if (widths === undefined)
      return rows
        .flatMap((row) => record(row, width ?? usualWidth))
        .join("\n")
        .replace(/^\n/, "")
    const line = (cells: ReadonlyArray<string>) =>
      `  ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  ")}`.trimEnd()
    const rowLines = (row: Row): ReadonlyArray<string> => {
      const cells = columns.map((column, index) => lines(row[column], width === undefined ? undefined : widths[index]))
      const height = Math.max(...cells.map(({ length }) => length))
      return Array.from({ length: height }, (_, at) => line(cells.map((cell) => cell[at] ?? "")))
    }
    return [line(columns), line(widths.map((one) => "─".repeat(one))), ...rows.flatMap(rowLines)].join("\n")
  }
