import { assert, it } from "@effect/vitest"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { ExitCode } from "@auth/cli"
import { bundle, commandFolder } from "../../../tools/packages/bundle.ts"
import * as cli from "../src/internal/cli.ts"
import { type Row, table } from "../src/internal/commandTable.ts"
import { helpFor, usageOf } from "../src/internal/helpText.ts"
import { bin, makeUser, modulesOf, run, timeout } from "./support.ts"

const rows: ReadonlyArray<Row> = table

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

it.live("the command table and the help match the parser", () =>
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

it("the help fits into 40 columns", () => {
  for (const words of [[], ...rows.map(({ name }) => name.split(" "))]) {
    const long = helpFor(words, 40)
      .split("\n")
      .filter((line) => line.length > 40 && line.trim().includes(" ") && !/^\s+\S+$/.test(line))
    assert.deepStrictEqual(long, [], words.join(" "))
  }
})

it("ExitCode.table has unique codes, and ExitCode.ofReason lists only AuthError reasons", () => {
  const codes = Object.values(ExitCode.table).map(({ code }) => code)
  assert.strictEqual(new Set(codes).size, codes.length)
  const reasons = Object.keys(AuthError).filter((name) => name in ExitCode.ofReason)
  assert.deepStrictEqual(reasons.toSorted(), Object.keys(ExitCode.ofReason).toSorted())
})

it("the exit codes in the help match ExitCode.table", () => {
  const detailsOf = (name: string) => rows.find((row) => row.name === name)?.details.join(" ")
  const { notification, person, vault } = ExitCode.table
  assert.include(detailsOf("login"), `${person.code} if an account needs a person`)
  assert.include(detailsOf("login"), `but the notification fails, the exit code is ${notification.code}`)
  assert.include(detailsOf("vault list"), `The exit code is ${vault.code} if an entry cannot be read`)
})

const flagsThatMayBeSecrets = /pin|password|secret|token|otp|key|code/i

it("no command has a flag for a secret", () => {
  const names = rows.flatMap(({ flags }) => flags.map(({ name }) => name))
  assert.deepStrictEqual(
    names.filter((name) => flagsThatMayBeSecrets.test(name)),
    []
  )
})

it("broker-auth loads neither effect nor core for --help and --version", () => {
  const isHeavy = (url: string) => /\/node_modules\/|\/packages\/(?!cli\/)/.test(url)
  const command = ["--conditions=@auth/source", bin]
  const loadedBy = (...args: ReadonlyArray<string>) => modulesOf({ command, env: {} }, args)
  for (const args of [["--help"], ["--version"], ["login", "--help"], ["help", "add"], []]) {
    const loaded = loadedBy(...args)
    assert.isAbove(loaded.length, 2)
    assert.deepStrictEqual(loaded.filter(isHeavy), [], args.join(" "))
  }
  // The command `brokers` loads effect. Therefore, `isHeavy` must find modules.
  assert.isNotEmpty(loadedBy("brokers", "--nope").filter(isHeavy))
})

it.live(
  "--help prints the help of a command, and --version prints the version",
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

const bundled = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-bundle-"))
    fs.copyFileSync(path.join(path.dirname(bin), "../package.json"), path.join(folder, "package.json"))
    fs.symlinkSync(path.join(import.meta.dirname, "../../../node_modules"), path.join(folder, "node_modules"))
    await bundle(undefined, folder)
    return { folder: fs.realpathSync(folder), file: path.join(folder, commandFolder, "broker-auth.js") }
  }),
  ({ folder }) => Effect.sync(() => fs.rmSync(folder, { recursive: true }))
)

it.live(
  "the bundled broker-auth loads only the modules that a command needs",
  () =>
    Effect.gen(function* () {
      const { file, folder } = yield* bundled
      const command = ["--conditions=@auth/source", file]
      const own = (args: ReadonlyArray<string>) =>
        modulesOf({ command, env: {} }, args).filter((url) => url.startsWith("file:"))
      const inBundle = (name: string) => pathToFileURL(path.join(folder, commandFolder, name)).href
      for (const args of [["--help"], ["--version"], ["login", "--help"], []]) {
        assert.deepStrictEqual(own(args), [inBundle("broker-auth.js")], args.join(" "))
      }
      const loaded = own(["brokers"])
      const mine = loaded.filter((url) => url.startsWith(pathToFileURL(folder).href) || url.includes("/packages/cli/"))
      assert.includeMembers(mine, [inBundle("broker-auth.js"), inBundle("main.js")])
      const isOther = (url: string) => !url.startsWith(inBundle("")) || /(?:demo|serve)\.js$/.test(url)
      assert.deepStrictEqual(mine.filter(isOther), [])
      // Only one copy of effect may be loaded, because two copies do not recognize each other's secrets.
      const redacted = loaded.filter((url) => url.endsWith("/Redacted.js"))
      assert.strictEqual(redacted.length, 1)
      assert.match(redacted[0] ?? "", /\/node_modules\/effect\/dist\/Redacted\.js$/)
    }),
  { tags: ["thorough"], timeout }
)

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0

it.live(
  "--help of the bundled broker-auth takes less than 2.5 times as long as an empty program",
  () =>
    Effect.gen(function* () {
      const { file, folder } = yield* bundled
      const empty = path.join(folder, "empty.js")
      fs.writeFileSync(empty, "")
      const time = (script: string) => {
        const began = performance.now()
        assert.strictEqual(spawnSync(process.execPath, [script, "--help"]).status, 0)
        return performance.now() - began
      }
      // The measurements of a pair follow each other directly, because the load of the machine changes.
      const pairs = Array.from({ length: 9 }, () => [time(empty), time(file)] as const)
      assert.isBelow(median(pairs.map(([base, help]) => help / base)), 2.5)
    }),
  { tags: ["thorough"], timeout }
)
