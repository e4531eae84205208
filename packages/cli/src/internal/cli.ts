/** The parser of the command line. */
import * as Argument from "effect/cli/Argument"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import { type Argument as ArgumentRow, type Flag as FlagRow, type Name, type Row, table } from "./commandTable.ts"
import type { Failure } from "./failure.ts"
import { program } from "./helpText.ts"

type Handle = (name: Name, input: Readonly<Record<string, unknown>>) => Effect.Effect<void, Failure>

type AnyCommand = Command.Command<string, Readonly<Record<string, unknown>>, object, Failure>

const argumentOf = ({ description, kind, name }: ArgumentRow) => {
  const argument = Argument.withDescription(Argument.String(name), description)
  if (kind === "rest") return Argument.variadic(argument)
  return kind === "optional" ? Argument.map(Argument.optional(argument), Option.getOrUndefined) : argument
}

const flagOf = ({ description, name, value }: FlagRow) =>
  value === undefined
    ? Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDefault(false), Flag.withDescription(description))
    : Flag.String(name).pipe(
        Flag.withMetavar(value),
        Flag.withDescription(description),
        Flag.optional,
        Flag.map(Option.getOrUndefined)
      )

const configOf = (row: Row) => ({
  ...Object.fromEntries(row.arguments.map((argument) => [argument.name, argumentOf(argument)])),
  ...Object.fromEntries(row.flags.map((flag) => [flag.name, flagOf(flag)]))
})

const make = (row: Row, handle: Handle): AnyCommand => {
  const below: ReadonlyArray<Row> = table
  const children = below.filter(({ name }) => name.startsWith(`${row.name} `))
  const command = Command.make(row.name.split(" ").at(-1) ?? row.name, configOf(row), (input) =>
    handle(row.name as Name, input)
  ).pipe(Command.withDescription(row.summary)) as unknown as AnyCommand
  return children.length === 0
    ? command
    : Command.withSubcommands(
        command,
        children.map((child) => make(child, handle))
      )
}

export const makeRoot = (handle: Handle) => {
  const rows: ReadonlyArray<Row> = table
  const top = rows.filter(({ name }) => !name.includes(" "))
  return Command.make(program).pipe(
    Command.withSubcommands(top.map((row) => make(row, handle)))
  ) as unknown as AnyCommand
}

const unused = Effect.die("The parser reads no file, and starts no program.")

/** The parser asks for these services, but the flags and arguments of the table do not use them. */
export const services = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Path.layer,
  Layer.succeed(
    Stdio.Stdio,
    Stdio.make({
      args: unused,
      stdin: undefined as never,
      stdout: () => undefined as never,
      stderr: () => undefined as never
    })
  ),
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: unused,
      readInput: unused,
      readLine: unused,
      display: () => unused
    })
  ),
  Layer.succeed(
    ChildProcessSpawner.ChildProcessSpawner,
    ChildProcessSpawner.make(() => unused)
  ),
  // `bin.ts` answers `--help` and `--version`, so the parser has no built-in options.
  CliConfig.layer({ builtIns: [] }),
  CliOutput.layerPresenter({ present: () => Effect.void })
)

export const run = (args: ReadonlyArray<string>, handle: Handle) =>
  Command.runWith(makeRoot(handle), { version: "", renderErrors: false })(args).pipe(Effect.provide(services))
