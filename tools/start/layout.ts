/** Lays out the lines of `npm start` for the width of the terminal. Without a terminal, lines have any length. */
import { styleText } from "node:util"

/** A stream that the lines are written to, such as `process.stdout`. */
export interface Output {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Width and styles for which a text is laid out. */
export interface Page {
  /** Width in columns, or `undefined` if the output is not a terminal. In that case, no line is broken. */
  readonly width: number | undefined
  readonly style: (format: "bold" | "dim" | "green" | "red", text: string) => string
}

/** A function that lays out a text for a page. */
export type Text = (page: Page) => string

const narrowest = 20
const widest = 200

/** Width of a terminal that reports zero columns or no columns. */
const usualWidth = 80

export const widthOf = ({ columns, isTTY }: Output): number | undefined => {
  if (isTTY !== true) return undefined
  return Math.min(Math.max(columns === undefined || columns === 0 ? usualWidth : columns, narrowest), widest)
}

/**
 * Returns the page for the current width of the output. The page has colours only if the output is a terminal, even if
 * environment variables request colours.
 */
export const pageOf = (output: Output, stream: NodeJS.WriteStream): Page => ({
  width: widthOf(output),
  style: (format, text) => (output.isTTY === true ? styleText(format, text, { stream }) : text)
})

/** Breaks a text between words. A word that is longer than a line is on a separate line. */
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

/** Breaks a text between words, and indents each line by `indent` blanks. */
export const wrapped = (text: string, width: number | undefined, indent = 0): ReadonlyArray<string> =>
  lines(text, width === undefined ? undefined : width - indent).map((line) => `${" ".repeat(indent)}${line}`)

/** A text whose paragraphs are separated by line breaks. */
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
/** Width of the duration, including the blank before it. */
const tookWidth = 8
const indentation = markWidth + brokerWidth

/** On a narrow page, the broker's name is on a separate line, so that the other texts have enough room. */
const isNarrow = (width: number | undefined): width is number => width !== undefined && width < 60

/** Returns the indentation of the lines below a step. */
const indentOf = (width: number | undefined): number => (isNarrow(width) ? markWidth : indentation)

export const note =
  (text: string): Text =>
  ({ width }) =>
    wrapped(text, width, indentOf(width)).join("\n")

/** The texts of a step that passed. */
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

/** The progress of one broker's story. */
export interface Progress {
  /** Number of steps that passed. */
  readonly done: number
  /** Title of the current step, or empty if no step is running. */
  readonly step: string
}

/** Formats the progress as one line. A step that is too long is shortened after a whole word. */
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
  readonly "logged in with": string
  readonly "expires at": string
  readonly lifetime: string
  readonly "what happened": string
}

const columns = ["broker", "account", "logged in with", "expires at", "lifetime", "what happened"] as const

/** Columns whose texts may be broken over several lines. */
const flexible = ["logged in with", "what happened"] as const

const isFlexible = (column: keyof Row): boolean => flexible.some((name) => name === column)

/**
 * Returns the widths of the columns for a table of this width, or `undefined` if the flexible columns would be too
 * narrow.
 */
const columnWidths = (rows: ReadonlyArray<Row>, width: number | undefined): ReadonlyArray<number> | undefined => {
  const natural = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)))
  const gaps = 2 * columns.length
  const sum = (widths: ReadonlyArray<number>) => widths.reduce((total, one) => total + one, 0)
  if (width === undefined || sum(natural) + gaps <= width) return natural
  const fixed = sum(natural.filter((_, index) => !isFlexible(columns[index] ?? "broker")))
  const room = width - gaps - fixed
  if (room < 40) return undefined
  const wanted = sum(natural) - fixed
  const how = Math.max(16, Math.floor((room * (natural[columns.indexOf("logged in with")] ?? 0)) / wanted))
  return columns.map((column, index) =>
    column === "logged in with" ? how : column === "what happened" ? room - how : (natural[index] ?? 0)
  )
}

/** Formats a row as separate lines, for a page that is too narrow for the table. */
const record = (row: Row, width: number): ReadonlyArray<string> => {
  const labels = ["logged in with", "expires at", "what happened"] as const
  const label = isNarrow(width) ? 0 : Math.max(...labels.map(({ length }) => length)) + 2
  const value = { ...row, "expires at": `${row["expires at"]}, ${row.lifetime} after the login` }
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

/** A table. If the page is too narrow, each row is printed as a few lines instead. */
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
