import { assert, it } from "@effect/vitest"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import * as os from "node:os"
import * as path from "node:path"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { ExitCode } from "@auth/cli"
import * as cli from "../src/internal/cli.ts"
import { type Row, table } from "../src/internal/commandTable.ts"
import { helpFor, usageOf } from "../src/internal/helpText.ts"
import { bin, makeUser, run, timeout } from "./support.ts"

const rows: ReadonlyArray<Row> = table

/** The parser's own description of a command. */
const parserHelp = (words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    let found: HelpDoc | undefined
    const capture = CliOutput.layerPresenter({
      present: (event) =>
        Effect.sync(() => {
          if (event._tag === "Help") found = event.helpDoc
        })
    })
    const root = cli.makeRoot(() => Effect.void)
    yield* Command.runWith(root, { version: "" })([...words, "--help"]).pipe(
      Effect.provide([CliConfig.layer({ builtIns: [GlobalFlag.Help] }), capture]),
      Effect.provide(cli.services)
    )
    return found
  })

it.live("prints the arguments and flags that the parser accepts", () =>
  Effect.gen(function* () {
    for (const row of rows) {
      const found = yield* parserHelp(row.name.split(" "))
      assert.deepStrictEqual(
        found?.args?.map(({ name, required, variadic }) => [name, required, variadic]) ?? [],
        row.arguments.map(({ kind, name }) => [name, kind === "required", kind === "rest"]),
        row.name
      )
      const flags = found?.flags.map(({ name }) => name).filter((name) => name !== "help")
      assert.deepStrictEqual(
        flags,
        row.flags.map(({ name }) => name),
        row.name
      )
      const help = helpFor(row.name.split(" "), 100)
      for (const { name } of row.flags) assert.include(help, `--${name}`)
      assert.include(help.replaceAll(/\s+/g, " "), usageOf(row))
    }
    const root = yield* parserHelp([])
    const names = root?.subcommands?.flatMap(({ commands }) => commands.map(({ name }) => name))
    const top = rows.map(({ name }) => name).filter((name) => !name.includes(" "))
    assert.deepStrictEqual(names, top)
    for (const name of top) assert.include(helpFor([], 100), `\n  ${name}`)
  })
)

it("fits into 40 columns", () => {
  for (const words of [[], ...rows.map(({ name }) => name.split(" "))]) {
    const long = helpFor(words, 40)
      .split("\n")
      .filter((line) => line.length > 40 && line.trim().includes(" ") && !/^\s+\S+$/.test(line))
    assert.deepStrictEqual(long, [], words.join(" "))
  }
})

it("has an exit code for each reason, and no code twice", () => {
  const codes = Object.values(ExitCode.table).map(({ code }) => code)
  assert.strictEqual(new Set(codes).size, codes.length)
  const reasons = Object.keys(AuthError).filter((name) => name in ExitCode.ofReason)
  assert.deepStrictEqual(reasons.toSorted(), Object.keys(ExitCode.ofReason).toSorted())
})

const flagsThatMayBeSecrets = /pin|password|secret|token|otp|key|code/i

it("has no flag for a secret", () => {
  const names = rows.flatMap(({ flags }) => flags.map(({ name }) => name))
  assert.deepStrictEqual(
    names.filter((name) => flagsThatMayBeSecrets.test(name)),
    []
  )
})

const hook = `
import { registerHooks } from "node:module"
import { writeSync } from "node:fs"
const loaded = []
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
process.on("exit", () => writeSync(2, loaded.join("\\n")))
`

it("loads neither effect nor core for --help and --version", () => {
  const preload = `data:text/javascript,${encodeURIComponent(hook)}`
  const loadedBy = (...args: ReadonlyArray<string>) => {
    const command = ["--conditions=@auth/source", "--import", preload, bin, ...args]
    return spawnSync(process.execPath, command, { encoding: "utf8" }).stderr.split("\n")
  }
  const isHeavy = (url: string) => /\/node_modules\/|\/packages\/(?!cli\/)/.test(url)
  for (const args of [["--help"], ["--version"], ["login", "--help"], ["help", "add"], []]) {
    const loaded = loadedBy(...args)
    assert.isAbove(loaded.length, 2)
    assert.deepStrictEqual(loaded.filter(isHeavy), [], args.join(" "))
  }
  // The check can fail: a command loads effect.
  assert.isNotEmpty(loadedBy("brokers", "--nope").filter(isHeavy))
})

it.live(
  "prints help for the words before --help, and the version of the package",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      const help = yield* run(user, ["guard", "reset", "--help"])
      assert.deepStrictEqual([help.code, help.stdout, help.stderr], [0, `${helpFor(["guard", "reset"], 100)}\n`, ""])
      const manifest = JSON.parse(fs.readFileSync(path.join(path.dirname(bin), "../package.json"), "utf8")) as {
        readonly version: string
      }
      const version = yield* run(user, ["--version"])
      assert.strictEqual(version.stdout, `broker-auth ${manifest.version}\n`)
    }),
  timeout
)

/** The compiled modules that `--help` loads, in a folder with the layout of the package. */
const compile = (folder: string): string => {
  const source = path.dirname(bin)
  fs.copyFileSync(path.join(source, "../package.json"), path.join(folder, "package.json"))
  for (const file of ["bin.ts", "ExitCode.ts", "internal/helpText.ts", "internal/commandTable.ts"]) {
    const target = path.join(folder, "dist", file.replace(/\.ts$/, ".js"))
    fs.mkdirSync(path.dirname(target), { recursive: true })
    const code = stripTypeScriptTypes(fs.readFileSync(path.join(source, file), "utf8"))
    fs.writeFileSync(target, code.replaceAll(/(from "\.[^"]*)\.ts"/g, '$1.js"'))
  }
  return path.join(folder, "dist/bin.js")
}

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0

it("prints --help in at most 2.5 times an empty program", { tags: ["thorough"], timeout }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-help-"))
  const compiled = compile(folder)
  const empty = path.join(folder, "dist/empty.js")
  fs.writeFileSync(empty, "")
  const time = (file: string) => {
    const began = performance.now()
    assert.strictEqual(spawnSync(process.execPath, [file, "--help"]).status, 0)
    return performance.now() - began
  }
  // Measured in turn, because the load of the machine changes.
  const pairs = Array.from({ length: 9 }, () => [time(empty), time(compiled)] as const)
  fs.rmSync(folder, { recursive: true })
  const ratio = median(pairs.map(([base, help]) => help / base))
  assert.isBelow(ratio, 2.5)
})
