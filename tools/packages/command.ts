/** Installs the command `broker-auth` and brokers' packages from their tarballs, and checks the installed command. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { addAndLogIn } from "../../packages/cli/test/logIn.ts"
import { makeUser, modulesOf, run as runAs, world } from "../../packages/cli/test/support.ts"
import { type Way, ways } from "../../packages/cli/test/ways.ts"
import { run, runNpm } from "./process.ts"

export interface Options {
  /** An empty folder, in which the packages are installed. */
  readonly folder: string
  readonly tarball: (name: string) => string
}

const name = "@auth/cli"

/** Limit for concurrent installs and logins, because each keeps one processor busy. */
const atOnce = Math.max(2, os.availableParallelism())

const installIn = (folder: string, tarballs: ReadonlyArray<string>): Promise<string> => {
  const flags = ["--silent", "--no-audit", "--no-fund", "--prefer-offline"]
  return runNpm(["install", ...flags, "--prefix", folder, ...tarballs], { cwd: folder })
}

const binOf = (folder: string): string => path.join(folder, "node_modules/.bin/broker-auth")

const installCommand = async ({ folder, tarball }: Options): Promise<string> => {
  const target = path.join(folder, "none")
  fs.mkdirSync(target)
  await installIn(target, [name, "@auth/node", "@auth/broker-core"].map(tarball))
  return target
}

const installBroker = async (broker: string, base: string, { folder, tarball }: Options): Promise<string> => {
  const target = path.join(folder, broker)
  await fs.promises.cp(base, target, { recursive: true, verbatimSymlinks: true })
  await installIn(target, [tarball(`@auth/${broker}`)])
  return target
}

const evil = (marker: string): string => `import { writeFileSync } from "node:fs"
writeFileSync(${JSON.stringify(marker)}, "")
export const broker = { id: "evil", title: "Evil", methods: [], environments: {} }
`

/** Makes packages in `folder` that write a file when they are loaded. Returns the path of the file. */
const makeHostile = (folder: string, packages: ReadonlyArray<string>): string => {
  const marker = path.join(folder, "loaded")
  for (const hostile of packages) {
    const target = path.join(folder, "node_modules", hostile)
    fs.mkdirSync(target, { recursive: true })
    fs.writeFileSync(
      path.join(target, "package.json"),
      JSON.stringify({ name: hostile, exports: { "./*": "./evil.mjs" } })
    )
    fs.writeFileSync(path.join(target, "evil.mjs"), evil(marker))
  }
  return marker
}

/**
 * `broker-auth` must load packages from its own installation, never from the current folder. If a package is not
 * installed, `broker-auth add` must print the `npm install` command for the package.
 */
const checkResolution = (installed: string, { folder, tarball }: Options) =>
  Effect.gen(function* () {
    const user = yield* makeUser({}, [binOf(installed)])
    const cwd = path.join(folder, "cloned")
    const marker = makeHostile(cwd, ["@auth/angel", "@auth/zerodha", "@auth/broker-core", "@auth/node", "effect"])
    const script = 'await import("@auth/zerodha/ZerodhaBroker")'
    yield* Effect.promise(() => run(process.execPath, ["--input-type=module", "--eval", script], { cwd }))
    assert.ok(fs.existsSync(marker), "no program can load the hostile packages, so this check would prove nothing")
    fs.rmSync(marker)

    const env = { NODE_PATH: path.join(cwd, "node_modules") }
    const listed = yield* runAs(user, ["brokers"], { cwd, env })
    assert.equal(listed.code, 0, listed.stderr)
    assert.match(listed.stdout, /^angel: Angel One$/m)
    const absent = yield* runAs(user, ["add", "zerodha"], { cwd, env })
    assert.equal(absent.code, 4, absent.stderr)
    assert.ok(!fs.existsSync(marker), "a package of the current folder was loaded")
    const line = `npm install --prefix ${fs.realpathSync(installed)} @auth/zerodha`
    assert.ok(absent.stderr.trimEnd().endsWith(`Install it: ${line}`), absent.stderr)

    yield* Effect.promise(() => installIn(installed, [tarball("@auth/zerodha")]))
    assert.match((yield* runAs(user, ["brokers"], { cwd, env })).stdout, /^zerodha: Zerodha$/m)
    assert.ok(!fs.existsSync(marker), "a package of the current folder was loaded")
  })

/**
 * `broker-auth` must load only one file to print its help or its version. The subcommand `brokers` must load the
 * installed `effect`, but not the modules of `demo` and `serve`.
 */
const checkModules = (installed: string) =>
  Effect.gen(function* () {
    const user = yield* makeUser({ PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}` }, [
      binOf(installed)
    ])
    const files = (args: ReadonlyArray<string>) => modulesOf(user, args).filter((url) => url.startsWith("file:"))
    const modules = pathToFileURL(path.join(fs.realpathSync(installed), "node_modules/")).href
    for (const args of [["--help"], ["login", "--help"], ["--version"], []]) {
      assert.deepEqual(files(args), [`${modules}${name}/dist/command/broker-auth.js`], args.join(" "))
    }
    const loaded = files(["brokers"])
    const own = loaded.filter((url) => url.startsWith(`${modules}${name}/`)).map((url) => path.basename(url))
    assert.ok(own.includes("main.js"), own.join(", "))
    assert.ok(!own.includes("demo.js") && !own.includes("serve.js"), own.join(", "))
    assert.deepEqual(
      loaded.filter((url) => url.endsWith("/Redacted.js")),
      [`${modules}effect/dist/Redacted.js`]
    )
    const printed = yield* Effect.promise(() => run(binOf(installed), ["--version"], { cwd: installed, env: user.env }))
    assert.match(printed, /^broker-auth \d+\.\d+\.\d+\S*\n$/)
  })

const titleOf = (way: Way): string => `${way.broker} ${way.method}`

const problemOf = <E, R>(title: string, check: Effect.Effect<void, E, R>) =>
  Effect.catchCause(Effect.as(check, undefined), (cause) => Effect.succeed(`${title}: ${Cause.pretty(cause)}`))

export const checkCommand = async (options: Options) => {
  const brokers = [...new Set(ways.map(({ broker }) => broker))]
  const program = Effect.gen(function* () {
    const base = yield* Effect.promise(() => installCommand(options))
    const folders = yield* Effect.forEach(
      brokers,
      (broker) => Effect.promise(async () => [broker, await installBroker(broker, base, options)] as const),
      { concurrency: atOnce }
    )
    const folderOf = new Map<string, string>(folders)
    const installed = (broker: string) => folderOf.get(broker) ?? ""
    const checks = [
      ...ways.map((way) =>
        problemOf(
          titleOf(way),
          Effect.gen(function* () {
            const { simulator, user } = yield* world({ brokers: [way.broker] }, [binOf(installed(way.broker))])
            yield* addAndLogIn(simulator, user, way)
          }).pipe(Effect.scoped)
        )
      ),
      problemOf("loaded modules", Effect.scoped(checkModules(base))),
      problemOf("folder of the loaded packages", Effect.scoped(checkResolution(installed("angel"), options)))
    ]
    const found = yield* Effect.all(checks, { concurrency: atOnce })
    return { logins: ways.length, problems: found.flatMap((problem) => problem ?? []) }
  })
  return Effect.runPromise(program)
}
