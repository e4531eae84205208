/** The output of `--help`. To be fast, this module imports only the table of commands and the exit codes. */
import { table as exitCodes } from "../ExitCode.ts"
import { type Argument, type Flag, type Row, table } from "./commandTable.ts"

export const program = "broker-auth"

export const wrap = (text: string, width: number, indent = 0): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    const next = line === "" ? word : `${line} ${word}`
    const room = lines.length === 0 ? width : width - indent
    if (line === "" || next.length <= room) {
      line = next
    } else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line].map((text, index) => (index === 0 ? text : " ".repeat(indent) + text))
}

/** If `width` is too small for two columns, each text goes below its name. */
const columns = (rows: ReadonlyArray<readonly [string, string]>, width: number): ReadonlyArray<string> => {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4
  return rows.flatMap(([name, text]) =>
    width - left < 24
      ? [`  ${name}`, ...wrap(text, width - 6).map((line) => `      ${line}`)]
      : wrap(text, width - left).map(
          (line, index) => `${index === 0 ? `  ${name}`.padEnd(left) : " ".repeat(left)}${line}`
        )
  )
}

const argumentText = ({ kind, name }: Argument): string =>
  kind === "required" ? `<${name}>` : kind === "rest" ? `[${name}...]` : `[${name}]`

const flagText = ({ name, value }: Flag): string => `--${name}${value === undefined ? "" : ` ${value}`}`

export const usageOf = ({ arguments: args, flags, name }: Row): string =>
  [program, name, ...args.map(argumentText), ...flags.map((flag) => `[${flagText(flag)}]`)].join(" ")

const help = ["--help", "print this help"] as const

const commandHelp = (row: Row, width: number): ReadonlyArray<string> => {
  const parts = row.arguments.map((argument): readonly [string, string] => [argument.name, argument.description])
  const flags = row.flags.map((flag): readonly [string, string] => [flagText(flag), flag.description])
  return [
    ...wrap(`${row.summary}.`, width),
    "",
    ...wrap(`Usage: ${usageOf(row)}`, width, 7),
    "",
    // `broker-auth simulate` passes all arguments, even `--help`, to `broker-auth-simulator`.
    ...columns([...parts, ...flags, ...(row.name === "simulate" ? [] : [help])], width),
    ...row.details.flatMap((text) => ["", ...wrap(text, width)])
  ]
}

const overview = (width: number): ReadonlyArray<string> => [
  ...wrap(`${program}: logs in to Indian stock brokers, and keeps credentials and sessions encrypted.`, width),
  "",
  ...wrap(`Usage: ${program} <command> [arguments] [flags]`, width, 7),
  "",
  ...columns(
    table.map((row): readonly [string, string] => [
      [row.name, ...row.arguments.map(argumentText)].join(" "),
      row.summary
    ]),
    width
  ),
  "",
  ...wrap(`${program} <command> --help describes a command. ${program} --version prints the version.`, width),
  "",
  ...wrap(
    "The key of the vault is in BROKER_AUTH_KEY. If this variable is not set, the key is in the keyring of the operating system. BROKER_AUTH_SIMULATOR has the same effect as the flag --simulator of a command.",
    width
  ),
  "",
  "Exit codes:",
  "",
  ...columns(
    Object.values(exitCodes).map(({ code, when }): readonly [string, string] => [String(code), when]),
    width
  )
]

export const rowOf = (words: ReadonlyArray<string>): Row | undefined => {
  const rows: ReadonlyArray<Row> = table
  return rows.find(({ name }) => name === words.slice(0, 2).join(" ")) ?? rows.find(({ name }) => name === words[0])
}

export const helpFor = (words: ReadonlyArray<string>, width: number): string => {
  const row = rowOf(words)
  return (row === undefined ? overview(width) : commandHelp(row, width)).join("\n")
}
