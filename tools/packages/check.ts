/**
 * Checks the packages before they are published. It makes a clean build, checks the manifests and the packed files,
 * imports every export from the packed tarballs, runs the programs of the READMEs and the examples with the tarballs,
 * logs in with the installed command, and installs the packages from a registry on loopback.
 *
 * `npm run pack-check` checks every public package. `npm run pack-check -- angel` checks only the package `angel`: it
 * uses the existing build, and leaves out the examples and the registry.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { commandFolder } from "./bundle.ts"
import { checkCommand } from "./command.ts"
import { freePort } from "../vitest/freePort.ts"
import { playScenarios } from "../examples/scenarios.ts"
import { programsOf, runPrograms } from "./programs.ts"
import { run, runNpm, runTool, start, stop, stopAll } from "./process.ts"
import { clean, files, type Package, packages, root } from "./workspace.ts"

/** Size limit of a tarball. */
const maxPackedBytes = 1_000_000
/** Files and folders that a tarball may contain. */
const shipped = ["dist/", "src/", "package.json", "README.md", "LICENSE"]

const assert: (condition: boolean, message: string) => asserts condition = (condition, message) => {
  if (!condition) throw new Error(message)
}

/** Throws if there are problems. */
const none = (problems: ReadonlyArray<string>, title: string): void =>
  assert(problems.length === 0, [`${title}:`, ...problems.map((problem) => `  ${problem}`)].join("\n"))

