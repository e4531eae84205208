/**
 * Checks the packages before they are published. It makes a clean build, checks the manifests and the packed files,
 * imports every export from the packed tarballs, runs the programs of the READMEs and the examples with the tarballs,
 * logs in with the installed command, makes and tests a broker outside of this repository, and installs the packages
 * from a registry on loopback.
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
import { assert, emptyProject, fromRoot, none, pack, type Packed, specifiers } from "./tarballs.ts"
import { checkOutside } from "./outside.ts"
import { checkTypes, compilerOf, exportAll, installCompilers } from "./types.ts"
import { clean, files, type Package, packages, root } from "./workspace.ts"

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
    await checkTypes(folder, compilerOf(path.join(root, "node_modules/typescript")), exportAll(wanted))
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
  if (chosen.some(({ manifest }) => manifest.name === "@auth/broker-core")) {
    await step(
      (commands: number) => `made and tested a broker outside of this repository, with ${commands} documented commands`,
      () =>
        checkOutside({
          folder: emptyProject(temp, "outside"),
          tarball: (name) => tarballs.get(name)?.tarball ?? ""
        })
    )
  }
  if (only === undefined) {
    await step(
      (played: number) => `started the examples ${played} times with the tarballs`,
      () => playExamples(emptyProject(path.join(temp, "tarballs"), "examples"))
    )
  }
  await step("type-checked the exports with TypeScript 5.9 and 6.0", async () => {
    for (const compiler of await installCompilers())
      await checkTypes(path.join(temp, "tarballs"), compiler, exportAll(wanted))
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