/** Runs `work`, and then prints one line with the title and the duration of the step. */
const step = async <A>(title: string | ((result: A) => string), work: () => Promise<A>): Promise<A> => {
  const began = performance.now()
  const result = await work()
  const text = typeof title === "string" ? title : title(result)
  console.log(`packages: ${text} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
  return result
}

const readmeOf = ({ folder }: Package): string => `packages/${folder}/README.md`

/** Whether a file of `dist` belongs to the bundle, which npm makes when it packs the package. */
const isBundled = (file: string): boolean => `dist/${file}`.startsWith(`${commandFolder}/`)

const isTestCode = (file: string): boolean => /(^|\/)(test|tests|fixtures|__tests__)\/|\.(test|spec)\./.test(file)

/** Checks that `dist` contains the output of every source, and no other files except the bundle. */
const checkDist = (pkg: Package): void => {
  const expected = new Set(
    files(path.join(pkg.path, "src"))
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => [".js", ".js.map", ".d.ts", ".d.ts.map"].map((end) => file.replace(/\.ts$/, end)))
  )
  const found = files(path.join(pkg.path, "dist"))
  none(
    found.filter((file) => !expected.has(file) && !isBundled(file)),
    `${pkg.manifest.name}: stale files in dist`
  )
  none(
    [...expected].filter((file) => !found.includes(file)),
    `${pkg.manifest.name}: missing files in dist`
  )
  none([...expected].filter(isTestCode), `${pkg.manifest.name}: files of tests in src`)
}

/** Files of the commands of a package. */
const commandsOf = ({ manifest: { bin } }: Package): ReadonlyArray<string> =>
  Object.values(bin ?? {}).map((file) => file.replace(/^\.\//, ""))

interface Packed {
  readonly tarball: string
  readonly bytes: number
}

const pack = async (pkg: Package, folder: string): Promise<Packed> => {
  const printed = await runNpm(["pack", "--json", "--silent", "--pack-destination", folder], { cwd: pkg.path })
  const parsed = JSON.parse(printed.slice(printed.search(/^[[{]/m))) as unknown
  const [report] = Object.values(parsed as Record<string, unknown>) as unknown as ReadonlyArray<{
    readonly filename: string
    readonly size: number
    readonly files: ReadonlyArray<{ readonly path: string }>
  }>
  assert(report !== undefined, `${pkg.manifest.name}: npm pack printed no report`)
  const paths = report.files.map((file) => file.path)
  none(
    paths.filter((file) => !shipped.some((part) => (part.endsWith("/") ? file.startsWith(part) : file === part))),
    `${pkg.manifest.name}: files that must not be packed`
  )
  none(
    ["README.md", "LICENSE", "dist/index.js", "dist/index.d.ts", "src/index.ts", ...commandsOf(pkg)].filter(
      (file) => !paths.includes(file)
    ),
    `${pkg.manifest.name}: files missing from the package`
  )
  assert(
    report.size < maxPackedBytes,
    `${pkg.manifest.name}: the tarball has ${report.size} bytes, but the limit is ${maxPackedBytes}`
  )
  return { tarball: path.join(folder, path.basename(report.filename)), bytes: report.size }
}

/**
 * Returns every exported specifier, with wildcards expanded. Commands are left out, because an import would run them.
 */
const specifiers = (pkg: Package): ReadonlyArray<string> => {
  const { exports, name } = pkg.manifest
  const commands = new Set(commandsOf(pkg))
  const closed = Object.keys(exports).filter((key) => exports[key] === null)
  const isClosed = (subpath: string) => closed.some((key) => subpath.startsWith(key.replace("*", "")))
  const wildcards = files(path.join(pkg.path, "dist"))
    .filter((file) => file.endsWith(".js") && !commands.has(`dist/${file}`))
    .map((file) => `./${file.replace(/\.js$/, "")}`)
    .filter((subpath) => !isClosed(subpath))
  const named = Object.keys(exports).filter(
    (key) => exports[key] !== null && !key.includes("*") && !key.endsWith(".json")
  )
  return [...new Set([...named, ...wildcards])].map((subpath) => name + subpath.slice(1)).toSorted()
}

const closedSpecifier = (pkg: Package): string | undefined => {
  const file = files(path.join(pkg.path, "dist/internal")).find((name) => name.endsWith(".js"))
  return file === undefined ? undefined : `${pkg.manifest.name}/internal/${file.replace(/\.js$/, "")}`
}

const optionalPeers = (pkg: Package): ReadonlyArray<string> =>
  Object.entries(pkg.manifest.peerDependenciesMeta ?? {}).flatMap(([name, meta]) =>
    meta.optional === true ? name : []
  )

/**
 * Imports every specifier of `specifiers`, and checks that no specifier of `closed` can be imported. The import of a
 * subpath may fail only because an optional peer dependency of `absentPeers` is not installed.
 */
const importAll = (
  folder: string,
  options: {
    readonly specifiers: ReadonlyArray<string>
    readonly closed?: ReadonlyArray<string>
    readonly absentPeers?: ReadonlyArray<string>
  }
) => {
  const script = `
    const { specifiers, closed = [], absentPeers = [] } = ${JSON.stringify(options)}
    const isSubpath = (specifier) => specifier.split("/").length > 2
    for (const specifier of specifiers) {
      await import(specifier).catch((error) => {
        const isAbsent = absentPeers.some((peer) => error.message.includes("'" + peer + "'"))
        if (!(isSubpath(specifier) && isAbsent && error.code === "ERR_MODULE_NOT_FOUND")) throw error
      })
    }
    for (const specifier of closed) {
      const code = await import(specifier).then(() => "imported", (error) => error.code)
      if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error(specifier + " must not be importable, but the result was: " + code)
    }`
  return run(process.execPath, ["--input-type=module", "--eval", script], { cwd: folder })
}

/** Older versions of TypeScript that must also accept the types of the packages. */
const olderCompilers = { "typescript-5.9": "npm:typescript@5.9.3", "typescript-6.0": "npm:typescript@6.0.3" }

/**
 * Installs the older versions of TypeScript in `folder`. In the workspace, their command `tsc` would conflict with
 * ours.
 */
const installCompilers = async (folder: string): Promise<ReadonlyArray<string>> => {
  const manifest = { name: "compilers", private: true, dependencies: olderCompilers }
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest))
  await runNpm(["install", "--silent", "--no-package-lock", "--no-bin-links"], { cwd: folder })
  return Object.keys(olderCompilers).map((name) => path.join(folder, "node_modules", name, "bin/tsc"))
}

const checkTypes = async (folder: string, wanted: ReadonlyArray<string>, compiler: string): Promise<void> => {
  const lines = wanted.map((specifier, index) => `export * as n${index} from "${specifier}"`)
  fs.writeFileSync(path.join(folder, "index.ts"), `${lines.join("\n")}\n`)
  const options = { module: "NodeNext", target: "ES2023", strict: true, noEmit: true, types: [] }
  const config = { compilerOptions: options, files: ["index.ts"] }
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config))
  await run(process.execPath, [compiler, "-p", folder], { cwd: folder })
}

/**
 * Starts a registry on loopback for our packages, and stops it after `use`. Other packages come from the usual
 * registry.
 */
const withRegistry = async (
  folder: string,
  use: (url: string, env: Readonly<Record<string, string>>) => Promise<void>
) => {
  const port = await freePort()
  const config = path.join(folder, "verdaccio.yaml")
  fs.mkdirSync(folder)
  fs.writeFileSync(
    config,
    `storage: ${folder}/storage
auth: { htpasswd: { file: ${folder}/htpasswd } }
uplinks: {}
packages: { "@auth/*": { access: $all, publish: $all } }
web: { enable: false }
log: { type: stdout, format: json, level: warn }
`
  )
  const registry = start(
    process.execPath,
    [path.join(root, "node_modules/verdaccio/bin/verdaccio"), "--config", config, "--listen", `127.0.0.1:${port}`],
    { cwd: folder }
  )
  let printed = ""
  registry.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  registry.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  const url = `http://127.0.0.1:${port}/`
  const isReady = () =>
    fetch(`${url}-/ping`).then(
      (response) => response.ok,
      () => false
    )
  const deadline = performance.now() + 30_000
  while (!(await isReady())) {
    assert(
      registry.exitCode === null && performance.now() < deadline,
      `The registry did not start within 30 s:\n${printed}`
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await use(url, { "npm_config_@auth:registry": url, [`npm_config_//127.0.0.1:${port}/:_authToken`]: "anyone" })
  await stop(registry)
}

const emptyProject = (parent: string, name: string): string => {
  const folder = path.join(parent, name)
  fs.mkdirSync(folder)
  return folder
}

const installed = (folder: string): ReadonlyArray<string> =>
  fs
    .readdirSync(path.join(folder, "node_modules"))
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@")
        ? fs.readdirSync(path.join(folder, "node_modules", name)).map((inner) => `${name}/${inner}`)
        : name
    )
    .toSorted()

/** Copies the examples to a folder where the packages are installed, and runs them there as their users do. */
const playExamples = async (folder: string): Promise<number> => {
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  for (const file of files(path.join(root, "examples")).filter((name) => !name.includes(".test."))) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    fs.copyFileSync(path.join(root, "examples", file), path.join(folder, file))
  }
  for (const file of ["preload.ts", "fiveLines.ts"]) {
    fs.copyFileSync(path.join(root, "tools/examples", file), path.join(folder, file))
  }
  const { played, problems } = await playScenarios({ folder, nodeArgs: [] })
  none(problems, "examples that failed")
  return played
}

const main = async (only: string | undefined, temp: string): Promise<void> => {
  const all = packages().filter((pkg) => pkg.manifest.private !== true)
  const chosen = all.filter((pkg) => only === undefined || pkg.folder === only)
  assert(
    chosen.length > 0,
    only === undefined ? "There is no public package." : `There is no public package "${only}".`
  )

  if (only === undefined) {
    await step("built all packages, without files of earlier builds", async () => {
      clean()
      await runTool("typescript/bin/tsc", ["-b", ...all.map((pkg) => pkg.path)], { cwd: root })
    })
  }
  all.forEach(checkDist)

  const tarballs = new Map<string, Packed>()
  for (const pkg of all) {
    const title = ({ bytes }: Packed) => `${pkg.manifest.name}: packed into ${Math.ceil(bytes / 1000)} kB`
    const packed = await step(title, () => pack(pkg, temp))
    tarballs.set(pkg.manifest.name, packed)
  }
  const tarball = (pkg: Package): string => tarballs.get(pkg.manifest.name)?.tarball ?? ""

  for (const pkg of chosen) {
    await step(`${pkg.manifest.name}: checked by publint`, () =>
      runTool("publint/src/cli.js", ["run", "--strict", tarball(pkg)], { cwd: root })
    )
    await step(`${pkg.manifest.name}: checked by attw`, () =>
      runTool("@arethetypeswrong/cli/dist/index.js", ["--profile", "esm-only", "--no-emoji", tarball(pkg)], {
        cwd: root
      })
    )
  }

  const wanted = chosen.flatMap(specifiers)
  await step(`imported and type-checked ${wanted.length} exports from the tarballs`, async () => {
    const folder = emptyProject(temp, "tarballs")
    fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "empty", private: true }))
    // The programs of the READMEs and the examples need @effect/platform-node and redis, although no package of this
    // repository depends on them. Optional peers that are packages of this repository come from the tarballs.
    const peers = [...new Set([...all.flatMap(optionalPeers), "@effect/platform-node", "redis"])].filter(
      (name) => !tarballs.has(name)
    )
    await runNpm(["install", "--silent", "--no-save", ...all.map(tarball), ...peers.map(fromRoot)], { cwd: folder })
    await importAll(folder, { specifiers: wanted, closed: chosen.flatMap((pkg) => closedSpecifier(pkg) ?? []) })
    await checkTypes(folder, wanted, path.join(root, "node_modules/typescript/bin/tsc"))
  })
  const programs = [...(only === undefined ? ["README.md"] : []), ...chosen.map(readmeOf)].flatMap(programsOf)
  await step(`ran ${programs.length} programs of the READMEs with the tarballs`, async () => {
    const brokers = all.filter(({ manifest: { exports } }) => "./msw" in exports).map(({ manifest }) => manifest.name)
    none(
      await runPrograms(emptyProject(path.join(temp, "tarballs"), "programs"), programs, brokers),
      "programs of the READMEs that failed"
    )
  })
  if (chosen.some(({ manifest }) => manifest.name === "@auth/cli")) {
    await step(
      (logins: number) => `logged in ${logins} times with the command, installed from the tarballs`,
      async () => {
        const tarballOf = (name: string) => tarballs.get(name)?.tarball ?? ""
        const { logins, problems } = await checkCommand({ folder: emptyProject(temp, "command"), tarball: tarballOf })
        none(problems, "problems of the installed command")
        return logins
      }
    )
  }
  if (only === undefined) {
    await step(
      (played: number) => `started the examples ${played} times with the tarballs`,
      () => playExamples(emptyProject(path.join(temp, "tarballs"), "examples"))
    )
  }
  await step("type-checked the exports with TypeScript 5.9 and 6.0", async () => {
    const compilers = await installCompilers(emptyProject(temp, "compilers"))
    for (const compiler of compilers) await checkTypes(path.join(temp, "tarballs"), wanted, compiler)
  })

  if (only !== undefined) return

  await withRegistry(path.join(temp, "registry"), async (url, env) => {
    await step("published all packages to a registry on loopback", async () => {
      for (const pkg of all)
        await runNpm(["publish", "--silent", tarball(pkg)], {
          cwd: temp,
          env: { ...env, npm_config_registry: url }
        })
    })
    const brokers = all.filter((pkg) => "@auth/broker-core" in (pkg.manifest.peerDependencies ?? {}))
    for (const pkg of brokers) {
      const { name } = pkg.manifest
      await step(`npm install ${name} installed ${name}, core and effect, and nothing else`, async () => {
        const folder = emptyProject(temp, `install-${pkg.folder}`)
        await runNpm(["install", "--silent", name], { cwd: folder, env })
        const found = installed(folder)
        const expected = [name, "@auth/broker-core", "effect"].toSorted()
        assert(
          found.join() === expected.join(),
          `npm install ${name} installed ${found.join(", ")}, but expected ${expected.join(", ")}`
        )
        const reachable = all.filter((other) => found.includes(other.manifest.name))
        await importAll(folder, {
          specifiers: reachable.flatMap(specifiers),
          absentPeers: reachable.flatMap(optionalPeers)
        })
      })
    }
  })
}

/** Returns a package with the version that is installed in this workspace, such as `msw@3.0.5`. */
const fromRoot = (name: string): string => {
  const manifest = path.join(root, "node_modules", name, "package.json")
  return `${name}@${(JSON.parse(fs.readFileSync(manifest, "utf8")) as { version: string }).version}`
}

const temp = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-packages-"))
const end = async (code: number): Promise<never> => {
  await stopAll()
  fs.rmSync(temp, { recursive: true, force: true })
  process.exit(code)
}
process.once("SIGINT", () => void end(130))
process.once("SIGTERM", () => void end(143))

await main(process.argv[2], temp).then(
  () => end(0),
  (error: unknown) => {
    console.error(`packages: the check failed\n${error instanceof Error ? error.message : String(error)}`)
    return end(1)
  }
)
